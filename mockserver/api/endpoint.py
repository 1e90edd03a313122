"""An endpoint: where it is, what it takes, and what makes its answer.

Rules of this file: values only. A model speaks at an endpoint that has `render` and `read`; at
the others an answer follows from the request and what was created before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mockserver.api.parameters import Parameter
from mockserver.api.store import Store
from mockserver.reply import ApiError, Reply
from mockserver.script import Script

__all__ = ["Answer", "Asked", "Endpoint", "Routes"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an endpoint is asked.

    Args:
        method, path: the request's.
        ids: the variable parts of the path by name, as in ``{"file_id": "file-abc"}``.
        query: the query's parameters.
        parameters: the body's: of a JSON object, or of a form (files as `bytes`).
        body: the body as it came.
        content_type: the body's.
    """

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""


Answer = Callable[[Asked, Store, Random], Script]
"""Answers where no model speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        path: with variable parts in braces, as in ``/v1/files/{file_id}``.
        method: the method it takes.
        parameters: the body's parameters, checked before anything else.
        form: whether it takes ``multipart/form-data`` besides JSON.
        render, read: make the response of a reply, and read it back.
        dialects: whether `render` takes a ``dialect``.
        answer: makes the response where no rule speaks for the endpoint.
        keep: remembers what a reply made, and gives what is answered.
        recall: the messages that came before those of the request.
    """

    path: str
    method: str = "POST"
    parameters: Mapping[str, Parameter] | None = None
    form: bool = False
    render: Callable[..., Script] | None = None
    read: Callable[[Script], Reply | ApiError] | None = None
    dialects: bool = False
    answer: Answer | None = None
    keep: Callable[[Asked, Script, Store], Script] | None = None
    recall: Callable[[Asked, Store], Sequence[Mapping[str, Any]]] | None = None


class Routes:
    """Endpoints by path and method."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._templates: dict[str, tuple[re.Pattern[str], dict[str, Endpoint]]] = {}
        for endpoint in endpoints:
            path = endpoint.path
            if "{" not in path:
                self._plain.setdefault(path, {})[endpoint.method] = endpoint
                continue
            pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
            self._templates.setdefault(path, (pattern, {}))[1][endpoint.method] = endpoint

    def find(self, path: str) -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
        """The endpoints at this path by method, none where there is none, and its variables."""
        if plain := self._plain.get(path):
            return plain, {}
        for pattern, endpoints in self._templates.values():
            if match := pattern.fullmatch(path):
                return endpoints, match.groupdict()
        return {}, {}

    def __iter__(self) -> Any:
        for endpoints in self._plain.values():
            yield from endpoints.values()
        for _, endpoints in self._templates.values():
            yield from endpoints.values()
