"""``/v1/completions``, the legacy endpoint: a reply to its stream or JSON body, and back.

Rules of this file: no I/O; bytes are those of WIRE.md §1 ("Legacy /completions") and Annex C;
`read` is the inverse of `render`. A completion is text alone: a refusal is said as text, reasoning
is counted but not shown, and a reply that calls a tool cannot be said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import seed, sse, tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.context import Context, make_context
from openai_mockserver.api.decode import decode_completion, join_halves
from openai_mockserver.api.endpoint import CompileHooks, Endpoint, Rendered
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.logprobs import likely
from openai_mockserver.api.text_only import require_text
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.providers.openai import COMPLETIONS
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.models import COMPLETION_MODELS
from openai_mockserver.reply import ApiError, Choice, Logprob, Reply, Usage, check_servable
from openai_mockserver.reply.limits import count_tokens, limit_choice
from openai_mockserver.reply.retokenize import retokenize
from openai_mockserver.script import Event, Head, Raw, Script

__all__ = ["ENDPOINTS", "PATH", "read", "render"]

PATH = "/v1/completions"

FINISH_REASONS = ("stop", "length", "content_filter")


def render(
    reply: Reply | ApiError,
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    envelope: Envelope | None = None,
    rng: Random | None = None,
) -> Script:
    """The response that says this reply.

    Args:
        reply: what to say. One choice is said to each prompt n times; else there are n, or n for
            each prompt.
        request: the request's parameters. Without one, it is a request that streams the reply
            whole: with its n, its logprobs, and its usage if it states one.
        dialect: whose manner to say it in: a name of `dialects()`; OpenAI's own by default.
        envelope: id, time and model to answer with; fresh ones by default.
        rng: where ids come from.

    Raises:
        ReplyError: for a reply that cannot be served, or not to this request.

    >>> script = render(Reply("Hello"))
    >>> len(script.events), script.events[-1].data
    (3, '[DONE]')
    """
    context = make_context(request, dialect=dialect, rng=rng, envelope=envelope)
    return compose(reply, context).script


def compose(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply.

    Raises ReplyError for a reply that cannot be served, or not to this request.
    """
    return Rendered(_render(reply, context))


def _render(reply: Reply | ApiError, context: Context) -> Script:
    rng, manner = context.rng, context.dialect
    shape = (manner and manner.completions) or COMPLETIONS
    if isinstance(reply, ApiError):
        return errors.render(reply, rng, manner)
    check_servable(reply)
    request = _asking_for(reply) if context.parameters is None else context.parameters
    n, best_of = request.get("n") or 1, request.get("best_of") or 0
    if best_of and best_of < n:
        return errors.render(_too_many_choices(n, best_of), rng, manner)
    if (wrong := _too_many_prompts(request.get("prompt"), max(n, best_of))) is not None:
        return errors.render(wrong, rng, manner)
    envelope = context.envelope or fresh_envelope(request, manner, rng)
    model = request.get("model")
    prompts = _prompts(request.get("prompt"), model)
    whole = retokenize(tuple(map(_sayable, _choices(reply, n, len(prompts)))), model)
    choices = [limit_choice(choice, request) for choice in whole]
    usage = reply.usage
    if usage is None or any(a is not b for a, b in zip(choices, whole, strict=True)):
        spoken = sum(map(count_tokens, choices)) * max(n, best_of) // n
        asked = sum(sum(prompt.sizes) for prompt in prompts)
        usage = Usage(asked if usage is None else usage.prompt_tokens, spoken)
    said = [_Said.of(choice, prompts[at // n], request) for at, choice in enumerate(choices)]
    if request.get("stream"):
        return _stream(reply, said, usage, request, envelope, rng, shape, manner)
    if reply.error is not None:
        return errors.render(reply.error, rng, manner)
    return _json(said, usage, envelope, rng, shape, manner)


def _asking_for(reply: Reply) -> dict[str, Any]:
    stated = any(choice.logprobs is not None for choice in reply.choices)
    return {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": "",
        "n": len(reply.choices),
        "stream": True,
        "stream_options": {"include_usage": reply.usage is not None},
        "logprobs": 20 if stated else None,
    }


def _too_many_choices(n: int, best_of: int) -> ApiError:
    return ApiError(
        400,
        "You requested that the server return more choices than it will generate (HINT: You must "
        f"set 'n' (currently {n}) to be at most 'best_of' (currently {best_of}), or omit either "
        "parameter if you don't specifically want to use them.)",
    )


_COMPLETIONS = 2048  # that are made at once


def _too_many_prompts(prompt: Any, each: int) -> ApiError | None:
    """OpenAI's error for too many answers: the number of prompts times that of answers to each."""
    if not isinstance(prompt, list) or not prompt or isinstance(prompt[0], int):
        return None
    if len(prompt) > _COMPLETIONS:
        told = (
            f"Invalid 'prompt': array too long. Expected an array with maximum length "
            f"{_COMPLETIONS}, but got an array with length {len(prompt)} instead."
        )
        return ApiError(400, told, None, "array_above_max_length", "prompt")
    if len(prompt) * each > _COMPLETIONS:
        return ApiError(
            400,
            f"Too many parallel completions requested. You submitted {len(prompt)} prompts, but "
            f"you can currently request up to at most a total of {_COMPLETIONS // each}.",
        )
    return None


def fresh_envelope(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """A new envelope, as this provider would answer this request now."""
    form = (dialect and dialect.completions) or COMPLETIONS
    created = seed.now(rng)
    model = str(request.get("model", "gpt-3.5-turbo-instruct"))
    if (known := COMPLETION_MODELS.get(model)) is not None:
        model = known.snapshot
    return Envelope(
        ids.fill_pattern(form.id, rng, created, model), created, model, form.fingerprint
    )


def make_head(envelope: Envelope, dialect: Dialect | None, length: int | None, rng: Random) -> Head:
    """The head of a stream; of a body, if its length in bytes is given."""
    if dialect is not None:
        return headers.make_dialect_head(dialect, envelope.model, length, rng)
    if length is None:
        return Head(200, headers.completion_headers(envelope.model, rng))
    return Head(200, headers.json_headers(length, rng))


def shape(request: Mapping[str, Any], dialect: Dialect | None, history: object) -> dict[str, Any]:
    """What of a request its response depends on: all, or of the prompt its tokens."""
    prompt = request.get("prompt")
    if request.get("echo") or request.get("logprobs") is not None or isinstance(prompt, list):
        return dict(request)
    return {**request, "prompt": tokens.count(prompt or "", request.get("model"))}


def _prompts(prompt: Any, model: Any) -> list[tokens.Cut]:
    """Each prompt, cut. Token ids have no text here, so they show as ``<|id|>``."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return [cut for one in prompt for cut in _prompts(one, model)]
    if isinstance(prompt, list):
        return [tokens.Cut(tuple(f"<|{token}|>" for token in prompt), (1,) * len(prompt))]
    return [tokens.cut(prompt or "", model)]


def _choices(reply: Reply, n: int, prompts: int) -> list[Choice]:
    made, wanted = len(reply.choices), n * prompts
    if made not in (1, n, wanted):
        for_each = f" for each of {prompts} prompts" if prompts > 1 else ""
        raise ReplyError(f"the reply has {made} choices, the request asks for n={n}{for_each}")
    return list(reply.choices) * (wanted // made)


def _sayable(choice: Choice) -> Choice:
    """The choice as text. Raises ReplyError for what no completion says."""
    finish = choice.finish_reason
    choice = require_text(choice, "a completion")
    if finish is not None and finish not in FINISH_REASONS:
        allowed = ", ".join(FINISH_REASONS)
        raise ReplyError(f"a completion cannot have finish_reason={finish!r}: {allowed}")
    return choice


class _Part(NamedTuple):
    """What one chunk says of a choice."""

    text: str
    logprobs: dict[str, Any] | None


class _Said(NamedTuple):
    """A choice as it is said to a prompt."""

    parts: tuple[_Part, ...]
    finish_reason: str | None
    logprobs: dict[str, Any] | None

    @classmethod
    def of(cls, choice: Choice, prompt: tokens.Cut, request: Mapping[str, Any]) -> _Said:
        top = request.get("logprobs")
        echoed = prompt.pieces if request.get("echo") else ()
        pieces = choice.text.pieces if choice.text is not None else ()
        texts = ("".join(echoed), *pieces) if echoed else pieces
        if not texts and choice.finish_reason is None:
            texts, top = ("",), None  # or nothing would tell that there is this choice
        if top is None:
            return cls(tuple(_Part(text, None) for text in texts), choice.finish_reason, None)
        stated = choice.logprobs or tuple((likely(piece, top),) for piece in pieces)
        if echoed:
            stated = (tuple(likely(piece, top) for piece in echoed), *stated)
        start = 0 if echoed else sum(map(len, prompt.pieces))
        offsets = accumulate(map(len, texts), initial=start)
        parts = tuple(
            _Part(text, _logprobs(entries, top, at))
            for text, entries, at in zip(texts, stated, offsets, strict=False)
        )
        flat = [entry for entries in stated for entry in entries]
        return cls(parts, choice.finish_reason, _logprobs(flat, top, start))


def _logprobs(entries: Sequence[Logprob], top: int, at: int) -> dict[str, Any]:
    """The legacy form. OpenAI says null of an echo's first token, which its own SDK refuses."""
    lengths = (len(entry.token) for entry in entries)
    return {
        "tokens": [entry.token for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "top_logprobs": [
            {other.token: other.logprob for other in entry.top[:top]} for entry in entries
        ]
        if top
        else None,
        "text_offset": list(accumulate(lengths, initial=at))[:-1],
    }


def _picked(names: Sequence[str], members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}


def _choice(
    shape: CompletionsFormat, index: int, part: _Part, finish: str | None
) -> dict[str, Any]:
    members = {
        "index": index,
        "text": part.text,
        "logprobs": part.logprobs,
        "finish_reason": finish,
        "stop_reason": None,
    }
    return _picked(shape.choice, members)


def _usage(shape: CompletionsFormat, usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in shape.usage}


# Streaming


def _stream(
    reply: Reply,
    said: Sequence[_Said],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
    shape: CompletionsFormat,
    dialect: Dialect | None,
) -> Script:
    asked = bool((request.get("stream_options") or {}).get("include_usage"))
    common: dict[str, Any] = {
        "id": envelope.id,
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
    }
    with_null = asked if shape.usage_null is None else shape.usage_null
    nothing = {"usage": None} if with_null else {}

    def chunk(*choices: dict[str, Any], end: bool = False) -> Event:
        members = _picked(shape.chunk, common | nothing | {"choices": choices})
        if end and shape.fingerprint_at_end:
            members["system_fingerprint"] = envelope.system_fingerprint
        return _event(members)

    merged = [shape.length_with_text and one.finish_reason == "length" for one in said]
    events, left = [], [len(one.parts) for one in said]
    for index, part in _interleaved(said) if not reply.is_only_error else ():
        left[index] -= 1
        finish = said[index].finish_reason if merged[index] and not left[index] else None
        events.append(chunk(_choice(shape, index, part, finish)))
    head = make_head(envelope, dialect, None, rng)
    if reply.error is not None:
        if dialect is not None:
            return Script(head, (*events, errors.dialect_error_event(reply.error, dialect)))
        return Script(head, (*events, errors.error_event(reply.error)))
    ends = [
        _choice(shape, index, _Part("", None), one.finish_reason)
        for index, one in enumerate(said)
        if one.finish_reason is not None and not (merged[index] and one.parts)
    ]
    if shape.finish_together and ends:
        events.append(chunk(*ends, end=True))
    else:
        events += [chunk(end, end=True) for end in ends]
    if asked or shape.usage_always:
        members = common | {"choices": [], "usage": _usage(shape, usage)}
        events.append(_event(_picked(shape.usage_chunk, members)))
    return Script(head, (*events, sse.DONE))


def _event(members: Mapping[str, Any]) -> Event:
    return Event(msgspec.json.encode(members).decode())


def _interleaved(said: Sequence[_Said]) -> Iterator[tuple[int, _Part]]:
    """All choices go on at one pace, so a chunk of several tokens comes when its last is made."""
    if len(said) == 1:
        yield from ((0, part) for part in said[0].parts)
        return
    due: list[tuple[int, int, int]] = []
    for index, one in enumerate(said):
        times = accumulate(max(1, tokens.count(part.text)) for part in one.parts)
        due += [(time_, index, at) for at, time_ in enumerate(times)]
    for _, index, at in sorted(due):
        yield index, said[index].parts[at]


# Not streaming


def _json(
    said: Sequence[_Said],
    usage: Usage,
    envelope: Envelope,
    rng: Random,
    shape: CompletionsFormat,
    dialect: Dialect | None,
) -> Script:
    choices = []
    for index, one in enumerate(said):
        if one.finish_reason is None:
            raise ReplyError("a reply that never finishes can only be streamed; set stream=True")
        part = _Part("".join(part.text for part in one.parts), one.logprobs)
        choices.append(_choice(shape, index, part, one.finish_reason))
    members = {
        "id": envelope.id,
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": _usage(shape, usage),
    }
    body = msgspec.json.encode(_picked(shape.body, members))
    if shape.indent:
        body = msgspec.json.format(body, indent=shape.indent) + b"\n"
    return Script(make_head(envelope, dialect, len(body), rng), (Raw(body),))


# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a response says: the reply as far as it goes, or the error it is instead.

    Chunks that are not JSON objects are passed over. An echoed prompt reads as part of the text.

    Raises:
        ReplyError: for what is no completion.
    """
    return decode_completion(script, "a completion", _Heard, _read_choice, _read_usage)


class _Heard:
    """A choice, as far as it has come."""

    def __init__(self) -> None:
        self.pieces: list[str] | None = None
        self.logprobs: list[tuple[Logprob, ...]] | None = None
        self.finish_reason: str | None = None

    def take(self, choice: dict[str, Any]) -> None:
        self.pieces = self.pieces or []
        text, finish = choice.get("text"), choice.get("finish_reason")
        entries = _read_logprobs(choice.get("logprobs"))
        # An empty text is a piece where it is all that the chunk says; else it is mere form.
        if isinstance(text, str) and (text or not finish or entries):
            self.pieces.append(text)
            if entries is not None:
                self.logprobs = [*(self.logprobs or ()), entries]
        if finish:
            self.finish_reason = finish

    def choice(self) -> Choice:
        pieces = None if self.pieces is None else join_halves(self.pieces)
        return Choice(pieces, logprobs=self.logprobs, finish_reason=self.finish_reason)


def _read_logprobs(stated: dict[str, Any] | None) -> tuple[Logprob, ...] | None:
    if not stated or "content" in stated:  # which is the form of chat completions
        return None
    made = stated["tokens"]
    tops = stated.get("top_logprobs") or [None] * len(made)
    return tuple(
        Logprob(token, value or 0.0, None, tuple(Logprob(t, p) for t, p in (top or {}).items()))
        for token, value, top in zip(made, stated["token_logprobs"], tops, strict=True)
    )


def _read_usage(usage: dict[str, Any]) -> Usage:
    total = usage.get("total_tokens")
    return Usage(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        -1 if total is None else total,
        usage.get("cached_tokens") or 0,
    )


def _read_choice(choice: dict[str, Any]) -> Choice:
    text, entries = choice["text"], _read_logprobs(choice.get("logprobs"))
    finish = choice.get("finish_reason")
    if entries is None:
        return Choice(text, finish_reason=finish)
    pieces = [entry.token for entry in entries]
    if "".join(pieces) == text:
        return Choice(pieces, logprobs=entries, finish_reason=finish)
    return Choice([text], logprobs=[entries], finish_reason=finish)


ENDPOINTS = (
    Endpoint(
        path=PATH,
        parameters=parameters_of("POST", PATH),
        render=compose,
        read=read,
        compile_hooks=CompileHooks(shape, fresh_envelope, make_head),
    ),
)
