"""Postman collections: the saved examples of each request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    Pairs,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
)


class _Url(msgspec.Struct):
    raw: str | None = None
    protocol: str | None = None
    host: list[str] | str | None = None
    path: list[Any] | str | None = None


class _Body(msgspec.Struct):
    raw: str | None = None


class _Request(msgspec.Struct):
    method: str | None = None
    url: str | _Url | None = None
    header: Any = None
    body: _Body | None = None


class _Response(msgspec.Struct, rename={"original_request": "originalRequest"}):
    code: int | None = None
    header: Any = None
    body: str | None = None
    original_request: _Request | str | None = None


class _Item(msgspec.Struct):
    request: _Request | str | None = None
    response: list[_Response | None] | None = None
    item: list[_Item] | None = None


class _Collection(msgspec.Struct):
    item: list[_Item]


class _Export(msgspec.Struct):
    collection: _Collection


def is_postman(file: RecordedFile) -> bool:
    """Return whether the file is a collection of version 2, or the API's object around it."""
    if has_keys("info", "item")(file):
        return isinstance(file.document["item"], list)
    inner = file.document["collection"] if has_keys("collection")(file) else None
    return isinstance(inner, dict) and {"info", "item"} <= inner.keys()


def read_postman(file: RecordedFile) -> list[RecordedExchange]:
    """Read the saved examples in a collection and its folders."""
    if has_keys("collection")(file):
        collection = decode_content(file, _Export).collection
    else:
        collection = decode_content(file, _Collection)
    return convert_entries(list(_list_examples(collection.item)), _convert_example)


def _list_examples(items: list[_Item]) -> Iterator[tuple[_Response, _Request | str | None]]:
    """Yield the examples, each with the request that it answers."""
    for item in items:
        for example in item.response or ():
            if example is not None and (example.code is not None or example.body):
                yield example, example.original_request or item.request
        yield from _list_examples(item.item or [])


def _convert_example(example: tuple[_Response, _Request | str | None]) -> RecordedExchange:
    response, request = example
    built_request = None
    if isinstance(request, str):
        built_request = build_request("GET", request, (), b"")
    elif request is not None and (url := _build_url(request.url)):
        body = (request.body and request.body.raw) or ""
        built_request = build_request(
            request.method or "GET", url, _read_headers(request.header), body.encode()
        )
    return RecordedExchange(
        (response.body or "").encode(),
        _read_headers(response.header),
        check_status(200 if response.code is None else response.code),
        built_request,
    )


def _build_url(url: str | _Url | None) -> str:
    if isinstance(url, str) or url is None:
        return url or ""
    if url.raw:
        return url.raw
    host = url.host if isinstance(url.host, str) else ".".join(url.host or [])
    path = url.path if isinstance(url.path, str) else "/".join(map(str, url.path or []))
    return f"{url.protocol or 'https'}://{host}/{path.lstrip('/')}" if host else ""


def _read_headers(headers: Any) -> Pairs:
    """Read headers: a list of keys and values, or lines of text; disabled ones are not sent."""
    if isinstance(headers, str):
        pairs = (line.partition(":") for line in headers.splitlines())
        return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
    if not isinstance(headers, list):
        return check_headers(headers)
    listed = [
        [one.get("key"), one.get("value")] if isinstance(one, dict) else one
        for one in headers
        if not (isinstance(one, dict) and (one.get("disabled") or not one.get("key")))
    ]
    return check_headers(listed)
