"""Measure how long a reader waits for the first and the last piece of text."""

import time

from openai import OpenAI


def main() -> None:
    client = OpenAI()
    start = time.perf_counter()
    times: list[float] = []
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    )
    for chunk in stream:
        if chunk.choices[0].delta.content:  # the role chunk has no text
            times.append(time.perf_counter() - start)
    if times:
        print(f"first piece after {times[0]:.3f} s, last of {len(times)} after {times[-1]:.3f} s")
    else:
        print("no text arrived")


if __name__ == "__main__":
    main()
