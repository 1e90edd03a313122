"""Receive OpenAI's webhooks with Flask: check the signature, answer at once, then do the work."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, request
from openai import InvalidWebhookSignatureError, OpenAI

client = OpenAI()  # reads OPENAI_WEBHOOK_SECRET, too
app = Flask(__name__)
worker = ThreadPoolExecutor(1)  # in production, a queue that survives a restart
known_ids: set[str] = set()  # in production, a table that all processes share


def show_answer(id: str) -> None:
    response = client.responses.retrieve(id)  # the event contains no more than the id
    print(response.output_text)


@app.post("/webhooks")
def receive() -> Response:
    body = request.get_data()  # the very bytes that are signed
    try:
        event = client.webhooks.unwrap(body, request.headers)
    except (InvalidWebhookSignatureError, ValueError):  # ValueError: a header is missing
        return Response(status=400)
    id = request.headers["webhook-id"]  # the same when OpenAI sends the event again
    if id not in known_ids:
        known_ids.add(id)
        if event.type == "response.completed":
            worker.submit(show_answer, event.data.id)
    return Response(status=204)


def main() -> None:
    app.run(host="127.0.0.1", port=5000)


if __name__ == "__main__":
    main()
