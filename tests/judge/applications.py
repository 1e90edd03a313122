"""An application that relays answers, and gateways: small ones, each with a mistake or without.

``python applications.py KIND PORT`` serves one; it asks the server in ``OPENAI_BASE_URL``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

UPSTREAM = os.environ.get("OPENAI_BASE_URL", "")
EVENT_STREAM = "text/event-stream"
client = httpx.AsyncClient(base_url=UPSTREAM, timeout=5, trust_env=False)


async def pass_on(request: Request) -> Response:
    """Pass on each read as it comes; a broken answer breaks."""
    path = request.url.path.removeprefix("/v1")
    sent = client.build_request("POST", path, content=await request.body(), headers=JSON)
    answer = await client.send(sent, stream=True)

    async def relay() -> AsyncIterator[bytes]:
        try:
            async for data in answer.aiter_bytes():
                yield data
        finally:
            await answer.aclose()

    kind = answer.headers.get("content-type", "application/json")
    return StreamingResponse(relay(), answer.status_code, media_type=kind)


async def buffer(request: Request) -> Response:
    """Pass on the answer once it is complete; a broken answer looks like a whole one."""
    path = request.url.path.removeprefix("/v1")
    sent = client.build_request("POST", path, content=await request.body(), headers=JSON)
    answer = await client.send(sent, stream=True)
    body = b""
    try:
        async for data in answer.aiter_bytes():
            body += data
    except httpx.HTTPError:
        body += b"data: [DONE]\n\n"
    return Response(body, answer.status_code, media_type=answer.headers.get("content-type"))


async def chat(request: Request) -> Response:
    """Send only the text, in events of the application's own form."""
    question = (await request.json())["question"]
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": question}]}

    async def texts() -> AsyncIterator[bytes]:
        try:
            async with client.stream("POST", "/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    data = line.removeprefix("data: ")
                    if data and not data.startswith(("[DONE]", ":")):
                        for choice in json.loads(data).get("choices") or ():
                            text = choice["delta"].get("content") or ""
                            yield f"data: {json.dumps({'delta': {'text': text}})}\n\n".encode()
        except Exception as error:
            yield f"event: error\ndata: {json.dumps({'error': str(error)})}\n\n".encode()

    return StreamingResponse(texts(), media_type=EVENT_STREAM)


async def plain(request: Request) -> Response:
    """Send the text as plain text, once it is complete."""
    body = {**(await request.json()), "stream": True}
    answer = await client.post("/chat/completions", json=body)
    text = ""
    for block in answer.text.split("\n\n"):
        if block.startswith("data: {"):
            for choice in json.loads(block[6:])["choices"]:
                text += choice["delta"].get("content") or ""
    return PlainTextResponse(text)


JSON = {"Content-Type": "application/json"}
KINDS = {"pass_on": pass_on, "buffer": buffer, "chat": chat, "plain": plain}

if __name__ == "__main__":
    kind, port = sys.argv[1:]
    routes = [Route("/{path:path}", KINDS[kind], methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), port=int(port), log_level="warning")
