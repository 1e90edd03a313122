"""What a server's door calls for paths that are not OpenAI's.

Rules of this file: it checks who asks and how, and leaves the rest to the handlers. A request that
it does not handle goes on to OpenAI's endpoints.
"""

from __future__ import annotations

import hmac
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec.json

from openai_mockserver.api import errors
from openai_mockserver.control.metrics import METRICS_ROUTE
from openai_mockserver.control.openapi import OPENAPI_ROUTE
from openai_mockserver.control.page import PAGE_ROUTES
from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routes import ROUTES
from openai_mockserver.control.routing import Download, LongList, Route, Router
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.exceptions import BusyStateError, MockServerError
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.script import Raw
from openai_mockserver.server.door import Follower, Inner, SideHandler, SideResponse

__all__ = ["Control", "find_route"]

_ROUTER = Router((*ROUTES, OPENAPI_ROUTE, METRICS_ROUTE, *PAGE_ROUTES))
_ALWAYS = ("/health", "/metrics")
_PREFIX = "/_mock"


class Control:
    """The control API of one mock.

    Args:
        mock: the mock.
        is_enabled: whether anything but ``/health``, ``/metrics`` and existing sandboxes can be
            reached.
        token: the token that a request must bring, if any.
    """

    def __init__(self, mock: Steerable, is_enabled: bool, token: str | None = None) -> None:
        self._mock = mock
        self._is_enabled = is_enabled
        self._token = token

    def find(self, path: str) -> Inner | SideHandler | None:
        """Return what answers requests to a path; None leaves them to OpenAI's endpoints."""
        if not path.startswith("/s/"):
            return self._find_handler(path, self._mock, "")
        id, _, rest = path.removeprefix("/s/").partition("/")
        sandbox: Steerable | None = self._mock.sandboxes.find(id)
        if sandbox is None:
            if not self._is_enabled:
                return None
            if f"/{rest}".startswith(_PREFIX):
                return partial(_refuse, Problem(404, f"there is no sandbox {id!r:.80}"))
            return partial(_refuse_model_request, id)
        prefix = f"/s/{id}"
        return self._find_handler(f"/{rest}", sandbox, prefix) or Inner(sandbox.door(), prefix)

    def _find_handler(self, path: str, mock: Steerable, prefix: str) -> SideHandler | None:
        is_control = path == _PREFIX or path.startswith(f"{_PREFIX}/") or f"{prefix}{path}" == "/"
        if path not in _ALWAYS and not (is_control and self._is_enabled):
            return None
        return partial(self._handle, mock, path, prefix)

    def _handle(
        self,
        mock: Steerable,
        path: str,
        prefix: str,
        request: Request,
        error: ApiError | None = None,
    ) -> SideResponse:
        try:
            return self._answer(mock, path, prefix, request, error)
        except Problem as problem:
            return problem.render()
        except BusyStateError as problem:
            return Problem(503, str(problem), headers=(("retry-after", "1"),)).render()
        except MockServerError as problem:
            return Problem(409, str(problem)).render()
        except Exception as bug:  # the client must learn of it in the shape of all problems
            traceback.print_exc()
            return Problem(500, f"this is a mistake of the server: {bug!r:.500}").render()

    def _answer(
        self,
        mock: Steerable,
        path: str,
        prefix: str,
        request: Request,
        error: ApiError | None,
    ) -> SideResponse:
        if request.refusal is not None:
            raise Problem(403, request.refusal)
        if error is not None:
            raise Problem(error.status, str(error.message), headers=error.headers)
        if request.method == "OPTIONS":
            return SideResponse(204, (("allow", _list_methods(path, bool(prefix))),))
        route, variables = _ROUTER.find(request.method, path, bool(prefix))
        if not route.is_open:
            self._check_token(request.headers)
        control_request = route.read(request, variables, _find_origin(mock, request) + prefix)
        value = route.handle(mock, control_request)
        if request.method == "HEAD" and hasattr(value, "subscribe"):
            value = ""  # nothing to follow
        return _render(route, value)

    def _check_token(self, headers: Mapping[str, str]) -> None:
        if self._token is None:
            return
        scheme, _, token = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode(), self._token.encode()
        ):
            return
        raise Problem(
            401,
            "the control API needs its token: Authorization: Bearer TOKEN",
            headers=(("www-authenticate", 'Bearer realm="openai-mockserver control"'),),
        )


def find_route(method: str, path: str) -> Route | None:
    """Return the route of a request, which may be to a sandbox; None if there is none."""
    in_sandbox = path.startswith("/s/")
    if in_sandbox:
        path = "/" + path.removeprefix("/s/").partition("/")[2]
    try:
        route, _ = _ROUTER.find(method, path, in_sandbox)
    except Problem:
        return None
    return route


def _list_methods(path: str, in_sandbox: bool) -> str:
    try:
        _ROUTER.find("", path, in_sandbox)
    except Problem as problem:
        if problem.headers:
            return problem.headers[0][1]
        raise
    raise AssertionError("no route has an empty method")


def _find_origin(mock: Steerable, request: Request) -> str:
    """Return the scheme and the host that a client has used."""
    scheme = "https" if mock.has_tls else "http"
    return f"{scheme}://{request.headers.get('host') or mock.access.own}"


def _render(route: Route, value: Any) -> SideResponse:
    if isinstance(value, SideResponse):
        return value
    if isinstance(value, Download):
        disposition = ("content-disposition", f"attachment; filename*=UTF-8''{quote(value.name)}")
        return _respond(route.status, route.media, value.content, disposition)
    unsized = (("content-type", route.media), ("cache-control", "no-store"))
    if isinstance(value, LongList):
        return SideResponse(route.status, unsized, pieces=value.encode())
    if hasattr(value, "subscribe"):
        follower: Follower = value
        return SideResponse(route.status, unsized, follower=follower)
    if route.response is None:
        return SideResponse(route.status, (("cache-control", "no-store"),))
    if route.response is str:
        return _respond(route.status, route.media, str(value).encode())
    return _respond(route.status, route.media, msgspec.json.encode(value) + b"\n")


def _respond(status: int, media: str, body: bytes, *headers: tuple[str, str]) -> SideResponse:
    length = ("content-length", str(len(body)))
    all_headers = (("content-type", media), length, ("cache-control", "no-store"), *headers)
    return SideResponse(status, all_headers, body)


def _refuse(problem: Problem, request: Request, error: ApiError | None = None) -> SideResponse:
    refusal = request.refusal
    return (problem if refusal is None else Problem(403, refusal)).render()


def _refuse_model_request(id: str, request: Request, error: ApiError | None = None) -> SideResponse:
    """Return the answer to an OpenAI client whose sandbox does not exist."""
    status, code, message = 404, "unknown_sandbox", f"there is no sandbox {id!r:.80}"
    message += ": it was deleted, or was idle for too long"
    if request.refusal is not None:
        status, code, message = 403, "forbidden", request.refusal
    headers = (("x-should-retry", "false"),)
    script = errors.render(
        ApiError(status, f"openai-mockserver: {message}", "mockserver_error", code, headers=headers)
    )
    body = b"".join(step.data for step in script.steps if isinstance(step, Raw))
    return SideResponse(status, script.head.headers, body)
