"""Give up on a stream that falls silent, with an alarm that each chunk resets (Unix)."""

import signal
from types import FrameType

from openai import OpenAI

MAX_SILENCE = 1.5  # seconds


class Stalled(Exception):
    """Not a TimeoutError, which the HTTP client would mistake for an error of its socket."""


def give_up(signum: int, frame: FrameType | None) -> None:
    raise Stalled


def main() -> None:
    client = OpenAI(max_retries=0)
    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, MAX_SILENCE)
    try:
        with client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Greet the world."}],
            stream=True,
        ) as stream:
            for chunk in stream:
                signal.setitimer(signal.ITIMER_REAL, MAX_SILENCE)
                print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()
    except Stalled:
        print(f"\nno data for {MAX_SILENCE} s, giving up")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


if __name__ == "__main__":
    main()
