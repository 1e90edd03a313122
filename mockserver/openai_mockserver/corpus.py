"""A corpus of streams that nobody recorded: requests, what answers them, and the right answers.

Rules of this file: an exchange is a function of the arguments alone, so that a corpus is the same
on every machine. The answers are those of a mock with this seed, which also says whether a request
is one. Kinds of requests stand in a table, and a corpus takes them in turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from openai_mockserver import api, sse
from openai_mockserver.cassettes import Exchange
from openai_mockserver.exceptions import MockServerError, ReplyError
from openai_mockserver.generate import generate
from openai_mockserver.generate.text import Pen
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.reply.serialization import encode_reply
from openai_mockserver.request import Request
from openai_mockserver.script import Event, Pause, Script

__all__ = ["ENDPOINTS", "KINDS", "corpus"]

Json = dict[str, Any]

ENDPOINTS = {
    "chat": ("/v1/chat/completions", "gpt-4o"),
    "responses": ("/v1/responses", "gpt-4o"),
    "completions": ("/v1/completions", "gpt-3.5-turbo-instruct"),
}
"""Where a corpus may be asked for: the paths, and the models that are asked by default."""


def corpus(
    count: int,
    seed: int | str = 0,
    *,
    request: Mapping[str, Any] | None = None,
    model: str | None = None,
    endpoint: str = "chat",
    stream: bool | None = None,
    dialect: str | None = None,
    pace: Pace | str | None = None,
    faults: Iterable[Callable[[Script], Script]] = (),
) -> Iterator[Exchange]:
    """So many exchanges, each with its request and its right answer.

    Args:
        count: how many.
        seed: another seed gives other exchanges. To these requests a mock with this seed, whose
            default is `generate`, answers the same bytes.
        request: parameters that are asked each time; made up by default, of all `KINDS` in turn.
        model: whom to ask; by default the request's, or one of the endpoint's.
        endpoint: one of `ENDPOINTS`.
        stream: whether a stream is asked for; by default unless the request says otherwise.
        dialect: whose manner to answer in.
        pace: when the events come.
        faults: what goes wrong with each, from left to right.

    Raises:
        MockServerError: for an endpoint that there is not, and for a request that is refused.

    >>> exchange, = corpus(1)
    >>> exchange.about["name"], exchange.about["request"]["url"]
    ('0001-text', '/v1/chat/completions')
    """
    if endpoint not in ENDPOINTS:
        raise MockServerError(
            f"no endpoint is called {endpoint!r}; there are {', '.join(ENDPOINTS)}"
        )
    path, usual = ENDPOINTS[endpoint]
    kinds = [kind for kind, where in KINDS.items() if endpoint in where[1]]
    several, timing = tuple(faults), as_pace(pace)
    for at in range(count):
        kind = "asked" if request is not None else kinds[at % len(kinds)]
        asked = dict(
            _made_up(kind, endpoint, Random(f"{seed}\0{at}")) if request is None else request
        )
        told = {"model": model, "stream": stream}
        asked = (
            {"model": usual, "stream": True}
            | asked
            | {k: v for k, v in told.items() if v is not None}
        )
        # The same request again gets another answer.
        own = seed if request is None or at == 0 else f"{seed}.{at}"
        script = _answer(path, asked, own, dialect)
        if timing is not None:
            script = _timed(script, timing, own)
        for fault in several:
            script = fault(script)
        name = f"{at + 1:04d}-{kind}"
        about = {
            "name": name,
            "family": "generated",
            "description": f"{_DESCRIPTIONS.get(kind, 'An answer')}, made of the seed {own}.",
            "request": {"method": "POST", "url": path, "json": asked},
        }
        expected = _expected(script)
        yield Exchange(script, about | ({} if expected is None else {"expect": expected}))


def _answer(path: str, asked: Json, seed: int | str, dialect: str | None) -> Script:
    """What a mock of this seed answers."""
    mock = MockOpenAI(seed=seed, dialect=dialect, default=lambda call: generate(call.json, seed))
    try:
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise MockServerError(f"the request is no JSON: {error}") from None
    call = mock.respond(Request("POST", path, body=body))
    if call.problem is not None:
        raise MockServerError(call.problem)
    if call.script.head.status != 200:
        refused = api.read(call.script)
        told = refused.message if isinstance(refused, ApiError) else refused
        raise MockServerError(f"the request is refused: {told}")
    return call.script


def _timed(script: Script, pace: Pace, seed: int | str) -> Script:
    """The script at this pace, to the microsecond: what comes after differs between machines."""
    paced = (pace if pace.seed is not None else replace(pace, seed=seed))(script)
    steps = (Pause(round(s.seconds, 6)) if isinstance(s, Pause) else s for s in paced.steps)
    head = replace(paced.head, delay=round(paced.head.delay, 6))
    return replace(paced, head=head, steps=tuple(steps))


# The right answer

_ENDS = {"reset": "connection", "cut": "connection", "truncate": "incomplete", "hold": "timeout"}
"""The error that a right consumer surfaces at an end that is none."""


def _expected(script: Script) -> Json | None:
    """The right answer, and the error to surface; None where that cannot be told from the steps."""
    status = script.head.status
    if script.raw or 200 < status < 400 or script.head.header("content-encoding") is not None:
        return None
    try:
        said = api.read(script)
    except ReplyError:
        said = Reply(finish_reason=None)
    error: str | None = None
    if isinstance(said, ApiError):
        said, error = Reply(error=said), "api"
    elif status != 200:
        said, error = Reply(finish_reason=None), "api"
    elif said.error is not None:
        error = "api"
    else:
        error = _ENDS.get(script.end) or _wrong(script, said)
    return {"reply": encode_reply(said)} | ({} if error is None else {"error": error})


def _wrong(script: Script, said: Reply) -> str | None:
    """What is wrong with a body that ended as bodies do."""
    for event in sse.decode(sse.body(script.steps)):
        if not event.data.startswith("[DONE]") and not _is_object(event):
            return "malformed"
    # Streams of audio have no finish reason (WIRE.md §1): they are whole with their end.
    done = any(event.data.startswith("[DONE]") for event in sse.decode(sse.body(script.steps)))
    whole = all(
        choice.finish_reason is not None or (choice.audio is not None and done)
        for choice in said.choices
    )
    return None if whole else "incomplete"


def _is_object(event: Event) -> bool:
    try:
        return isinstance(json.loads(event.data), dict)
    except ValueError:
        return False


# Requests


def _made_up(kind: str, endpoint: str, rng: Random) -> Json:
    """A request of this kind, in the form of the endpoint."""
    make, _ = KINDS[kind]
    return _FORMS[endpoint](make(rng))


def _prompt(rng: Random, tag: str = "en") -> str:
    pen = Pen(rng, tag)
    if tag != "en":
        return pen.sentence()
    return rng.choice(_PROMPTS).format(pen.phrase(1, 3).lower())


def _user(rng: Random, tag: str = "en") -> Json:
    return {"messages": [{"role": "user", "content": _prompt(rng, tag)}]}


def _offering(rng: Random) -> Json:
    system = {"role": "system", "content": "You are a helpful assistant with tools."}
    tools = rng.sample(_TOOLS, rng.randint(1, len(_TOOLS)))
    return {"messages": [system, *_user(rng)["messages"]], "tools": tools}


def _with_results(rng: Random) -> Json:
    """A request after a call was made and answered."""
    asked = _offering(rng)
    name = asked["tools"][0]["function"]["name"]
    id = f"call_{rng.getrandbits(96):024x}"
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
    asked["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "content": Pen(rng).sentence()},
    ]
    return asked


def _formatted(rng: Random) -> Json:
    name, schema = rng.choice(list(_SCHEMAS.items()))
    told = {"name": name, "strict": True, "schema": schema}
    return _user(rng) | {"response_format": {"type": "json_schema", "json_schema": told}}


_FOREIGN = ("de", "fr", "ru", "el", "zh-Hans", "ja", "ko", "ar", "he", "hi", "th")
_ALL = tuple(ENDPOINTS)
_TALKS = ("chat", "responses")
_SEVERAL = ("chat", "completions")

KINDS: dict[str, tuple[Callable[[Random], Json], tuple[str, ...]]] = {
    "text": (_user, _ALL),
    "tools": (_offering, _TALKS),
    "schema": (_formatted, _TALKS),
    "choices": (lambda rng: _user(rng) | {"n": rng.randint(2, 3)}, _SEVERAL),
    "calls": (lambda rng: _offering(rng) | {"tool_choice": "required"}, _TALKS),
    "language": (lambda rng: _user(rng, rng.choice(_FOREIGN)), _ALL),
    "results": (_with_results, _TALKS),
    "usage": (lambda rng: _user(rng) | {"stream_options": {"include_usage": True}}, _SEVERAL),
    "length": (lambda rng: _user(rng) | {"max_tokens": rng.randint(4, 16)}, _ALL),
    "logprobs": (lambda rng: _user(rng) | {"logprobs": True, "top_logprobs": 2}, _SEVERAL),
}
"""Kinds of requests: what makes one in the form of a chat, and the endpoints that take it."""

_DESCRIPTIONS = {
    "text": "An answer",
    "tools": "What is said or called where tools are offered",
    "schema": "JSON of a schema",
    "choices": "Several choices",
    "calls": "One call or several, which are required",
    "language": "An answer in another language",
    "results": "What follows on the results of a call",
    "usage": "An answer with its usage",
    "length": "An answer that is cut off",
    "logprobs": "An answer with its log probabilities",
}


def _as_response(chat: Json) -> Json:
    """A chat's request in the form of the Responses API."""
    asked: Json = {"input": [item for said in chat["messages"] for item in _items(said)]}
    if "tools" in chat:
        asked["tools"] = [{"type": "function", **tool["function"]} for tool in chat["tools"]]
    if "response_format" in chat:
        told = chat["response_format"]["json_schema"]
        asked["text"] = {"format": {"type": "json_schema", **told}}
    if "max_tokens" in chat:
        asked["max_output_tokens"] = max(16, chat["max_tokens"])  # which is the least
    return asked | {name: chat[name] for name in ("tool_choice",) if name in chat}


def _items(message: Json) -> Iterator[Json]:
    for call in message.get("tool_calls") or ():
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}
    if message["role"] == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message["tool_call_id"],
            "output": message["content"],
        }
    elif message["content"] is not None:
        yield {"role": message["role"], "content": message["content"]}


def _as_completion(chat: Json) -> Json:
    """A chat's request in the form of the legacy completions."""
    rest = {name: value for name, value in chat.items() if name not in ("messages", "top_logprobs")}
    if "logprobs" in rest:
        rest["logprobs"] = chat["top_logprobs"]
    return {"prompt": chat["messages"][-1]["content"]} | {"max_tokens": 400} | rest


_FORMS: dict[str, Callable[[Json], Json]] = {
    "chat": lambda chat: chat,
    "responses": _as_response,
    "completions": _as_completion,
}
"""How a request is told at each endpoint."""

_PROMPTS = (
    "Tell me about {}.",
    "How does {} work?",
    "Write a short story about {}.",
    "Give me a list of things to know about {}.",
    "Explain {} to a child, please.",
    "What is the difference between {} and the rest?",
    "Show me an example in code: {}.",
    "Summarize what is known of {} 🙂",
)


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT: Json = {"type": "string"}


def _tool(name: str, description: str, **properties: Json) -> Json:
    told = {"name": name, "description": description, "parameters": _object(**properties)}
    return {"type": "function", "function": told}


_TOOLS = [
    _tool(
        "get_weather",
        "The weather of a place.",
        city=_TEXT,
        unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
        days={"type": "integer", "minimum": 1, "maximum": 7},
    ),
    _tool(
        "send_mail",
        "Sends a mail.",
        to={"type": "array", "items": {"type": "string", "format": "email"}, "minItems": 1},
        subject=_TEXT,
        body={"type": ["string", "null"]},
    ),
    _tool("get_time", "The time."),
]

_SCHEMAS: dict[str, Json] = {
    "event": _object(
        title=_TEXT,
        start={"type": "string", "format": "date-time"},
        guests={"type": "array", "items": _object(name=_TEXT, email={"$ref": "#/$defs/email"})},
    )
    | {"$defs": {"email": {"type": "string", "format": "email"}}},
    "comment": _object(
        text=_TEXT,
        score={"type": "number", "minimum": 0, "maximum": 1},
        replies={"type": "array", "items": {"$ref": "#"}},
    ),
    "result": _object(
        value={"anyOf": [{"type": "integer"}, _TEXT, {"type": "null"}]},
        code={"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
    ),
}
