"""Let a model answer in the background: poll the response, or resume its stream if it breaks."""

import time

from openai import APIConnectionError, OpenAI
from openai.types.responses import Response

POLL = 2.0  # seconds between two polls, unless the server says how many
ATTEMPTS = 4


def poll(client: OpenAI, response: Response) -> Response:
    """Wait until a response has ended, and print each new state."""
    status = response.status
    print(status)
    while response.status in ("queued", "in_progress"):
        answer = client.responses.with_raw_response.retrieve(response.id)
        response = answer.parse()
        if response.status != status:
            status = response.status
            print(status)
        time.sleep(float(answer.headers.get("openai-poll-after-ms", POLL * 1000)) / 1000)
    return response


def follow(client: OpenAI, question: str) -> None:
    """Print the stream of a response; when the connection breaks, continue after the last event."""
    stream = client.responses.create(
        model="gpt-4o-mini", input=question, background=True, stream=True
    )
    id, last = "", -1
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for event in stream:
                last = event.sequence_number
                if event.type == "response.created":
                    id = event.response.id
                elif event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
            print()
            return
        except APIConnectionError:
            if attempt == ATTEMPTS or not id:
                raise
            print(f" [connection lost after event {last}] ", end="")
            stream = client.responses.retrieve(id, stream=True, starting_after=last)


def main() -> None:
    client = OpenAI()
    question = "Greet the world."
    response = client.responses.create(model="gpt-4o-mini", input=question, background=True)
    print(poll(client, response).output_text)
    follow(client, question)


if __name__ == "__main__":
    main()
