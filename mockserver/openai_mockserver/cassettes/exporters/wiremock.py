"""Stub mappings of WireMock 3, in one JSON file with the member ``mappings``.

WireMock sends the length, the chunks and the compression of a body itself, so the headers about
them are left out, as WireMock's own recorder does. It has one pause before the response and spreads
the body evenly over the rest of the time (``chunkedDribbleDelay``). Stubs with the same request
form a scenario, and so answer one after the other; the last one repeats.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec.json

from openai_mockserver.cassettes.exporters.recording import (
    Export,
    SentRequest,
    decode_response,
    find_request,
    group_headers,
    note_assumed_requests,
)
from openai_mockserver.cassettes.recorded_request import split_url
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Pause, Script

__all__ = ["write_wiremock"]

_LEFT_OUT = ("content-encoding", "content-length", "transfer-encoding")


def write_wiremock(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write stub mappings."""
    requests = [_build_pattern(find_request(exchange)) for exchange in exchanges]
    keys = [msgspec.json.encode(request) for request in requests]
    totals, counts = Counter(keys), Counter[bytes]()
    mappings = []
    for exchange, request, key in zip(exchanges, requests, keys, strict=True):
        mapping: dict[str, Any] = {"name": str(exchange.about.get("name") or stem)}
        counts[key] += 1
        if totals[key] > 1:
            scenario = f"{stem}: request {list(totals).index(key) + 1}"
            mapping |= _build_state(scenario, counts[key], totals[key])
        mappings.append(mapping | {"request": request, "response": _build_response(exchange)})
    content = msgspec.json.format(msgspec.json.encode({"mappings": mappings}), indent=2)
    return Export({f"{stem}.json": content + b"\n"}, note_assumed_requests(exchanges))


def _build_state(scenario: str, number: int, total: int) -> dict[str, str]:
    required = "Started" if number == 1 else f"answer {number}"
    following = {} if number == total else {"newScenarioState": f"answer {number + 1}"}
    return {"scenarioName": scenario, "requiredScenarioState": required, **following}


def _build_pattern(request: SentRequest) -> dict[str, Any]:
    path, query = split_url(request.url)
    pattern: dict[str, Any] = {"method": request.method}
    pattern["url"] = f"{path}?{query}" if query else path
    if request.body:
        pattern["bodyPatterns"] = [_match_body(request.body)]
    return pattern


def _match_body(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
        if isinstance(value, dict | list):
            return {"equalToJson": value}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # not JSON
    try:
        return {"equalTo": body.decode()}
    except UnicodeDecodeError:
        return {"binaryEqualTo": base64.b64encode(body).decode()}


def _build_response(exchange: Exchange) -> dict[str, Any]:
    body, all_headers = decode_response(exchange)
    headers = [pair for pair in all_headers if pair[0].lower() not in _LEFT_OUT]
    response: dict[str, Any] = {"status": exchange.script.head.status}
    response["headers"] = {
        name: values[0] if len(values) == 1 else values
        for name, values in group_headers(headers).items()
    }
    try:
        response["body"] = body.decode()
    except UnicodeDecodeError:
        response["base64Body"] = base64.b64encode(body).decode()
    return response | _build_delays(exchange.script)


def _build_delays(script: Script) -> dict[str, Any]:
    delays: dict[str, Any] = {}
    if before := _to_milliseconds(script.head.delay):
        delays["fixedDelayMilliseconds"] = before
    within = _to_milliseconds(script.seconds - script.head.delay)
    pauses = sum(isinstance(step, Pause) and step.seconds > 0 for step in script.steps)
    if within:
        delays["chunkedDribbleDelay"] = {"numberOfChunks": pauses + 1, "totalDuration": within}
    return delays


def _to_milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
