"""Give up on a stream that falls silent, with an alarm set anew at each chunk (Unix)."""

import signal
from types import FrameType

from openai import OpenAI

PATIENCE = 1.5  # seconds of silence


class Stalled(Exception):
    """Not a TimeoutError: the HTTP client would take that for an error of its own socket."""


def give_up(signum: int, frame: FrameType | None) -> None:
    raise Stalled


def main() -> None:
    client = OpenAI(max_retries=0)
    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        with client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Greet the world."}],
            stream=True,
        ) as stream:
            for chunk in stream:
                signal.setitimer(signal.ITIMER_REAL, PATIENCE)
                print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()
    except Stalled:
        print(f"\nno data for {PATIENCE} s, giving up")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


if __name__ == "__main__":
    main()
