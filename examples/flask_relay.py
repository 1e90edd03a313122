"""Relay a streamed answer to the browser as server-sent events, with Flask."""

import json
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, request
from openai import OpenAI, OpenAIError

app = Flask(__name__, static_folder=Path(__file__).parent / "browser", static_url_path="")
client = OpenAI()


def format_event(name: str, text: str = "") -> str:
    return f"event: {name}\ndata: {json.dumps(text)}\n\n"  # JSON escapes line breaks


def answer(question: str) -> Iterator[str]:
    try:
        with client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": question}],
            stream=True,
        ) as stream:  # closed even if the browser disconnects
            for chunk in stream:
                if piece := chunk.choices[0].delta.content:
                    yield format_event("text", piece)
    except OpenAIError as error:
        yield format_event(
            "failed", str(error)
        )  # status 200 was already sent, so report it in the stream
    else:
        yield format_event("done")


@app.get("/stream")
def stream() -> Response:
    question = request.args.get("question", "Greet the world.")
    headers = {"Cache-Control": "no-cache"}
    return Response(answer(question), mimetype="text/event-stream", headers=headers)


def main() -> None:
    app.run(host="127.0.0.1", port=5000)


if __name__ == "__main__":
    main()
