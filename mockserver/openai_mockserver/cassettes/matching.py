"""Whether a request is the one that was recorded, and what differs if it is not.

Rules of this file: one value says how requests are compared, for the fixture and for files that are
served. What it compares of a request is a JSON object, a member for each criterion: two requests
are the same if these are equal and the functions agree; a difference is told of the same objects.
Paths are compared as endpoints: ``/api/v1/chat/completions`` at one provider is
``/v1/chat/completions`` at another.
"""

from __future__ import annotations

import difflib
import inspect
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, zip_longest
from typing import Any

import msgspec.json

from openai_mockserver.cassettes.json_path import (
    REMOVED,
    Steps,
    change_members,
    find_members,
    parse_path,
)
from openai_mockserver.cassettes.normalization import NORMALIZATIONS, Normalizer, compile_pattern
from openai_mockserver.cassettes.recorded_request import RequestKey, recorded_key
from openai_mockserver.dialects.paths import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.request import Request
from openai_mockserver.sensitive import show_path, spell_controls

__all__ = [
    "AS_RECORDED",
    "CRITERIA",
    "DEFAULT",
    "IsRecorded",
    "MatchFunction",
    "Matching",
    "explain_difference",
]

MatchFunction = Callable[[Request, Request], object]
"""Whether a recorded request, the first, and the one that was asked are the same."""

CRITERIA = ("method", "path", "query", "body")
"""What can be compared by name, besides ``json:`` and a path."""

DEFAULT = ("method", "path", "body")

_JSON = "json:"

_TRAVEL = ("stream", "stream_options")
"""Members that say how an answer is to travel, and not what it is to be."""

_Paths = tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Matching:
    """How requests are compared.

    Args:
        match: what has to be equal: ``method``, ``path``, ``query``, ``body``, ``json:`` and a
            path in the body, as in ``json:messages[-1].content``; and functions, which are given
            the recorded request and the one that was asked, both without their secrets.
        ignore: members of the body that are left out, as in ``user`` or ``messages[*].name``;
            ``*`` is the whole body.
        normalize: what is evened out in all texts: names of `NORMALIZATIONS`.
        normalize_patterns: regular expressions; what they match in texts is evened out too.

    Raises:
        MockServerError: for what is not known, or could never be compared.
    """

    match: Iterable[str | MatchFunction] | str | MatchFunction = DEFAULT
    ignore: Iterable[str] = ()
    normalize: Iterable[str] = ()
    normalize_patterns: Iterable[str | re.Pattern[str]] = ()
    functions: tuple[MatchFunction, ...] = field(init=False, compare=False)
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    _members: _Paths = field(init=False, compare=False, repr=False)
    _ignored: _Paths = field(init=False, compare=False, repr=False)
    _normalizer: Normalizer = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("match", "ignore", "normalize", "normalize_patterns"):
            object.__setattr__(self, name, _as_tuple(name, getattr(self, name)))
        criteria = _as_tuple("match", self.match)
        if not criteria:
            raise MockServerError("match=() compares nothing, so that all requests are the same")
        functions = tuple(one for one in criteria if not isinstance(one, str))
        for function in functions:
            _check_function(function)
        names = [one for one in criteria if isinstance(one, str)]
        members = tuple((name, _read_criterion(name)) for name in names if name not in CRITERIA)
        ignored = tuple((path, parse_path(path)) for path in self.ignore)
        _check_compared(members, ignored)
        for name in self.normalize:
            if name not in NORMALIZATIONS:
                raise MockServerError(
                    f"normalize={name!r}: there is no such normalization; "
                    f"known are {', '.join(NORMALIZATIONS)}"
                )
        patterns = tuple(map(compile_pattern, self.normalize_patterns))
        object.__setattr__(self, "functions", functions)
        object.__setattr__(self, "names", frozenset(names))
        object.__setattr__(self, "_members", members)
        object.__setattr__(self, "_ignored", ignored)
        object.__setattr__(self, "_normalizer", Normalizer(tuple(self.normalize), patterns))

    def select(self, key: RequestKey, exactly: bool = True) -> dict[str, Any]:
        """What is compared of a request, by criterion, everything evened out.

        Args:
            key: the request's.
            exactly: whether it has to travel as the other does, streamed or not.
        """
        body = self._compared_body(key)
        selected: dict[str, Any] = {}
        for name in CRITERIA:
            if name in self.names:
                selected[name] = self._select_named(name, key, body, exactly)
        for name, steps in self._members:
            found = [self._normalizer.json(one) for one in find_members(body, steps)]
            # What is not there is left out, and so differs from what is null.
            if None in steps:
                selected[name] = found
            elif found:
                selected[name] = found[0]
        return selected

    def _compared_body(self, key: RequestKey) -> Any:
        body = key.body
        model = locate(key.path).model
        if model is not None and isinstance(body, Mapping) and "model" not in body:
            body = {**body, "model": model}  # as Azure's deployments name it
        for _, steps in self._ignored:
            if steps == (None,):
                return None
            body = change_members(body, steps, lambda _: REMOVED)
        return body

    def _select_named(self, name: str, key: RequestKey, body: Any, exactly: bool) -> Any:
        if name == "method":
            return key.method
        if name == "path":
            return self._normalizer.text(_find_endpoint(key.path))
        if name == "query":
            return self._normalizer.json([list(pair) for pair in key.parameters])
        if not exactly and isinstance(body, Mapping):
            body = {member: value for member, value in body.items() if member not in _TRAVEL}
        return self._normalizer.json(body)

    def find_objection(self, recorded: RequestKey, asked: RequestKey) -> str | None:
        """What a function says against two requests being the same; None if all agree.

        Raises:
            MockServerError: if a function raises, or does not say.
        """
        for function in self.functions:
            why = _ask_function(function, recorded.to_request(), asked.to_request())
            if why is not None:
                return why
        return None

    def find_unknown_members(self, keys: Iterable[RequestKey]) -> list[str]:
        """Of each ``json:`` that no recorded request has, a sentence.

        Two requests without a member are the same in it, so that a name that is misspelt would make
        all the same, and nothing would tell.
        """
        bodies = [self._compared_body(key) for key in keys]
        return [
            f"match={name!r}: no recorded request has such a member"
            for name, steps in self._members
            if not any(True for body in bodies for _ in find_members(body, steps))
        ]

    def find_unused_ignores(self, keys: Iterable[RequestKey]) -> list[str]:
        """Of each path in `ignore` that names nothing in any of these requests, a sentence."""
        bodies = [key.body for key in keys]
        return [
            f"ignore={path!r} names nothing in any recorded request"
            for path, steps in self._ignored
            if steps != (None,)
            and not any(True for body in bodies for _ in find_members(body, steps))
        ]


_ENDPOINTS = (
    re.compile(r"/(chat/completions|completions|responses|embeddings)$"),
    re.compile(
        r"/((?:chat/completions|responses|moderations|models|images|audio|files|batches|uploads"
        r"|conversations|threads|assistants|vector_stores)(?:/.*)?)$"
    ),
)
"""What paths end in that have no ``/v1`` in them."""


def _find_endpoint(path: str) -> str:
    """The endpoint at a path, as OpenAI has it, whatever base path it is at.

    >>> _find_endpoint("/compatible-mode/v1/chat/completions"), _find_endpoint("/proxy/responses")
    ('/v1/chat/completions', '/v1/responses')
    """
    if (at := path.rfind("/v1/")) >= 0:
        return path[at:]
    path = locate(path).path
    found = next(filter(None, (ending.search(path) for ending in _ENDPOINTS)), None)
    return path if found is None else f"/v1/{found[1]}"


def _as_tuple(name: str, given: Any) -> tuple[Any, ...]:
    """Several values; one alone counts as such."""
    if isinstance(given, str | re.Pattern) or callable(given):
        return (given,)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise MockServerError(f"{name}={given!r}: a list is expected")
    several = tuple(given)
    for one in several if name in ("ignore", "normalize") else ():
        if not isinstance(one, str):
            raise MockServerError(f"{name}: a text is expected, not {one!r}")
    return several


def _read_criterion(name: str) -> Steps:
    """The path of a criterion that is none of `CRITERIA`."""
    if not name.startswith(_JSON):
        raise MockServerError(
            f"match={name!r}: there is no such criterion; known are {', '.join(CRITERIA)}, "
            f"{_JSON}PATH as in {_JSON}messages[*].content, and in Python a function"
        )
    return parse_path(name.removeprefix(_JSON))


def _check_compared(members: _Paths, ignored: _Paths) -> None:
    """Raise MockServerError for a member that is compared and left out."""
    for name, steps in members:
        for path, left_out in ignored:
            over = zip(left_out, steps, strict=False)
            if len(left_out) <= len(steps) and all(a is None or a == b for a, b in over):
                raise MockServerError(
                    f"match={name!r} compares nothing, because ignore={path!r} leaves it out"
                )


# Functions


def _check_function(function: object) -> None:
    """Raise MockServerError for what cannot be given two requests."""
    if not callable(function):
        raise MockServerError(
            f"match={function!r}: a criterion is one of {', '.join(CRITERIA)}, {_JSON}PATH, "
            "or a function of the recorded and the asked request"
        )
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise MockServerError(
            f"match: {_describe_function(function)} has to take two requests, "
            "the recorded one and the one that was asked"
        ) from None
    except ValueError:
        return  # one that tells nothing of its parameters


def _describe_function(function: object) -> str:
    inner = function.func if isinstance(function, partial) else function
    name = getattr(inner, "__name__", None) or type(inner).__name__
    code = getattr(inner, "__code__", None)
    at = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"the function {name}{at}"


def _ask_function(function: MatchFunction, recorded: Request, asked: Request) -> str | None:
    """What a function says against two requests; None if it says nothing.

    As in vcrpy, it may say so by an assertion.
    """
    try:
        agrees = function(recorded, asked)
        is_same = bool(agrees)
    except AssertionError as error:
        told = f": {error}" if str(error) else ""
        return f"{_describe_function(function)} tells them apart{told}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # as of pytest.fail(), which would end the server's thread
        frames = traceback.extract_tb(error.__traceback__)[1:]
        at = f" at {frames[0].filename}:{frames[0].lineno}" if frames else ""
        raise MockServerError(
            f"{_describe_function(function)} in match raised {error!r}{at}"
        ) from error
    if agrees is None or inspect.isawaitable(agrees):
        if inspect.iscoroutine(agrees):
            agrees.close()
        raise MockServerError(
            f"{_describe_function(function)} in match returned {type(agrees).__name__}; "
            "it has to return whether the requests are the same"
        )
    return None if is_same else f"{_describe_function(function)} tells them apart"


AS_RECORDED = Matching()
"""The comparison of those who say nothing else: method, path and body are as they were recorded."""


# A rule's predicate

_latest = threading.local()


def _select_request(request: Request, matching: Matching, exactly: bool) -> dict[str, Any]:
    """What is compared of a request, made once however many rules look at it."""
    key = recorded_key(request)
    if getattr(_latest, "key", None) is not key:
        _latest.key, _latest.matching, _latest.selected = key, matching, {}
    if _latest.matching is not matching:
        return matching.select(key, exactly)
    selected: dict[bool, dict[str, Any]] = _latest.selected
    if exactly not in selected:
        selected[exactly] = matching.select(key, exactly)
    return selected[exactly]


@dataclass(frozen=True, slots=True)
class IsRecorded:
    """A predicate of a rule: whether a request is the recorded one.

    Args:
        key: that of the recorded request.
        exactly: whether it has to travel as the recorded one did, streamed or not, also if the
            body is not compared.
        matching: how they are compared.
    """

    key: RequestKey
    exactly: bool = True
    matching: Matching = AS_RECORDED
    _selected: dict[str, Any] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_selected", self.matching.select(self.key, self.exactly))

    def __call__(self, request: Request) -> bool:
        if self._selected != _select_request(request, self.matching, self.exactly):
            return False
        return not self.exactly or recorded_key(request).streams == self.key.streams

    def is_at(self, request: Request) -> bool:
        """Whether a request is one to where the recorded one went, whatever else it says."""
        same = _find_endpoint(request.path) == _find_endpoint(self.key.path)
        return same and request.method == self.key.method

    def __repr__(self) -> str:
        return f"the recorded {self.key.method} {show_path(self.key.path)}"


# What differs


_MOST_LINES = 2_000  # in which a difference is looked for, from the first that differs on
_SHOWN = 24
_WIDTH = 200
_BEFORE = 40


def explain_difference(asked: RequestKey, keys: Iterable[RequestKey], matching: Matching) -> str:
    """What differs between a request and the nearest of those that were recorded.

    Args:
        asked: the request's key.
        keys: those of the recordings, at least one.
        matching: how they are compared; what is shown is what it compares.
    """
    recorded = list(keys)
    wanted = matching.select(asked)
    lines = _lines(wanted)
    likeness = Counter(lines)
    nearest = max(
        ((key, matching.select(key)) for key in recorded),
        key=lambda pair: _similarity(_lines(pair[1]), likeness),
    )
    if nearest[1] == wanted:
        told = [str(matching.find_objection(nearest[0], asked))]
    else:
        told = _diff(_lines(nearest[1]), lines)
    told += matching.find_unused_ignores([*recorded, asked])
    return "\n".join(f"  {spell_controls(line)}" for line in told)


def _similarity(lines: list[str], others: Counter[str]) -> float:
    """How many lines two have in common, in proportion to how many they have."""
    common = Counter(lines) & others
    return common.total() / (len(lines) + others.total())


def _diff(recorded: list[str], asked: list[str]) -> list[str]:
    pairs = enumerate(zip(recorded, asked, strict=False))
    first = next((at for at, (a, b) in pairs if a != b), min(len(recorded), len(asked)))
    part = slice(max(0, first - 2), first + _MOST_LINES)
    diff = list(
        difflib.unified_diff(recorded[part], asked[part], "recorded", "asked", lineterm="", n=1)
    )
    shown = _crop(diff[:_SHOWN])
    return shown + (["…"] if len(diff) > _SHOWN else [])


def _crop(lines: Iterable[str]) -> list[str]:
    """Lines of which each shows where it begins to differ from the one it stands for."""
    runs = [(mark, list(run)) for mark, run in groupby(lines, lambda line: line[:1])]
    shown: list[str] = []
    for (_, before), (mark, run), (_, after) in zip(
        [("", []), *runs], runs, [*runs[1:], ("", [])], strict=False
    ):
        others = after if mark == "-" else before if mark == "+" else []
        pairs = zip_longest(run, others[: len(run)], fillvalue="")
        shown += [_crop_line(line, other) for line, other in pairs]
    return shown


def _crop_line(line: str, counterpart: str) -> str:
    if len(line) <= _WIDTH:
        return line
    letters = enumerate(zip(line[1:], counterpart[1:], strict=False), 1)
    differs = next((at for at, (a, b) in letters if a != b), 1)
    start = differs - _BEFORE if differs > _WIDTH - _BEFORE else 1
    stop = start + _WIDTH
    before, after = "…" * (start > 1), "…" * (stop < len(line))
    return f"{line[0]}{before}{line[start:stop]}{after}"


def _lines(selected: Mapping[str, Any]) -> list[str]:
    raw = msgspec.json.format(msgspec.json.encode(selected, order="sorted"), indent=2)
    return raw.decode().splitlines()
