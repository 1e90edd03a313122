"""Retry with exponential backoff; an answer whose connection breaks is requested again."""

import time

from openai import APIConnectionError, OpenAI

ATTEMPTS = 4
FIRST_DELAY = 0.1  # seconds; doubled after each failure


def answer(client: OpenAI, question: str) -> str:
    text = ""
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": question}],
        stream=True,
    )
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
    return text


def main() -> None:
    client = OpenAI(
        max_retries=0
    )  # the loop below retries; the client itself cannot do so mid-stream
    for attempt in range(1, ATTEMPTS + 1):
        try:
            print(answer(client, "Greet the world."))
            return
        except APIConnectionError:
            if attempt == ATTEMPTS:
                raise
            delay = FIRST_DELAY * 2 ** (attempt - 1)
            print(f"attempt {attempt}: connection lost, trying again in {delay:.1f} s")
            time.sleep(delay)


if __name__ == "__main__":
    main()
