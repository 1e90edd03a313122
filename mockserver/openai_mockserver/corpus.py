"""A corpus of generated streams: requests, their responses, and the right answers.

Rules of this file: an exchange depends on the arguments alone, so that a corpus is the same on
every machine. A mock with the seed checks and answers the requests. The kinds of requests are rows
of a table, and a corpus uses them in turn.
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
from openai_mockserver.generate.pen import Pen
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
"""The endpoints of a corpus, each with its path and its default model."""


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
    """Generate exchanges, each with its request and its right answer.

    Args:
        count: number of exchanges.
        seed: seed of the generated content. A mock with this seed, whose default is `generate`,
            answers the same requests with the same bytes.
        request: parameters of every request; by default generated, of all `KINDS` in turn.
        model: model to request; by default the request's model, or the endpoint's.
        endpoint: one of `ENDPOINTS`.
        stream: whether to request a stream; by default true unless the request says otherwise.
        dialect: provider whose dialect the answers have.
        pace: timing of the events.
        faults: faults of each response, from left to right.

    Raises:
        MockServerError: if the endpoint is unknown or a request is refused.

    >>> exchange, = corpus(1)
    >>> exchange.about["name"], exchange.about["request"]["url"]
    ('0001-text', '/v1/chat/completions')
    """
    if endpoint not in ENDPOINTS:
        raise MockServerError(
            f"no endpoint is called {endpoint!r}; choose from {', '.join(ENDPOINTS)}"
        )
    path, default_model = ENDPOINTS[endpoint]
    kinds = [kind for kind, (_, endpoints) in KINDS.items() if endpoint in endpoints]
    fault_list, timing = tuple(faults), as_pace(pace)
    for at in range(count):
        if request is None:
            kind = kinds[at % len(kinds)]
            fields = _generate_request(kind, endpoint, Random(f"{seed}\0{at}"))
        else:
            kind, fields = "custom", dict(request)
        options = {"model": model, "stream": stream}
        payload = (
            {"model": default_model, "stream": True}
            | fields
            | {k: v for k, v in options.items() if v is not None}
        )
        # A repeated request gets another answer.
        answer_seed = seed if request is None or at == 0 else f"{seed}.{at}"
        script = _answer_request(path, payload, answer_seed, dialect)
        if timing is not None:
            script = _apply_pace(script, timing, answer_seed)
        for fault in fault_list:
            script = fault(script)
        name = f"{at + 1:04d}-{kind}"
        description = _DESCRIPTIONS.get(kind, "An answer")
        about = {
            "name": name,
            "family": "generated",
            "description": f"{description}, generated with the seed {answer_seed}.",
            "request": {"method": "POST", "url": path, "json": payload},
        }
        right_answer = _find_right_answer(script)
        yield Exchange(script, about | ({} if right_answer is None else {"expect": right_answer}))


def _answer_request(path: str, payload: Json, seed: int | str, dialect: str | None) -> Script:
    """Answer a request as a mock with this seed does."""
    mock = MockOpenAI(seed=seed, dialect=dialect, default=lambda call: generate(call.json, seed))
    try:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise MockServerError(f"the request is not JSON: {error}") from None
    call = mock.respond(Request("POST", path, body=body))
    if call.problem is not None:
        raise MockServerError(call.problem)
    if call.script.head.status != 200:
        answer = api.read(call.script)
        reason = answer.message if isinstance(answer, ApiError) else answer
        raise MockServerError(f"the request is refused: {reason}")
    return call.script


def _apply_pace(script: Script, pace: Pace, seed: int | str) -> Script:
    """Apply a pace, rounded to microseconds, because machines differ in further digits."""
    exact = (pace if pace.seed is not None else replace(pace, seed=seed))(script)
    steps = (Pause(round(s.seconds, 6)) if isinstance(s, Pause) else s for s in exact.steps)
    head = replace(exact.head, delay=round(exact.head.delay, 6))
    return replace(exact, head=head, steps=tuple(steps))


# The right answer

_ENDS = {"reset": "connection", "cut": "connection", "truncate": "incomplete", "hold": "timeout"}
"""The error that a correct consumer reports for each premature end."""


def _find_right_answer(script: Script) -> Json | None:
    """Return the right answer and the error to report; None if the steps do not determine it."""
    status = script.head.status
    if script.raw or 200 < status < 400 or script.head.header("content-encoding") is not None:
        return None
    try:
        reply = api.read(script)
    except ReplyError:
        reply = Reply(finish_reason=None)
    error: str | None = None
    if isinstance(reply, ApiError):
        reply, error = Reply(error=reply), "api"
    elif status != 200:
        reply, error = Reply(finish_reason=None), "api"
    elif reply.error is not None:
        error = "api"
    else:
        error = _ENDS.get(script.end) or _find_error(script, reply)
    return {"reply": encode_reply(reply)} | ({} if error is None else {"error": error})


def _find_error(script: Script, reply: Reply) -> str | None:
    """Return the error in a body that ends normally; None if it is correct."""
    for event in sse.decode(sse.body(script.steps)):
        if not event.data.startswith("[DONE]") and not _is_object(event):
            return "malformed"
    # Audio streams have no finish reason (WIRE.md §1): [DONE] completes them.
    has_done = any(event.data.startswith("[DONE]") for event in sse.decode(sse.body(script.steps)))
    is_complete = all(
        choice.finish_reason is not None or (choice.audio is not None and has_done)
        for choice in reply.choices
    )
    return None if is_complete else "incomplete"


def _is_object(event: Event) -> bool:
    try:
        return isinstance(json.loads(event.data), dict)
    except ValueError:
        return False


# Requests


def _generate_request(kind: str, endpoint: str, rng: Random) -> Json:
    """Generate a request of a kind, in the form of an endpoint."""
    make, _ = KINDS[kind]
    return _FORMS[endpoint](make(rng))


def _generate_prompt(rng: Random, tag: str = "en") -> str:
    pen = Pen(rng, tag)
    if tag != "en":
        return pen.sentence()
    return rng.choice(_PROMPTS).format(pen.phrase(1, 3).lower())


def _generate_text(rng: Random, tag: str = "en") -> Json:
    return {"messages": [{"role": "user", "content": _generate_prompt(rng, tag)}]}


def _generate_tools(rng: Random) -> Json:
    system = {"role": "system", "content": "You are a helpful assistant with tools."}
    tools = rng.sample(_TOOLS, rng.randint(1, len(_TOOLS)))
    return {"messages": [system, *_generate_text(rng)["messages"]], "tools": tools}


def _generate_results(rng: Random) -> Json:
    """Generate a request that contains a tool call and its result."""
    request = _generate_tools(rng)
    name = request["tools"][0]["function"]["name"]
    id = f"call_{rng.getrandbits(96):024x}"
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "content": Pen(rng).sentence()},
    ]
    return request


def _generate_schema(rng: Random) -> Json:
    name, schema = rng.choice(list(_SCHEMAS.items()))
    json_schema = {"name": name, "strict": True, "schema": schema}
    return _generate_text(rng) | {
        "response_format": {"type": "json_schema", "json_schema": json_schema}
    }


_LANGUAGES = ("de", "fr", "ru", "el", "zh-Hans", "ja", "ko", "ar", "he", "hi", "th")
_ALL = tuple(ENDPOINTS)
_WITH_MESSAGES = ("chat", "responses")
_WITH_CHOICES = ("chat", "completions")

KINDS: dict[str, tuple[Callable[[Random], Json], tuple[str, ...]]] = {
    "text": (_generate_text, _ALL),
    "tools": (_generate_tools, _WITH_MESSAGES),
    "schema": (_generate_schema, _WITH_MESSAGES),
    "choices": (lambda rng: _generate_text(rng) | {"n": rng.randint(2, 3)}, _WITH_CHOICES),
    "calls": (lambda rng: _generate_tools(rng) | {"tool_choice": "required"}, _WITH_MESSAGES),
    "language": (lambda rng: _generate_text(rng, rng.choice(_LANGUAGES)), _ALL),
    "results": (_generate_results, _WITH_MESSAGES),
    "usage": (
        lambda rng: _generate_text(rng) | {"stream_options": {"include_usage": True}},
        _WITH_CHOICES,
    ),
    "length": (lambda rng: _generate_text(rng) | {"max_tokens": rng.randint(4, 16)}, _ALL),
    "logprobs": (
        lambda rng: _generate_text(rng) | {"logprobs": True, "top_logprobs": 2},
        _WITH_CHOICES,
    ),
}
"""Kinds of requests: the function that generates one as a chat, and the endpoints that take it."""

_DESCRIPTIONS = {
    "text": "An answer",
    "tools": "An answer to a request with tools",
    "schema": "JSON that follows a schema",
    "choices": "Several choices",
    "calls": "One or more required tool calls",
    "language": "An answer in another language",
    "results": "An answer to the result of a tool call",
    "usage": "An answer with its usage",
    "length": "An answer that is cut off",
    "logprobs": "An answer with its log probabilities",
}


def _convert_to_response(chat: Json) -> Json:
    """Convert a chat request into the form of the Responses API."""
    items = [item for message in chat["messages"] for item in _convert_message(message)]
    request: Json = {"input": items}
    if "tools" in chat:
        request["tools"] = [{"type": "function", **tool["function"]} for tool in chat["tools"]]
    if "response_format" in chat:
        json_schema = chat["response_format"]["json_schema"]
        request["text"] = {"format": {"type": "json_schema", **json_schema}}
    if "max_tokens" in chat:
        request["max_output_tokens"] = max(16, chat["max_tokens"])  # 16 is the minimum
    return request | {name: chat[name] for name in ("tool_choice",) if name in chat}


def _convert_message(message: Json) -> Iterator[Json]:
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


def _convert_to_completion(chat: Json) -> Json:
    """Convert a chat request into the form of the legacy completions."""
    rest = {name: value for name, value in chat.items() if name not in ("messages", "top_logprobs")}
    if "logprobs" in rest:
        rest["logprobs"] = chat["top_logprobs"]
    return {"prompt": chat["messages"][-1]["content"]} | {"max_tokens": 400} | rest


_FORMS: dict[str, Callable[[Json], Json]] = {
    "chat": lambda chat: chat,
    "responses": _convert_to_response,
    "completions": _convert_to_completion,
}
"""The conversion of a chat request for each endpoint."""

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


def _object_schema(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT: Json = {"type": "string"}


def _define_tool(name: str, description: str, **properties: Json) -> Json:
    function = {
        "name": name,
        "description": description,
        "parameters": _object_schema(**properties),
    }
    return {"type": "function", "function": function}


_TOOLS = [
    _define_tool(
        "get_weather",
        "The weather of a place.",
        city=_TEXT,
        unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
        days={"type": "integer", "minimum": 1, "maximum": 7},
    ),
    _define_tool(
        "send_mail",
        "Sends a mail.",
        to={"type": "array", "items": {"type": "string", "format": "email"}, "minItems": 1},
        subject=_TEXT,
        body={"type": ["string", "null"]},
    ),
    _define_tool("get_time", "The time."),
]

_SCHEMAS: dict[str, Json] = {
    "event": _object_schema(
        title=_TEXT,
        start={"type": "string", "format": "date-time"},
        guests={
            "type": "array",
            "items": _object_schema(name=_TEXT, email={"$ref": "#/$defs/email"}),
        },
    )
    | {"$defs": {"email": {"type": "string", "format": "email"}}},
    "comment": _object_schema(
        text=_TEXT,
        score={"type": "number", "minimum": 0, "maximum": 1},
        replies={"type": "array", "items": {"$ref": "#"}},
    ),
    "result": _object_schema(
        value={"anyOf": [{"type": "integer"}, _TEXT, {"type": "null"}]},
        code={"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
    ),
}
