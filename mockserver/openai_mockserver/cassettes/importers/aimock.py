"""Fixtures of aimock, which was called llmock: what the model says, without bytes.

Rules of this file: a text or a tool call is rendered as a stream; errors, embeddings and raw JSON
are the bodies that aimock sends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Pairs,
    RecordedExchange,
    build_request,
    check_status,
    convert_entries,
    encode_json,
    encode_value,
    read_milliseconds,
)
from openai_mockserver.cassettes.importers.rendered import render_stream
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import Reply, ToolCall, Usage

_NULL = msgspec.Raw(b"null")
_JSON: Pairs = (("Content-Type", "application/json"),)


class _Match(msgspec.Struct, rename="camel"):
    user_message: Any = None
    system_message: Any = None
    input_text: str | None = None
    model: Any = None


class _ToolCall(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    id: str | None = None


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    id: str | None = None


class _Error(msgspec.Struct):
    message: str
    type: str | None = None
    param: str | None = None
    code: Any = None


class _Response(msgspec.Struct, rename="camel"):
    content: msgspec.Raw = _NULL
    tool_calls: list[_ToolCall] | None = None
    blocks: list[_Block] | None = None
    reasoning: str | None = None
    error: _Error | None = None
    embedding: msgspec.Raw = _NULL
    json: msgspec.Raw = _NULL
    status: int | None = None
    retry_after: float | None = None
    id: str | None = None
    created: int | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


class _Profile(msgspec.Struct):
    ttft: float = 0
    tps: float = 0


class _Timings(msgspec.Struct, rename="camel"):
    ttft_ms: float = 0
    total_duration_ms: float = 0


class _Fixture(msgspec.Struct, rename="camel"):
    response: _Response
    match: _Match = msgspec.field(default_factory=_Match)
    latency: float = 0
    chunk_size: int | None = None
    streaming_profile: _Profile | None = None
    recorded_timings: _Timings | None = None


class _File(msgspec.Struct):
    fixtures: list[_Fixture]


def is_aimock(file: RecordedFile) -> bool:
    """Return whether the file has a list of fixtures, each with a response."""
    fixtures = file.document["fixtures"] if has_keys("fixtures")(file) else None
    return isinstance(fixtures, list) and all(
        isinstance(one, dict) and "response" in one for one in fixtures
    )


def read_aimock(file: RecordedFile) -> list[RecordedExchange]:
    """Read the fixtures of aimock."""
    return convert_entries(decode_content(file, _File).fixtures, _convert_fixture)


def _convert_fixture(fixture: _Fixture) -> RecordedExchange:
    response, match = fixture.response, fixture.match
    if response.error is not None:
        return _build_error(response, fixture)
    if bytes(response.json) != b"null":
        status = check_status(response.status or 200)
        body = msgspec.json.format(bytes(response.json), indent=-1)
        return RecordedExchange(body, _JSON, status)
    if bytes(response.embedding) != b"null":
        return _build_embedding(response, match)
    members = _list_members(match)
    envelope = {
        "id": response.id,
        "created": response.created,
        "model": response.model or members.get("model"),
        "system_fingerprint": response.system_fingerprint,
    }
    exchange = render_stream(_build_reply(fixture), members, envelope)
    delay, duration = _read_times(fixture, exchange.body.count(b"\n\n"))
    return replace(exchange, request=_build_request(match), delay=delay, duration=duration)


def _build_reply(fixture: _Fixture) -> Reply:
    response = fixture.response
    blocks = response.blocks or []
    text = "".join(one.text for one in blocks if one.type == "text")
    calls = [one for one in blocks if one.type == "toolCall"] or response.tool_calls or []
    if bytes(response.content) != b"null":
        text = encode_value(response.content).decode()
    elif not calls and not blocks and response.reasoning is None:
        raise ImportProblem(
            "its response must be a text, tool calls, an error, an embedding or JSON"
        )
    try:
        return Reply(
            _cut(text, fixture.chunk_size or 20) if text or not calls else None,
            reasoning=response.reasoning,
            tool_calls=[
                ToolCall(call.name, encode_value(call.arguments).decode(), call.id)
                for call in calls
            ],
            finish_reason=response.finish_reason or "auto",
            usage=_read_usage(response.usage),
        )
    except (ReplyError, TypeError, ValueError) as error:
        raise ImportProblem(f"its response is no reply: {error}") from None


def _cut(text: str, size: int) -> list[str]:
    """Cut a text into the pieces in which aimock sends it."""
    size = max(size, 1)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _read_usage(usage: dict[str, Any] | None) -> Usage | None:
    """Read the counts, under the names of any provider."""
    if usage is None:
        return None
    prompt = _find_count(usage, "prompt_tokens", "input_tokens", "promptTokenCount")
    return Usage(
        prompt, _find_count(usage, "completion_tokens", "output_tokens", "candidatesTokenCount")
    )


def _find_count(usage: dict[str, Any], *names: str) -> int:
    return next((usage[name] for name in names if isinstance(usage.get(name), int)), 0)


def _read_times(fixture: _Fixture, count: int) -> tuple[float, float]:
    """Return the seconds before the response, and those over which its events are spread."""
    timings, profile = fixture.recorded_timings, fixture.streaming_profile
    if timings is not None:
        rest = timings.total_duration_ms - timings.ttft_ms
        return read_milliseconds(timings.ttft_ms), read_milliseconds(rest)
    if profile is not None:
        duration = count * 1000 / profile.tps if profile.tps > 0 else 0
        return read_milliseconds(profile.ttft), read_milliseconds(duration)
    return 0.0, read_milliseconds(fixture.latency * count)


def _build_error(response: _Response, fixture: _Fixture) -> RecordedExchange:
    error = response.error
    assert error is not None
    status = check_status(response.status or 500)
    body = {
        "message": error.message,
        "type": error.type or "server_error",
        "param": error.param,
        "code": error.code,
    }
    headers = _JSON
    if status == 429 or response.retry_after is not None:
        seconds = 1 if response.retry_after is None else response.retry_after
        headers = (*headers, ("Retry-After", f"{seconds:g}"))
    request = _build_request(fixture.match)
    return RecordedExchange(encode_json({"error": body}), headers, status, request)


def _build_embedding(response: _Response, match: _Match) -> RecordedExchange:
    item = {"object": "embedding", "index": 0, "embedding": response.embedding}
    model = match.model if isinstance(match.model, str) else "text-embedding-3-small"
    body = {
        "object": "list",
        "data": [item],
        "model": model,
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }
    request = None
    if match.input_text is not None:
        content = encode_json({"model": model, "input": match.input_text})
        request = build_request("POST", "/v1/embeddings", (), content)
    return RecordedExchange(encode_json(body), _JSON, 200, request)


def _list_members(match: _Match) -> dict[str, Any]:
    """Return the members of a request that the fixture states; patterns say none."""
    messages = [
        {"role": role, "content": content}
        for role, content in (("system", match.system_message), ("user", match.user_message))
        if isinstance(content, str)
    ]
    members: dict[str, Any] = {"model": match.model} if isinstance(match.model, str) else {}
    return members | ({"messages": messages} if messages else {})


def _build_request(match: _Match) -> dict[str, Any] | None:
    """Return a request that matches, if the fixture states a message."""
    members = _list_members(match)
    if "messages" not in members:
        return None
    content = encode_json(members | {"stream": True})
    return build_request("POST", "/v1/chat/completions", (), content)
