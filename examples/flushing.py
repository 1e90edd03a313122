"""Show each piece at once, even if the output is a pipe and not a terminal."""

import sys

from openai import OpenAI


def main() -> None:
    client = OpenAI()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    )
    for chunk in stream:
        sys.stdout.write(chunk.choices[0].delta.content or "")
        sys.stdout.flush()  # pipes are block-buffered: otherwise the text appears at the end
    print(flush=True)  # the same in one call


if __name__ == "__main__":
    main()
