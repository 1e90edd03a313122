"""Routing of requests to endpoints: path decoding, and the table of endpoints."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from openai_mockserver.api.endpoint import Endpoint

__all__ = ["Routes", "decode_path"]


def decode_path(raw: str) -> str:
    """Decode the path of a request, except for escaped slashes and percent signs.

    Decoding these would change the parts of the path.

    Args:
        raw: the path as received, without the query.

    >>> decode_path("/v1/models/meta%2dllama%2fLlama%203")
    '/v1/models/meta-llama%2FLlama 3'
    """
    pieces = _ESCAPES.split(raw)
    return "".join(p.upper() if _ESCAPES.fullmatch(p) else unquote(p) for p in pieces)


_ESCAPES = re.compile("(%2F|%25)", re.IGNORECASE)  # a slash within a part, and a percent sign


class Routes:
    """Endpoints by path and method.

    Args:
        endpoints: the endpoints that are available from the start.
        more: functions that return further endpoints, called in turn while no endpoint matches.
            If two endpoints have the same path and method, the first wins.
    """

    def __init__(
        self, endpoints: Iterable[Endpoint], *more: Callable[[], Iterable[Endpoint]]
    ) -> None:
        self._table = _Table(endpoints)
        self._more = list(more)
        self._lock = threading.Lock()

    def find(self, path: str, method: str = "") -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
        """Return the endpoints at a path, by method, and the values of the path's variables.

        Args:
            path: path of the request, as returned by `decode_path`.
            method: method of the request. The variables are empty if no endpoint has it.
        """
        methods = self._table.methods(path)
        if method not in methods:
            with self._lock:  # while this thread waited, another may have added the endpoint
                while method not in (methods := self._table.methods(path)) and self._more:
                    self._table = _Table((*self._table, *self._more[0]()))
                    del self._more[0]
        parts = methods[method].path.split("/") if method in methods else ()
        pairs = zip(parts, path.split("/"), strict=False)
        return methods, {name[1:-1]: unquote(part) for name, part in pairs if name.startswith("{")}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._table)


class _Table:
    """Endpoints by path and method. Immutable, so that threads read it without a lock."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._at: dict[str, dict[str, Endpoint]] = {}
        self._tree: _Tree = {}
        for endpoint in endpoints:
            node = self._tree
            for part in endpoint.path.split("/"):
                node = node.setdefault("{}" if part.startswith("{") else part, {})
            # Templates that differ only in the names of their variables are the same.
            path = node.setdefault(_HERE, endpoint.path)
            self._at.setdefault(path, {}).setdefault(endpoint.method, endpoint)

    def methods(self, path: str) -> Mapping[str, Endpoint]:
        """Return the endpoints at a request's path, by method."""
        template = path if path in self._at else _find_template(self._tree, path.split("/"))
        return self._at.get(template or "", {})

    def __iter__(self) -> Iterator[Endpoint]:
        for methods in self._at.values():
            yield from methods.values()


_Tree = dict[str, Any]
_HERE = "/"
"""Key of the whole path in a node of the tree; no part of a path contains a slash."""


def _find_template(tree: _Tree, parts: list[str]) -> str | None:
    """Return the path template that matches these parts; a literal part wins over a variable."""
    if not parts:
        return tree.get(_HERE)
    for name in (parts[0], "{}" if parts[0] else ""):
        if name in tree and (path := _find_template(tree[name], parts[1:])) is not None:
            return path
    return None
