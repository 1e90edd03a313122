"""Timing profiles: they put pauses into a script.

Rules of this file: pure; times are seconds; the same seed gives the same gaps. What a profile's
numbers rest on is said beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from mockserver import sse
from mockserver.exceptions import MockServerError
from mockserver.script import Pause, Script, Step

__all__ = ["PROFILES", "Pace", "profile"]


@dataclass(frozen=True, slots=True)
class Pace:
    """A model's pace.

    Args:
        ttft: seconds to the first token. The head comes with it, as OpenAI sends none before.
        itl: seconds between two events after that.
        jitter: seconds by which each gap may be longer or shorter.
        seed: of the jitter; without one it differs each time.

    >>> Pace(ttft=0.4, itl=0.02)(Script(steps=(sse.DONE,))).head.delay
    0.4
    """

    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    seed: int | str | None = None

    def __post_init__(self) -> None:
        for name in ("ttft", "itl", "jitter"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
                raise ValueError(f"Pace({name}={value!r}): a number of seconds, 0 or more")

    def __call__(self, script: Script) -> Script:
        """The script at this pace."""
        rng = Random(self.seed)
        head = replace(script.head, delay=script.head.delay + self._gap(self.ttft, rng))
        return replace(script, head=head, steps=tuple(self._paced(script, rng)))

    def _gap(self, seconds: float, rng: Random) -> float:
        if not self.jitter:
            return seconds
        return max(0.0, seconds + rng.uniform(-self.jitter, self.jitter))

    def _paced(self, script: Script, rng: Random) -> Iterator[Step]:
        events = 0
        for step in script.steps:
            # The role chunk and the first token come together, and [DONE] with what is before it.
            if events >= 2 and step != sse.DONE and sse.count_events(step):
                gap = self._gap(self.itl, rng)
                if gap:
                    yield Pause(gap)
            events += sse.count_events(step)
            yield step


PROFILES: dict[str, Pace] = {
    "none": Pace(),
    # ttft: the median openai-processing-ms of recordings (WIRE.md §4). The rest is assumed.
    "gpt-4o": Pace(ttft=0.305, itl=0.016, jitter=0.008),
    # Measured: LLMPerf leaderboard, December 2023, medians. Jitter: assumed.
    "groq-70b": Pace(ttft=0.222, itl=0.0037, jitter=0.001),
    "together-13b": Pace(ttft=0.550, itl=0.0064, jitter=0.001),
    "anyscale-70b": Pace(ttft=0.213, itl=0.0138, jitter=0.003),
    "bedrock-70b": Pace(ttft=0.388, itl=0.0439, jitter=0.002),
}
"""Profiles by name."""


def profile(name: str) -> Pace:
    """The profile of this name, or a pace written ``TTFT,ITL`` or ``TTFT,ITL,JITTER`` in seconds.

    >>> profile("0.4,0.02")
    Pace(ttft=0.4, itl=0.02, jitter=0.0, seed=None)
    """
    if name in PROFILES:
        return PROFILES[name]
    try:
        numbers = [float(part) for part in name.split(",")]
        if 2 <= len(numbers) <= 3:
            return Pace(*numbers)  # type: ignore[arg-type]
    except ValueError:
        pass  # neither a name nor numbers: told below
    raise MockServerError(
        f"no pace is called {name!r}; give TTFT,ITL in seconds or one of {', '.join(PROFILES)}"
    )
