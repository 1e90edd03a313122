"""Comparison of requests with recorded ones, and the explanation of a difference.

Rules of this file: a `Matching` says how to compare, for the fixture and for served files alike. It
reduces each request to a selection, a JSON object with a member for each criterion. Two requests
are the same if their selections are equal and the user's functions agree; a difference is shown
between the selections. Paths are compared as endpoints: ``/api/v1/chat/completions`` of one
provider equals ``/v1/chat/completions`` of another.
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

from openai_mockserver.cassettes.normalization import NORMALIZATIONS, Normalizer, compile_pattern
from openai_mockserver.cassettes.recorded_request import RequestKey, get_request_key
from openai_mockserver.dialects.paths import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.json_path import (
    REMOVED,
    Steps,
    change_members,
    find_members,
    parse_path,
)
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
"""Takes the recorded request and the new one; returns whether they are the same."""

CRITERIA = ("method", "path", "query", "body")
"""The criteria with a name; ``json:`` and a path is another."""

DEFAULT = ("method", "path", "body")

_JSON = "json:"

_TRANSPORT_MEMBERS = ("stream", "stream_options")
"""Members of the body that change how the answer is sent, not what it says."""

_Paths = tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Matching:
    """How requests are compared.

    Args:
        match: the criteria: ``method``, ``path``, ``query``, ``body``, and ``json:`` with a path in
            the body, as in ``json:messages[-1].content``, which have to be equal; and functions,
            which get the recorded request and the new one, both without secrets.
        ignore: members of the body to leave out, as ``user`` or ``messages[*].name``; ``*`` is the
            whole body.
        normalize: normalizations to apply to all texts, from `NORMALIZATIONS`.
        normalize_patterns: regular expressions whose matches in texts are replaced as well.

    Raises:
        MockServerError: if a criterion, path, normalization or pattern is unknown or malformed, or
            if `ignore` leaves out what `match` compares.
    """

    match: Iterable[str | MatchFunction] | str | MatchFunction = DEFAULT
    ignore: Iterable[str] = ()
    normalize: Iterable[str] = ()
    normalize_patterns: Iterable[str | re.Pattern[str]] = ()
    functions: tuple[MatchFunction, ...] = field(init=False, compare=False)
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    _compared_members: _Paths = field(init=False, compare=False, repr=False)
    _ignored_members: _Paths = field(init=False, compare=False, repr=False)
    _normalizer: Normalizer = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("match", "ignore", "normalize", "normalize_patterns"):
            object.__setattr__(self, name, _as_tuple(name, getattr(self, name)))
        criteria = _as_tuple("match", self.match)
        if not criteria:
            raise MockServerError("match=() compares nothing: name at least one criterion")
        functions = tuple(one for one in criteria if not isinstance(one, str))
        for function in functions:
            _check_function(function)
        names = [one for one in criteria if isinstance(one, str)]
        compared_members = tuple(
            (name, _read_criterion(name)) for name in names if name not in CRITERIA
        )
        ignored_members = tuple((path, parse_path(path)) for path in self.ignore)
        _check_not_ignored(compared_members, ignored_members)
        for name in self.normalize:
            if name not in NORMALIZATIONS:
                raise MockServerError(
                    f"normalize={name!r}: unknown normalization; "
                    f"choose from {', '.join(NORMALIZATIONS)}"
                )
        patterns = tuple(map(compile_pattern, self.normalize_patterns))
        object.__setattr__(self, "functions", functions)
        object.__setattr__(self, "names", frozenset(names))
        object.__setattr__(self, "_compared_members", compared_members)
        object.__setattr__(self, "_ignored_members", ignored_members)
        object.__setattr__(self, "_normalizer", Normalizer(tuple(self.normalize), patterns))

    def select(self, key: RequestKey, exactly: bool = True) -> dict[str, Any]:
        """Select what is compared of a request: a normalized value for each criterion.

        Args:
            key: the key of the request.
            exactly: whether a stream and a plain body count as different.
        """
        body = self._select_body(key)
        selection: dict[str, Any] = {}
        for name in CRITERIA:
            if name in self.names:
                selection[name] = self._select_criterion(name, key, body, exactly)
        for name, steps in self._compared_members:
            values = [self._normalizer.normalize_json(one) for one in find_members(body, steps)]
            # A missing member is left out, so that it differs from null.
            if None in steps:
                selection[name] = values
            elif values:
                selection[name] = values[0]
        return selection

    def _select_body(self, key: RequestKey) -> Any:
        body = key.body
        model = locate(key.path).model
        if model is not None and isinstance(body, Mapping) and "model" not in body:
            body = {**body, "model": model}  # Azure names its deployment in the path
        for _, steps in self._ignored_members:
            if steps == (None,):
                return None
            body = change_members(body, steps, lambda _: REMOVED)
        return body

    def _select_criterion(self, name: str, key: RequestKey, body: Any, exactly: bool) -> Any:
        if name == "method":
            return key.method
        if name == "path":
            return self._normalizer.normalize_text(_find_endpoint(key.path))
        if name == "query":
            return self._normalizer.normalize_json([list(pair) for pair in key.parameters])
        if not exactly and isinstance(body, Mapping):
            body = {
                member: value for member, value in body.items() if member not in _TRANSPORT_MEMBERS
            }
        return self._normalizer.normalize_json(body)

    def find_objection(self, recorded_key: RequestKey, new_key: RequestKey) -> str | None:
        """Say which function of the user tells two requests apart; None if all agree.

        Raises:
            MockServerError: if a function raises, or returns None or an awaitable.
        """
        for function in self.functions:
            objection = _call_function(function, recorded_key.to_request(), new_key.to_request())
            if objection is not None:
                return objection
        return None

    def find_unknown_members(self, keys: Iterable[RequestKey]) -> list[str]:
        """Return a warning for each ``json:`` member that no recorded request has.

        Without the member, two requests are equal in it: a misspelled name would silently make all
        requests the same.
        """
        bodies = [self._select_body(key) for key in keys]
        return [
            f"match={name!r}: no recorded request has this member"
            for name, steps in self._compared_members
            if not any(True for body in bodies for _ in find_members(body, steps))
        ]

    def find_unused_ignores(self, keys: Iterable[RequestKey]) -> list[str]:
        """Return a warning for each path in `ignore` that none of these requests has."""
        bodies = [key.body for key in keys]
        return [
            f"ignore={path!r}: no recorded request has this member"
            for path, steps in self._ignored_members
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
"""The ends by which a path without ``/v1`` is recognized."""


def _find_endpoint(path: str) -> str:
    """Return the path of the endpoint as OpenAI has it, for a path with any base.

    >>> _find_endpoint("/compatible-mode/v1/chat/completions"), _find_endpoint("/proxy/responses")
    ('/v1/chat/completions', '/v1/responses')
    """
    if (at := path.rfind("/v1/")) >= 0:
        return path[at:]
    path = locate(path).path
    match = next(filter(None, (ending.search(path) for ending in _ENDPOINTS)), None)
    return path if match is None else f"/v1/{match[1]}"


def _as_tuple(name: str, argument: Any) -> tuple[Any, ...]:
    """Return an argument as a tuple; a single value becomes a tuple of one."""
    if isinstance(argument, str | re.Pattern) or callable(argument):
        return (argument,)
    if isinstance(argument, Mapping) or not isinstance(argument, Iterable):
        raise MockServerError(f"{name}={argument!r}: {name} must be a list")
    values = tuple(argument)
    for one in values if name in ("ignore", "normalize") else ():
        if not isinstance(one, str):
            raise MockServerError(f"{name}: every entry must be a string, not {one!r}")
    return values


def _read_criterion(name: str) -> Steps:
    """Return the path of a ``json:`` criterion."""
    if not name.startswith(_JSON):
        raise MockServerError(
            f"match={name!r}: unknown criterion; choose from {', '.join(CRITERIA)}, "
            f"{_JSON}PATH as in {_JSON}messages[*].content, and in Python a function"
        )
    return parse_path(name.removeprefix(_JSON))


def _check_not_ignored(compared_members: _Paths, ignored_members: _Paths) -> None:
    """Raise MockServerError if a member is both compared and ignored."""
    for name, steps in compared_members:
        for path, ignored_steps in ignored_members:
            pairs = zip(ignored_steps, steps, strict=False)
            if len(ignored_steps) <= len(steps) and all(a is None or a == b for a, b in pairs):
                raise MockServerError(
                    f"match={name!r} compares nothing, because ignore={path!r} leaves it out"
                )


# Functions


def _check_function(function: object) -> None:
    """Raise MockServerError if a criterion cannot be called with two requests."""
    if not callable(function):
        raise MockServerError(
            f"match={function!r}: a criterion must be one of {', '.join(CRITERIA)}, {_JSON}PATH, "
            "or a function of the recorded and the new request"
        )
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise MockServerError(
            f"match: {_describe_function(function)} must take two arguments, "
            "the recorded request and the new one"
        ) from None
    except ValueError:
        return  # its signature is unknown


def _describe_function(function: object) -> str:
    inner = function.func if isinstance(function, partial) else function
    name = getattr(inner, "__name__", None) or type(inner).__name__
    code = getattr(inner, "__code__", None)
    at = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"the function {name}{at}"


def _call_function(
    function: MatchFunction, recorded_request: Request, new_request: Request
) -> str | None:
    """Call a function with two requests; say why it tells them apart, None if it does not.

    As in vcrpy, the function may return false or fail an assertion.
    """
    try:
        verdict = function(recorded_request, new_request)
        is_same = bool(verdict)
    except AssertionError as error:
        reason = f": {error}" if str(error) else ""
        return f"{_describe_function(function)} tells them apart{reason}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also pytest.fail(), which would end the server's thread
        frames = traceback.extract_tb(error.__traceback__)[1:]
        where = f" at {frames[0].filename}:{frames[0].lineno}" if frames else ""
        raise MockServerError(
            f"{_describe_function(function)} in match raised {error!r}{where}"
        ) from error
    if verdict is None or inspect.isawaitable(verdict):
        if inspect.iscoroutine(verdict):
            verdict.close()
        raise MockServerError(
            f"{_describe_function(function)} in match returned {type(verdict).__name__}; "
            "it must return whether the requests are the same"
        )
    return None if is_same else f"{_describe_function(function)} tells them apart"


AS_RECORDED = Matching()
"""The default comparison: method, path and body are as recorded."""


# A rule's predicate

_latest = threading.local()


def _select_request(request: Request, matching: Matching, exactly: bool) -> dict[str, Any]:
    """Return the selection of a request, computed once for all rules that compare it."""
    key = get_request_key(request)
    if getattr(_latest, "key", None) is not key:
        _latest.key, _latest.matching, _latest.selections = key, matching, {}
    if _latest.matching is not matching:
        return matching.select(key, exactly)
    selections: dict[bool, dict[str, Any]] = _latest.selections
    if exactly not in selections:
        selections[exactly] = matching.select(key, exactly)
    return selections[exactly]


@dataclass(frozen=True, slots=True)
class IsRecorded:
    """A rule's predicate that is true for requests that equal a recorded one.

    Args:
        key: the key of the recorded request.
        exactly: whether a stream and a plain body count as different, also if the body is not
            compared.
        matching: how requests are compared.
    """

    key: RequestKey
    exactly: bool = True
    matching: Matching = AS_RECORDED
    _selection: dict[str, Any] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_selection", self.matching.select(self.key, self.exactly))

    def __call__(self, request: Request) -> bool:
        if self._selection != _select_request(request, self.matching, self.exactly):
            return False
        return not self.exactly or get_request_key(request).is_stream == self.key.is_stream

    def is_at(self, request: Request) -> bool:
        """Return whether a request has the method and the endpoint of the recorded one."""
        same = _find_endpoint(request.path) == _find_endpoint(self.key.path)
        return same and request.method == self.key.method

    def __repr__(self) -> str:
        return f"the recorded {self.key.method} {show_path(self.key.path)}"


# What differs


_MOST_LINES = 2_000  # lines to compare, from the first that differs
_SHOWN_LINES = 24
_WIDTH = 200  # characters of a line to show
_CONTEXT = 40  # characters to show before the first that differs


def explain_difference(
    request_key: RequestKey, keys: Iterable[RequestKey], matching: Matching
) -> str:
    """Describe how a request differs from the nearest recorded one.

    Args:
        request_key: the key of the request.
        keys: the keys of the recordings, at least one.
        matching: how requests are compared; the description shows what it selects.
    """
    recorded_keys = list(keys)
    selection = matching.select(request_key)
    selection_lines = _format_lines(selection)
    line_counts = Counter(selection_lines)
    nearest = max(
        ((key, matching.select(key)) for key in recorded_keys),
        key=lambda pair: _compute_similarity(_format_lines(pair[1]), line_counts),
    )
    if nearest[1] == selection:
        difference = [str(matching.find_objection(nearest[0], request_key))]
    else:
        difference = _diff_lines(_format_lines(nearest[1]), selection_lines)
    difference += matching.find_unused_ignores([*recorded_keys, request_key])
    return "\n".join(f"  {spell_controls(line)}" for line in difference)


def _compute_similarity(lines: list[str], others: Counter[str]) -> float:
    """Return the share of lines that two texts have in common, from 0 to 0.5."""
    common = Counter(lines) & others
    return common.total() / (len(lines) + others.total())


def _diff_lines(recorded_lines: list[str], new_lines: list[str]) -> list[str]:
    pairs = enumerate(zip(recorded_lines, new_lines, strict=False))
    first_difference = next(
        (at for at, (a, b) in pairs if a != b), min(len(recorded_lines), len(new_lines))
    )
    part = slice(max(0, first_difference - 2), first_difference + _MOST_LINES)
    diff = list(
        difflib.unified_diff(
            recorded_lines[part], new_lines[part], "recorded", "received", lineterm="", n=1
        )
    )
    cropped_lines = _crop(diff[:_SHOWN_LINES])
    return cropped_lines + (["…"] if len(diff) > _SHOWN_LINES else [])


def _crop(lines: Iterable[str]) -> list[str]:
    """Crop the lines of a diff around the place where each differs from its counterpart."""
    runs = [(mark, list(run)) for mark, run in groupby(lines, lambda line: line[:1])]
    cropped_lines: list[str] = []
    for (_, previous_run), (mark, run), (_, next_run) in zip(
        [("", []), *runs], runs, [*runs[1:], ("", [])], strict=False
    ):
        others = next_run if mark == "-" else previous_run if mark == "+" else []
        pairs = zip_longest(run, others[: len(run)], fillvalue="")
        cropped_lines += [_crop_line(line, other) for line, other in pairs]
    return cropped_lines


def _crop_line(line: str, counterpart: str) -> str:
    if len(line) <= _WIDTH:
        return line
    characters = enumerate(zip(line[1:], counterpart[1:], strict=False), 1)
    first_difference = next((at for at, (a, b) in characters if a != b), 1)
    start = first_difference - _CONTEXT if first_difference > _WIDTH - _CONTEXT else 1
    stop = start + _WIDTH
    before, after = "…" * (start > 1), "…" * (stop < len(line))
    return f"{line[0]}{before}{line[start:stop]}{after}"


def _format_lines(selection: Mapping[str, Any]) -> list[str]:
    raw = msgspec.json.format(msgspec.json.encode(selection, order="sorted"), indent=2)
    return raw.decode().splitlines()
