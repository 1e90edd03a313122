"""Which endpoint a request goes to: decoded paths, and the table of endpoints."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from openai_mockserver.api.endpoint import Endpoint

__all__ = ["Routes", "decode_path"]


def decode_path(raw: str) -> str:
    """A request's path as it is routed: decoded, but for what would look like other parts.

    Args:
        raw: the path as it came, without the query.

    >>> decode_path("/v1/models/meta%2dllama%2fLlama%203")
    '/v1/models/meta-llama%2FLlama 3'
    """
    pieces = _KEPT.split(raw)
    return "".join(p.upper() if _KEPT.fullmatch(p) else unquote(p) for p in pieces)


_KEPT = re.compile("(%2F|%25)", re.IGNORECASE)  # a slash within a part, and the sign of such


class Routes:
    """Endpoints by path and method.

    Args:
        endpoints: those known at once.
        more: each gives more where those before have none; what is known first wins.
    """

    def __init__(
        self, endpoints: Iterable[Endpoint], *more: Callable[[], Iterable[Endpoint]]
    ) -> None:
        self._table = _Table(endpoints)
        self._more = list(more)
        self._lock = threading.Lock()

    def find(self, path: str, method: str = "") -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
        """The endpoints at this path by method, none where there is none, and its variables.

        Args:
            path: a request's, as `decode_path` has it.
            method: the one that is looked for.
        """
        methods = self._table.methods(path)
        if method not in methods:
            with self._lock:  # while this waited, another thread may have added what is looked for
                while method not in (methods := self._table.methods(path)) and self._more:
                    self._table = _Table((*self._table, *self._more[0]()))
                    del self._more[0]
        parts = methods[method].path.split("/") if method in methods else ()
        pairs = zip(parts, path.split("/"), strict=False)
        return methods, {name[1:-1]: unquote(part) for name, part in pairs if name.startswith("{")}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._table)


class _Table:
    """Endpoints by path and method, which are never changed: threads read them without a lock."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._at: dict[str, dict[str, Endpoint]] = {}
        self._tree: _Tree = {}
        for endpoint in endpoints:
            node = self._tree
            for part in endpoint.path.split("/"):
                node = node.setdefault("{}" if part.startswith("{") else part, {})
            # Templates that differ in their variables' names only are one.
            path = node.setdefault(_HERE, endpoint.path)
            self._at.setdefault(path, {}).setdefault(endpoint.method, endpoint)

    def methods(self, path: str) -> Mapping[str, Endpoint]:
        """The endpoints at a request's path by method."""
        template = path if path in self._at else _found(self._tree, path.split("/"))
        return self._at.get(template or "", {})

    def __iter__(self) -> Iterator[Endpoint]:
        for methods in self._at.values():
            yield from methods.values()


_Tree = dict[str, Any]
_HERE = "/"
"""Where a tree of a path's parts has the whole path: no part is called so."""


def _found(tree: _Tree, parts: list[str]) -> str | None:
    """The path template that these parts are of; a part of its own name comes first."""
    if not parts:
        return tree.get(_HERE)
    for name in (parts[0], "{}" if parts[0] else ""):
        if name in tree and (found := _found(tree[name], parts[1:])) is not None:
            return found
    return None
