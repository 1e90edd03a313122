"""Mappings of WireMock: one stub, or a list of them; a body may be in ``__files``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.body_file import read_body_file
from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_base64,
    encode_value,
    read_milliseconds,
)

_NULL = msgspec.Raw(b"null")


class _Pattern(msgspec.Struct, rename="camel"):
    equal_to: msgspec.Raw = _NULL
    equal_to_json: msgspec.Raw = _NULL
    binary_equal_to: str | None = None


class _Request(msgspec.Struct, rename="camel"):
    method: str | None = None
    scheme: str | None = None
    host: Any = None
    port: int | None = None
    url: str | None = None
    url_path: str | None = None
    url_path_template: str | None = None
    url_pattern: str | None = None
    url_path_pattern: str | None = None
    query_parameters: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None
    body: msgspec.Raw = _NULL
    body_patterns: list[_Pattern] | None = None


class _Dribble(msgspec.Struct, rename="camel"):
    total_duration: float = 0


class _Response(msgspec.Struct, rename="camel"):
    status: int = 200
    headers: Any = None
    body: msgspec.Raw = _NULL
    json_body: msgspec.Raw = _NULL
    base64_body: str | None = None
    body_file_name: str | None = None
    fixed_delay_milliseconds: float | None = None
    chunked_dribble_delay: _Dribble | None = None
    proxy_base_url: str | None = None
    fault: str | None = None
    transformers: list[str] | None = None


class _Mapping(msgspec.Struct):
    response: _Response
    request: _Request = msgspec.field(default_factory=_Request)


class _Mappings(msgspec.Struct):
    mappings: list[_Mapping]


def is_wiremock(file: RecordedFile) -> bool:
    """Return whether the file is a mapping, or has a list of them."""
    document = file.document
    if has_keys("mappings")(file):
        mappings = document["mappings"]
        return isinstance(mappings, list) and all(map(_is_mapping, mappings))
    return _is_mapping(document) and "request" in document


def _is_mapping(value: Any) -> bool:
    """Return whether an object has a response, and a request if any that WireMock can match."""
    if not isinstance(value, dict) or not isinstance(value.get("response"), dict):
        return False
    request = value.get("request", {"method": "ANY"})
    return isinstance(request, dict) and bool(_REQUEST_MEMBERS & request.keys())


_REQUEST_MEMBERS = {"method", "url", "urlPath", "urlPathTemplate", "urlPattern", "urlPathPattern"}


def read_wiremock(file: RecordedFile) -> list[RecordedExchange]:
    """Read the mappings that have a response of their own, and not one of a proxy."""
    if has_keys("mappings")(file):
        mappings = decode_content(file, _Mappings).mappings
    else:
        mappings = [decode_content(file, _Mapping)]
    own = [one for one in mappings if one.response.proxy_base_url is None]
    return convert_entries(own, lambda mapping: _convert_mapping(mapping, file.path))


def _convert_mapping(mapping: _Mapping, path: Path) -> RecordedExchange:
    response = mapping.response
    dribble = response.chunked_dribble_delay or _Dribble()
    body = _read_body(response, path)
    return RecordedExchange(
        body,
        check_headers(response.headers),
        check_status(response.status),
        _build_request(mapping.request),
        delay=read_milliseconds(response.fixed_delay_milliseconds),
        duration=read_milliseconds(dribble.total_duration),
        note=_describe_rest(response, body),
    )


def _read_body(response: _Response, path: Path) -> bytes:
    if response.body_file_name is not None:
        return read_body_file(_find_files(path), response.body_file_name)
    if response.base64_body is not None:
        return decode_base64(response.base64_body)
    json_body = bytes(response.json_body)
    if json_body != b"null":
        return json_body if json_body.startswith(b'"') else encode_value(response.json_body)
    return encode_value(response.body)


def _find_files(path: Path) -> Path:
    """Return the folder ``__files`` beside a mapping or beside the folder that contains it."""
    for folder in path.absolute().parents:
        if (folder / "__files").is_dir():
            return folder / "__files"
        if folder.name == "mappings":
            return folder.parent / "__files"
    return path.parent / "__files"


def _describe_rest(response: _Response, body: bytes) -> str:
    """Return what is not imported."""
    if response.fault is not None:
        return f"without its fault {response.fault}"
    if "response-template" in (response.transformers or ()) and b"{{" in body:
        return "its templates are not filled in"
    return ""


def _build_request(request: _Request) -> dict[str, Any] | None:
    """Return a request that matches, if the mapping says its URL."""
    url = request.url or request.url_path or request.url_path_template
    if url is None:
        url = request.url_pattern or request.url_path_pattern
        if url is None or any(letter in url for letter in "*+?[](){}|^$\\"):
            return None
    pairs = _list_equal(request.query_parameters)
    if pairs:
        url += f"{'&' if '?' in url else '?'}{urlencode(pairs)}"
    host = _get_equal(request.host)
    if host is not None:
        port = f":{request.port}" if request.port else ""
        url = f"{request.scheme or 'https'}://{host}{port}{url}"
    method = request.method or "ANY"
    body = encode_value(request.body) or _find_body(request.body_patterns or [])
    method = method if method.upper() != "ANY" else "POST" if body else "GET"
    return build_request(method, url, tuple(_list_equal(request.headers)), body)


def _get_equal(pattern: Any) -> str | None:
    """Return the text that a pattern stands for: its own, or that of ``equalTo``."""
    value = pattern.get("equalTo") if isinstance(pattern, dict) else pattern
    return value if isinstance(value, str) else None


def _list_equal(patterns: dict[str, Any] | None) -> list[tuple[str, str]]:
    pairs = ((name, _get_equal(pattern)) for name, pattern in (patterns or {}).items())
    return [(name, value) for name, value in pairs if value is not None]


def _find_body(patterns: list[_Pattern]) -> bytes:
    for pattern in patterns:
        if pattern.binary_equal_to is not None:
            return decode_base64(pattern.binary_equal_to)
        for value in (pattern.equal_to_json, pattern.equal_to):
            if body := encode_value(value):
                return body
    return b""
