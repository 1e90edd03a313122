"""Forms and queries: bytes to parameters, as OpenAI's SDKs nest them.

Rules of this file: a form on disk is read part by part, and its long files stay there. A list is
``name[]``, a member ``name[member]``; a file is its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from openai_mockserver.api.disk_bytes import DiskBytes, parts_of

__all__ = [
    "AnyFile",
    "File",
    "FileOnDisk",
    "FormError",
    "has_files",
    "is_form",
    "nest_parameters",
    "parse_form",
]

_URL_ENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


class FormError(ValueError):
    """A form that cannot be parsed."""


class File(bytes):
    """An uploaded file: its bytes, which know their name and type."""

    name: str
    content_type: str

    def __new__(cls, data: bytes, name: str = "", content_type: str = "") -> File:
        self = super().__new__(cls, data)
        self.name = name
        self.content_type = content_type
        return self


class FileOnDisk(DiskBytes):
    """An uploaded file that lies on disk."""

    def __init__(self, data: DiskBytes, name: str = "", content_type: str = "") -> None:
        super().__init__(data.pieces)
        self.name = name
        self.content_type = content_type


AnyFile = File | FileOnDisk


def has_files(content_type: str) -> bool:
    """Whether a content type is that of a form that may hold files."""
    return content_type.partition(";")[0].strip().lower() == _MULTIPART


def is_form(content_type: str) -> bool:
    """Whether a content type is a form's."""
    return content_type.partition(";")[0].strip().lower() in (_URL_ENCODED, _MULTIPART)


def parse_form(body: bytes | DiskBytes, content_type: str) -> dict[str, Any]:
    """The parameters in a form.

    Args:
        body: the form.
        content_type: the header's value, with its boundary.

    Raises:
        FormError: for what is no form (RFC 7578).

    >>> body = b'--b\\r\\nContent-Disposition: form-data; name="n"\\r\\n\\r\\n1\\r\\n--b--\\r\\n'
    >>> parse_form(body, "multipart/form-data; boundary=b")
    {'n': '1'}
    """
    if content_type.lower().startswith(_URL_ENCODED):
        text = bytes(body).decode(errors="replace")
        if text.count("&") >= _MOST_PARTS:
            raise FormError(f"it has more than {_MOST_PARTS:,} parts")
        return nest_parameters(parse_qsl(text, keep_blank_values=True))
    return nest_parameters(_parts(body, content_type))


def _parts(body: bytes | DiskBytes, content_type: str) -> list[tuple[str, str | AnyFile]]:
    """Each part's name and value."""
    from python_multipart import MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    reader = _Reader(body)
    try:
        _, options = parse_options_header(content_type)
        if not (boundary := options.get(b"boundary")):
            raise FormError("the content type names no boundary")
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin_part,
                "on_header_field": lambda b, start, stop: reader.field.extend(b[start:stop]),
                "on_header_value": lambda b, start, stop: reader.value.extend(b[start:stop]),
                "on_header_end": reader.end_header,
                "on_headers_finished": reader.end_headers,
                "on_part_data": reader.add_data,
                "on_part_end": reader.end_part,
                "on_end": reader.end,
            },
        )
        for chunk in parts_of(body):
            reader.begin_chunk(chunk)
            parser.write(chunk)
    except (FormParserError, UnicodeError) as error:
        raise FormError(str(error)) from None
    if not reader.is_complete and len(body):
        raise FormError("it ends before its last boundary")
    return reader.found


_MOST_PARTS = 1000
_MOST_TEXT = 32 << 20
_SHORT_FILE = 1 << 16
"""Bytes of a file that are kept in memory though the form is on disk."""


class _Reader:
    """Collects the parts of a form from what its parser tells, chunk by chunk.

    A file that is long, in a form on disk, is known by where it lies: its bytes are not kept.
    """

    def __init__(self, body: bytes | DiskBytes) -> None:
        self.found: list[tuple[str, str | AnyFile]] = []
        self.field, self.value = bytearray(), bytearray()
        self.is_complete = False
        self._body = body
        self._chunk = b""
        self._at = self._next = 0  # where in the body the chunk lies
        self._text = 0
        self.begin_part()

    def begin_chunk(self, chunk: bytes) -> None:
        self._chunk = chunk
        self._at, self._next = self._next, self._next + len(chunk)

    def begin_part(self) -> None:
        if len(self.found) == _MOST_PARTS:
            raise FormError(f"it has more than {_MOST_PARTS:,} parts")
        self._headers: dict[bytes, bytes] = {}
        self._about: dict[bytes, bytes] = {}
        self._data = bytearray()
        self._size = 0
        self._start: int | None = None

    def end_header(self) -> None:
        self._headers[bytes(self.field).lower()] = bytes(self.value)
        self.field.clear()
        self.value.clear()

    def end_headers(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, self._about = parse_options_header(self._headers.get(b"content-disposition", b""))

    def add_data(self, data: bytes, start: int, stop: int) -> None:
        if data is self._chunk and self._start is None:  # else it is repeated from an earlier chunk
            self._start = self._at + start - self._size
        self._size += stop - start
        if b"filename" not in self._about:
            self._text += stop - start
            if self._text > _MOST_TEXT:
                raise FormError(f"its fields have more than {_MOST_TEXT >> 20} MiB of text")
            self._data += data[start:stop]
        elif isinstance(self._body, bytes) or self._size <= _SHORT_FILE:
            self._data += data[start:stop]
        else:
            self._data.clear()

    def end_part(self) -> None:
        name = self._about.get(b"name", b"").decode(errors="replace")
        if b"filename" not in self._about:
            self.found.append((name, self._data.decode(errors="replace")))
            return
        filename = self._about[b"filename"].decode(errors="replace")
        kind = self._headers.get(b"content-type", b"").decode("latin-1")
        if len(self._data) == self._size or self._start is None:
            self.found.append((name, File(bytes(self._data), filename, kind)))
            return
        assert isinstance(self._body, DiskBytes)
        content = self._body[self._start : self._start + self._size]
        self.found.append((name, FileOnDisk(content, filename, kind)))

    def end(self) -> None:
        self.is_complete = True


_DEPTH = 16
"""How many brackets a name may have. One of more is a parameter that nobody knows."""

_BRACKET = re.compile(r"\[([^\[\]]*)\]")


def nest_parameters(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names with brackets as the lists and objects that they mean.

    >>> nest_parameters([("include[]", "a"), ("include[]", "b"), ("metadata[k]", "v")])
    {'include': ['a', 'b'], 'metadata': {'k': 'v'}}
    """
    made: dict[str, Any] = {}
    for name, value in pairs:
        stem, bracket, _ = name.partition("[")
        within = _BRACKET.findall(name[len(stem) :]) if bracket else []
        _put(made, [name] if len(within) > _DEPTH else [stem, *within], value)
    return made


def _put(inside: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set what these keys lead to; an empty key, or the same name again, makes a list."""
    first, *rest = keys
    if not rest:
        if first in inside:
            _several(inside, first).append(value)
        else:
            inside[first] = value
    elif rest == [""]:
        _several(inside, first).append(value)
    elif rest[0] == "":
        # A list of objects: a member that the last one has begins the next.
        several = _several(inside, first)
        if not several or not isinstance(several[-1], dict) or rest[1] in several[-1]:
            several.append({})
        _put(several[-1], rest[1:], value)
    else:
        inner = inside.setdefault(first, {})
        if not isinstance(inner, dict):
            inner = inside[first] = {}
        _put(inner, rest, value)


def _several(inside: dict[str, Any], name: str) -> list[Any]:
    """The list of this name, which what else was there begins."""
    found = inside.setdefault(name, [])
    if not isinstance(found, list):
        found = inside[name] = [found]
    return found
