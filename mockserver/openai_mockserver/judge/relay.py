"""An application that relays answers, as a consumer: it is posted a request for each case.

The application was started with our base URL. Its answer may be OpenAI's, as an event stream or a
JSON body; events of another form, of which a JSON path says where their text is; or plain text.

Rules of this file: how a request is made from a template, and how an answer is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.judge.consumer import Ask, Task, hang
from openai_mockserver.judge.json_file import read_json_file
from openai_mockserver.judge.outcome import Outcome, RaisedError
from openai_mockserver.judge.post import Response, check_url, describe_error, post
from openai_mockserver.judge.program import read_prompt
from openai_mockserver.judge.reading import EVENT_STREAM, read_response

__all__ = ["open_relay", "read_template"]

_MOST_TEMPLATE = 2**20  # bytes


def read_template(path: Path) -> Any:
    """Return the JSON of a request template.

    Raises:
        CheckError: the file cannot be read, or is not JSON.
    """
    return read_json_file(path, _MOST_TEMPLATE)


@contextmanager
def open_relay(
    url: str,
    patience: float,
    *,
    template: Any = "{{request}}",
    text_path: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Ask]:
    """Open an application that relays, as a consumer.

    Args:
        url: where to post.
        patience: seconds after which it hangs.
        template: the JSON to post. In its strings ``{{prompt}}``, ``{{model}}`` and
            ``{{api_key}}`` are replaced; a string that is ``{{request}}`` or ``{{messages}}`` as a
            whole becomes that JSON.
        text_path: where the text is in an event that is not OpenAI's, such as ``delta.text``.
        headers: headers to send.
    """
    check_url(url)
    sent = {"Content-Type": "application/json", "Accept": "text/event-stream, */*"}
    keys = text_path.split(".") if text_path else None

    def ask(task: Task) -> Outcome:
        body = msgspec.json.encode(_fill(template, task))
        response = post(url, body, {**sent, **(headers or {})}, patience)
        if isinstance(response.error, TimeoutError):
            return hang(patience)
        return _read_response(response, f"/v1{task.path}", keys)

    yield ask


def _fill(template: Any, task: Task) -> Any:
    """Return a template with the values of a task."""
    if isinstance(template, dict):
        return {key: _fill(value, task) for key, value in template.items()}
    if isinstance(template, list):
        return [_fill(value, task) for value in template]
    if not isinstance(template, str):
        return template
    wholes = {"{{request}}": task.request, "{{messages}}": task.request.get("messages")}
    if template in wholes:
        return wholes[template]
    parts = {
        "{{prompt}}": read_prompt(task),
        "{{model}}": str(task.request.get("model", "")),
        "{{api_key}}": task.api_key,
    }
    for name, value in parts.items():
        template = template.replace(name, value)
    return template


def _read_response(response: Response, path: str, keys: list[str] | None) -> Outcome:
    """Return what the client of the application gets."""
    error = describe_error(response)
    if response.status < 400 and response.media_type not in ("application/json", EVENT_STREAM):
        return Outcome(text=response.body.decode("utf-8", "replace"), error=error)
    if response.status < 400 and response.media_type == EVENT_STREAM and keys is not None:
        return _read_texts(response.body, error, keys)
    return read_response(response, path)


def _read_texts(body: bytes, error: RaisedError | None, keys: list[str]) -> Outcome:
    """Return the text of events of an application's own form."""
    text = ""
    for event in sse.decode(body):
        try:
            value = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, UnicodeError):
            continue  # such as [DONE]
        if event.event == "error" or (isinstance(value, dict) and value.get("error")):
            return Outcome(text=text, error=RaisedError("Error event", event.data))
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        text += value if isinstance(value, str) else ""
    return Outcome(text=text, error=error)
