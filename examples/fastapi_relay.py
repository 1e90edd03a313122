"""Relay a streamed answer to the browser as server-sent events, with FastAPI."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles
from openai import AsyncOpenAI, OpenAIError

client = AsyncOpenAI()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with client:  # closes its connections when the relay stops
        yield


app = FastAPI(lifespan=lifespan)


def format_event(name: str, text: str = "") -> str:
    return f"event: {name}\ndata: {json.dumps(text)}\n\n"  # JSON escapes line breaks


async def answer(question: str) -> AsyncIterator[str]:
    try:
        async with await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": question}],
            stream=True,
        ) as stream:  # closed even if the browser disconnects
            async for chunk in stream:
                if piece := chunk.choices[0].delta.content:
                    yield format_event("text", piece)
    except OpenAIError as error:
        yield format_event(
            "failed", str(error)
        )  # status 200 was already sent, so report it in the stream
    else:
        yield format_event("done")


@app.get("/stream")
async def stream(question: str = "Greet the world.") -> StreamingResponse:
    headers = {"Cache-Control": "no-cache"}
    return StreamingResponse(answer(question), media_type="text/event-stream", headers=headers)


app.mount("/", StaticFiles(directory=Path(__file__).parent / "browser"))


def main() -> None:
    uvicorn.run(app, host="127.0.0.1", port=5000)


if __name__ == "__main__":
    main()
