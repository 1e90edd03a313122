"""Interception: requests of this process to known hosts come to a mock, whatever their base URL.

Rules of this file: patch the transport of each HTTP library, when it is imported, or at once if it
is. Other hosts pass untouched. A request to a known host never leaves the process: if no mock is
there to answer it, it fails as if the connection was refused. The patches are removed when nobody
intercepts any more; of several mocks the newest answers.

httpx and httpx2 are answered in process, in real time. For requests and aiohttp, which have no
such door, and for a mock with an upstream, the request is sent to the loopback server instead.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Protocol

from openai_mockserver.exceptions import MockServerError

__all__ = ["HOSTS", "Interception", "find_dialect_of_host"]

HOSTS: dict[str, str | None] = {
    "api.openai.com": None,
    "eu.api.openai.com": None,
    "us.api.openai.com": None,
    ".openai.azure.com": "azure",
    ".cognitiveservices.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "generativelanguage.googleapis.com": "gemini",
    "api.groq.com": "groq",
    "router.huggingface.co": "huggingface",
    "api.mistral.ai": "mistral",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "ai-gateway.vercel.sh": "vercel",
    "api.writer.com": "writer",
    "api.x.ai": "xai",
    "api.z.ai": "zai",
}
"""The known hosts, and their dialects. A name that begins with a dot stands for all hosts in it."""


class _Unknown:
    """Returned for a host that is not intercepted."""


_UNKNOWN = _Unknown()


def find_dialect_of_host(host: str) -> str | _Unknown | None:
    """Return the dialect of a host; None for OpenAI's own, and no string for an unknown host."""
    host = host.lower().rstrip(".")
    if host in HOSTS:
        return HOSTS[host]
    ends = (name for name in HOSTS if name.startswith(".") and host.endswith(name))
    name = next(ends, None)
    return _UNKNOWN if name is None else HOSTS[name]


class _Mock(Protocol):
    """What an interception needs of a mock."""

    def begin(self, request: Any) -> Any: ...
    @property
    def base_url(self) -> str: ...
    @property
    def has_upstream(self) -> bool: ...


class Interception:
    """Intercepts requests from now on, until it is stopped.

    Args:
        mock: the mock that answers; None refuses what no other interception answers.
    """

    def __init__(self, mock: _Mock | None) -> None:
        self._mock = mock
        self._in_process: Any = None
        with _lock:
            _interceptions.append(self)
            if len(_interceptions) == 1:
                _install()

    def stop(self) -> None:
        """Stop; does nothing the second time."""
        with _lock:
            if self in _interceptions:
                _interceptions.remove(self)
                if not _interceptions:
                    _uninstall()

    def __enter__(self) -> Interception:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def mock(self) -> _Mock | None:
        """The mock that answers."""
        return self._mock

    @property
    def transport(self) -> Any:
        """The in-process transport of the mock in real time; None if it needs the server."""
        if self._mock is None or self._mock.has_upstream:
            return None
        if self._in_process is None:
            from openai_mockserver.transport import Clock, InProcess

            self._in_process = InProcess(self._mock.begin, Clock(virtual=False))
        return self._in_process


_lock = threading.RLock()
_interceptions: list[Interception] = []


class _Refused(Exception):
    """No mock is open."""


def _find(host: str | None) -> tuple[Interception, str] | None:
    """Return the interception that answers a host's requests, and the prefix of their paths.

    None for a request that passes. Raises _Refused if no mock is open.
    """
    interceptions = tuple(_interceptions)  # another thread may change it
    dialect = find_dialect_of_host(host or "") if interceptions else _UNKNOWN
    if isinstance(dialect, _Unknown):
        return None
    newest = next((one for one in reversed(interceptions) if one.mock is not None), None)
    if newest is None:
        raise _Refused(
            f"openai-mockserver refuses requests to {host}, because no mock is open that could "
            "answer them"
        )
    return newest, f"/{dialect}" if dialect else ""


def _get_server(interception: Interception) -> str:
    """Return the URL of the mock's server, without a path."""
    mock = interception.mock
    assert mock is not None
    return mock.base_url.removesuffix("/v1")


# The libraries: each function returns the new method for an original one


def _patch_httpx(library: ModuleType, original: Any) -> Any:
    @wraps(original)
    def handle_request(transport: Any, request: Any) -> Any:
        target = _prepare_httpx(library, request)
        if isinstance(target, tuple):
            return target[0].handle_request(target[1])
        return original(transport, target)

    return handle_request


def _patch_async_httpx(library: ModuleType, original: Any) -> Any:
    @wraps(original)
    async def handle_async_request(transport: Any, request: Any) -> Any:
        target = _prepare_httpx(library, request)
        if isinstance(target, tuple):
            return await target[0].handle_async_request(target[1])
        return await original(transport, target)

    return handle_async_request


def _prepare_httpx(library: ModuleType, request: Any) -> Any:
    """Return a transport and a request for it, or the request that the original one sends."""
    try:
        found = _find(request.url.host)
    except _Refused as error:
        raise library.ConnectError(str(error), request=request) from None
    if found is None:
        return request
    interception, prefix = found
    transport = interception.transport
    server = request.url if transport is not None else library.URL(_get_server(interception))
    raw_path = prefix.encode() + request.url.raw_path
    url = request.url.copy_with(
        scheme=server.scheme, host=server.host, port=server.port, raw_path=raw_path
    )
    headers = request.headers.copy()
    if transport is None:
        headers["host"] = url.netloc.decode()
    changed = library.Request(
        request.method,
        url,
        headers=headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    return changed if transport is None else (transport, changed)


def _patch_requests(library: ModuleType, original: Any) -> Any:
    from urllib.parse import urlsplit

    @wraps(original)
    def send(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
        try:
            found = _find(urlsplit(request.url).hostname)
        except _Refused as error:
            raise library.ConnectionError(str(error), request=request) from None
        if found is None:
            return original(adapter, request, *args, **options)
        interception, prefix = found
        changed = request.copy()
        changed.url = f"{_get_server(interception)}{prefix}{request.path_url}"
        changed.headers.pop("Host", None)
        names = ("stream", "timeout", "verify", "cert", "proxies")
        options |= dict(zip(names, args, strict=False))
        response = original(adapter, changed, **options | {"proxies": None})
        response.request, response.url = request, request.url
        return response

    return send


def _patch_aiohttp(library: ModuleType, original: Any) -> Any:
    @wraps(original)
    async def request(session: Any, method: str, str_or_url: Any, **options: Any) -> Any:
        url = session._build_url(str_or_url)
        try:
            found = _find(url.host)
        except _Refused as error:
            raise library.ClientConnectionError(str(error)) from None
        if found is None:
            return await original(session, method, str_or_url, **options)
        interception, prefix = found
        server = type(url)(_get_server(interception))
        changed = type(url).build(
            scheme=server.scheme,
            host=server.host or "",
            port=server.port,
            path=prefix + url.raw_path,
            query_string=url.raw_query_string,
            encoded=True,
        )
        return await original(session, method, changed, **options | {"proxy": None})

    return request


_Patch = Callable[[ModuleType, Any], Any]

_PATCHES: dict[str, Sequence[tuple[str, str, _Patch]]] = {
    "httpx": (
        ("HTTPTransport", "handle_request", _patch_httpx),
        ("AsyncHTTPTransport", "handle_async_request", _patch_async_httpx),
    ),
    "requests": (("adapters.HTTPAdapter", "send", _patch_requests),),
    "aiohttp": (("ClientSession", "_request", _patch_aiohttp),),
}
_PATCHES["httpx2"] = _PATCHES["httpx"]
"""For each library the classes, their methods, and what makes the new method."""


# Installing


_originals: list[tuple[Any, str, Any, Any]] = []


def _install() -> None:
    for name in _PATCHES:
        module = sys.modules.get(name)
        # A module that another thread is importing is patched by nobody but its loader.
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            _patch(name, module)
    sys.meta_path.insert(0, _finder)


def _uninstall() -> None:
    sys.meta_path.remove(_finder)
    for owner, name, original, replacement in reversed(_originals):
        # If somebody has replaced it since, ours stays below theirs, and passes everything on.
        if owner.__dict__.get(name) is replacement:
            setattr(owner, name, original)
    _originals.clear()


def _patch(library_name: str, module: ModuleType) -> None:
    with _lock:
        if not _interceptions:
            return
        for path, name, make in _PATCHES[library_name]:
            owner: Any = module
            for part in path.split("."):
                owner = getattr(owner, part)
            original = owner.__dict__[name]
            replacement = make(module, original)
            setattr(owner, name, replacement)
            _originals.append((owner, name, original, replacement))


class _PatchingFinder(MetaPathFinder):
    """Finds the libraries as usual, and has them patched when they have been imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _PATCHES:
            return None
        for finder in sys.meta_path:
            if finder is not self and (find := getattr(finder, "find_spec", None)) is not None:
                spec: ModuleSpec | None = find(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        _patch_after_import(spec.loader, fullname)
                    return spec
        return None


def _patch_after_import(loader: Loader, name: str) -> None:
    execute = loader.exec_module

    def execute_and_patch(module: ModuleType) -> None:
        execute(module)
        _patch(name, module)

    # Only on this loader, which belongs to this import: everything else about it stays.
    try:
        loader.exec_module = execute_and_patch  # type: ignore[method-assign]
    except AttributeError:
        raise MockServerError(f"{name} cannot be intercepted: its loader is {loader!r}") from None


_finder = _PatchingFinder()
