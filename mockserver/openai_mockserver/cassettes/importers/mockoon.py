"""Environments of Mockoon: the responses of its routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from openai_mockserver.cassettes.importers.body_file import read_body_file
from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Pairs,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    encode_value,
    read_milliseconds,
)


class _Header(msgspec.Struct):
    key: str = ""
    value: str = ""


class _Response(msgspec.Struct, rename="camel"):
    status_code: int = 200
    headers: list[_Header] = []
    body: str | None = None
    body_type: str | None = None
    file_path: str | None = None
    databucket_id: str | None = msgspec.field(default=None, name="databucketID")
    latency: float = 0
    disable_templating: bool = False


class _Route(msgspec.Struct):
    type: str = "http"
    method: str = ""
    endpoint: str = ""
    responses: list[_Response] = []


class _Bucket(msgspec.Struct):
    id: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Environment(msgspec.Struct, rename="camel"):
    routes: list[_Route] = []
    endpoint_prefix: str = ""
    latency: float = 0
    headers: list[_Header] = []
    data: list[_Bucket] = []


class _ExportedItem(msgspec.Struct):
    type: str = ""
    item: _Environment | None = None


class _Export(msgspec.Struct):
    data: list[_ExportedItem]


class _Place(NamedTuple):
    """A response with what it belongs to."""

    environment: _Environment
    route: _Route
    response: _Response


def is_mockoon(file: RecordedFile) -> bool:
    """Return whether the file is an environment, or an export of several by old versions."""
    if has_keys("routes")(file):
        routes = file.document["routes"]
        return isinstance(routes, list) and bool(_MEMBERS & file.document.keys())
    source = file.document.get("source") if has_keys("source", "data")(file) else None
    return isinstance(source, str) and source.startswith("mockoon")


_MEMBERS = {"lastMigration", "endpointPrefix", "uuid"}


def read_mockoon(file: RecordedFile) -> list[RecordedExchange]:
    """Read the responses of all HTTP routes."""
    if has_keys("routes")(file):
        environments = [decode_content(file, _Environment)]
    else:
        items = decode_content(file, _Export).data
        environments = [one.item for one in items if one.item is not None]
    places = [place for environment in environments for place in _list_places(environment)]
    return convert_entries(places, lambda place: _convert_place(place, file.path))


def _list_places(environment: _Environment) -> Iterator[_Place]:
    for route in environment.routes:
        if route.type == "http":
            yield from (_Place(environment, route, response) for response in route.responses)


def _convert_place(place: _Place, path: Path) -> RecordedExchange:
    environment, route, response = place
    body = _read_body(place, path)
    request = None
    if route.method.lower() not in ("", "all"):
        parts = (environment.endpoint_prefix.strip("/"), route.endpoint.strip("/"))
        url = "/" + "/".join(part for part in parts if part)
        request = build_request(route.method, url, (), b"")
    is_template = not response.disable_templating and b"{{" in body
    return RecordedExchange(
        body,
        _join_headers(response.headers, environment.headers),
        check_status(response.status_code),
        request,
        delay=read_milliseconds(environment.latency) + read_milliseconds(response.latency),
        note="its templates are not filled in" if is_template else "",
    )


def _join_headers(own: list[_Header], common: list[_Header]) -> Pairs:
    """Join a response's headers and the environment's; its own ones win."""
    names = {header.key.lower() for header in own}
    headers = [*own, *(header for header in common if header.key.lower() not in names)]
    return check_headers([[header.key, header.value] for header in headers if header.key])


def _read_body(place: _Place, path: Path) -> bytes:
    response = place.response
    if response.body_type == "FILE" or (response.body_type is None and response.file_path):
        return read_body_file(path.parent, response.file_path or "")
    if response.body_type != "DATABUCKET":
        return (response.body or "").encode()
    for bucket in place.environment.data:
        if bucket.id == response.databucket_id:
            return encode_value(bucket.value)
    raise ImportProblem(f"there is no data bucket {response.databucket_id!r}")
