"""Recordings made by other tools, as exchanges.

Rules of this file: a format is a row of `FORMATS`: its name, how its content is known, and how it
is read. What a file says is converted into declared shapes, so that a mistake in it is told with
its place, in one sentence. A body keeps every byte, but for a compression that can be undone; of
the head, only what would not be true of this body any more is changed. YAML is loaded as text:
none of its tags makes an object of a program's, and ``no`` in a header stays ``no``. Nothing is
redacted here.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import msgspec.json
import yaml

from openai_mockserver import sse
from openai_mockserver.cassettes.stream_file import Exchange, is_json, loads
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.script import Event, Head, Raw, Script, Step

__all__ = ["import_file"]

Pairs = tuple[tuple[str, str], ...]

STREAM_HEAD: Pairs = (
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Transfer-Encoding", "chunked"),
)
"""The head of a stream of which only the body was recorded."""


class _Wrong(Exception):
    """What is wrong with a file, without its name."""


@dataclass(frozen=True)
class _Recorded:
    """What every format says of an exchange."""

    body: bytes
    headers: Pairs
    status: int = 200
    request: dict[str, Any] | None = None


def import_file(path: Path | str) -> list[Exchange]:
    """The exchanges that another tool, or this one, recorded in a file.

    The format is known by the content. Raises StreamFileError where there is nothing to import.
    """
    file = Path(path)
    try:
        return _import(_File(file, _content(file)))
    except _Wrong as error:
        raise StreamFileError(f"{path}: {error}") from None
    except RecursionError:
        raise StreamFileError(f"{path}: it is nested too deeply") from None


def _import(file: _File) -> list[Exchange]:
    form = next((form for form in FORMATS if form.recognises(file)), None)
    if form is None:
        known = ", ".join(form.name for form in FORMATS)
        raise _Wrong(f"this is no recording that is known; known are {known}")
    try:
        recorded = form.read(file)
    except _Wrong as error:
        raise _Wrong(f"it looks like a {form.name}, but {error}") from None
    if not recorded:
        raise _Wrong(f"this {form.name} holds no response")
    return [
        one if isinstance(one, Exchange) else _exchange(one, _about(file, number, form))
        for number, one in enumerate(recorded, 1)
    ]


def _about(file: _File, number: int, form: _Format) -> dict[str, Any]:
    name = file.stem if number == 1 else f"{file.stem}-{number}"
    description = f"imported from {form.name}"
    return {"name": name, "description": description + (form.note and f": {form.note}")}


# The file


_SUFFIXES = re.compile(r"(?:\.(?:ya?ml|json|jsonl|ndjson|har|sse|txt|chunks|gz))+\Z", re.I)
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _Wrong("its gzip compression is broken or cut off") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise _Wrong(f"it cannot be read: {said or error}") from None


class _File:
    """A file's content, as far as each format wants to know it."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.content = content
        if not content.removeprefix(_BOM).strip():
            raise _Wrong("it is empty")
        try:
            self.text = content.decode()
        except UnicodeDecodeError as error:
            raise _Wrong(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from None

    @property
    def stem(self) -> str:
        """The name without what says the format; a name that is no text becomes text."""
        name = self.path.name.encode("utf-8", "replace").decode()
        return _SUFFIXES.sub("", name) or name

    @cached_property
    def lines(self) -> list[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers."""
        lines = self.content.removeprefix(_BOM).split(b"\n")
        return [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip()]

    @cached_property
    def document(self) -> Any:
        """The one JSON or YAML document that this is, or nothing."""
        text = self.text.removeprefix("\ufeff")
        if text.lstrip(" \t\r\n").startswith(("{", "[")):
            return self._json(text)
        if _CASSETTE.search(text) or self.path.suffix.lower() in (".yaml", ".yml"):
            return _load_yaml(text)
        return None

    def _json(self, text: str) -> Any:
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            if len(self.lines) > 1 and is_json(self.lines[0][1]):
                return None  # JSON lines, which are another thing
            raise _Wrong(f"it is not JSON: {error}") from None


# A document that starts so is a cassette; other YAML is not ours to judge.
_CASSETTE = re.compile(r"^[\"']?(?:http_)?interactions[\"']?\s*:", re.M)


def _shaped(document: Any, shape: type[Any]) -> Any:
    """The document in its declared shape; numbers may be text, as all of YAML is here."""
    try:
        return msgspec.convert(document, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _Wrong(f"it is not of its shape: {error}") from None


# YAML


_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_JSON_TAGS = {_TAG + kind for kind in ("null", "bool", "int", "float")}


def _first_element(loader: Any, _suffix: str, node: Any) -> Any:
    """aiohttp's header names are of a class of its own: a call with the text as its argument."""
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 1:
        raise yaml.constructor.ConstructorError(
            None, None, "a header's name is not one text", node.start_mark
        )
    return loader.construct_scalar(node.value[0])


def _mapping(loader: Any, node: Any) -> Iterator[Any]:
    """A mapping, in which pydantic-ai's ``parsed_body`` is JSON and not text."""
    for key, value in node.value:
        if key.value == "parsed_body":
            _resolve(value, set())
    yield from loader.construct_yaml_map(node)


def _resolve(node: Any, seen: set[int]) -> None:
    """Make unquoted ``1``, ``true``… below this node what they are in YAML."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode) and not node.style:
        tag = _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False))
        node.tag = tag if tag in _JSON_TAGS and node.tag == _TAG + "str" else node.tag
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _resolve(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _resolve(value, seen)


def _loader() -> Any:
    """A safe loader, written in C where there is one: recordings are megabytes of YAML."""
    loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, known) for tag, known in resolvers if tag == _TAG + "null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_constructor(_TAG + "map", _mapping)
    loader.add_constructor("!binary", loader.construct_yaml_binary)
    for made_by in ("apply", "new"):
        loader.add_multi_constructor(f"{_TAG}python/object/{made_by}:multidict.", _first_element)
    return loader


_LOADER = _loader()


_DEEPEST = 200


def _check_depth(text: str) -> None:
    """The C loader composes by recursion and guards nothing: deep nesting would end the process."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


# What PyYAML runs into with a tag on what is not of its kind, such as ``!!int x``.
_CONSTRUCTORS_RAISE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def _load_yaml(text: str) -> Any:
    try:
        _check_depth(text)
        return yaml.load(text, _LOADER)  # safe: see `_loader`
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _Wrong(f"it is not YAML that can be read{where}: {error.problem}") from None
    except (yaml.YAMLError, *_CONSTRUCTORS_RAISE) as error:
        raise _Wrong(f"it is not YAML that can be read: {' '.join(str(error).split())}") from None


# Bodies and headers


def _octets(body: Any) -> bytes:
    """A body as cassettes write it: text, bytes, nothing, or a mapping that holds one of them."""
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return _base64(str(body["base64_string"]))
        return _encoded(body.get("string"), body.get("encoding"))
    return _encoded(body, None)


# Of these names of Ruby's, text that is in a cassette is UTF-8.
_UTF8 = (None, "", "UTF-8", "ASCII-8BIT", "US-ASCII")


def _encoded(body: Any, encoding: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    if not isinstance(body, str):
        raise _Wrong(f"a body is text or bytes, not {type(body).__name__}")
    if encoding not in _UTF8:
        with suppress(LookupError, UnicodeError):
            return body.encode(str(encoding))
    return body.encode()


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Wrong(f"a body is not base64: {error}") from None


def _inflated(body: bytes) -> bytes | None:
    """What a compressed body says, or nothing where it is not compressed, or not wholly there.

    Its first bytes tell; of recordings, content-encoding often says what was and is no more.
    """
    with suppress(EOFError, OSError, zlib.error):
        if body.startswith(_GZIP):
            return gzip.decompress(body)
        if body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0:  # RFC 1950
            return zlib.decompress(body)
    return None


def _pairs(headers: Any) -> Pairs:
    """Headers in their order, from a mapping to values or lists of them, or from pairs."""
    items = headers.items() if isinstance(headers, Mapping) else headers or ()
    found: list[tuple[str, str]] = []
    for item in items:
        name, values = (item.get("name"), item.get("value")) if isinstance(item, Mapping) else item
        for value in values if isinstance(values, list | tuple) else [values]:
            # Browsers join the values of one name with line ends.
            found += [(_header_text(name), line.strip("\r")) for line in _lines_of(value)]
    return tuple(found)


def _lines_of(value: Any) -> list[str]:
    return _header_text(value).split("\n")


def _header_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


# From what was recorded to an exchange


def _exchange(recorded: _Recorded, about: dict[str, Any]) -> Exchange:
    if recorded.request is not None:
        about["request"] = recorded.request
    inflated = _inflated(recorded.body)
    body = recorded.body if inflated is None else inflated
    headers = tuple(pair for pair in recorded.headers if not pair[0].startswith(":"))  # HTTP/2's
    coded = inflated is None and _is_coded(body, headers)
    if not coded:
        headers = _without(headers, "content-encoding")
    stream = not coded and _is_stream(body, headers)
    if not _is_bodiless(recorded):
        headers = _framed(headers, len(body), stream)
    steps: tuple[Step, ...] = sse.parse(body) if stream else (Raw(body),) if body else ()
    return Exchange(Script(Head(recorded.status, headers), steps), about)


def _value(headers: Pairs, name: str) -> str:
    return (Head(headers=headers).header(name) or "").strip().lower()


def _without(headers: Pairs, name: str) -> Pairs:
    return tuple((k, v) for k, v in headers if k.lower() != name)


def _is_coded(body: bytes, headers: Pairs) -> bool:
    """Whether the body is still in the coding that the head names, and we cannot undo it."""
    coding = _value(headers, "content-encoding")
    if coding in ("", "identity"):
        return bool(coding)
    if coding in ("gzip", "x-gzip"):
        return body.startswith(_GZIP)  # cut off
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


_FIELD = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def _is_stream(body: bytes, headers: Pairs) -> bool:
    if _value(headers, "content-type").startswith("text/event-stream"):
        return True
    return bool(_FIELD.match(body) and sse.decode(body))


def _is_bodiless(recorded: _Recorded) -> bool:
    """Whether HTTP lets this response have no body, so that the head describes another's."""
    asked = (recorded.request or {}).get("method")
    return not recorded.body and (recorded.status in (204, 304) or asked == "HEAD")


def _framed(headers: Pairs, size: int, stream: bool) -> Pairs:
    """The head with framing that is true of a body of this size.

    Chunks go before a length, which must not be beside them (RFC 9112 §6.2).
    """
    if _value(headers, "transfer-encoding") == "chunked":
        return _without(headers, "content-length")
    headers = _without(headers, "transfer-encoding")  # a coding that the recorder has undone
    lengths = [at for at, (name, _) in enumerate(headers) if name.lower() == "content-length"]
    if not lengths:
        added = ("Transfer-Encoding", "chunked") if stream else ("Content-Length", str(size))
        return (*headers, added)
    first = lengths[0]
    return tuple(
        (name, str(size)) if at == first else (name, value)
        for at, (name, value) in enumerate(headers)
        if at == first or at not in lengths
    )


def _request(method: str, url: str, headers: Pairs, body: bytes) -> dict[str, Any]:
    """A request for the head line: its body is ``json`` where it is an object or a list."""
    inflated = _inflated(body)
    said = _said(body if inflated is None else inflated)
    return {"method": method.upper(), "url": url, "headers": [list(h) for h in headers], **said}


def _said(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    with suppress(msgspec.DecodeError, UnicodeError):
        value = msgspec.json.decode(body)
        if isinstance(value, dict | list):
            return {"json": value}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


# vcrpy, and pydantic-ai's variant of it


class _Code(msgspec.Struct):
    code: int


class _VcrRequest(msgspec.Struct):
    method: str
    uri: str
    headers: Any = None
    body: Any = None
    parsed_body: Any = None


class _VcrResponse(msgspec.Struct):
    status: _Code | None = None
    status_code: int | None = None
    headers: Any = None
    body: Any = None
    content: Any = None
    parsed_body: Any = None


class _VcrInteraction(msgspec.Struct):
    request: _VcrRequest
    response: _VcrResponse


class _Vcr(msgspec.Struct):
    interactions: list[_VcrInteraction]


class _RubyVcr(msgspec.Struct):
    http_interactions: list[_VcrInteraction]


def _read_vcr(file: _File) -> list[_Recorded]:
    return [_vcr(one) for one in _shaped(file.document, _Vcr).interactions]


def _read_ruby_vcr(file: _File) -> list[_Recorded]:
    return [_vcr(one) for one in _shaped(file.document, _RubyVcr).http_interactions]


def _vcr(one: _VcrInteraction) -> _Recorded:
    asked, answer = one.request, one.response
    status = answer.status.code if answer.status else answer.status_code
    if status is None:
        raise _Wrong(f"the response to {asked.method} {asked.uri} has no status")
    body = _vcr_body(answer.body if answer.content is None else answer.content, answer.parsed_body)
    question = _vcr_body(asked.body, asked.parsed_body)
    request = _request(asked.method, asked.uri, _pairs_of(asked.headers), question)
    return _Recorded(body, _pairs_of(answer.headers), _checked(status), request)


def _vcr_body(body: Any, parsed: Any) -> bytes:
    """The body; of one that was parsed the bytes are lost, and these are what its tool replays."""
    if parsed is None:
        return _octets(body)
    try:
        return json.dumps(parsed).encode()
    except (TypeError, ValueError) as error:
        raise _Wrong(f"a parsed_body is not JSON: {error}") from None


def _pairs_of(headers: Any) -> Pairs:
    try:
        return _pairs(headers)
    except (TypeError, ValueError):
        raise _Wrong(f"these are no headers: {str(headers)[:80]}") from None


def _checked(status: int) -> int:
    if not 100 <= status <= 999:
        raise _Wrong(f"{status} is no status of HTTP")
    return status


# go-vcr


class _GoRequest(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    body: Any = None


class _GoResponse(msgspec.Struct):
    code: int
    headers: Any = None
    body: Any = None


class _GoInteraction(msgspec.Struct):
    request: _GoRequest
    response: _GoResponse


class _GoVcr(msgspec.Struct):
    interactions: list[_GoInteraction]


def _read_go_vcr(file: _File) -> list[_Recorded]:
    return [_go_vcr(one) for one in _shaped(file.document, _GoVcr).interactions]


def _go_vcr(one: _GoInteraction) -> _Recorded:
    asked, answer = one.request, one.response
    request = _request(asked.method, asked.url, _pairs_of(asked.headers), _octets(asked.body))
    headers = _pairs_of(answer.headers)
    return _Recorded(_octets(answer.body), headers, _checked(answer.code), request)


# HAR, of browsers and of Polly.js


class _PostData(msgspec.Struct):
    text: str | None = None


class _HarRequest(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    posted: _PostData | None = msgspec.field(default=None, name="postData")


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None
    binary: bool = msgspec.field(default=False, name="_isBinary")


class _HarResponse(msgspec.Struct):
    status: int
    headers: Any = None
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct):
    request: _HarRequest
    response: _HarResponse


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def _read_har(file: _File) -> list[_Recorded]:
    # A request that got no answer has the status 0.
    return [_har(one) for one in _shaped(file.document, _Har).log.entries if one.response.status]


def _har(one: _Entry) -> _Recorded:
    asked, answer = one.request, one.response
    posted = (asked.posted and asked.posted.text) or ""
    request = _request(asked.method, asked.url, _pairs_of(asked.headers), posted.encode())
    body = _har_body(answer.content)
    return _Recorded(body, _pairs_of(answer.headers), _checked(answer.status), request)


def _har_body(content: _Content) -> bytes:
    text = content.text or ""
    if content.encoding != "base64" and not content.binary:
        return text.encode()
    pieces = _pieces(text) if text.lstrip().startswith("[") else [text]
    read = bytes.fromhex if _is_hex("".join(pieces), content.encoding) else _base64
    return b"".join(map(read, pieces))


def _pieces(text: str) -> list[str]:
    """Polly.js keeps the reads of a compressed body, each on its own."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _Wrong(f"a body is not a list of base64 pieces: {error}") from None


_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def _is_hex(text: str, encoding: str | None) -> bool:
    """Older recordings are in hex; some of these say base64, but begin as what is compressed."""
    if encoding == "base64" and not text.startswith(("1f8b", "78")):
        return False
    return _HEX.fullmatch(text) is not None


# Chunks, a line each


_CHUNK = {"choices", "chunk", "data", "error", "object", "type"}
_WHOLE = ("chat.completion", "response", "list")


class _Wrapper(msgspec.Struct):
    chunk: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    event: str | None = None


_wrapper_decoder = msgspec.json.Decoder(_Wrapper)


def _has_chunks(file: _File) -> bool:
    """Whether the first line is a chunk, or text that holds one."""
    line = file.lines[0][1]
    if line.startswith(b"data:"):  # events without blank lines; one alone may be one cut off
        return len(file.lines) > 1
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return False
    if isinstance(value, str):
        return _FIELD.match(value.encode()) is not None
    return isinstance(value, dict) and bool(_CHUNK & set(value)) and _is_part(value)


def _is_part(value: dict[str, Any]) -> bool:
    """A whole answer on one line is no chunk."""
    return value.get("object") not in _WHOLE


def _has_named_chunks(file: _File) -> bool:
    return file.path.name.lower().endswith(".chunks.txt") and _has_chunks(file)


def _read_chunks(file: _File) -> list[_Recorded]:
    body: list[bytes] = []
    for number, line in file.lines:
        try:
            body.append(_line_event(line))
        except (msgspec.DecodeError, ValueError) as error:
            raise _Wrong(f"line {number} is wrong: {error}") from None
    return [_Recorded(b"".join(body), STREAM_HEAD)]


def _line_event(line: bytes) -> bytes:
    """The bytes of the event that a line stands for."""
    if line == b"[DONE]" or line.startswith(b"data:"):
        return _text_event(line.decode(), None)
    value = msgspec.json.decode(line)
    if isinstance(value, dict) and "choices" not in value and {"chunk", "data"} & set(value):
        wrapper = _wrapper_decoder.decode(line)
        inner = bytes(wrapper.chunk) or bytes(wrapper.data)
        value = msgspec.json.decode(inner)
        return _payload_event(value, inner.decode(), wrapper.event)
    return _payload_event(value, line.decode(), None)


def _payload_event(value: Any, text: str, event: str | None) -> bytes:
    if isinstance(value, str):
        return _text_event(value, event)
    if not isinstance(value, dict):
        raise ValueError(f"this is no chunk: {text[:40]}")
    return sse.encode(Event(text, event or _event_name(value)))


def _event_name(payload: dict[str, Any]) -> str | None:
    """The Responses API names each event by its type, its errors and keep-alives too."""
    kind = payload.get("type")
    if not isinstance(kind, str):
        return None
    return kind if kind.startswith("response.") or "sequence_number" in payload else None


def _text_event(text: str, event: str | None) -> bytes:
    """Text is an event's fields, or else its data."""
    if not _FIELD.match(text.encode()):
        return sse.encode(Event(text, event))
    whole = text.endswith(("\n\n", "\r\n\r\n", "\r\r"))
    return (text if whole else text.rstrip("\r\n") + "\n\n").encode()


# Event streams, our own files, and our own documents


def _is_event_stream(file: _File) -> bool:
    named = file.path.suffix.lower() == ".sse"
    return bool(_FIELD.match(file.content) and (named or sse.decode(file.content)))


def _read_event_stream(file: _File) -> list[_Recorded]:
    return [_Recorded(file.content, STREAM_HEAD)]


_STREAM_FILE = re.compile(rb'\s*\{\s*"mockserver"\s*:')


def _is_stream_file(file: _File) -> bool:
    return _STREAM_FILE.match(file.content) is not None


def _read_stream_file(file: _File) -> list[Exchange]:
    return loads(file.content, str(file.path))


class _Asked(msgspec.Struct):
    method: str
    url: str
    headers: list[tuple[str, str]] | None = None
    json: Any = None
    text: str | None = None


class _Answered(msgspec.Struct):
    status: int
    body: str
    headers: list[tuple[str, str]] | None = None
    body_encoding: str = "utf-8"


class _Document(msgspec.Struct):
    schema: int
    request: _Asked
    response: _Answered


_BODY_ENCODINGS: dict[str, Callable[[str], bytes]] = {"utf-8": str.encode, "base64": _base64}


def _read_document(file: _File) -> list[_Recorded]:
    document: _Document = _shaped(file.document, _Document)
    if document.schema != 1:
        raise _Wrong(f"this is schema {document.schema} of the document; 1 is known")
    asked, answer = document.request, document.response
    if (decode := _BODY_ENCODINGS.get(answer.body_encoding)) is None:
        raise _Wrong(f"body_encoding {answer.body_encoding!r} is not utf-8 or base64")
    request = _request(asked.method, asked.url, _pairs(asked.headers), b"")
    if asked.json is not None:
        request["json"] = asked.json
    elif asked.text is not None:
        request["text"] = asked.text
    status = _checked(answer.status)
    return [_Recorded(decode(answer.body), _pairs(answer.headers), status, request)]


# What is known


def _has(*keys: str) -> Callable[[_File], bool]:
    """A document that has these keys."""
    return lambda file: isinstance(file.document, dict) and set(keys) <= set(file.document)


def _is_har(file: _File) -> bool:
    return _has("log")(file) and isinstance(file.document["log"], dict)


def _is_go_vcr(file: _File) -> bool:
    """Both have interactions; that of Go has a code where the other has a status."""
    interactions = file.document.get("interactions") if _has("interactions")(file) else None
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    answer = first.get("response") if isinstance(first, dict) else None
    return isinstance(answer, dict) and "code" in answer


class _Format(NamedTuple):
    name: str
    recognises: Callable[[_File], bool]
    read: Callable[[_File], Sequence[_Recorded | Exchange]]
    note: str = ""


_EXACTLY = "exactly its payloads, no [DONE] is added"

# In this order: a format comes before those that would take its files for theirs.
FORMATS = (
    _Format("stream file", _is_stream_file, _read_stream_file),
    _Format("event stream", _is_event_stream, _read_event_stream),
    _Format("go-vcr cassette", _is_go_vcr, _read_go_vcr),
    _Format("vcrpy cassette", _has("interactions"), _read_vcr),
    _Format("Ruby VCR cassette", _has("http_interactions"), _read_ruby_vcr),
    _Format("HAR", _is_har, _read_har),
    _Format("recording document", _has("schema", "request", "response"), _read_document),
    _Format("Vercel AI SDK chunks", _has_named_chunks, _read_chunks, _EXACTLY),
    _Format("JSON lines of chunks", _has_chunks, _read_chunks, _EXACTLY),
)
