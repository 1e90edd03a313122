"""Paths to members of a JSON body, as in ``messages[*].content``.

Rules of this file: pure. A path with a syntax error raises an error that says where: if it silently
matched nothing, nothing would be redacted or compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from openai_mockserver.exceptions import MockServerError

__all__ = ["REMOVED", "Steps", "change_members", "find_members", "list_keys", "parse_path"]

Steps = tuple[str | int | None, ...]
"""The steps of a path: a member's name, an element's index, or None for each of either."""

REMOVED = object()
"""What a change returns to remove a member."""

_NUMBER = re.compile(r"-?[0-9]{1,9}")

_STEP = re.compile(
    r"(?P<dot>\.)?(?P<name>[^.\[\]\"']+)"
    r"|\[(?:(?P<index>-?\d{1,9})|(?P<each>\*)|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')\]"
)


def parse_path(path: str) -> Steps:
    """Parse a path into its steps.

    Dots separate names. ``[0]`` is the first element and ``[-1]`` the last, ``*`` and ``[*]`` stand
    for every member or element, and ``["a.b"]`` is a name that contains a dot. ``a.0`` is the same
    as ``a[0]`` if ``a`` is a list.

    Args:
        path: the path; a leading ``$``, as in JSONPath, is ignored.

    Raises:
        MockServerError: if the path has a syntax error.

    >>> parse_path("messages[*].content")
    ('messages', None, 'content')
    >>> parse_path('metadata["a.b"][-1]')
    ('metadata', 'a.b', -1)
    """
    if not isinstance(path, str):
        raise MockServerError(f"a path in a JSON body must be a string, not {path!r}")
    start = 1 if path.startswith(("$.", "$[")) else 0
    steps: list[str | int | None] = []
    at = start
    while at < len(path):
        match = _STEP.match(path, at)
        # A dot stands before every name except the first; after ``$`` before that one too.
        needs_dot = at > 0
        if match is None or (match["name"] is not None and (match["dot"] is not None) != needs_dot):
            raise MockServerError(
                f"the path {path!r} has a syntax error at character {at + 1}; "
                "write it as in messages[*].content"
            )
        steps.append(_read_step(match))
        at = match.end()
    if not steps:
        raise MockServerError(f"the path {path!r} has no steps; write it as in messages[*].content")
    return tuple(steps)


def _read_step(match: re.Match[str]) -> str | int | None:
    if match["index"] is not None:
        return int(match["index"])
    if match["each"] is not None or match["name"] == "*":
        return None
    names = (match["name"], match["double"], match["single"])
    return next(name for name in names if name is not None)


def list_keys(container: Any, step: str | int | None) -> Sequence[Any]:
    """Return the keys of a mapping, or the indexes of a list, that a step selects."""
    if isinstance(container, list):
        return _select_indexes(container, step)
    if not isinstance(container, Mapping):
        return ()
    return list(container) if step is None else [step] if step in container else ()


def find_members(value: Any, steps: Steps) -> Iterator[Any]:
    """Yield the values at a path, in order.

    >>> list(find_members({"a": [{"b": 1}, {"c": 2}]}, parse_path("a[*].b")))
    [1]
    """
    if not steps:
        yield value
        return
    for key in list_keys(value, steps[0]):
        yield from find_members(value[key], steps[1:])


def change_members(value: Any, steps: Steps, change: Callable[[Any], Any]) -> Any:
    """Return a copy of a value in which every value at a path is changed.

    Args:
        value: a JSON value; it is not modified.
        steps: the steps of the path.
        change: returns the new value for each value at the path. `REMOVED` removes a member; an
            element becomes None instead, so that the elements after it keep their indexes.

    >>> change_members({"a": 1, "b": [1, 2]}, parse_path("b[0]"), lambda value: value + 1)
    {'a': 1, 'b': [2, 2]}
    """
    if not steps:
        return change(value)
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        indexes = set(_select_indexes(value, step))
        elements = [
            change_members(one, rest, change) if at in indexes else one
            for at, one in enumerate(value)
        ]
        return [None if one is REMOVED else one for one in elements]
    if isinstance(value, Mapping) and (step is None or step in value):
        members = {
            name: change_members(one, rest, change) if step in (None, name) else one
            for name, one in value.items()
        }
        return {name: one for name, one in members.items() if one is not REMOVED}
    return value


def _select_indexes(elements: list[Any], step: str | int | None) -> range:
    """Return the indexes of the elements that a step selects."""
    count = len(elements)
    if step is None:
        return range(count)
    if isinstance(step, str):
        if not _NUMBER.fullmatch(step):
            return range(0)
        step = int(step)
    if not -count <= step < count:
        return range(0)
    at = step % count
    return range(at, at + 1)
