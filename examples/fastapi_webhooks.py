"""Receive OpenAI's webhooks with FastAPI: check the signature, answer at once, then do the work."""

import uvicorn
from fastapi import BackgroundTasks, FastAPI, Request, Response
from openai import AsyncOpenAI, InvalidWebhookSignatureError

client = AsyncOpenAI()  # reads OPENAI_WEBHOOK_SECRET, too
app = FastAPI()
known_ids: set[str] = set()  # in production, a table that all processes share


async def show_answer(id: str) -> None:
    response = await client.responses.retrieve(id)  # the event contains no more than the id
    print(response.output_text)


@app.post("/webhooks")
async def receive(request: Request, tasks: BackgroundTasks) -> Response:
    body = await request.body()  # the very bytes that are signed
    try:
        event = client.webhooks.unwrap(body, request.headers)
    except (InvalidWebhookSignatureError, ValueError):  # ValueError: a header is missing
        return Response(status_code=400)
    id = request.headers["webhook-id"]  # the same when OpenAI sends the event again
    if id not in known_ids:
        known_ids.add(id)
        if event.type == "response.completed":
            tasks.add_task(show_answer, event.data.id)
    return Response(status_code=204)


def main() -> None:
    uvicorn.run(app, host="127.0.0.1", port=5000)


if __name__ == "__main__":
    main()
