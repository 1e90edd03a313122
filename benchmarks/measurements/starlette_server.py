"""A chat stream as most people write it with Starlette. Arguments: port, and number of pieces."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

PORT, PIECES = int(sys.argv[1]), int(sys.argv[2])


def make_chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-EoazLU2khh06KwNHpKDZB3Ui6eJZx",
        "object": "chat.completion.chunk",
        "created": 1795727291,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_2bd7001fe4",
        "choices": [choice],
        "obfuscation": "DVgJIn5NTlv",
    }


async def make_events() -> AsyncIterator[str]:
    yield f"data: {json.dumps(make_chunk({'role': 'assistant', 'content': ''}))}\n\n"
    for _ in range(PIECES):
        yield f"data: {json.dumps(make_chunk({'content': 'word '}))}\n\n"
    yield f"data: {json.dumps(make_chunk({}, 'stop'))}\n\n"
    yield "data: [DONE]\n\n"


async def answer(request: Request) -> StreamingResponse:
    await request.json()
    return StreamingResponse(make_events(), media_type="text/event-stream")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    uvicorn.run(app, port=PORT, log_level="error", access_log=False)
