"""``/v1/responses``: a reply to its events or JSON body, and back.

Rules of this file: no I/O; sequences and members are those of WIRE.md §3; `read` is the inverse of
`render` for what the endpoint can say: one choice, and of an error its code, message and parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import models, seed, sse, tokens
from openai_mockserver.api import conversation, errors, headers, ids
from openai_mockserver.api.logprobs import likely
from openai_mockserver.api.output import (
    Reader,
    Writer,
    encode,
    item_json,
    kind_of,
    read_item,
    type_of,
)
from openai_mockserver.api.reading import WRONG, is_stream, objects, whole
from openai_mockserver.dialects import Dialect, find_dialect
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Choice,
    Message,
    Output,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
    check_servable,
)
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Comment, Head, Raw, Script, Step

__all__ = ["PATH", "Envelope", "again", "begun", "body", "read", "render"]

PATH = "/v1/responses"

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by finish reason."""

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
"""The codes with which a response fails; an error of another code is an ``error`` event."""

LOGPROBS = "message.output_text.logprobs"
"""What ``include`` holds where log probabilities are wanted."""

ENCRYPTED = "reasoning.encrypted_content"
"""What ``include`` holds where thinking is to be given back by the client."""

# What a response says of itself where the request says nothing, in the order of WIRE.md §3.
_DEFAULTS: dict[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "in_progress",
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "moderation": None,
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}


OPENING = ("created", "in_progress")
"""The events that begin a response which is made at once."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a response says of itself, and how it is written.

    Args:
        id: the response's.
        created, completed: seconds since 1970.
        template: all members of the response in their order, as it begins.
        new_id: makes the ids of its items.
        service_tier: the one that served it in the end.
        ends: members that it has at its end and not at its beginning.
        form: how it is written.
        opening: the events it begins with.
        starting_after: how many events are left out, being known already, less one.
        comments: what is said before the first event, to keep the connection alive.
    """

    id: str
    created: float
    completed: float
    template: Mapping[str, Any]
    new_id: Callable[[str], str]
    service_tier: str | None = "default"
    ends: Mapping[str, Any] = field(default_factory=dict)
    form: ResponsesFormat = RESPONSES["now"]
    opening: tuple[str, ...] = OPENING
    starting_after: int = -1
    comments: tuple[str, ...] = ()

    @classmethod
    def fresh(
        cls, request: Mapping[str, Any], rng: Random, dialect: Dialect | None = None
    ) -> Envelope:
        """A new one, as OpenAI, or whom the dialect is of, would answer this request now."""
        created = seed.now(rng)
        background = bool(request.get("background"))
        form = RESPONSES["background" if background else "now"]
        if dialect is not None:
            form = dialect.responses or form
        new_id = _ids(form, created, rng)
        tier = request.get("service_tier")
        return cls(
            ids.fill_pattern(form.id, rng, created) if form.id else new_id("resp"),
            created,
            created,
            _template(request, form),
            new_id,
            tier if tier in ("flex", "priority") else "default",
            form.ends,
            form,
            ("created", "queued", "in_progress") if background else OPENING,
            comments=form.comments,
        )


def _ids(form: ResponsesFormat, created: int, rng: Random) -> Callable[[str], str]:
    """Makes the ids of items."""
    if not form.item_id:
        return ids.response_ids(created, rng)
    return lambda prefix: ids.fill_pattern(form.item_id.replace("{prefix}", prefix), rng, created)


def _template(request: Mapping[str, Any], form: ResponsesFormat) -> dict[str, Any]:
    """A response that echoes the request."""
    name = str(request.get("model") or "gpt-4o-mini")
    model = models.model_named(name)
    template = dict(_DEFAULTS)
    for member in ("prompt", "conversation", "prompt_cache_options"):
        if request.get(member) is not None:
            template[member] = None
    for member in template.keys() - _OTHERWISE:
        if (given := request.get(member)) is not None:
            template[member] = _ECHOED.get(member, _same)(given)
    template["model"] = model.snapshot
    if not model.logprobs_key and "reasoning" not in request:
        template["reasoning"] = {"effort": "medium", "summary": None}
    if form.members:
        return {name: template.get(name) for name in form.members}
    return form.response.of(template | dict(form.more))


def _same(given: Any) -> Any:
    return given


def _tools(given: Any) -> list[Any]:
    return [_FUNCTION | tool if tool.get("type") == "function" else tool for tool in given]


def _text_config(given: dict[str, Any]) -> dict[str, Any]:
    text = _DEFAULTS["text"] | given
    shape = text.get("format") or {"type": "text"}
    if shape.get("type") == "json_schema":
        shape = {"type": "json_schema", "description": None, "strict": False} | shape
    return {**text, "format": shape}


_FUNCTION = {
    "type": "function",
    "description": None,
    "name": "",
    "parameters": None,
    "strict": True,
}

# What is called as a parameter and means another thing.
_OTHERWISE = frozenset({"moderation"})

# How a parameter is echoed, where not as it is.
_ECHOED: Mapping[str, Callable[[Any], Any]] = {
    "temperature": float,
    "top_p": float,
    "tools": _tools,
    "text": _text_config,
    "reasoning": lambda given: {"effort": None, "summary": None} | given,
    "conversation": lambda given: {"id": given} if isinstance(given, str) else given,
    "prompt_cache_retention": lambda given: given.replace("-", "_"),
    "prompt_cache_options": lambda given: {"mode": "implicit", "ttl": "30m"} | given,
    "prompt": lambda given: {"id": "", "variables": None, "version": None} | given,
}


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
    rng = rng or Random()
    manner = find_dialect(dialect)
    if isinstance(reply, ApiError):
        return errors.render(reply, rng, manner)
    check_servable(reply, any_reason=manner is not None)
    if len(reply.choices) > 1:
        raise ReplyError(f"the Responses API gives one answer; this reply has {len(reply.choices)}")
    (choice,) = reply.choices
    if choice.function_call is not None:
        raise ReplyError("the Responses API has no function_call: use tool_calls")
    if request is None:
        request = _asking_for(reply)
    envelope = envelope or Envelope.fresh(request, rng, manner)
    said = retokenize(choice.output, request.get("model"))
    output, cut = _limited(_with_fresh_ids(said, request, history), request)
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
    taken = conversation.call_ids((*history, *conversation.messages(request)))
    return tuple(
        item.apart_from(taken) if isinstance(item, ToolCall) and item.has_derived_id else item
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


# What a request cuts short


def _limited(
    output: tuple[Output, ...], request: Mapping[str, Any]
) -> tuple[tuple[Output, ...], bool]:
    """The output as far as ``max_output_tokens`` lets it be, and whether that is less."""
    limit = request.get("max_output_tokens")
    if limit is None or sum(map(_size, output)) <= limit:
        return output, False
    kept: list[Output] = []
    for item in output:
        if limit <= 0:
            break
        kept.append(_first_tokens(item, limit))
        limit -= _size(item)
    return tuple(kept), True


def _texts(item: Output) -> Iterable[Text]:
    if isinstance(item, ToolCall):
        return (item.arguments,)
    if isinstance(item, Reasoning):
        return (*item.summary, *item.content)
    if isinstance(item, Message):
        return [text for text in (item.text, item.refusal) if text is not None]
    return [value for value in item.members.values() if isinstance(value, Text)]


def _size(item: Output) -> int:
    return sum(text.tokens for text in _texts(item))


def _first_tokens(item: Output, limit: int) -> Output:
    def first(text: Text) -> Text:
        nonlocal limit
        kept = text.first(limit)
        limit -= text.tokens
        return kept

    if isinstance(item, ToolCall):
        return replace(item, arguments=first(item.arguments))
    if isinstance(item, Reasoning):
        summary = [text for text in map(first, item.summary) if text]
        return Reasoning(summary, content=[text for text in map(first, item.content) if text])
    if isinstance(item, Message):
        text = None if item.text is None else first(item.text)
        refusal = None if item.refusal is None else first(item.refusal)
        said = text if text is not None else refusal
        n = len(said.pieces) if said is not None else 0
        return Message(
            text,
            refusal=refusal,
            annotations=[a for a in item.annotations if a.after is not None and a.after <= n],
            phase=item.phase,
            logprobs=None if item.logprobs is None else item.logprobs[:n],
        )
    return item


def _count(output: tuple[Output, ...], request: Mapping[str, Any], stated: Usage | None) -> Usage:
    prompt = stated.prompt_tokens if stated is not None else _prompt_tokens(request)
    thought = sum(_size(item) for item in output if isinstance(item, Reasoning))
    return Usage(prompt, sum(map(_size, output)), reasoning_tokens=thought)


def _prompt_tokens(request: Mapping[str, Any]) -> int:
    return tokens.count_messages(conversation.messages(request), request.get("model"))


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
        return self.envelope.new_id(kind_of(type_of(output)).prefix)

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
            made["usage"] = _usage(self.usage, envelope.form)
        return made | dict(envelope.ends)


def _finally(item: Mapping[str, Any], form: ResponsesFormat) -> Mapping[str, Any]:
    order = form.final.get(item["type"])
    return item if order is None else order.of(item)


# How usage is called here and in a chat.
_COUNTS = {
    "input_tokens": "prompt_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens": "completion_tokens",
    "output_tokens_details": "completion_tokens_details",
    "total_tokens": "total_tokens",
}


def _usage(usage: Usage, form: ResponsesFormat) -> dict[str, Any]:
    told: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
    if form.cache_writes:
        told["input_tokens_details"] = {"cache_write_tokens": 0} | told["input_tokens_details"]
    for here, there in _COUNTS.items():
        if isinstance(more := usage.extra.get(there), Mapping):
            told[here] = told[here] | more
    told |= {k: v for k, v in usage.extra.items() if k not in _COUNTS.values()}
    return form.usage.of(told)


def _stream(made: _Made, rng: Random) -> Script:
    envelope, request = made.envelope, made.request
    padding = (request.get("stream_options") or {}).get("include_obfuscation") is not False
    writer = Writer(envelope.form, rng, padding, logprobs=made.logprobs)
    begins = "queued" if "queued" in envelope.opening else "in_progress"
    for name in envelope.opening:
        status = "in_progress" if name == "in_progress" else begins
        writer.event(f"response.{name}", {"response": made.response(status)})
    error, last = made.error, len(made.output) - 1
    done = []
    for index, item in enumerate(made.output):
        broken = index == last and made.finish is None
        whole = writer.item(index, item, made.item_id(item), made.status_of(index), broken)
        if not broken:
            done.append(whole)
    if error is not None and error.code not in FAILURES:
        said = {"code": error.code, "message": error.message, "param": error.param}
        writer.event("error", said)
    elif error is not None or made.finish is not None:
        writer.event(f"response.{made.status}", {"response": made.response(made.status, done)})
    steps: tuple[Step, ...] = (
        *map(Comment, envelope.comments),
        *writer.events[envelope.starting_after + 1 :],
    )
    if envelope.form.done:
        steps += (sse.DONE,)
    if (manner := made.dialect) is None:
        return Script(Head(200, headers.response_headers(rng)), steps)
    own = headers.imitated(manner.headers, manner.content_type, None, rng, _model(made))
    return Script(Head(200, own), steps)


def _model(made: _Made) -> str:
    return str(made.envelope.template.get("model"))


def _json(made: _Made, rng: Random) -> Script:
    if made.error is not None and made.error.code not in FAILURES:
        return errors.render(made.error, rng, made.dialect)
    form = made.envelope.form
    output = [
        item_json(item, made.item_id(item), made.status_of(index), form, made.logprobs)
        for index, item in enumerate(made.output)
    ]
    whole = made.response(made.status, output)
    if (manner := made.dialect) is None:
        return body(whole, rng)
    data = form.style.dumps(whole).encode()
    own = headers.imitated(manner.headers, "application/json", len(data), rng, _model(made))
    return Script(Head(200, own), (Raw(data),))


def body(value: Mapping[str, Any], rng: Random) -> Script:
    """A JSON body, indented as it is here (WIRE.md §6)."""
    made = msgspec.json.format(encode(value), indent=2).encode()
    return Script(Head(200, headers.json_headers(len(made), rng)), (Raw(made),))


def begun(response: Mapping[str, Any], status: str) -> dict[str, Any]:
    """A response as it is when nothing has come of it yet, or will."""
    empty = {"completed_at": None, "incomplete_details": None, "error": None, "usage": None}
    made = {k: empty.get(k, v) for k, v in response.items()}
    return made | {"status": status, "output": []}


def again(response: Mapping[str, Any], rng: Random) -> Script:
    """The stream that would have made a response."""
    reply = _reply([read_item(item) for item in response["output"]], response, None)
    request: dict[str, Any] = {"stream": True, "background": response.get("background")}
    envelope = replace(
        Envelope.fresh(request, rng),
        id=response["id"],
        created=response.get("created_at") or 0,
        completed=response.get("completed_at") or response.get("created_at") or 0,
        template=begun(response, "in_progress"),
    )
    return render(reply, request, envelope=envelope, rng=rng)


# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a response says: the reply as far as it goes, or the error it is instead.

    Events that are not JSON objects are passed over.
    """
    if not is_stream(script):
        return whole(script, "a response", "output", _read_whole)
    reader, last, error = Reader(), dict[str, Any](), None
    for said, event in objects(script):
        type_ = str(said.get("type") or event.event or "")
        try:
            reader.feed(type_, said)
        except WRONG as wrong:
            raise ReplyError(f"this is no event of a response ({wrong!r}): {said}") from None
        if isinstance(said.get("response"), dict):
            last = said["response"]
        error = _error_of(type_, said)
        if error is not None:
            break
    output = reader.output() or [read_item(item) for item in last.get("output") or ()]
    return _reply(output, last, error)


def _error_of(type_: str, event: Mapping[str, Any]) -> ApiError | None:
    if type_ == "error" and "error" not in event:
        return ApiError(
            500,
            str(event.get("message") or ""),
            code=event.get("code") or "",
            param=event.get("param"),
        )
    return errors.read_error(event)


def _reply(output: list[Output], response: Mapping[str, Any], error: ApiError | None) -> Reply:
    failed = response.get("error") if response.get("status") == "failed" else None
    if error is None and isinstance(failed, dict):
        error = ApiError(500, str(failed.get("message") or ""), code=failed.get("code") or "")
    status = response.get("status")
    finish: str | None = "auto"
    if error is not None or status not in ("completed", "incomplete"):
        finish = None
    elif status == "incomplete":
        why = (response.get("incomplete_details") or {}).get("reason")
        finish = next((k for k, v in INCOMPLETE.items() if v == why), "length")
    usage = response.get("usage")
    return Reply(
        choices=[Choice(output=output, finish_reason=finish)],
        usage=_read_usage(usage) if isinstance(usage, dict) else None,
        error=error,
    )


def _read_usage(usage: Mapping[str, Any]) -> Usage:
    asked = dict(usage.get("input_tokens_details") or {})
    said = dict(usage.get("output_tokens_details") or {})
    cached, thought = asked.pop("cached_tokens", 0), said.pop("reasoning_tokens", 0)
    if not asked.get("cache_write_tokens"):
        asked.pop("cache_write_tokens", None)
    extra = {k: v for k, v in usage.items() if k not in _COUNTS}
    for name, details in (("prompt_tokens_details", asked), ("completion_tokens_details", said)):
        if details:
            extra[name] = details
    return Usage(
        usage.get("input_tokens") or 0,
        usage.get("output_tokens") or 0,
        -1 if (total := usage.get("total_tokens")) is None else total,
        cached_tokens=cached or 0,
        reasoning_tokens=thought or 0,
        extra=extra,
    )


def _read_whole(value: dict[str, Any]) -> Reply:
    return _reply([read_item(item) for item in value["output"]], value, None)
