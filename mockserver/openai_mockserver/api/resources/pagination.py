"""Lists, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["paginate"]

_PAGING = frozenset({"after", "before", "limit", "order", "include", "page"})


def paginate(
    things: list[Any], query: Mapping[str, Any], order: str = "desc", limit: int = 20
) -> dict[str, Any]:
    """A page of these things, the oldest first, as a query asks for it.

    Args:
        things: all of them.
        query: ``after``, ``before``, ``limit``, ``order``, and members that they must have.
        order, limit: where the query names none.

    >>> paginate([{"id": "a"}, {"id": "b"}, {"id": "c"}], {"limit": 2})["last_id"]
    'b'
    """
    wanted = {k: v for k, v in query.items() if k not in _PAGING}
    fitting = [thing for thing in things if all(_has(thing, k, v) for k, v in wanted.items())]
    if query.get("order", order) == "desc":
        fitting.reverse()
    names = [thing.get("id") for thing in fitting]
    if (after := query.get("after")) in names:
        fitting = fitting[names.index(after) + 1 :]
    elif (before := query.get("before")) in names:
        fitting = fitting[: names.index(before)]
    shown = fitting[: int(query.get("limit", limit))]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0].get("id") if shown else None,
        "last_id": shown[-1].get("id") if shown else None,
        "has_more": len(fitting) > len(shown) > 0,
    }


def _has(thing: dict[str, Any], name: str, value: Any) -> bool:
    """Whether a thing has a member of this value, as far as it has the member at all."""
    if name not in thing:
        return True
    have = thing[name]
    if isinstance(value, dict) and isinstance(have, dict):
        return have | value == have
    return bool(have in value if isinstance(value, list) else have == value)
