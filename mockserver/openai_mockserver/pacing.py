"""Timing profiles, which put pauses into a script.

Rules of this file: pure functions, apart from `Pace.load`; times are seconds; the same seed gives
the same gaps. The source of a profile's numbers stands beside it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import add
from pathlib import Path
from random import Random
from typing import Any

from openai_mockserver import sse
from openai_mockserver.bounded_input import InputProblem, check_yaml, read_file
from openai_mockserver.exceptions import MockServerError, ScriptError
from openai_mockserver.script import LazySteps, Pause, Script, Step

__all__ = ["PROFILES", "Pace", "as_pace", "find_pace", "profile"]


# Each function draws a gap with this mean and spread.
DISTRIBUTIONS: dict[str, Callable[[Random, float, float], float]] = {
    "constant": lambda rng, mean, spread: mean,
    "uniform": lambda rng, mean, spread: rng.uniform(mean - spread, mean + spread),
    "normal": lambda rng, mean, spread: rng.gauss(mean, spread),
    # `mean` is the median and `spread` that of the logarithm: the distribution has a long tail.
    "lognormal": lambda rng, mean, spread: mean * math.exp(rng.gauss(0.0, spread)),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace at which a model answers.

    Args:
        ttft: time to first token, in seconds. The head is sent with it, as OpenAI does.
        itl: inter-token latency: seconds between two events after that.
        jitter: spread of each gap, in seconds; with ``lognormal``, of the gap's logarithm.
        seed: seed for the gaps; without one they differ each time.
        distribution: ``uniform``, ``constant``, ``normal`` or ``lognormal``.
        stall_chance: probability that a gap is a stall, from 0 to 1.
        stall_seconds: duration of a stall, in seconds.
        ttft_quantiles, itl_quantiles: measured times, in seconds, evenly spaced from the shortest
            to the longest, such as minimum, median and maximum. Each time is drawn from them,
            instead of from ``ttft`` or ``itl`` and ``jitter``.

    >>> Pace(ttft=0.4, itl=0.02)(Script(steps=(sse.DONE,))).head.delay
    0.4
    """

    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    seed: int | str | None = None
    distribution: str = "uniform"
    stall_chance: float = 0.0
    stall_seconds: float = 0.0
    ttft_quantiles: tuple[float, ...] = ()
    itl_quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("ttft_quantiles", "itl_quantiles"):
            object.__setattr__(self, name, _check_quantiles(name, getattr(self, name)))
        for name in ("ttft", "itl", "jitter", "stall_chance", "stall_seconds"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
                raise ScriptError(f"Pace({name}={value!r}): {name} must be a number, 0 or more")
        if self.distribution not in DISTRIBUTIONS:
            names = ", ".join(DISTRIBUTIONS)
            raise ScriptError(f"Pace(distribution={self.distribution!r}): must be one of {names}")
        if self.stall_chance > 1:
            raise ScriptError(f"Pace(stall_chance={self.stall_chance!r}): must be from 0 to 1")

    def __call__(self, script: Script) -> Script:
        """Return the script at this pace."""
        if not (self.ttft or self.itl or self.is_random):
            return script
        rng = Random(self.seed)
        ttft = self._gap(self.ttft, self.ttft_quantiles, rng)
        head = replace(script.head, delay=script.head.delay + ttft)
        if (lazy := script.lazy) is not None:
            return Script.of_lazy(head, self._pace_lazy(lazy, rng))
        return replace(script, head=head, steps=tuple(self._pace_steps(script, rng)))

    @property
    def is_random(self) -> bool:
        """Whether its times are drawn."""
        return bool(self.jitter or self.stall_chance or self.ttft_quantiles or self.itl_quantiles)

    @classmethod
    def load(cls, path: Path | str, name: str = "all", seed: int | str | None = None) -> Pace:
        """Return a pace from a file that ``openai-mockserver cassettes calibrate`` has written.

        Args:
            path: the file, in JSON or YAML.
            name: one of its profiles, such as ``openai/gpt-4o``, or the end of its name.
            seed: seed for the gaps; without one they differ each time.

        Raises:
            MockServerError: if the file cannot be read, or contains no such profile.
        """
        profiles = read_profiles(Path(path))
        name = choose_profile(path, profiles, name)
        members = profiles[name]
        try:
            return replace(cls(**members), seed=seed)
        except TypeError:
            unknown = ", ".join(sorted(members.keys() - set(cls.__slots__)))
            raise MockServerError(f"{path}: {name}: a pace has no {unknown}") from None
        except ScriptError as error:
            raise MockServerError(f"{path}: {name}: {error}") from None

    def _gap(self, seconds: float, quantiles: tuple[float, ...], rng: Random) -> float:
        if quantiles:
            place, share = divmod(rng.random() * (len(quantiles) - 1), 1)
            low = quantiles[int(place)]
            return low + share * (quantiles[min(int(place) + 1, len(quantiles) - 1)] - low)
        if not self.jitter:
            return seconds
        return max(0.0, DISTRIBUTIONS[self.distribution](rng, seconds, self.jitter))

    def _pace_lazy(self, steps: LazySteps, rng: Random) -> LazySteps:
        if self.is_random:
            silences = array("d", self._draw_silences(steps.kinds, rng))
        else:
            silences = _share_silences(steps.kinds, self.itl)
        if steps.silences is not None:
            silences = array("d", map(add, silences, steps.silences))
        return steps.with_silences(silences) if any(silences) else steps

    def _pace_steps(self, script: Script, rng: Random) -> Iterator[Step]:
        steps = sse.apart(script.steps)
        silences = self._draw_silences(map(_kind_of, steps), rng)
        for step, silence in zip(steps, silences, strict=True):
            if silence:
                yield Pause(silence)
            yield step

    def _draw_silences(self, kinds: Iterable[int], rng: Random) -> Iterator[float]:
        """Yield the silence before each step, in seconds.

        There is none between the role chunk and the first token, nor before ``[DONE]``.
        """
        events = 0
        for kind in kinds:
            silence = 0.0
            if kind == 1 and events >= 2:
                silence = self._gap(self.itl, self.itl_quantiles, rng)
                if self.stall_chance and rng.random() < self.stall_chance:
                    silence += self.stall_seconds
            events += kind > 0
            yield silence


def _check_quantiles(name: str, values: object) -> tuple[float, ...]:
    quantiles = tuple(values) if isinstance(values, list | tuple) else None
    if quantiles is None or not all(
        isinstance(one, int | float) and math.isfinite(one) and one >= 0 for one in quantiles
    ):
        raise ScriptError(f"Pace({name}={values!r}): must be a list of numbers, 0 or more")
    if list(quantiles) != sorted(quantiles):
        raise ScriptError(f"Pace({name}=...): must be sorted, from the shortest to the longest")
    return quantiles


def choose_profile(path: Path | str, profiles: Iterable[str], name: str) -> str:
    """Return the name of a profile in a file, given its name or the end of it.

    Raises MockServerError if no profile has it, or several end with it.
    """
    found = [one for one in profiles if one == name or one.endswith(f"/{name}")]
    if name in found or len(found) == 1:
        return name if name in found else found[0]
    raise MockServerError(
        f"{path} contains {len(found) or 'no'} profile{'s' * (len(found) > 1)} {name!r}: "
        f"it has {', '.join(profiles)}"
    )


def read_profiles(path: Path, member: str = "profiles") -> dict[str, dict[str, Any]]:
    """Return the profiles in a file that ``cassettes calibrate`` has written, by name.

    Args:
        path: the file, in JSON or YAML.
        member: ``profiles``, each with the arguments of a pace, or ``engines``.

    Raises MockServerError if the file cannot be read, or has none.
    """
    import yaml

    try:
        text = read_file(path, _MOST_FILE).decode()
        check_yaml(text)
        document = yaml.safe_load(text)
    except OSError as error:
        raise MockServerError(f"cannot read {path}: {error.strerror or error}") from None
    except InputProblem as error:
        raise MockServerError(f"{path}: {error}") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise MockServerError(f"{path}: it is neither JSON nor YAML") from None
    profiles = document.get(member) if isinstance(document, dict) else None
    if not isinstance(profiles, dict) or not profiles or document.get("pace") != 1:
        raise MockServerError(
            f"{path}: it contains no {_CONTENTS[member]}; `cassettes calibrate` writes such a file"
        )
    if not all(isinstance(members, dict) for members in profiles.values()):
        raise MockServerError(f"{path}: each profile must be a mapping")
    return {str(name): dict(members) for name, members in profiles.items()}


_MOST_FILE = 2**22  # bytes
_CONTENTS = {"profiles": "paces", "engines": "engines"}


@lru_cache(maxsize=64)
def _share_silences(kinds: bytes, itl: float) -> array[float]:
    """Return the silences of a pace without jitter, cached for streams with the same steps."""
    return array("d", Pace(itl=itl)._draw_silences(kinds, Random(0)))


def _kind_of(step: Step) -> int:
    """Return the kind of a step, as in `LazySteps.kinds`; a pause counts as 0."""
    if step == sse.DONE:
        return 2
    return min(1, sse.count_events(step))


PROFILES: dict[str, Pace] = {
    "none": Pace(),
    # ttft: median of openai-processing-ms in recordings (WIRE.md §4). The rest is assumed.
    "gpt-4o": Pace(ttft=0.305, itl=0.016, jitter=0.3, distribution="lognormal"),
    # The LLMPerf leaderboard of December 2023 (ray-project/llmperf-leaderboard): medians, and the
    # spread of the logarithm of itl; 150 requests each, bedrock 53 and 101. We assume that ttft
    # has the same spread.
    "anyscale-7b": Pace(0.2035, 0.01806, 0.061, distribution="lognormal"),
    "anyscale-13b": Pace(0.2024, 0.00682, 0.139, distribution="lognormal"),
    "anyscale-70b": Pace(0.2128, 0.01384, 0.218, distribution="lognormal"),
    "bedrock-13b": Pace(0.2688, 0.0249, 0.005, distribution="lognormal"),
    "bedrock-70b": Pace(0.3877, 0.04387, 0.042, distribution="lognormal"),
    "fireworks-7b": Pace(0.3303, 0.01112, 0.03, distribution="lognormal"),
    "fireworks-70b": Pace(0.5166, 0.02164, 0.07, distribution="lognormal"),
    "groq-70b": Pace(0.2219, 0.00374, 0.128, distribution="lognormal"),
    "lepton-70b": Pace(0.9253, 0.02425, 0.05, distribution="lognormal"),
    "perplexity-70b": Pace(0.3661, 0.03047, 0.098, distribution="lognormal"),
    "together-13b": Pace(0.5499, 0.00642, 0.109, distribution="lognormal"),
    # replicate-70b's ttft had p50 1.2 s and p99 64 s: a stall stands for an occasional cold start.
    "replicate-70b": Pace(1.1881, 0.08558, 0.043, None, "lognormal", 0.001, 24.0),
}
"""Profiles by name."""


def as_pace(value: object) -> Pace | None:
    """Return a `Pace` as it is, a name as its profile; raise MockServerError for anything else."""
    if isinstance(value, str):
        return profile(value)
    if value is None or isinstance(value, Pace):
        return value
    raise MockServerError(f"pace={value!r}: must be a Pace or the name of a profile")


def find_pace(text: str) -> Pace:
    """Return the pace that a command's option names: a profile, numbers, or a file.

    Args:
        text: as for `profile`, or the path of a file with paces; ``FILE:NAME`` chooses one of them.
    """
    path, _, name = text.partition(":") if not Path(text).exists() else (text, "", "")
    if Path(path).suffix.lower() in (".json", ".yaml", ".yml"):
        return Pace.load(path, name or "all")
    return profile(text)


def profile(name: str) -> Pace:
    """Return the profile with this name, or parse ``TTFT,ITL`` or ``TTFT,ITL,JITTER`` in seconds.

    >>> profile("0.4,0.02") == Pace(ttft=0.4, itl=0.02)
    True
    """
    if name in PROFILES:
        return PROFILES[name]
    try:
        numbers = [float(part) for part in name.split(",")]
        if 2 <= len(numbers) <= 3:
            return Pace(*numbers)  # type: ignore[arg-type]
    except ValueError:
        pass  # neither a name nor numbers
    raise MockServerError(
        f"unknown pace {name!r}: use TTFT,ITL in seconds or one of {', '.join(PROFILES)}"
    )
