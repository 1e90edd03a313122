"""OpenAI's clients on the in-process transport.

Rules of this file: import the openai package only when a client is created.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openai_mockserver.exceptions import MissingDependency

if TYPE_CHECKING:
    import openai

__all__ = ["API_KEY", "bypass_proxies", "make_async_client", "make_client"]

API_KEY = "sk-mockserver"
"""The API key that the fixtures and clients use by default."""


def make_client(transport: Any, api_key: str | None, options: Mapping[str, Any]) -> openai.OpenAI:
    """Return an `openai.OpenAI` that uses a transport.

    Args:
        transport: the in-process transport.
        api_key: the API key; by default that of the environment, or `API_KEY`.
        options: arguments of the client.

    Raises:
        MissingDependency: the openai package is not installed.
    """
    package, http = _import_clients()
    client: openai.OpenAI = package.OpenAI(
        **_client_options(api_key, options), http_client=http.Client(**_http_options(transport))
    )
    return client


def make_async_client(
    transport: Any, api_key: str | None, options: Mapping[str, Any]
) -> openai.AsyncOpenAI:
    """Return an `openai.AsyncOpenAI`; the arguments are those of `make_client`."""
    package, http = _import_clients()
    client: openai.AsyncOpenAI = package.AsyncOpenAI(
        **_client_options(api_key, options),
        http_client=http.AsyncClient(**_http_options(transport)),
    )
    return client


def _client_options(api_key: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    key = api_key or os.environ.get("OPENAI_API_KEY") or API_KEY
    return {"api_key": key, "base_url": "http://mockserver/v1", **options}


def _http_options(transport: Any) -> dict[str, Any]:
    # Ignore the environment's proxies and certificates, which are slow to load.
    return {"transport": transport, "trust_env": False, "follow_redirects": True}


def _import_clients() -> tuple[Any, Any]:
    """Return the openai package and the HTTP library that it uses."""
    try:
        import openai
    except ImportError:
        raise MissingDependency("this needs the openai package: pip install openai") from None
    for library in ("httpx2", "httpx"):
        classes = openai.DefaultHttpxClient.__mro__
        if any(kind.__module__.partition(".")[0] == library for kind in classes):
            return openai, __import__(library)
    raise MissingDependency(f"openai {openai.__version__} uses neither httpx2 nor httpx")


def bypass_proxies() -> dict[str, str]:
    """Return the environment variables that exempt the loopback server from the proxies set."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
        return {}
    return {
        name: ",".join([*filter(None, [os.environ.get(name)]), "127.0.0.1", "localhost"])
        for name in ("NO_PROXY", "no_proxy")
    }
