"""Render a reply as the events or the JSON body of ``/v1/responses``.

Rules of this file: no I/O; events and members follow WIRE.md §3; `read` is the inverse of `render`
for all that the endpoint can express: one choice, and an error's code, message and parameter.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse, tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.context import Context, make_context
from openai_mockserver.api.endpoint import Rendered
from openai_mockserver.api.json_body import copy_plain
from openai_mockserver.api.logprobs import make_logprob
from openai_mockserver.api.messages import call_ids, read_messages
from openai_mockserver.api.responses.envelope import INCOMPLETE, Envelope, clear_result
from openai_mockserver.api.responses.events import Writer
from openai_mockserver.api.responses.items import build_item, encode_bytes, find_member, type_of
from openai_mockserver.api.responses.limits import count_tokens, limit_output
from openai_mockserver.api.responses.reader import build_reply, read_item
from openai_mockserver.api.responses.usage import build_usage
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.responses import Order, ResponsesFormat
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Item,
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
    "make_cipher",
    "make_head",
    "render",
    "rebuild_stream",
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
"""Error codes that end in ``response.failed``; after any other error the stream just ends."""

LOGPROBS = "message.output_text.logprobs"
"""The value of ``include`` that requests log probabilities."""

ENCRYPTED = "reasoning.encrypted_content"
"""The value of ``include`` that requests encrypted reasoning, for the client to send back."""


INCLUDED: Mapping[str, tuple[str, str]] = {
    "file_search_call.results": ("file_search_call", "results"),
    "code_interpreter_call.outputs": ("code_interpreter_call", "outputs"),
    "web_search_call.action.sources": ("web_search_call", "action.sources"),
}
"""The type and the member of the items that each value of ``include`` requests."""


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    envelope: Envelope | None = None,
    rng: Random | None = None,
    history: Iterable[Mapping[str, Any]] = (),
) -> Script:
    """Return the response that holds this reply.

    Args:
        reply: the reply, or the error to answer with.
        request: the parameters of the request. By default, a request that streams the reply with
            its log probabilities.
        dialect: the provider to imitate; OpenAI by default.
        envelope: id, times, echoed request and format of the response; new ones by default.
        rng: random generator of ids and obfuscation.
        history: the messages before those of the request.

    Raises:
        ReplyError: for a reply that cannot be served, or not at this endpoint.

    >>> script = render(Reply("Hello"))
    >>> [event.event for event in script.events][-1]
    'response.completed'
    """
    context = make_context(request, dialect=dialect, history=history, rng=rng, envelope=envelope)
    return compose(reply, context).script


def compose(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply, and return the final response object with it.

    Raises:
        ReplyError: for a reply that cannot be served, or not at this endpoint.
    """
    rng, dialect = context.rng, context.dialect
    if isinstance(reply, ApiError):
        return Rendered(errors.render(reply, rng, dialect))
    check_servable(reply, any_reason=dialect is not None)
    if len(reply.choices) > 1:
        raise ReplyError(
            f"the Responses API returns one choice; this reply has {len(reply.choices)}"
        )
    (choice,) = reply.choices
    if choice.function_call is not None:
        raise ReplyError("the Responses API has no function_call; use tool_calls")
    request = _make_request(reply) if context.parameters is None else context.parameters
    envelope = context.envelope or fresh_envelope(request, dialect, rng)
    output_items = retokenize(choice.output, request.get("model"))
    output, is_truncated = limit_output(
        _replace_taken_ids(output_items, request, context.history), request
    )
    finish_reason = "length" if is_truncated else choice.finish_reason
    usage = reply.usage
    if usage is None or is_truncated:
        usage = _count_usage(output, request, usage, context.cached_tokens)
    output = tuple(_add_included(item, request) for item in output)
    if (content := _find_compaction(request, context.history)) is not None:
        output = (Item("compaction", {"encrypted_content": content}), *output)
    if (include := request.get("include")) is not None:
        output = tuple(_leave_out(item, include) for item in output)
    response = _Response(output, finish_reason, reply.error, usage, request, envelope, dialect)
    if reply.error is not None and reply.alone:
        return _render_error(response, reply.error, rng)
    if request.get("stream"):
        return _render_stream(response, rng)
    if finish_reason is None and reply.error is None:
        raise ReplyError("a reply that never finishes can only be streamed; set stream=True")
    return _render_json(response, rng)


def _make_request(reply: Reply) -> dict[str, Any]:
    """Return the parameters of a request that streams all that the reply holds."""
    request: dict[str, Any] = {"model": "gpt-4o-mini", "stream": True, "top_logprobs": 20}
    logprobs = [LOGPROBS] if reply.logprobs is not None else []
    return request | {"include": [*logprobs, *INCLUDED]}


def _replace_taken_ids(
    output: tuple[Output, ...],
    request: Mapping[str, Any],
    history: Iterable[Mapping[str, Any]],
) -> tuple[Output, ...]:
    """Replace derived ids of tool calls that the conversation already uses."""
    used_ids = call_ids((*history, *read_messages(request)))
    return tuple(
        item.with_unique_id(used_ids)
        if isinstance(item, ToolCall) and item.has_derived_id
        else item
        for item in output
    )


def _add_included(item: Output, request: Mapping[str, Any]) -> Output:
    """Return the item with what ``include`` requests; generate it if the reply has none."""
    include = request.get("include") or ()
    if isinstance(item, Message) and item.text is not None and item.logprobs is None:
        top = request.get("top_logprobs") or 0
        if LOGPROBS in include:
            logprobs = tuple((make_logprob(piece, top),) for piece in item.text.pieces)
            return replace(item, logprobs=logprobs)
    if isinstance(item, Reasoning) and ENCRYPTED in include and item.encrypted is None:
        cipher = ids.letters(200, Random(repr(item)))
        return replace(item, encrypted=f"gAAAAAB{cipher}")
    return item


def _find_compaction(
    request: Mapping[str, Any], history: Iterable[Mapping[str, Any]]
) -> str | None:
    """Return the content of the compaction item that ``context_management`` asks for.

    None if it asks for none, or if the conversation is not longer than its threshold.
    """
    wishes = request.get("context_management")
    threshold = next(
        (
            one.get("compact_threshold")
            for one in (wishes if isinstance(wishes, list) else ())
            if isinstance(one, Mapping) and one.get("type") == "compaction"
        ),
        None,
    )
    if not isinstance(threshold, int):
        return None
    messages = [*history, *read_messages(request)]
    if tokens.count_messages(messages, request.get("model")) <= threshold:
        return None
    return make_cipher(messages)


def make_cipher(value: object) -> str:
    """Return encrypted content, which is always the same for the same value."""
    return f"gAAAAAB{ids.letters(64, Random(repr(value)))}"


def _leave_out(item: Output, include: Container[str]) -> Output:
    """Return the item without the members that ``include`` does not request.

    A request without ``include`` gets all that the reply has, as xAI sends it.
    """
    if not isinstance(item, Item):
        return item
    for value, (type_, path) in INCLUDED.items():
        if item.type != type_ or value in include or find_member(item.members, path) is None:
            continue
        parent, _, name = path.rpartition(".")
        if not parent:
            item = replace(item, members={**item.members, name: None})
        else:
            members = {k: v for k, v in item.members[parent].items() if k != name}
            item = replace(item, members={**item.members, parent: members})
    return item


def _count_usage(
    output: tuple[Output, ...],
    request: Mapping[str, Any],
    usage: Usage | None,
    cached_tokens: int,
) -> Usage:
    prompt = usage.prompt_tokens if usage is not None else _count_prompt_tokens(request)
    reasoning_tokens = sum(count_tokens(item) for item in output if isinstance(item, Reasoning))
    return Usage(
        prompt,
        sum(map(count_tokens, output)),
        cached_tokens=cached_tokens,
        reasoning_tokens=reasoning_tokens,
    )


def _count_prompt_tokens(request: Mapping[str, Any]) -> int:
    return tokens.count_messages(read_messages(request), request.get("model"))


# A response and its events


@dataclass(frozen=True, slots=True)
class _Response:
    """A response with all that determines its objects and events."""

    output: tuple[Output, ...]
    finish_reason: str | None
    error: ApiError | None
    usage: Usage
    request: Mapping[str, Any]
    envelope: Envelope
    dialect: Dialect | None = None

    @property
    def logprobs(self) -> int | None:
        """The number of alternatives per token; None without log probabilities."""
        if LOGPROBS not in (self.request.get("include") or ()):
            return None
        return self.request.get("top_logprobs") or 0

    @property
    def status(self) -> str:
        """The status of the final response."""
        if self.error is not None:
            return "failed"
        return "incomplete" if self.finish_reason in INCOMPLETE else "completed"

    def item_status(self, index: int) -> str:
        """Return an item's status; the last item of an incomplete response is incomplete too."""
        is_last = index == len(self.output) - 1
        return "incomplete" if is_last and self.finish_reason in INCOMPLETE else "completed"

    def new_item_id(self, output: Output) -> str:
        """Create an id for an item of this type."""
        return self.envelope.new_id(ids.item_prefix(type_of(output)))

    def build_object(self, status: str, output: Iterable[Any] = ()) -> dict[str, Any]:
        """Return the response object in this status, with these items."""
        envelope = self.envelope
        members = dict(envelope.template) | {
            "id": envelope.id,
            "created_at": envelope.created,
            "status": status,
            "output": [_order_members(item, envelope.form) for item in output],
        }
        if status in ("in_progress", "queued"):
            return self._sort_members(members, status)
        if "service_tier" in members:
            members["service_tier"] = envelope.service_tier
        if status == "completed" and "completed_at" in members:
            members["completed_at"] = envelope.completed
        if status == "incomplete":
            members["incomplete_details"] = {"reason": INCOMPLETE[self.finish_reason or "length"]}
        if self.error is not None:
            members["error"] = {"code": self.error.code, "message": self.error.message}
        else:
            members["usage"] = build_usage(self.usage, envelope.form)
        members |= envelope.ends
        return self._sort_members(members, status)

    def _sort_members(self, members: dict[str, Any], status: str) -> dict[str, Any]:
        """Return the members of a response in their order, which is mostly that of the template."""
        form = self.envelope.form
        order = form.responses.get(status)
        if order is not None:
            echoes = {k: o.sort_members(members[k]) for k, o in form.echoes.items() if k in members}
            return order.sort_members(members | echoes)
        if members.keys() == self.envelope.template.keys():
            return members
        order = Order(form.members) if form.members else form.response
        return order.sort_members(members)


def _order_members(item: Mapping[str, Any], form: ResponsesFormat) -> Mapping[str, Any]:
    """Order the members of an item as the final response object has them."""
    order = form.final_items.get(item["type"])
    return item if order is None else order.sort_members(item)


def _render_stream(response: _Response, rng: Random) -> Rendered:
    envelope, request = response.envelope, response.request
    has_padding = (request.get("stream_options") or {}).get("include_obfuscation") is not False
    padding = ids.Padding(envelope.noise) if has_padding else None
    writer = Writer(
        envelope.form, padding, logprobs=response.logprobs, item_members=envelope.item_members
    )
    initial_status = "queued" if "queued" in envelope.opening else "in_progress"
    last_object: dict[str, Any] | None = None
    for name in envelope.opening:
        last_object = response.build_object(
            "in_progress" if name == "in_progress" else initial_status
        )
        writer.write_event(f"response.{name}", {"response": last_object})
    error, last_index = response.error, len(response.output) - 1
    items = []
    for index, item in enumerate(response.output):
        is_truncated = index == last_index and response.finish_reason is None
        fields = writer.write_item(
            index, item, response.new_item_id(item), response.item_status(index), is_truncated
        )
        if not is_truncated:
            items.append(fields)
    writer.write_late_events()
    is_nested = envelope.form.nested_errors
    if error is not None and (is_nested or error.code not in FAILURES):
        _write_error(writer, error, is_nested)
    if response.finish_reason is not None or (error is not None and error.code in FAILURES):
        last_object = response.build_object(response.status, items)
        writer.write_event(f"response.{response.status}", {"response": last_object})
    steps: tuple[Step, ...] = (
        *map(Comment, envelope.comments),
        *writer.events[envelope.starting_after + 1 :],
    )
    if envelope.form.ends_with_done:
        steps += (sse.DONE,)
    return _attach_object(
        Script(make_head(envelope, response.dialect, None, rng), steps), last_object
    )


def _write_error(writer: Writer, error: ApiError, is_nested: bool) -> None:
    fields = {"code": error.code, "message": error.message, "param": error.param}
    nested_fields = {"type": error.type, **fields, **error.extra}
    writer.write_event("error", {"error": nested_fields} if is_nested else fields)


def _render_error(response: _Response, error: ApiError, rng: Random) -> Rendered:
    """Return an error alone: as the only event, or as the body."""
    dialect, form = response.dialect, response.envelope.form
    if not response.request.get("stream"):
        return Rendered(errors.render(error, rng, dialect))
    writer = Writer(form, None)
    _write_error(writer, error, form.nested_errors)
    return Rendered(Script(make_head(response.envelope, dialect, None, rng), tuple(writer.events)))


def _attach_object(script: Script, response: dict[str, Any] | None) -> Rendered:
    """Attach the final response object to a script; a response without an id has none."""
    if response is None or not response.get("id"):
        return Rendered(script)
    return Rendered(script, response["id"], lambda: copy_plain(response, encode_bytes))


def make_head(envelope: Envelope, dialect: Dialect | None, length: int | None, rng: Random) -> Head:
    """Return the head of a body of ``length`` bytes, or of a stream if the length is None."""
    if dialect is not None:
        model = str(envelope.template.get("model"))
        return headers.make_dialect_head(dialect, model, length, rng)
    if length is None:
        return Head(200, headers.response_headers(rng))
    return Head(200, headers.json_headers(length, rng))


def fresh_envelope(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """Create the envelope with which OpenAI, or the dialect's provider, would answer now."""
    return Envelope.fresh(request, rng, dialect)


def shape(
    request: Mapping[str, Any], dialect: Dialect | None, history: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the response depends on: the input only counts by its tokens and call ids."""
    used_ids = sorted(call_ids((*history, *read_messages(request))))
    compaction = _find_compaction(request, history)
    return {**request, "input": (_count_prompt_tokens(request), used_ids, compaction)}


def _render_json(response: _Response, rng: Random) -> Rendered:
    if response.error is not None and response.error.code not in FAILURES:
        return Rendered(errors.render(response.error, rng, response.dialect))
    form = response.envelope.form
    output = [
        build_item(
            item,
            response.new_item_id(item),
            response.item_status(index),
            form,
            response.logprobs,
            more_members=response.envelope.item_members.get(type_of(item)),
        )
        for index, item in enumerate(response.output)
    ]
    final_object = response.build_object(response.status, output)
    if (dialect := response.dialect) is None:
        return _attach_object(render_body(final_object, rng), final_object)
    data = form.style.dumps(final_object).encode()
    head = make_head(response.envelope, dialect, len(data), rng)
    return _attach_object(Script(head, (Raw(data),)), final_object)


def render_body(value: Mapping[str, Any], rng: Random) -> Script:
    """Return a response with a JSON body, indented as at this endpoint (WIRE.md §6)."""
    body = msgspec.json.format(encode_bytes(value), indent=2)
    return Script(Head(200, headers.json_headers(len(body), rng)), (Raw(body),))


def rebuild_stream(response: Mapping[str, Any], rng: Random) -> Script:
    """Return the stream that would have led to this response object."""
    reply = build_reply([read_item(item) for item in response["output"]], response, None)
    request: dict[str, Any] = {"stream": True, "background": response.get("background")}
    envelope = replace(
        Envelope.fresh(request, rng),
        id=response["id"],
        created=response.get("created_at") or 0,
        completed=response.get("completed_at") or response.get("created_at") or 0,
        template=clear_result(response, "in_progress"),
    )
    return render(reply, request, envelope=envelope, rng=rng)
