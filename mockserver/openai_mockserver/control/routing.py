"""Routes of the control API: what a row of the table says, and the search for the one of a request.

Rules of this file: it knows no route. The values of a request are converted to the declared shapes
before a handler sees them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec
import msgspec.json

from openai_mockserver.control.problem import Problem, split_place
from openai_mockserver.declared import Strict, read_struct
from openai_mockserver.exceptions import MockServerError, ScenarioError
from openai_mockserver.request import Request
from openai_mockserver.scenario import parse

__all__ = ["ControlRequest", "Download", "LongList", "Route", "Router"]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A request to the control API, with its parts as the route declares them.

    Args:
        variables: the variable parts of the path.
        query: the query, as the route's struct.
        body: the body, as the route's struct or, if that is none, decoded.
        origin: scheme and host that the client sent the request to, and the path of its sandbox.
        last_event_id: the last event that the client has received.
        accept: the media types that the client accepts, as its header says.
    """

    variables: Mapping[str, str]
    query: Any
    body: Any
    origin: str
    last_event_id: str | None = None
    accept: str = ""

    def number(self, name: str) -> int:
        """Return a variable of the path as a number. Raises Problem 404 if it is none."""
        text = self.variables[name]
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Problem(404, f"{text!r} is not a number", name)
        return int(text)


@dataclass(frozen=True, slots=True)
class Download:
    """A file."""

    content: bytes
    name: str


@dataclass(frozen=True, slots=True)
class LongList:
    """A JSON object with a list that is made and encoded item by item while it is sent.

    Args:
        whole: the object, in which the list is empty.
        name: the name of the list.
        items: makes the items.
    """

    whole: Any
    name: str
    items: Iterable[Any]

    def encode(self) -> Iterator[bytes]:
        """Encode the object, in a piece for each item.

        >>> b"".join(LongList({"a": [], "b": 1}, "a", iter([2, 3])).encode())
        b'{"a":[2,3],"b":1}\\n'
        """
        empty = b'"%b":[]' % self.name.encode()
        head, _, tail = msgspec.json.encode(self.whole).partition(empty)
        yield head + empty[:-1]
        for number, item in enumerate(self.items):
            yield b"," * (number > 0) + msgspec.json.encode(item)
        yield b"]%b\n" % tail


@dataclass(frozen=True, kw_only=True)
class Route:
    """A row of the table of routes.

    Args:
        method, path: which requests it is for; ``{name}`` in the path is a variable.
        handle: returns the response from the mock and the request.
        summary: what it does, in one line.
        name: identifies it in the OpenAPI document.
        query: the struct of the query.
        body: the struct of the body, or `Any` for one that the handler checks.
        body_shapes: types that describe a body of `Any`.
        is_body_optional: whether the body may be missing.
        response: the type of the response; None for no content.
        media: its media type.
        status: its status.
        errors: statuses of problems that it has, besides those of its shapes.
        place: whether a sandbox has it too.
        is_open: whether it needs no token, and exists even if the rest is off.
        workers: which workers its requests concern, if there are several: the ``one`` that gets
            them, ``all``, the ``owner`` of the object, all whose answers are to ``merge`` or whose
            metrics are to ``sum``, all for as long as a client will ``follow``, or ``none``, since
            one worker is needed.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handle: Callable[[Any, ControlRequest], Any]
    summary: str
    name: str
    query: type[Strict] = Strict
    body: Any = None
    body_shapes: tuple[Any, ...] = ()
    is_body_optional: bool = False
    response: Any = None
    media: str = JSON
    status: int = 200
    errors: tuple[int, ...] = ()
    place: Literal["everywhere", "server"] = "everywhere"
    is_open: bool = False
    workers: Literal["one", "all", "owner", "merge", "sum", "follow", "none"] = "one"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The paths that it is for."""
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))

    @property
    def variables(self) -> list[str]:
        """The names of the variables in its path."""
        return re.findall(r"\{(\w+)\}", self.path)

    def read(self, request: Request, variables: Mapping[str, str], origin: str) -> ControlRequest:
        """Convert a request. Raises Problem if it is not as declared."""
        query = _read_query(self.query, request.query)
        body = None if self.body is None else self._read_body(request)
        last = request.headers.get("last-event-id")
        accept = request.headers.get("accept", "")
        return ControlRequest(variables, query, body, origin, last, accept)

    def _read_body(self, request: Request) -> Any:
        if not request.content:
            if self.is_body_optional:
                return self.body() if self.body is not Any else None
            raise Problem(400, "the request needs a body of JSON or YAML")
        is_yaml = "yaml" in request.headers.get("content-type", "").lower()
        try:
            value = parse(request.body, "<body>", not is_yaml)
        except ScenarioError as error:
            place, sentence = split_place(str(error))
            raise Problem(400, sentence, place) from None
        _check_numbers(value)
        if self.body is Any:
            return value
        _check_text(value)
        try:
            return read_struct(self.body, value, "", MockServerError)
        except MockServerError as error:
            place, sentence = split_place(str(error).replace("the file:", "the body:"))
            raise Problem(422, sentence, place) from None


def _check_numbers(value: object) -> None:
    """Raise Problem for a number that JSON does not have."""
    try:
        json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        raise Problem(422, "NaN and infinity are no numbers of JSON") from None


def _check_text(value: object) -> None:
    """Raise Problem if a text has half of a character, which only replies may have."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise Problem(422, f"half of a character, {half!a}, is no text") from None


def _read_query(kind: type[Strict], query: str) -> Strict:
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Problem(400, "a parameter of the query occurs twice")
    known = {field.name for field in msgspec.structs.fields(kind)}
    for name in values:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise Problem(
                400, f"there is no such parameter; allowed are {allowed}", f"query.{name}"
            )
    try:
        found = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        raise Problem(400, message, f"query{inner.rstrip('`')}") from None
    for field in msgspec.structs.fields(kind):
        if field.name in values and getattr(found, field.name) is None:  # the text "null"
            if field.type != str | None:
                raise Problem(400, "null is not a value", f"query.{field.name}")
            setattr(found, field.name, values[field.name])
    return found


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    def find(self, method: str, path: str, in_sandbox: bool) -> tuple[Route, Mapping[str, str]]:
        """Return the route and the variables of a path.

        Raises:
            Problem: 404 for an unknown path, and 405 for another method.
        """
        matches = [
            (route, match.groupdict())
            for route in self._routes
            if (match := route.pattern.fullmatch(path))
            and not (in_sandbox and route.place == "server")
        ]
        if not matches:
            raise Problem(404, f"the control API has no path {path!r:.100}")
        # A path without variables is not one of those with variables.
        matches = [one for one in matches if not one[1]] or matches
        wanted = "GET" if method == "HEAD" else method
        for route, variables in matches:
            if route.method == wanted:
                return route, variables
        methods = {route.method for route, _ in matches}
        allowed = ", ".join(sorted({*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())}))
        raise Problem(
            405,
            f"{method[:20]!r} is not allowed here, but {allowed}",
            headers=(("allow", allowed),),
        )
