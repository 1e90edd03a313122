"""``/v1/completions``, the legacy endpoint: renders a reply as a stream or JSON body, and reads it.

Rules of this file: no I/O; bytes are those of WIRE.md §1 ("Legacy /completions") and Annex C;
`read` is the inverse of `render`. A completion contains only text: a refusal becomes text,
reasoning is counted but not sent, and a tool call is an error.
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
from openai_mockserver.api.logprobs import make_logprob
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
    """Render a reply as a response.

    Args:
        reply: the reply. A single choice is repeated n times for each prompt; otherwise the reply
            must have n choices, or n for each prompt.
        request: parameters of the request. By default a request that streams the whole reply, with
            as many choices as it has, and with log probabilities and usage if it has them.
        dialect: the provider to imitate: a name of `dialects()`; OpenAI by default.
        envelope: id, time and model of the response; new ones by default.
        rng: the source of ids.

    Raises:
        ReplyError: if the reply cannot be sent, or does not fit the request.

    >>> script = render(Reply("Hello"))
    >>> len(script.events), script.events[-1].data
    (3, '[DONE]')
    """
    context = make_context(request, dialect=dialect, rng=rng, envelope=envelope)
    return compose(reply, context).script


def compose(reply: Reply | ApiError, context: Context) -> Rendered:
    """Render a reply in a context.

    Raises:
        ReplyError: if the reply cannot be sent, or does not fit the request.
    """
    return Rendered(_render(reply, context))


def _render(reply: Reply | ApiError, context: Context) -> Script:
    rng, dialect = context.rng, context.dialect
    layout = (dialect and dialect.completions) or COMPLETIONS
    if isinstance(reply, ApiError):
        return errors.render(reply, rng, dialect)
    check_servable(reply)
    request = _default_request(reply) if context.parameters is None else context.parameters
    n, best_of = request.get("n") or 1, request.get("best_of") or 0
    if best_of and best_of < n:
        return errors.render(_too_many_choices(n, best_of), rng, dialect)
    if (wrong := _check_prompts(request.get("prompt"), max(n, best_of))) is not None:
        return errors.render(wrong, rng, dialect)
    envelope = context.envelope or fresh_envelope(request, dialect, rng)
    model = request.get("model")
    prompts = _cut_prompts(request.get("prompt"), model)
    whole = retokenize(
        tuple(map(_require_sendable, _repeat_choices(reply, n, len(prompts)))), model
    )
    choices = [limit_choice(choice, request) for choice in whole]
    usage = reply.usage
    if usage is None or any(a is not b for a, b in zip(choices, whole, strict=True)):
        completion_tokens = sum(map(count_tokens, choices)) * max(n, best_of) // n
        prompt_tokens = sum(sum(prompt.sizes) for prompt in prompts)
        usage = Usage(
            prompt_tokens if usage is None else usage.prompt_tokens,
            completion_tokens,
            cached_tokens=context.cached_tokens,
        )
    answers = [_Answer.of(choice, prompts[at // n], request) for at, choice in enumerate(choices)]
    if request.get("stream"):
        return _render_stream(reply, answers, usage, request, envelope, rng, layout, dialect)
    if reply.error is not None:
        return errors.render(reply.error, rng, dialect)
    return _render_json(answers, usage, envelope, rng, layout, dialect)


def _default_request(reply: Reply) -> dict[str, Any]:
    """Return a request that streams the whole reply."""
    has_logprobs = any(choice.logprobs is not None for choice in reply.choices)
    return {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": "",
        "n": len(reply.choices),
        "stream": True,
        "stream_options": {"include_usage": reply.usage is not None},
        "logprobs": 20 if has_logprobs else None,
    }


def _too_many_choices(n: int, best_of: int) -> ApiError:
    return ApiError(
        400,
        "You requested that the server return more choices than it will generate (HINT: You must "
        f"set 'n' (currently {n}) to be at most 'best_of' (currently {best_of}), or omit either "
        "parameter if you don't specifically want to use them.)",
    )


_MOST_COMPLETIONS = 2048  # in one request


def _check_prompts(prompt: Any, per_prompt: int) -> ApiError | None:
    """Return OpenAI's error if the prompts, times the completions of each, are too many."""
    if not isinstance(prompt, list) or not prompt or isinstance(prompt[0], int):
        return None
    if len(prompt) > _MOST_COMPLETIONS:
        message = (
            f"Invalid 'prompt': array too long. Expected an array with maximum length "
            f"{_MOST_COMPLETIONS}, but got an array with length {len(prompt)} instead."
        )
        return ApiError(400, message, None, "array_above_max_length", "prompt")
    if len(prompt) * per_prompt > _MOST_COMPLETIONS:
        return ApiError(
            400,
            f"Too many parallel completions requested. You submitted {len(prompt)} prompts, but "
            f"you can currently request up to at most a total of "
            f"{_MOST_COMPLETIONS // per_prompt}.",
        )
    return None


def fresh_envelope(request: Mapping[str, Any], dialect: Dialect | None, rng: Random) -> Envelope:
    """Return a new envelope, with the values this provider would use for this request now."""
    layout = (dialect and dialect.completions) or COMPLETIONS
    created = seed.now(rng)
    model = str(request.get("model", "gpt-3.5-turbo-instruct"))
    if (known_model := COMPLETION_MODELS.get(model)) is not None:
        model = known_model.snapshot
    return Envelope(
        ids.fill_pattern(layout.id, rng, created, model), created, model, layout.fingerprint
    )


def make_head(envelope: Envelope, dialect: Dialect | None, length: int | None, rng: Random) -> Head:
    """Return the head of a JSON body of this length in bytes; of a stream if the length is None."""
    if dialect is not None:
        return headers.make_dialect_head(dialect, envelope.model, length, rng)
    if length is None:
        return Head(200, headers.completion_headers(envelope.model, rng))
    return Head(200, headers.json_headers(length, rng))


def shape(request: Mapping[str, Any], dialect: Dialect | None, history: object) -> dict[str, Any]:
    """Return what the response to a request depends on: often only the length of the prompt."""
    prompt = request.get("prompt")
    if request.get("echo") or request.get("logprobs") is not None or isinstance(prompt, list):
        return dict(request)
    return {**request, "prompt": tokens.count(prompt or "", request.get("model"))}


def _cut_prompts(prompt: Any, model: Any) -> list[tokens.Cut]:
    """Cut each prompt into tokens. Token ids have no text here, so they become ``<|id|>``."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return [cut for one in prompt for cut in _cut_prompts(one, model)]
    if isinstance(prompt, list):
        return [tokens.Cut(tuple(f"<|{token}|>" for token in prompt), (1,) * len(prompt))]
    return [tokens.cut(prompt or "", model)]


def _repeat_choices(reply: Reply, n: int, prompts: int) -> list[Choice]:
    """Return n choices for each prompt. Raises ReplyError if the reply has a different number."""
    count, total = len(reply.choices), n * prompts
    if count not in (1, n, total):
        per_prompt = f" for each of {prompts} prompts" if prompts > 1 else ""
        raise ReplyError(
            f"the reply has {count} choices, but the request asks for n={n}{per_prompt}"
        )
    return list(reply.choices) * (total // count)


def _require_sendable(choice: Choice) -> Choice:
    """Return the choice as text. Raises ReplyError if a completion cannot contain it."""
    finish = choice.finish_reason
    choice = require_text(choice, "a completion")
    if finish is not None and finish not in FINISH_REASONS:
        reasons = ", ".join(FINISH_REASONS)
        raise ReplyError(f"a completion cannot have finish_reason={finish!r}: use one of {reasons}")
    return choice


class _Part(NamedTuple):
    """The part of a choice in one chunk."""

    text: str
    logprobs: dict[str, Any] | None


class _Answer(NamedTuple):
    """A choice as the answer to a prompt, cut into the parts of its chunks."""

    parts: tuple[_Part, ...]
    finish_reason: str | None
    logprobs: dict[str, Any] | None

    @classmethod
    def of(cls, choice: Choice, prompt: tokens.Cut, request: Mapping[str, Any]) -> _Answer:
        top = request.get("logprobs")
        echo = prompt.pieces if request.get("echo") else ()
        pieces = choice.text.pieces if choice.text is not None else ()
        texts = ("".join(echo), *pieces) if echo else pieces
        if not texts and choice.finish_reason is None:
            texts, top = ("",), None  # the only chunk of this choice
        if top is None:
            return cls(tuple(_Part(text, None) for text in texts), choice.finish_reason, None)
        logprobs = choice.logprobs or tuple((make_logprob(piece, top),) for piece in pieces)
        if echo:
            logprobs = (tuple(make_logprob(piece, top) for piece in echo), *logprobs)
        start = 0 if echo else sum(map(len, prompt.pieces))
        offsets = accumulate(map(len, texts), initial=start)
        parts = tuple(
            _Part(text, _logprobs_to_json(entries, top, at))
            for text, entries, at in zip(texts, logprobs, offsets, strict=False)
        )
        flat = [entry for entries in logprobs for entry in entries]
        return cls(parts, choice.finish_reason, _logprobs_to_json(flat, top, start))


def _logprobs_to_json(entries: Sequence[Logprob], top: int, at: int) -> dict[str, Any]:
    """Return log probabilities in the legacy format, of text that begins at this offset.

    OpenAI sends null for the first token of an echo, which its own SDK rejects.
    """
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


def _select_members(names: Sequence[str], members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members with these names, in this order."""
    return {name: members[name] for name in names if name in members}


def _choice_to_json(
    layout: CompletionsFormat, index: int, part: _Part, finish: str | None
) -> dict[str, Any]:
    members = {
        "index": index,
        "text": part.text,
        "logprobs": part.logprobs,
        "finish_reason": finish,
        "stop_reason": None,
    }
    return _select_members(layout.choice, members)


def _usage_to_json(layout: CompletionsFormat, usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in layout.usage}


# Streaming


def _render_stream(
    reply: Reply,
    answers: Sequence[_Answer],
    usage: Usage,
    request: Mapping[str, Any],
    envelope: Envelope,
    rng: Random,
    layout: CompletionsFormat,
    dialect: Dialect | None,
) -> Script:
    include_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    common: dict[str, Any] = {
        "id": envelope.id,
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
    }
    with_null = include_usage if layout.usage_null is None else layout.usage_null
    usage_null = {"usage": None} if with_null else {}

    def chunk(*choices: dict[str, Any], end: bool = False) -> Event:
        members = _select_members(layout.chunk, common | usage_null | {"choices": choices})
        if end and layout.fingerprint_at_end:
            members["system_fingerprint"] = envelope.system_fingerprint
        return Event(layout.style.dumps(members))

    finishes_with_text = [
        layout.length_with_text and answer.finish_reason == "length" for answer in answers
    ]
    events, parts_left = [], [len(answer.parts) for answer in answers]
    for index, part in _interleave_parts(answers) if not reply.is_only_error else ():
        parts_left[index] -= 1
        is_end = finishes_with_text[index] and not parts_left[index]
        finish = answers[index].finish_reason if is_end else None
        events.append(chunk(_choice_to_json(layout, index, part, finish)))
    head = make_head(envelope, dialect, None, rng)
    if reply.error is not None:
        if dialect is not None:
            return Script(head, (*events, errors.dialect_error_event(reply.error, dialect)))
        return Script(head, (*events, errors.error_event(reply.error)))
    ends = [
        _choice_to_json(layout, index, _Part("", None), answer.finish_reason)
        for index, answer in enumerate(answers)
        if answer.finish_reason is not None and not (finishes_with_text[index] and answer.parts)
    ]
    if layout.finish_together and ends:
        events.append(chunk(*ends, end=True))
    else:
        events += [chunk(end, end=True) for end in ends]
    if include_usage or layout.usage_always:
        members = common | {"choices": [], "usage": _usage_to_json(layout, usage)}
        events.append(Event(layout.style.dumps(_select_members(layout.usage_chunk, members))))
    return Script(head, (*events, sse.DONE))


def _interleave_parts(answers: Sequence[_Answer]) -> Iterator[tuple[int, _Part]]:
    """Return the parts of all choices, which advance at the same pace, by their last token."""
    if len(answers) == 1:
        yield from ((0, part) for part in answers[0].parts)
        return
    positions: list[tuple[int, int, int]] = []
    for index, answer in enumerate(answers):
        times = accumulate(max(1, tokens.count(part.text)) for part in answer.parts)
        positions += [(time_, index, at) for at, time_ in enumerate(times)]
    for _, index, at in sorted(positions):
        yield index, answers[index].parts[at]


# Not streaming


def _render_json(
    answers: Sequence[_Answer],
    usage: Usage,
    envelope: Envelope,
    rng: Random,
    layout: CompletionsFormat,
    dialect: Dialect | None,
) -> Script:
    choices = []
    for index, answer in enumerate(answers):
        if answer.finish_reason is None:
            raise ReplyError(
                "a reply without a finish reason can only be streamed: set stream=True"
            )
        part = _Part("".join(part.text for part in answer.parts), answer.logprobs)
        choices.append(_choice_to_json(layout, index, part, answer.finish_reason))
    members = {
        "id": envelope.id,
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": _usage_to_json(layout, usage),
    }
    body = msgspec.json.encode(_select_members(layout.body, members))
    if layout.indent:
        body = msgspec.json.format(body, indent=layout.indent) + b"\n"
    return Script(make_head(envelope, dialect, len(body), rng), (Raw(body),))


# Reading


def read(script: Script) -> Reply | ApiError:
    """Read the reply of a response, as far as it has arrived, or its error.

    Chunks that are not JSON objects are ignored. An echoed prompt becomes part of the text.

    Raises:
        ReplyError: if the response is not a completion.
    """
    return decode_completion(script, "a completion", _ChoiceReader, _read_choice, _read_usage)


class _ChoiceReader:
    """Assembles one choice from the chunks of a stream."""

    def __init__(self) -> None:
        self.pieces: list[str] | None = None
        self.logprobs: list[tuple[Logprob, ...]] | None = None
        self.finish_reason: str | None = None

    def add_chunk(self, choice: dict[str, Any]) -> None:
        self.pieces = self.pieces or []
        text, finish = choice.get("text"), choice.get("finish_reason")
        entries = _read_logprobs(choice.get("logprobs"))
        # An empty text counts as a piece only if the chunk contains nothing else.
        if isinstance(text, str) and (text or not finish or entries):
            self.pieces.append(text)
            if entries is not None:
                self.logprobs = [*(self.logprobs or ()), entries]
        if finish:
            self.finish_reason = finish

    def read_choice(self) -> Choice:
        pieces = None if self.pieces is None else join_halves(self.pieces)
        return Choice(pieces, logprobs=self.logprobs, finish_reason=self.finish_reason)


def _read_logprobs(members: dict[str, Any] | None) -> tuple[Logprob, ...] | None:
    if not members or "content" in members:  # which is the form of chat completions
        return None
    token_texts = members["tokens"]
    tops = members.get("top_logprobs") or [None] * len(token_texts)
    return tuple(
        Logprob(token, value or 0.0, None, tuple(Logprob(t, p) for t, p in (top or {}).items()))
        for token, value, top in zip(token_texts, members["token_logprobs"], tops, strict=True)
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
