"""Forms and queries: bytes to parameters, as OpenAI's SDKs nest them.

Rules of this file: no I/O. A list is ``name[]``, a member ``name[member]``; a file is its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["File", "FormError", "is_form", "nest_parameters", "parse_form"]

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


def is_form(content_type: str) -> bool:
    """Whether a content type is a form's."""
    return content_type.partition(";")[0].strip().lower() in (_URL_ENCODED, _MULTIPART)


def parse_form(body: bytes, content_type: str) -> dict[str, Any]:
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
        return nest_parameters(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return nest_parameters(_parts(body, content_type))


def _parts(body: bytes, content_type: str) -> list[tuple[str, str | File]]:
    """Each part's name and value."""
    from python_multipart import MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    found: list[tuple[str, str | File]] = []
    headers: dict[bytes, bytes] = {}
    field, value, data = bytearray(), bytearray(), bytearray()
    complete = False

    def begin() -> None:
        headers.clear()
        data.clear()

    def end_header() -> None:
        headers[bytes(field).lower()] = bytes(value)
        field.clear()
        value.clear()

    def end_part() -> None:
        _, about = parse_options_header(headers.get(b"content-disposition", b""))
        name = about.get(b"name", b"").decode(errors="replace")
        if b"filename" in about:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            found.append(
                (name, File(bytes(data), about[b"filename"].decode(errors="replace"), kind))
            )
        else:
            found.append((name, data.decode(errors="replace")))

    def end() -> None:
        nonlocal complete
        complete = True

    try:
        _, options = parse_options_header(content_type)
        if not (boundary := options.get(b"boundary")):
            raise FormError("the content type names no boundary")
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": lambda b, start, stop: field.extend(b[start:stop]),
                "on_header_value": lambda b, start, stop: value.extend(b[start:stop]),
                "on_header_end": end_header,
                "on_part_data": lambda b, start, stop: data.extend(b[start:stop]),
                "on_part_end": end_part,
                "on_end": end,
            },
        )
        parser.write(body)
    except (FormParserError, UnicodeError) as error:
        raise FormError(str(error)) from None
    if not complete and body:
        raise FormError("it ends before its last boundary")
    return found


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
