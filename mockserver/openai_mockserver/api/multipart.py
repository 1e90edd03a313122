"""Forms and queries as parameters, nested as OpenAI's SDKs nest them.

Rules of this file: a form on disk is read part by part, and its long files stay there. ``name[]``
is a list, ``name[member]`` a member of an object. A file is a value that behaves as its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from openai_mockserver.api.disk_bytes import DiskBytes, parts_of

if TYPE_CHECKING:
    from python_multipart.multipart import Field
    from python_multipart.multipart import File as UploadedFile

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
    """An uploaded file in memory: its bytes, with their name and content type."""

    name: str
    content_type: str

    def __new__(cls, data: bytes, name: str = "", content_type: str = "") -> File:
        self = super().__new__(cls, data)
        self.name = name
        self.content_type = content_type
        return self


class FileOnDisk(DiskBytes):
    """An uploaded file on disk."""

    def __init__(self, data: DiskBytes, name: str = "", content_type: str = "") -> None:
        super().__init__(data.pieces)
        self.name = name
        self.content_type = content_type


AnyFile = File | FileOnDisk


def has_files(content_type: str) -> bool:
    """Return whether a content type is that of a form that may hold files."""
    return content_type.partition(";")[0].strip().lower() == _MULTIPART


def is_form(content_type: str) -> bool:
    """Return whether a content type is a form's."""
    return content_type.partition(";")[0].strip().lower() in (_URL_ENCODED, _MULTIPART)


def parse_form(body: bytes | DiskBytes, content_type: str) -> dict[str, Any]:
    """Return the parameters in a form.

    Args:
        body: the form.
        content_type: the value of the Content-Type header, with the boundary.

    Raises:
        FormError: if the body is not such a form (RFC 7578) or exceeds a limit.

    >>> body = b'--b\\r\\nContent-Disposition: form-data; name="n"\\r\\n\\r\\n1\\r\\n--b--\\r\\n'
    >>> parse_form(body, "multipart/form-data; boundary=b")
    {'n': '1'}
    """
    if content_type.lower().startswith(_URL_ENCODED):
        text = bytes(body).decode(errors="replace")
        if text.count("&") >= _MOST_PARTS:
            raise FormError(f"it has more than {_MOST_PARTS:,} parts")
        return nest_parameters(parse_qsl(text, keep_blank_values=True))
    return nest_parameters(_read_parts(body, content_type))


def _read_parts(body: bytes | DiskBytes, content_type: str) -> list[tuple[str, str | AnyFile]]:
    """Return the name and the value of each part, in order."""
    from python_multipart import FormParser, MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    parts = _Parts(body)
    try:
        _, options = parse_options_header(content_type)
        if not (boundary := options.get(b"boundary")):
            raise FormError("the content type names no boundary")
        form = FormParser(_MULTIPART, parts.add_field, parts.add_file, parts.end, boundary)
        assert isinstance(form.parser, MultipartParser)
        # The form's own writer would copy each file into memory or into a second temporary file.
        form.parser.set_callback("part_data", parts.locate_data)
        try:
            for chunk in parts_of(body):
                parts.begin_chunk(chunk)
                form.write(chunk)
        finally:
            # The parser's callbacks refer to the form: a cycle that would keep the body's file open
            # until the garbage collector finds it.
            form.parser = None
    except (FormParserError, UnicodeError) as error:
        raise FormError(str(error)) from None
    if not parts.is_complete and len(body):
        raise FormError("it ends before its last boundary")
    return parts.parts


_MOST_PARTS = 1000
_MOST_TEXT = 32 << 20  # bytes in all fields of a form
_SHORT_FILE = 1 << 16
"""The longest file that is read into memory from a form on disk, in bytes."""


class _Parts:
    """The parts of a form, each as a range of the form's body.

    While the form is parsed, only the position of a part's data is recorded. A part is read from
    the body when it ends, so a field that is too long is refused without being read, and a long
    file in a form on disk stays there, without a second copy.
    """

    def __init__(self, body: bytes | DiskBytes) -> None:
        self.parts: list[tuple[str, str | AnyFile]] = []
        self.is_complete = False
        self._body = body
        self._chunk = b""
        self._chunk_start = self._chunk_end = 0  # positions in the body
        self._text = 0  # bytes in all fields so far
        self._start: int | None = None  # of the current part; None until it has a position
        self._size = 0
        self._repeated = bytearray()  # its data before it had one

    def begin_chunk(self, chunk: bytes) -> None:
        """Note where in the body the chunk lies that the parser reads next."""
        self._chunk = chunk
        self._chunk_start, self._chunk_end = self._chunk_end, self._chunk_end + len(chunk)

    def locate_data(self, data: bytes, start: int, stop: int) -> None:
        """Extend the current part by ``data[start:stop]``.

        The data is a slice of the current chunk, or else the end of an earlier chunk that looked
        like the beginning of a boundary. The parser repeats that end from the boundary, so it has
        no position, but it lies right before the data that follows it.
        """
        if data is self._chunk:
            if self._start is None:
                self._start = self._chunk_start + start - self._size
        elif self._start is None:
            self._repeated += data[start:stop]
        self._size += stop - start

    def add_field(self, field: Field) -> None:
        """Add the part that ends here as text."""
        self._text += self._size
        if self._text > _MOST_TEXT:
            raise FormError(f"its fields have more than {_MOST_TEXT >> 20} MiB of text")
        self._add(field.field_name, bytes(self._take_data()).decode(errors="replace"))

    def add_file(self, upload: UploadedFile) -> None:
        """Add the part that ends here as a file."""
        name = (upload.file_name or b"").decode(errors="replace")
        content_type = upload.content_type or ""
        is_short = self._size <= _SHORT_FILE
        data = self._take_data()
        if isinstance(data, DiskBytes) and not is_short:
            self._add(upload.field_name, FileOnDisk(data, name, content_type))
        else:
            self._add(upload.field_name, File(bytes(data), name, content_type))

    def end(self) -> None:
        """Note that the last boundary was read."""
        self.is_complete = True

    def _take_data(self) -> bytes | DiskBytes:
        """Return the data of the part that ends here, and begin the next part."""
        start, size, repeated = self._start, self._size, bytes(self._repeated)
        self._start, self._size, self._repeated = None, 0, bytearray()
        return repeated if start is None else self._body[start : start + size]

    def _add(self, name: bytes | None, value: str | AnyFile) -> None:
        if len(self.parts) == _MOST_PARTS:
            raise FormError(f"it has more than {_MOST_PARTS:,} parts")
        self.parts.append(((name or b"").decode(errors="replace"), value))


_DEPTH = 16
"""How many brackets a name may have; with more, the whole text is the parameter's name."""

_BRACKET = re.compile(r"\[([^\[\]]*)\]")


def nest_parameters(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Build the lists and objects that names with brackets describe.

    >>> nest_parameters([("include[]", "a"), ("include[]", "b"), ("metadata[k]", "v")])
    {'include': ['a', 'b'], 'metadata': {'k': 'v'}}
    """
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        stem, bracket, _ = name.partition("[")
        members = _BRACKET.findall(name[len(stem) :]) if bracket else []
        _put_value(parameters, [name] if len(members) > _DEPTH else [stem, *members], value)
    return parameters


def _put_value(container: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set the value at the end of these keys; an empty key or a repeated name makes a list."""
    first, *rest = keys
    if not rest:
        if first in container:
            _ensure_list(container, first).append(value)
        else:
            container[first] = value
    elif rest == [""]:
        _ensure_list(container, first).append(value)
    elif rest[0] == "":
        # A list of objects: a member that the last object already has begins the next object.
        entries = _ensure_list(container, first)
        if not entries or not isinstance(entries[-1], dict) or rest[1] in entries[-1]:
            entries.append({})
        _put_value(entries[-1], rest[1:], value)
    else:
        inner = container.setdefault(first, {})
        if not isinstance(inner, dict):
            inner = container[first] = {}
        _put_value(inner, rest, value)


def _ensure_list(container: dict[str, Any], name: str) -> list[Any]:
    """Return the list of this name; a single value that was there becomes its first entry."""
    entries = container.setdefault(name, [])
    if not isinstance(entries, list):
        entries = container[name] = [entries]
    return entries
