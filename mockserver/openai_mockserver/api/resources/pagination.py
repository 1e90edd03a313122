"""Select a page of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["paginate"]

_PAGING = frozenset({"after", "before", "limit", "order", "include", "page"})


def paginate(
    objects: list[Any], query: Mapping[str, Any], order: str = "desc", limit: int = 20
) -> dict[str, Any]:
    """Return the page of a list that a query requests.

    Args:
        objects: all objects, the oldest first.
        query: ``after``, ``before``, ``limit``, ``order``, and values that members must have.
        order, limit: defaults for the query.

    >>> paginate([{"id": "a"}, {"id": "b"}, {"id": "c"}], {"limit": 2})["last_id"]
    'b'
    """
    filters = {k: v for k, v in query.items() if k not in _PAGING}
    matches = [
        object_ for object_ in objects if all(_matches(object_, k, v) for k, v in filters.items())
    ]
    if query.get("order", order) == "desc":
        matches.reverse()
    ids = [object_.get("id") for object_ in matches]
    if (after := query.get("after")) in ids:
        matches = matches[ids.index(after) + 1 :]
    elif (before := query.get("before")) in ids:
        matches = matches[: ids.index(before)]
    page = matches[: int(query.get("limit", limit))]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0].get("id") if page else None,
        "last_id": page[-1].get("id") if page else None,
        "has_more": len(matches) > len(page) > 0,
    }


def _matches(object_: dict[str, Any], name: str, value: Any) -> bool:
    """Return whether an object lacks this member, or has it with this value."""
    if name not in object_:
        return True
    actual = object_[name]
    if isinstance(value, dict) and isinstance(actual, dict):
        return actual | value == actual
    return bool(actual in value if isinstance(value, list) else actual == value)
