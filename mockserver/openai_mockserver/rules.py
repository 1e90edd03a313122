"""Rules: which replies answer which request.

Rules of this file: no I/O. A rule can say why it does not match, because what no rule matches has
to be explained.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openai_mockserver.cassettes.matching import IsRecorded
from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.request import Request
from openai_mockserver.script import Script
from openai_mockserver.sensitive import is_secret_header, show_header

__all__ = ["Answer", "Contains", "Pattern", "Rule", "contains", "explain", "faulty"]


@dataclass(frozen=True, slots=True)
class Contains:
    """Matches a text that has this in it."""

    part: str

    def __repr__(self) -> str:
        return f"contains({self.part!r})"


def contains(part: str) -> Contains:
    """A pattern that matches a text with this part in it.

    Raises MockServerError where the part is no text.

    >>> explain("user", contains("story"), "Tell me a story") is None
    True
    """
    if not isinstance(part, str):
        raise MockServerError(f"contains({part!r}): a part of a text is a text")
    return Contains(part)


Pattern = str | int | re.Pattern[str] | Contains | Callable[[Any], object]

# What a rule may look at: the keyword of `on`, and the request's value for it.
LOOKS: dict[str, Callable[[Request], Any]] = {
    "user": lambda request: request.user,
    "system": lambda request: request.system,
    "model": lambda request: request.model,
    "tools": lambda request: request.tools,
    "tool_result": lambda request: request.tool_results,
    "turn": lambda request: request.turn,
    "endpoint": lambda request: request.path,
    "headers": lambda request: request.headers,
    "stream": lambda request: request.stream,
    "attempt": lambda request: request.attempt,
    "nth": lambda request: request.nth,
    "after": lambda request: request.elapsed,
}


def _matches(pattern: Any, value: object) -> bool:
    if isinstance(pattern, re.Pattern):
        return isinstance(value, str) and pattern.search(value) is not None
    if isinstance(pattern, Contains):
        return isinstance(value, str) and pattern.part in value
    if callable(pattern):
        return bool(pattern(value))
    return bool(pattern == value)


def explain(look: str, pattern: Any, value: Any) -> str | None:
    """Why a value does not match the pattern; None where it does."""
    if isinstance(value, Mapping) and isinstance(pattern, Mapping):
        for name, wanted in pattern.items():
            if not _matches(wanted, value.get(name)):
                if is_secret_header(name):
                    return f"header {name} is {'…' if name in value else None}, not …"
                had = value.get(name)
                shown = None if had is None else show_header(name, had)
                told = show_header(name, wanted) if isinstance(wanted, str) else wanted
                return f"header {name} is {shown!r}, not {told!r}"
        return None
    if isinstance(value, list):
        wanted = pattern if isinstance(pattern, list | tuple | set) else [pattern]
        for one in wanted:
            if not any(_matches(one, v) for v in value):
                return f"{look} {value!r} has no {one!r}"
        return None
    if look == "after":
        if value >= pattern:
            return None
        return f"it came {value:.3f} s after the first request, not {pattern:g} s or more"
    if look == "endpoint" and isinstance(pattern, str):
        # `chat/completions` names the endpoint whatever the base path is, `completions` another.
        named = pattern.lstrip("/").removeprefix("v1/")
        if locate(value).path.endswith(f"/v1/{named}") or value.lstrip("/") == pattern.lstrip("/"):
            return None
    elif _matches(pattern, value):
        return None
    return f"{look} is {_shown(value)}, not {_shown(pattern)}"


def _veiled(pattern: object) -> object:
    """A pattern, of secret headers without what they are to be."""
    if not isinstance(pattern, Mapping):
        return pattern
    return {
        name: show_header(name, wanted)
        if isinstance(wanted, str)
        else "…"
        if is_secret_header(name)
        else wanted
        for name, wanted in pattern.items()
    }


def _shown(value: object) -> str:
    if isinstance(value, re.Pattern):
        return f"re.compile({value.pattern!r})"
    if isinstance(value, str):
        value = value[:80]  # of many megabytes, repr() takes 20 ms in which no other thread runs
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule gives: what is said or sent, and what is done to it on the way."""

    value: Reply | ApiError | Script | Mapping[str, Any]  # a mapping is a JSON body as it is
    faults: tuple[Callable[[Script], Script], ...] = ()
    pace: Pace | None = None
    spoken: Reply | None = None  # what a ready-made script says, for requests that want no stream
    dialect: str | None = None


def faulty(reply: object, *faults: Callable[[Script], Script], pace: Pace | None = None) -> Faulty:
    """A reply with faults of its own, where a rule gives several.

    >>> from openai_mockserver.faults import reset
    >>> faulty("Hello", reset(after=1)).faults
    (reset(after=1),)
    """
    return Faulty(reply, faults, pace)


@dataclass(frozen=True, slots=True)
class Faulty:
    """What `faulty` gives."""

    reply: object
    faults: tuple[Callable[[Script], Script], ...]
    pace: Pace | None = None


class Rule:
    """Answers the requests that match its patterns.

    Several answers are given in turn, then the last again and again; ``times`` limits them all.
    """

    def __init__(self, patterns: Mapping[str, Any], predicate: Callable[[Request], object] | None):
        for look in patterns:
            if look not in LOOKS:
                raise MockServerError(f"a rule can look at {', '.join(LOOKS)}, not at {look!r}")
            _check_pattern(look, patterns[look])
        if predicate is not None and not callable(predicate):
            raise MockServerError(
                f"on({predicate!r}): a predicate is a function of the request; "
                "a text to match goes with user=, system= or model="
            )
        self.patterns = dict(patterns)
        self.predicate = predicate
        self._answers: list[Answer] = []
        self._times: int | None = None
        self._used = 0
        self._lock = threading.Lock()

    @property
    def is_handmade(self) -> bool:
        """Whether it gives more than replies: scripts, faults or headers that may be anything."""
        return any(
            answer.faults
            or isinstance(answer.value, Script)
            or (isinstance(answer.value, ApiError) and answer.value.headers)
            for answer in self._answers
        )

    @property
    def is_recording(self) -> bool:
        """Whether it plays recordings to the requests they were recorded of, at any path."""
        return isinstance(self.predicate, IsRecorded)

    @property
    def used(self) -> int:
        """How many requests the rule has answered."""
        return self._used

    @property
    def unused(self) -> str | None:
        """What of it no request was given, in words; None if all was."""
        if not self._answers:
            return f"{self!r} has no reply"
        if not self._used:
            return f"{self!r} answered no request"
        if self._times is not None and self._used < self._times:
            return f"{self!r} answered {self._used} of its {self._times} times"
        left = self._answers[self._used :]
        if not left:
            return None
        faults = ", ".join(repr(fault) for answer in left for fault in answer.faults)
        which = f"{self._used} of its {len(self._answers)} replies were given"
        return f"only {which} by {self!r}{f'; never {faults}' if faults else ''}"

    def answer(self, answers: Iterable[Answer], times: int | None = None) -> None:
        """Set what the rule answers."""
        given = list(answers)
        if not given:
            raise MockServerError("a rule needs at least one reply")
        if times is not None and not (isinstance(times, int) and times >= 1):
            raise MockServerError(f"times={times!r}: a rule answers at least once")
        self._answers, self._times = given, times

    def mismatch(self, request: Request) -> str | None:
        """Why the request does not match; None where it does."""
        if not self._answers:
            return "it has no reply yet: call .reply(...)"
        try:
            for look, pattern in self.patterns.items():
                why = explain(look, pattern, LOOKS[look](request))
                if why is not None:
                    return why
            if self.predicate is not None and not self.predicate(request):
                return f"{_name(self.predicate)} is not true of it"
        except Exception as error:
            # As with `request.json["temperature"] > 1`, where the request has no temperature.
            return f"looking at it raised {error!r}"
        return None

    def take(self, request: Request) -> Answer | str:
        """The next answer for the request, or why there is none."""
        why = self.mismatch(request)
        if why is not None:
            return why
        with self._lock:
            if self._times is not None and self._used >= self._times:
                return f"it has answered its {self._times} time{'s' * (self._times != 1)}"
            answer = self._answers[min(self._used, len(self._answers) - 1)]
            self._used += 1
        return answer

    def __repr__(self) -> str:
        shown = [f"{look}={_shown(_veiled(pattern))}" for look, pattern in self.patterns.items()]
        if self.predicate is not None:
            shown.insert(0, _name(self.predicate))
        return f"on({', '.join(shown)})"


def _is_pattern(value: object) -> bool:
    if isinstance(value, re.Pattern):
        return isinstance(value.pattern, str)
    return isinstance(value, str | Contains) or callable(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_patterns(value: object) -> bool:
    several = value if isinstance(value, list | tuple | set) else [value]
    return bool(several) and all(map(_is_pattern, several))


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_pattern(wanted) for name, wanted in value.items()
    )


_TEXT = (_is_pattern, "a text, contains(...), a compiled pattern of text, or a function")
_COUNT = (lambda v: isinstance(v, int) and not isinstance(v, bool), "a whole number")

# What may be matched with what, and that in words.
_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "user": _TEXT,
    "system": _TEXT,
    "model": _TEXT,
    "tool_result": _TEXT,
    "endpoint": _TEXT,
    "tools": (_are_patterns, "the name of a tool, or several"),
    "headers": (_are_headers, "a mapping of header names to texts or patterns"),
    "stream": (lambda v: isinstance(v, bool), "True or False"),
    "turn": _COUNT,
    "attempt": _COUNT,
    "nth": _COUNT,
    "after": (_is_number, "a number of seconds"),
}


def _check_pattern(look: str, pattern: Any) -> None:
    """Raise MockServerError for what could never match."""
    good, wanted = _WANTED[look]
    if not good(pattern):
        raise MockServerError(f"on({look}={pattern!r}): {look} is matched with {wanted}")


def _name(predicate: Callable[..., object]) -> str:
    name = getattr(predicate, "__name__", None) or repr(predicate)
    code = getattr(predicate, "__code__", None)
    return f"{name} (line {code.co_firstlineno})" if name == "<lambda>" and code else name
