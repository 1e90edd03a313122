"""Measure how long a reader waits for the first piece of text, and for the last."""

import time

from openai import OpenAI


def main() -> None:
    client = OpenAI()
    started = time.perf_counter()
    times: list[float] = []
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    )
    for chunk in stream:
        if chunk.choices[0].delta.content:  # the role chunk is no text to read yet
            times.append(time.perf_counter() - started)
    if times:
        print(f"first piece after {times[0]:.3f} s, last of {len(times)} after {times[-1]:.3f} s")
    else:
        print("no text came")


if __name__ == "__main__":
    main()
