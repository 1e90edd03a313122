"""Damaged JSON: an object with members that are replaced by odd values, or left out."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

_ODD: list[Any] = [None, True, -1, 1.5, 10**30, "", "x", [], {}, [None], [[]], {"type": []}]


def damage(draw: st.DrawFn, event: Json) -> Json:
    """Return an event with at most two changes; its type stays."""
    for _ in range(draw(st.integers(0, 2))):
        paths = [path for path in _list_paths(event) if path and path != ("type",)]
        if paths:
            path, new = draw(st.sampled_from(paths)), draw(st.sampled_from([..., *_ODD]))
            event = _change(event, path, new)
    return event


def _list_paths(value: Any) -> list[tuple[Any, ...]]:
    """Return the path of each value in an object."""
    if not isinstance(value, dict | list):
        return [()]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [(), *((key, *path) for key, one in pairs for path in _list_paths(one))]


def _change(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a value with another one at a path; without it if this is `...`."""
    if not path:
        return new
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    changed = [(k, _change(v, path[1:], new) if k == path[0] else v) for k, v in pairs]
    kept = [(k, v) for k, v in changed if v is not ...]
    return dict(kept) if isinstance(value, dict) else [v for _, v in kept]
