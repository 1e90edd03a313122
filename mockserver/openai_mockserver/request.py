"""A request as the server received it, with the properties that rules match.

Rules of this file: no I/O; invalid JSON gives empty values, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeVar, overload
from urllib.parse import parse_qs

import msgspec

from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.json_body import decode_json
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.multipart import FormError, is_form, parse_form
from openai_mockserver.sensitive import show_header

__all__ = ["Request", "decode_headers", "join_text"]


def join_text(content: object) -> str:
    """Return a message's text: the string itself, or its text parts joined.

    >>> join_text([{"type": "text", "text": "a"}, {"type": "image_url"}])
    'a'
    """
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in parts if isinstance(text, str))
    return ""


_Default = TypeVar("_Default")

_SHORT_HEADER = 200  # bytes
_PROTOCOL_KEY = "openai-insecure-api-key."  # a browser can set no header


def decode_headers(raw: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Decode headers into strings.

    Clients send the same headers with every request, and the journal keeps them for each call:
    equal short headers share one object.
    """
    return [
        _decode_short(name, value)
        if len(name) + len(value) <= _SHORT_HEADER
        else (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in raw
    ]


@lru_cache(maxsize=1024)
def _decode_short(name: bytes, value: bytes) -> tuple[str, str]:
    return name.decode("latin-1"), value.decode("latin-1")


class Headers(Mapping[str, str]):
    """Request headers: names ignore case, and of repeated headers the first counts."""

    def __init__(self, raw: Sequence[tuple[str, str]]) -> None:
        self.raw = tuple(raw)

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self.raw)}

    def drop_index(self) -> None:
        """Drop the index by name to save memory; the next look-up rebuilds it."""
        self.__dict__.pop("_by_name", None)

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()]

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | _Default) -> str | _Default: ...
    def get(self, name: str, /, default: object = None) -> object:
        # That of `Mapping` raises and catches KeyError, and is called for each request.
        return self._by_name.get(name.lower(), default)

    @property
    def bearer(self) -> str:
        """The key in ``authorization``, or in a WebSocket's protocols; empty if there is none."""
        scheme, _, bearer = (self.get("authorization") or "").strip().partition(" ")
        if not scheme:
            offers = (self.get("sec-websocket-protocol") or "").split(",")
            keys = [one.strip().partition(_PROTOCOL_KEY)[2] for one in offers]
            return next(filter(None, keys), "")
        return bearer.strip() if scheme.lower() == "bearer" else scheme

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self.raw))

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        headers = {name: show_header(name, value) for name, value in self.items()}
        return f"Headers({headers!r})"


class Request:
    """A request, with the properties that rules match.

    Invalid JSON gives empty values, never an exception.

    Attributes:
        connection: number of the connection, counted from 1; None in process.
        nth: number of the request on its connection, counted from 1; None in process.
        attempt: attempt number within one logical call, counted from 1.
        elapsed: seconds since the first request.
        history: earlier messages of the conversation, if the request only refers to them.
        deployment: model named in the path, as in Azure's paths.
        refusal: why the server refuses the request; None if it does not.
        target: path and query, byte for byte; ``path`` is decoded.
        content: the body, in memory or on disk.
    """

    def __init__(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] | Headers = (),
        body: bytes | DiskBytes = b"",
        query: str = "",
        connection: int | None = None,
        nth: int | None = None,
        http_version: str = "1.1",
        refusal: str | None = None,
        target: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.content = body
        self.connection = connection
        self.nth = nth
        self.http_version = http_version
        self.refusal = refusal
        self.target = (f"{path}?{query}" if query else path) if target is None else target
        self.attempt = 1
        self.elapsed = 0.0
        self.deployment: str | None = None
        self.history: Sequence[Mapping[str, Any]] = ()

    @property
    def body(self) -> bytes:
        """The body's bytes. A large form is stored on disk and read on each access."""
        return bytes(self.content)

    @cached_property
    def parsed(self) -> Any:
        """The body as JSON; `msgspec.UNSET` if it is not JSON."""
        if isinstance(self.content, DiskBytes):  # a form with files
            return msgspec.UNSET
        try:
            return decode_json(self.content)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return msgspec.UNSET

    def drop_parsed(self) -> None:
        """Drop the cached values to save memory; the next access computes them again."""
        self.headers.drop_index()
        for name in ("parsed", "form", "_form_if_any"):
            self.__dict__.pop(name, None)

    @property
    def json(self) -> dict[str, Any]:
        """The body's JSON object or form, else empty; a model in the path replaces the body's."""
        if not isinstance(self.parsed, dict):
            return self._form_if_any
        if self.deployment is not None:
            return {**self.parsed, "model": self.deployment}
        return self.parsed

    @cached_property
    def form(self) -> dict[str, Any]:
        """The parameters of the body's form, empty if it is none.

        Raises `multipart.FormError`.
        """
        content_type = self.headers.get("content-type", "")
        return parse_form(self.content, content_type) if is_form(content_type) else {}

    @cached_property
    def _form_if_any(self) -> dict[str, Any]:
        try:
            return self.form
        except (FormError, RecursionError):
            return {}

    @property
    def model(self) -> str:
        """The requested model."""
        return str(self.json.get("model") or "")

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The conversation as chat messages, also if the request has a Responses API ``input``."""
        return [*self.history, *read_messages(self.json)]

    @property
    def query_values(self) -> dict[str, list[str]]:
        """The parameters of the query, each with all its values."""
        return parse_qs(self.query, keep_blank_values=True)

    def _list_texts(self, *roles: str) -> list[str]:
        return [join_text(m.get("content")) for m in self.messages if m.get("role") in roles]

    def _find_last_text(self, *roles: str) -> str | None:
        texts = self._list_texts(*roles)
        return texts[-1] if texts else None

    @property
    def user(self) -> str | None:
        """The text of the last user message."""
        return self._find_last_text("user")

    @property
    def system(self) -> str | None:
        """The text of the last system or developer message."""
        return self._find_last_text("system", "developer")

    @property
    def system_texts(self) -> list[str]:
        """The texts of all system and developer messages."""
        return self._list_texts("system", "developer")

    @property
    def tools(self) -> list[str]:
        """The names of the tools in the request."""
        names: list[str] = []
        for tools in (self.json.get("tools"), self.json.get("functions")):
            for tool in tools if isinstance(tools, list) else ():
                function = tool.get("function", tool) if isinstance(tool, dict) else None
                name = function.get("name") if isinstance(function, dict) else None
                if isinstance(name, str):
                    names.append(name)
        return names

    def _list_tool_messages(self) -> list[Mapping[str, Any]]:
        """Return the tool messages that follow the last assistant message."""
        messages: list[Mapping[str, Any]] = []
        for message in self.messages:
            if message.get("role") == "assistant":
                messages = []
            elif message.get("role") == "tool":
                messages.append(message)
        return messages

    @property
    def tool_results(self) -> list[str]:
        """The call ids of the tool messages that follow the last assistant message."""
        return [str(message.get("tool_call_id")) for message in self._list_tool_messages()]

    @property
    def tool_contents(self) -> list[str]:
        """The texts of the tool messages that follow the last assistant message."""
        return [join_text(message.get("content")) for message in self._list_tool_messages()]

    @property
    def turn(self) -> int:
        """The number of assistant messages in the conversation so far."""
        return sum(m.get("role") == "assistant" for m in self.messages)

    @property
    def stream(self) -> bool:
        """Whether the request asks for a stream."""
        value = self.json.get("stream")
        return bool(value) and value != "false"  # a form has strings
