"""The paths that name members of a JSON body, as in ``messages[*].content``.

Rules of this file: pure; a path that cannot be read is an error that says where, because one that
names nothing without a word would hide nothing and compare nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openai_mockserver.exceptions import MockServerError

__all__ = ["REMOVED", "Steps", "change_members", "find_members", "parse_path"]

Steps = tuple[str | int | None, ...]
"""The steps of a path: a member's name, an element's index, or None for each of either."""

REMOVED = object()
"""What a change returns for a member that is to go."""

_STEP = re.compile(
    r"(?P<dot>\.)?(?P<name>[^.\[\]\"']+)"
    r"|\[(?:(?P<index>-?\d{1,9})|(?P<each>\*)|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')\]"
)


def parse_path(path: str) -> Steps:
    """The steps of a path.

    Names are joined by dots; ``[0]`` is the first element and ``[-1]`` the last; ``*`` and ``[*]``
    are each member or element; ``["a.b"]`` is a name with a dot in it.

    Args:
        path: the path; a ``$`` before it, as JSONPath has it, means nothing more.

    Raises:
        MockServerError: for what is no path.

    >>> parse_path("messages[*].content")
    ('messages', None, 'content')
    >>> parse_path('metadata["a.b"][-1]')
    ('metadata', 'a.b', -1)
    """
    if not isinstance(path, str):
        raise MockServerError(f"a path of a JSON body is a text, not {path!r}")
    start = 1 if path.startswith(("$.", "$[")) else 0
    steps: list[str | int | None] = []
    at = start
    while at < len(path):
        found = _STEP.match(path, at)
        # The first name has no dot before it, but for ``$.``; each name after it has one.
        dotted = at > 0
        if found is None or (found["name"] is not None and (found["dot"] is not None) != dotted):
            raise MockServerError(
                f"the path {path!r} cannot be read from character {at + 1} on; "
                "a path is as in messages[*].content"
            )
        steps.append(_read_step(found))
        at = found.end()
    if not steps:
        raise MockServerError(
            f"the path {path!r} names nothing; a path is as in messages[*].content"
        )
    return tuple(steps)


def _read_step(found: re.Match[str]) -> str | int | None:
    if found["index"] is not None:
        return int(found["index"])
    if found["each"] is not None or found["name"] == "*":
        return None
    names = (found["name"], found["double"], found["single"])
    return next(name for name in names if name is not None)


def find_members(value: Any, steps: Steps) -> Iterator[Any]:
    """The values that a path leads to, in their order.

    >>> list(find_members({"a": [{"b": 1}, {"c": 2}]}, parse_path("a[*].b")))
    [1]
    """
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        for at in _chosen(value, step):
            yield from find_members(value[at], rest)
    elif isinstance(value, Mapping) and (step is None or step in value):
        for inner in [value[step]] if step is not None else value.values():
            yield from find_members(inner, rest)


def change_members(value: Any, steps: Steps, change: Callable[[Any], Any]) -> Any:
    """A value of which those that a path leads to are changed.

    Args:
        value: a JSON value, which stays as it is.
        steps: the path's.
        change: is given each value; if it returns `REMOVED`, a member is left out, and an element
            becomes None, so that those after it keep their places.

    >>> change_members({"a": 1, "b": [1, 2]}, parse_path("b[0]"), lambda value: value + 1)
    {'a': 1, 'b': [2, 2]}
    """
    if not steps:
        return change(value)
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        chosen = set(_chosen(value, step))
        elements = [
            change_members(one, rest, change) if at in chosen else one
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


def _chosen(elements: list[Any], step: str | int | None) -> range:
    """The places of the elements that a step leads to."""
    count = len(elements)
    if step is None:
        return range(count)
    if isinstance(step, str) or not -count <= step < count:
        return range(0)
    at = step % count
    return range(at, at + 1)
