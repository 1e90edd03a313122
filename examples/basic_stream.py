"""Print an answer piece by piece, as it arrives."""

from openai import OpenAI


def main() -> None:
    client = OpenAI()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    )
    for chunk in stream:
        piece = chunk.choices[0].delta.content
        if piece is not None:  # the last chunk carries the finish reason and no text
            print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
