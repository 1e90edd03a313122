"""``/v1/responses``: from a reply to its events or JSON body.

Rules of this file: no I/O; sequences and members are those of WIRE.md §3; `read` is the inverse of
`render` for what the endpoint can state: one choice, and of an error its code, message and
parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse, tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.context import Context, make_context
from openai_mockserver.api.endpoint import Rendered
from openai_mockserver.api.json_body import copy_plain
from openai_mockserver.api.logprobs import likely
from openai_mockserver.api.messages import call_ids, read_messages
from openai_mockserver.api.responses.envelope import INCOMPLETE, Envelope, as_begun
from openai_mockserver.api.responses.events import Writer
from openai_mockserver.api.responses.items import encode_bytes, item_json, type_of
from openai_mockserver.api.responses.limits import count_tokens, limit_output
from openai_mockserver.api.responses.reader import build_reply, read_item
from openai_mockserver.api.responses.usage import usage_json
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Message,
    Output,
    Reasoning,
    Reply,
    ToolCall,
    Usage,
    check_servable,
)
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Comment, Head, Raw, Script, Step

__all__ = [
    "PATH",
    "compose",
    "fresh_envelope",
    "make_head",
    "render",
    "render_again",
    "render_body",
    "shape",
]

PATH = "/v1/responses"

FAILURES = frozenset(
    {
        "server_error",
        "rate_limit_exceeded",
        "invalid_prompt",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)
"""The codes with which a response fails; after an error of another code nothing comes."""

LOGPROBS = "message.output_text.logprobs"
"""What ``include`` holds where log probabilities are wanted."""

ENCRYPTED = "reasoning.encrypted_content"
"""What ``include`` holds where thinking is to be given back by the client."""


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    envelope: Envelope | None = None,
    rng: Random | None = None,
    history: Iterable[Mapping[str, Any]] = (),
) -> Script:
    """The response that says this reply.

    Args:
        reply: what to say.
        request: the request's parameters. Without one, it is a request that streams the reply
            whole, with its log probabilities.
        dialect: whose manner to say it in; OpenAI's by default.
        envelope: id, times, echo and form to answer with; fresh ones by default.
        rng: where ids and obfuscation come from.
        history: the messages that came before the request's own.

    Raises:
        ReplyError: for a reply that cannot be served, or not here.

    >>> script = render(Reply("Hello"))
    >>> [event.event for event in script.events][-1]
    'response.completed'
    """
    context = make_context(request, dialect=dialect, history=history, rng=rng, envelope=envelope)
    return compose(reply, context).script


def compose(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply, and give the response in its last state as an object too.

    Raises ReplyError for a reply that cannot be served, or not here.
    """
    rng, manner = context.rng, context.dialect
    if isinstance(reply, ApiError):
        return Rendered(errors.render(reply, rng, manner))
    check_servable(reply, any_reason=manner is not None)
    if len(reply.choices) > 1:
        raise ReplyError(f"the Responses API gives one answer; this reply has {len(reply.choices)}")
    (choice,) = reply.choices
    if choice.function_call is not None:
        raise ReplyError("the Responses API has no function_call: use tool_calls")
    request = _asking_for(reply) if context.parameters is None else context.parameters
    envelope = context.envelope or fresh_envelope(request, manner, rng)
    said = retokenize(choice.output, request.get("model"))
    output, cut = limit_output(_with_fresh_ids(said, request, context.history), request)
    finish = "length" if cut else choice.finish_reason
    usage = reply.usage
    if usage is None or cut:
        usage = _count(output, request, usage)
    output = tuple(_as_included(item, request) for item in output)
    made = _Made(output, finish, reply.error, usage, request, envelope, manner)
    if request.get("stream"):
        return _stream(made, rng)
    if finish is None and reply.error is None:
        raise ReplyError("a reply that never finishes can only be streamed; set stream=True")
    return _json(made, rng)


def _asking_for(reply: Reply) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "stream": True, "top_logprobs": 20}
    return asked | ({"include": [LOGPROBS]} if reply.logprobs is not None else {})


def _with_fresh_ids(
    output: tuple[Output, ...],
    request: Mapping[str, Any],
    history: Iterable[Mapping[str, Any]],
) -> tuple[Output, ...]:
    taken = call_ids((*history, *read_messages(request)))
    return tuple(
        item.with_unique_id(taken) if isinstance(item, ToolCall) and item.has_derived_id else item
        for item in output
    )


def _as_included(item: Output, request: Mapping[str, Any]) -> Output:
    """An item with what the request asks to have besides, made up where it is not stated."""
    include = request.get("include") or ()
    if isinstance(item, Message) and item.text is not None and item.logprobs is None:
        top = request.get("top_logprobs") or 0
        if LOGPROBS in include:
            made_up = tuple((likely(piece, top),) for piece in item.text.pieces)
            return replace(item, logprobs=made_up)
    if isinstance(item, Reasoning) and ENCRYPTED in include and item.encrypted is None:
        cipher = ids.letters(200, Random(repr(item)))
        return replace(item, encrypted=f"gAAAAAB{cipher}")
    return item


def _count(output: tuple[Output, ...], request: Mapping[str, Any], stated: Usage | None) -> Usage:
    prompt = stated.prompt_tokens if stated is not None else _prompt_tokens(request)
    thought = sum(count_tokens(item) for item in output if isinstance(item, Reasoning))
    return Usage(prompt, sum(map(count_tokens, output)), reasoning_tokens=thought)


def _prompt_tokens(request: Mapping[str, Any]) -> int:
    return tokens.count_messages(read_messages(request), request.get("model"))


# A response and its events


@dataclass(frozen=True, slots=True)
class _Made:
    """A response that is settled."""

    output: tuple[Output, ...]
    finish: str | None
    error: ApiError | None
    usage: Usage
    request: Mapping[str, Any]
    envelope: Envelope
    dialect: Dialect | None = None

    @property
    def logprobs(self) -> int | None:
        if LOGPROBS not in (self.request.get("include") or ()):
            return None
        return self.request.get("top_logprobs") or 0

    @property
    def status(self) -> str:
        if self.error is not None:
            return "failed"
        return "incomplete" if self.finish in INCOMPLETE else "completed"

    def status_of(self, index: int) -> str:
        """An item's status: the last one of a response that was cut is incomplete."""
        last = index == len(self.output) - 1
        return "incomplete" if last and self.finish in INCOMPLETE else "completed"

    def item_id(self, output: Output) -> str:
        return self.envelope.new_id(ids.item_prefix(type_of(output)))

    def response(self, status: str, output: Iterable[Any] = ()) -> dict[str, Any]:
        """The response as it is at a time."""
        envelope = self.envelope
        made = dict(envelope.template) | {
            "id": envelope.id,
            "created_at": envelope.created,
            "status": status,
            "output": [_finally(item, envelope.form) for item in output],
        }
        if status in ("in_progress", "queued"):
            return made
        if "service_tier" in made:
            made["service_tier"] = envelope.service_tier
        if status == "completed" and "completed_at" in made:
            made["completed_at"] = envelope.completed
        if status == "incomplete":
            made["incomplete_details"] = {"reason": INCOMPLETE[self.finish or "length"]}
        if self.error is not None:
            made["error"] = {"code": self.error.code, "message": self.error.message}
        else:
            made["usage"] = usage_json(self.usage, envelope.form)
        return made | dict(envelope.ends)


def _finally(item: Mapping[str, Any], form: ResponsesFormat) -> Mapping[str, Any]:
    order = form.final_items.get(item["type"])
    return item if order is None else order.sort_members(item)


def _stream(made: _Made, rng: Random) -> Rendered:
    envelope, request = made.envelope, made.request
    padded = (request.get("stream_options") or {}).get("include_obfuscation") is not False
    padding = ids.Padding(envelope.noise) if padded else None
    writer = Writer(envelope.form, padding, logprobs=made.logprobs)
    begins = "queued" if "queued" in envelope.opening else "in_progress"
    newest: dict[str, Any] | None = None
    for name in envelope.opening:
        newest = made.response("in_progress" if name == "in_progress" else begins)
        writer.event(f"response.{name}", {"response": newest})
    error, last = made.error, len(made.output) - 1
    done = []
    for index, item in enumerate(made.output):
        broken = index == last and made.finish is None
        whole = writer.item(index, item, made.item_id(item), made.status_of(index), broken)
        if not broken:
            done.append(whole)
    nested = envelope.form.nested_errors
    if error is not None and (nested or error.code not in FAILURES):
        stated = {"code": error.code, "message": error.message, "param": error.param}
        whole = {"type": error.type, **stated, **error.extra}
        writer.event("error", {"error": whole} if nested else stated)
    if made.finish is not None or (error is not None and error.code in FAILURES):
        newest = made.response(made.status, done)
        writer.event(f"response.{made.status}", {"response": newest})
    steps: tuple[Step, ...] = (
        *map(Comment, envelope.comments),
        *writer.events[envelope.starting_after + 1 :],
    )
    if envelope.form.ends_with_done:
        steps += (sse.DONE,)
    return _with_object(Script(make_head(envelope, made.dialect, None, rng), steps), newest)


def _with_object(script: Script, response: dict[str, Any] | None) -> Rendered:
    """A script with the response that it comes to, unless that is to be read off its bytes."""
    if response is None or not response.get("id"):
        return Rendered(script)
    return Rendered(script, response["id"], lambda: copy_plain(response, encode_bytes))


def make_head(envelope: Envelope, dialect: Dialect | None, length: int | None, rng: Random) -> Head:
    """The head of a stream; of a body, if its length in bytes is given."""
    if dialect is not None:
        model = str(envelope.template.get("model"))
        return headers.make_dialect_head(dialect, model, length, rng)
    if length is None:
        return Head(200, headers.response_headers(rng))
    return Head(200, headers.json_headers(length, rng))


def fresh_envelope(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """A new envelope, as OpenAI or the dialect's provider would answer this request now."""
    return Envelope.fresh(request, rng, dialect)


def shape(
    request: Mapping[str, Any], dialect: Dialect | None, history: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """What of a request its response depends on: of the input its tokens, and calls' ids."""
    known = sorted(call_ids((*history, *read_messages(request))))
    return {**request, "input": (_prompt_tokens(request), known)}


def _json(made: _Made, rng: Random) -> Rendered:
    if made.error is not None and made.error.code not in FAILURES:
        return Rendered(errors.render(made.error, rng, made.dialect))
    form = made.envelope.form
    output = [
        item_json(item, made.item_id(item), made.status_of(index), form, made.logprobs)
        for index, item in enumerate(made.output)
    ]
    whole = made.response(made.status, output)
    if (manner := made.dialect) is None:
        return _with_object(render_body(whole, rng), whole)
    data = form.style.dumps(whole).encode()
    head = make_head(made.envelope, manner, len(data), rng)
    return _with_object(Script(head, (Raw(data),)), whole)


def render_body(value: Mapping[str, Any], rng: Random) -> Script:
    """A JSON body, indented as it is here (WIRE.md §6)."""
    made = msgspec.json.format(encode_bytes(value), indent=2)
    return Script(Head(200, headers.json_headers(len(made), rng)), (Raw(made),))


def render_again(response: Mapping[str, Any], rng: Random) -> Script:
    """The stream that would have made a response."""
    reply = build_reply([read_item(item) for item in response["output"]], response, None)
    request: dict[str, Any] = {"stream": True, "background": response.get("background")}
    envelope = replace(
        Envelope.fresh(request, rng),
        id=response["id"],
        created=response.get("created_at") or 0,
        completed=response.get("completed_at") or response.get("created_at") or 0,
        template=as_begun(response, "in_progress"),
    )
    return render(reply, request, envelope=envelope, rng=rng)
