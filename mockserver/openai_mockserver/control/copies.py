"""Handlers that write a call as something to copy: a curl command, a test, a rule.

Rules of this file: one pure function for each, whose text is run by tests. Secrets are redacted, as
in recordings. A reply is written as a person would write it if that says all; if not, the response
is written step by step, as a stream file.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pprint import pformat
from typing import Any, NamedTuple

import yaml

from openai_mockserver import api, reply
from openai_mockserver.cassettes.exporters.curl import write_command
from openai_mockserver.cassettes.stream_file import Exchange, dumps
from openai_mockserver.control.calls import find_call
from openai_mockserver.control.highlights import show_fault
from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.summaries import build_exchange
from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.faults import Fault
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.reply.serialization import decode_reply, encode_reply
from openai_mockserver.rules import Answer, Rule
from openai_mockserver.scenario.rule_json import encode_rule
from openai_mockserver.script import Script
from openai_mockserver.sensitive import hide_keys

__all__ = ["get_curl", "get_rule", "get_test", "write_curl", "write_rule", "write_test"]


def get_curl(mock: Steerable, request: ControlRequest) -> str:
    """Return the request of a call as a command for curl."""
    return write_curl(find_call(mock, request), request.origin)


def get_test(mock: Steerable, request: ControlRequest) -> str:
    """Return a call as a test for pytest."""
    return write_test(_find_answered(mock, request), mock.options.dialect)


def get_rule(mock: Steerable, request: ControlRequest) -> str:
    """Return a rule that answers the request of a call as it was answered, for a scenario file."""
    return write_rule(_find_answered(mock, request))


def _find_answered(mock: Steerable, request: ControlRequest) -> Call:
    call = find_call(mock, request)
    if not call.is_answered:
        raise Problem(409, f"call {call.number} has no response yet")
    return call


# curl


def write_curl(call: Call, origin: str) -> str:
    """Return the request of a call as a command for curl.

    Args:
        call: the call.
        origin: where its server is, such as ``http://127.0.0.1:8000``.

    Raises:
        Problem: the body is not JSON.
    """
    sent = build_exchange(call, with_body=False).about["request"]
    if call.body and "json" not in sent:
        raise Problem(409, f"the body of call {call.number} is not JSON")
    return write_command(sent, origin + str(sent["url"]))


# What answered it


class _Answered(NamedTuple):
    """What answered a call, as short as possible.

    Args:
        exchange: the call as a recording.
        value: a reply, an error, or the script with all that was done to it.
        faults: the faults that are not in the script already.
        dialect: the dialect that the rule has set.
        content: what the response says, as far as it can be read.
    """

    exchange: Exchange
    value: Reply | ApiError | Script
    faults: tuple[Fault, ...]
    dialect: str | None
    content: Reply | ApiError | None


def _find_answer(call: Call) -> _Answered:
    exchange = build_exchange(call)
    content = _read_reply(exchange)
    answers = [] if call.rule is None else call.rule.answers
    dialect = answers[0].dialect if answers else None
    # With faults, the response may say less than the reply; without, it may be any of several.
    source: object = content
    if call.faults:
        source = answers[0].value if len(answers) == 1 else None
    faults = tuple(one for one in call.faults if isinstance(one, Fault))
    if isinstance(source, Reply | ApiError) and len(faults) == len(call.faults):
        return _Answered(exchange, _simplify(source), faults, dialect, content)
    return _Answered(exchange, exchange.script, (), dialect, content)


def _read_reply(exchange: Exchange) -> Reply | ApiError | None:
    try:
        return api.read(exchange.script)
    except (MockServerError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _simplify(content: Reply | ApiError) -> Reply | ApiError:
    """Return a reply without what follows from the rest: usage, and how text is cut."""
    if isinstance(content, ApiError):
        return content
    members = encode_reply(content)
    members.pop("usage", None)
    return decode_reply(members)


# A rule


def write_rule(call: Call) -> str:
    """Return a scenario with a rule that answers the request of a call as it was answered."""
    answered = _find_answer(call)
    patterns: dict[str, Any] = {"endpoint": locate(call.path).path.removeprefix("/v1/")}
    if call.user is not None:
        patterns = {"user": hide_keys(call.user, "…")}
    rule = Rule(patterns, None)
    answer = Answer(answered.value, answered.faults, dialect=answered.dialect, path=call.path)
    rule.set_answers([answer])
    members = {"rules": [encode_rule(rule)]}
    return yaml.safe_dump(members, sort_keys=False, allow_unicode=True, width=100)


# A test


class _Method:
    """How a test calls an endpoint with the SDK, and reads the text of its answer."""

    def __init__(self, name: str, known: str, whole: str, parts: str) -> None:
        self.name, self.known, self.whole, self.parts = name, set(known.split()), whole, parts


_COMMON = "model stream temperature top_p tools tool_choice parallel_tool_calls store metadata user"
_METHODS = {
    "/v1/chat/completions": _Method(
        "chat.completions.create",
        f"{_COMMON} messages n seed stop max_tokens max_completion_tokens response_format "
        "stream_options logprobs top_logprobs frequency_penalty presence_penalty reasoning_effort",
        "answer.choices[0].message.content",
        '"".join(c.choices[0].delta.content or "" for c in answer if c.choices)',
    ),
    "/v1/responses": _Method(
        "responses.create",
        f"{_COMMON} input instructions max_output_tokens previous_response_id text reasoning",
        "answer.output_text",
        '"".join(e.delta for e in answer if e.type == "response.output_text.delta")',
    ),
}


def write_test(call: Call, dialect: str | None = None) -> str:
    """Return a test that sends the request of a call again, and gets the same answer.

    Args:
        call: the call.
        dialect: the dialect of the server.

    Raises:
        Problem: the body is not a JSON object.
    """
    answered = _find_answer(call)
    body = answered.exchange.about["request"].get("json")
    if not isinstance(body, dict):
        raise Problem(409, f"the body of call {call.number} is not a JSON object")
    if isinstance(answered.value, Script):
        text = dumps(answered.exchange.script, answered.exchange.about).decode()
        # In JSON, a quotation mark within a text follows a backslash, so three never meet.
        values = f'STREAM = r"""{text}"""\n\n'
        arguments = ["loads(STREAM.encode())[0].script"]
    else:
        values = ""
        arguments = [_spell_reply(answered.value)]
    if answered.faults:
        arguments.append(f"faults=[{', '.join(map(show_fault, answered.faults))}]")
    dialect = answered.dialect or dialect
    if dialect is not None and not values:
        arguments.append(f"dialect={dialect!r}")
    values += f"REQUEST = {pformat(body, width=96, sort_dicts=False)}\n"
    steps = [f"mock_openai.reply({', '.join(arguments)})", *_write_steps(call, answered, body)]
    imports = _list_imports(arguments[0], answered.faults, steps)
    head = f"def test_call_{call.number}(mock_openai, openai_client):\n"
    return f"{imports}{values}\n\n{head}" + "".join(f"    {step}\n" for step in steps)


def _spell_reply(value: Reply | ApiError) -> str:
    """Return the code of a reply."""
    if isinstance(value, ApiError):
        defaults = ApiError(value.status)
        members = {one.name: getattr(value, one.name) for one in fields(ApiError)}
        changed = [f"{k}={v!r}" for k, v in members.items() if v != getattr(defaults, k)]
        return f"ApiError({', '.join([str(value.status), *changed])})"
    is_text = encode_reply(value).keys() <= {"text", "finish_reason"}
    if is_text and value.finish_reason == "stop":
        return repr(str(value.text or ""))
    return repr(value)


def _list_imports(code: str, faults: tuple[Fault, ...], steps: list[str]) -> str:
    called = sorted(set(re.findall(r"\b([A-Z]\w+)\(", code)) & set(reply.__all__))
    names = sorted({fault.name for fault in faults})
    uses = " ".join(steps)
    modules = [
        ("from contextlib import suppress\n", "suppress(" in uses),
        ("import pytest\n", "pytest." in uses),
        (f"from openai_mockserver import {', '.join(called)}", bool(called)),
        ("from openai_mockserver.cassettes import loads", code.startswith("loads(")),
        (f"from openai_mockserver.faults import {', '.join(names)}", bool(names)),
    ]
    lines = [line for line, is_used in modules if is_used]
    return "\n".join([*lines, ""]).replace("\n\n\n", "\n\n") + "\n" * bool(lines)


def _write_steps(call: Call, answered: _Answered, body: dict[str, Any]) -> list[str]:
    """Return the statements that send the request and check the answer."""
    path, content = locate(call.path).path, answered.content
    method = _METHODS.get(path)
    if method is None:
        target = path.removeprefix("/v1")
        code = f"openai_client.post({target!r}, body=REQUEST, cast_to=object)"
    elif unknown := sorted(body.keys() - method.known):
        known = f"{{k: v for k, v in REQUEST.items() if k not in {unknown!r}}}"
        more = f"{{k: REQUEST[k] for k in {unknown!r}}}"
        code = f"openai_client.{method.name}(**{known}, extra_body={more})"
    else:
        code = f"openai_client.{method.name}(**REQUEST)"
    if body.get("stream") and method is not None:
        code = f"list({code})"
    was_called = "assert mock_openai.calls[0].json == REQUEST"
    if call.status >= 400 or call.outcome in ("reset", "truncated"):
        return ["with pytest.raises(Exception):", f"    {code}", was_called]
    is_whole = not call.faults and call.script.end in ("finish", "close")
    if (
        not is_whole
        or method is None
        or not isinstance(content, Reply)
        or content.error is not None
    ):
        # Whether a client raises depends on the fault.
        return ["with suppress(Exception):", f"    {code}", was_called]
    if not content.text:
        return [f"answer = {code}", was_called]
    read = method.parts if body.get("stream") else method.whole
    return [f"answer = {code}", f"assert {read} == {str(content.text)!r}"]
