"""What a reply consists of: tool calls, reasoning, citations, audio and output items.

Rules of this file: frozen values, checked when they are made, without endpoint, bytes, clock or
chance. `repr` is code that makes the value again.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply.text import Json, Text, as_text, must_be, print_repr

__all__ = [
    "Annotation",
    "Audio",
    "FunctionCall",
    "Item",
    "Logprob",
    "Message",
    "Output",
    "Reasoning",
    "ToolCall",
    "as_annotation",
    "by_piece",
    "url_citation",
]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _arguments(value: str | Iterable[str] | Mapping[str, Any] | None, what: str) -> Text:
    if isinstance(value, Mapping) or value is None:
        try:
            return Json(_compact(dict(value or {})))
        except (TypeError, ValueError) as error:
            raise ReplyError(f"{what}: arguments are not JSON: {error}") from None
        except RecursionError:
            raise ReplyError(f"{what}: arguments are nested too deeply") from None
    return value if isinstance(value, Text) else Text(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _json_object(value: object, what: str) -> dict[str, Any]:
    """A copy of an object that is JSON; texts in it keep their pieces."""
    must_be(Mapping, value, what, optional=False)
    try:
        _compact(value).encode()
    except (TypeError, ValueError) as error:
        raise ReplyError(f"{what} is not JSON: {error}") from None
    except RecursionError:
        raise ReplyError(f"{what} is nested too deeply") from None
    return copy.deepcopy(dict(value))  # type: ignore[call-overload]


def _named(name: object, what: str) -> None:
    if not isinstance(name, str) or not name:
        raise ReplyError(f"{what} has a name, a string that is not empty; this is {name!r}")
    must_be(str, name, f"the name of {what}")


DERIVED = 29  # characters of a derived id


def _derived_id(name: str, arguments: str, n: int = 1) -> str:
    """``call_`` and 24 letters and digits (WIRE.md §1), the same for the same call everywhere."""
    # What is not JSON is told apart by its text.
    with contextlib.suppress(ValueError):
        arguments = _compact(json.loads(arguments))
    seed = f"{name}\0{arguments}\0{n}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest(), "big")
    letters = []
    for _ in range(24):
        number, rest = divmod(number, 62)
        letters.append(_ALPHABET[rest])
    return "call_" + "".join(letters)


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall:
    """A call of a tool.

    Args:
        name: the function's name.
        arguments: an object; or its JSON text as it is, also where it is not JSON; or that text's
            pieces.
        id: ``call_`` and 24 letters and digits; derived from name and arguments when absent.
        custom: a call of a custom tool, whose arguments are its input: any text.
        namespace: of the tool, where tools have namespaces.
        extra: more members of the call in chat completions, such as Gemini's ``extra_content``.

    >>> call = ToolCall("get_weather", {"city": "Paris"})
    >>> call.arguments, call.parsed
    ('{"city":"Paris"}', {'city': 'Paris'})
    """

    _repr_pretty_ = print_repr

    name: str
    arguments: Text
    id: str
    custom: bool
    namespace: str | None
    extra: Mapping[str, Any] = field(hash=False)

    def __init__(
        self,
        name: str,
        arguments: str | Iterable[str] | Mapping[str, Any] | None = None,
        id: str | None = None,
        *,
        custom: bool = False,
        namespace: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        _named(name, "a tool call")
        text = Text("") if custom and arguments is None else None
        text = text if text is not None else _arguments(arguments, f"tool call {name!r}")
        must_be(str, id, "the id of a tool call")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arguments", text)
        object.__setattr__(self, "id", id if id is not None else _derived_id(name, text))
        must_be(str, namespace, "the namespace of a tool call")
        object.__setattr__(self, "custom", bool(custom))
        object.__setattr__(self, "namespace", namespace)
        must_be(Mapping, extra, "the extra of a tool call")
        object.__setattr__(self, "extra", dict(extra or {}))

    @property
    def parsed(self) -> Any:
        """The arguments as a value. Raises ValueError where they are not JSON."""
        return json.loads(self.arguments)

    @property
    def has_derived_id(self) -> bool:
        """Whether the id was derived, so that a renderer may change it to keep it unique."""
        return len(self.id) == DERIVED and self.id == _derived_id(self.name, self.arguments)

    def apart_from(self, ids: Collection[str]) -> ToolCall:
        """The same call with another derived id, where its own is among those taken."""
        n, id_ = 1, self.id
        while id_ in ids:
            n += 1
            id_ = _derived_id(self.name, self.arguments, n)
        return self if id_ == self.id else replace(self, id=id_)

    def __repr__(self) -> str:
        more = ", custom=True" if self.custom else ""
        if self.namespace is not None:
            more += f", namespace={self.namespace!r}"
        if self.extra:
            more += f", extra={self.extra!r}"
        return f"ToolCall({self.name!r}, {self.arguments!r}, id={self.id!r}{more})"


@dataclass(frozen=True, slots=True, repr=False)
class FunctionCall:
    """A call in the legacy ``function_call`` form, which has no id."""

    _repr_pretty_ = print_repr

    name: str
    arguments: Text

    def __init__(
        self, name: str, arguments: str | Iterable[str] | Mapping[str, Any] | None = None
    ) -> None:
        _named(name, "a function call")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arguments", _arguments(arguments, f"function call {name!r}"))

    @property
    def parsed(self) -> Any:
        """The arguments as a value. Raises ValueError where they are not JSON."""
        return json.loads(self.arguments)

    def __repr__(self) -> str:
        return f"FunctionCall({self.name!r}, {self.arguments!r})"


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token's log probability; ``bytes`` are the token's own unless given."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[Logprob, ...] = ()

    def __post_init__(self) -> None:
        must_be(str, self.token, "a token", optional=False)
        try:
            octets = tuple(self.token.encode()) if self.bytes is None else tuple(self.bytes)
            object.__setattr__(self, "bytes", octets)
            object.__setattr__(self, "logprob", float(self.logprob))
        except (OverflowError, TypeError, ValueError) as error:
            raise ReplyError(f"Logprob({self.token!r}, {self.logprob!r}): {error}") from None
        object.__setattr__(self, "top", tuple(self.top))


def by_piece(
    logprobs: Iterable[Logprob | Iterable[Logprob]] | None,
) -> tuple[tuple[Logprob, ...], ...] | None:
    if logprobs is None:
        return None
    must_be(Iterable, logprobs, "logprobs", optional=False)
    entries: list[tuple[Logprob, ...]] = []
    for one in logprobs:
        several = (one,) if isinstance(one, Logprob) else one
        entries.append(tuple(several) if isinstance(several, Iterable) else (several,))
        if not all(isinstance(entry, Logprob) for entry in entries[-1]):
            raise ReplyError(f"logprobs holds Logprob(token, logprob), or several, not {one!r}")
    return tuple(entries)


@dataclass(frozen=True, slots=True, repr=False)
class Audio:
    """Speech, as chat models with ``modalities: ["audio"]`` answer.

    Args:
        transcript: what is said, or the pieces it arrives in.
        data: the sound: bytes, its base64, or the pieces of base64 it arrives in.
        id: ``audio_`` and 32 hexadecimal digits; derived from the rest when absent.
        expires_at: until when it can be referred to, in seconds since 1970.

    >>> Audio("Hi", b"RIFF").data.pieces
    ('UklGRg==',)
    """

    _repr_pretty_ = print_repr

    transcript: Text
    data: Text
    id: str
    expires_at: int

    def __init__(
        self,
        transcript: str | Iterable[str] = "",
        data: bytes | str | Iterable[str] = "",
        id: str | None = None,
        expires_at: int = 0,
    ) -> None:
        if isinstance(data, bytes):
            data = base64.b64encode(data).decode()
        if isinstance(data, str) and not isinstance(data, Text):
            data = [data[at : at + _AUDIO_PIECE] for at in range(0, len(data), _AUDIO_PIECE)]
        must_be(str, id, "the id of audio")
        must_be(int, expires_at, "expires_at", optional=False)
        said, sound = Text(transcript), Text(data)
        derived = hashlib.sha256(f"{said}\0{sound}".encode()).hexdigest()[:32]
        put = object.__setattr__
        put(self, "transcript", said)
        put(self, "data", sound)
        put(self, "id", id if id is not None else f"audio_{derived}")
        put(self, "expires_at", expires_at)

    def __repr__(self) -> str:
        data = list(self.data.pieces)
        return f"Audio({self.transcript!r}, {data!r}, id={self.id!r}, expires_at={self.expires_at})"


_AUDIO_PIECE = 25_600  # characters of base64 in a chunk, as recorded (WIRE.md §1)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A citation in a text, in the flat form of the Responses API.

    Args:
        members: its JSON, as in ``{"type": "url_citation", "url": …, "title": …}``.
        after: how many pieces of the text come before it; all of them by default.
    """

    members: Mapping[str, Any]
    after: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _json_object(self.members, "an annotation"))
        must_be(int, self.after, "how many pieces come before an annotation")

    def __hash__(self) -> int:
        return hash((self.after, frozenset(self.members)))


def url_citation(url: str, title: str = "", start: int = 0, end: int = 0) -> Annotation:
    """A page that the text cites from the character ``start`` to ``end``.

    >>> url_citation("https://example.org", "Example", 4, 9).members["title"]
    'Example'
    """
    for name, value in (("start", start), ("end", end)):
        must_be(int, value, f"{name} of a citation", optional=False)
    must_be(str, url, "the url of a citation", optional=False)
    must_be(str, title, "the title of a citation", optional=False)
    where = {"end_index": end, "start_index": start}
    return Annotation({"type": "url_citation", **where, "title": title, "url": url})


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message among the output of a response: text or a refusal.

    Args:
        text, refusal: what it says, or the pieces it arrives in.
        annotations: citations in the text: `Annotation`, or its JSON.
        phase: ``commentary`` or ``final_answer``, which newer models tell.
        logprobs: as of `Reply`.
    """

    _repr_pretty_ = print_repr

    text: Text | None = None
    refusal: Text | None = None
    annotations: tuple[Annotation, ...] = ()
    phase: str | None = None
    logprobs: tuple[tuple[Logprob, ...], ...] | None = None

    def __init__(
        self,
        text: str | Iterable[str] | None = None,
        *,
        refusal: str | Iterable[str] | None = None,
        annotations: Iterable[Annotation | Mapping[str, Any]] = (),
        phase: str | None = None,
        logprobs: Iterable[Logprob | Iterable[Logprob]] | None = None,
    ) -> None:
        must_be(str, phase, "the phase of a message")
        must_be(Iterable, annotations, "annotations", optional=False)
        put = object.__setattr__
        put(self, "text", as_text(text))
        put(self, "refusal", as_text(refusal))
        n = 0 if self.text is None else len(self.text.pieces)
        put(self, "annotations", tuple(as_annotation(value, n) for value in annotations))
        put(self, "phase", phase)
        put(self, "logprobs", by_piece(logprobs))

    def __repr__(self) -> str:
        given = [] if self.text is None else [repr(self.text)]
        for name in ("refusal", "annotations", "phase", "logprobs"):
            value = getattr(self, name)
            if (value is not None and value != ()) or (name == "logprobs" and value == ()):
                given.append(f"{name}={value!r}")
        return f"Message({', '.join(given)})"


def as_annotation(value: Annotation | Mapping[str, Any], pieces: int) -> Annotation:
    """The citation, which comes after so many pieces at the latest."""
    if not isinstance(value, Annotation | Mapping):
        raise ReplyError(f"an annotation is a mapping, not {value!r}")
    made = value if isinstance(value, Annotation) else Annotation(value)
    after = pieces if made.after is None else max(0, min(made.after, pieces))
    return replace(made, after=after)


@dataclass(frozen=True, slots=True, repr=False)
class Reasoning:
    """Thinking among the output of a response.

    Args:
        summary: the parts of its summary; OpenAI shows no more than these.
        content: the thinking itself, which open models show.
        encrypted: what the client gives back in the next turn.

    >>> Reasoning()  # it thought, and does not say what
    Reasoning()
    """

    _repr_pretty_ = print_repr

    summary: tuple[Text, ...] = ()
    content: tuple[Text, ...] = ()
    encrypted: str | None = None

    def __init__(
        self,
        summary: str | Iterable[str | Iterable[str]] = (),
        *,
        content: str | Iterable[str | Iterable[str]] = (),
        encrypted: str | None = None,
    ) -> None:
        must_be(str, encrypted, "encrypted reasoning")
        object.__setattr__(self, "summary", _parts(summary))
        object.__setattr__(self, "content", _parts(content))
        object.__setattr__(self, "encrypted", encrypted)

    def __repr__(self) -> str:
        given = [repr(list(self.summary))] if self.summary else []
        if self.content:
            given.append(f"content={list(self.content)!r}")
        if self.encrypted is not None:
            given.append(f"encrypted={self.encrypted!r}")
        return f"Reasoning({', '.join(given)})"


def _parts(value: str | Iterable[str | Iterable[str]]) -> tuple[Text, ...]:
    must_be(Iterable, value, "reasoning", optional=False)
    return (Text(value),) if isinstance(value, str) else tuple(map(Text, value))


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """What a model does by itself among the output of a response: a search, code, an MCP call.

    `openai_mockserver.items` makes the usual ones.

    Args:
        type: as in ``web_search_call``.
        members: its JSON when it is done, without id and type. A `Text` arrives in its pieces.
    """

    _repr_pretty_ = print_repr

    type: str
    members: Mapping[str, Any]

    def __post_init__(self) -> None:
        _named(self.type, "an output item")
        object.__setattr__(self, "members", _json_object(self.members, f"a {self.type}"))
        for own in ("id", "type"):
            if own in self.members:
                raise ReplyError(f"a {self.type} holds no {own}: it is given one")

    def __hash__(self) -> int:
        return hash((self.type, frozenset(self.members)))

    def __repr__(self) -> str:
        return f"Item({self.type!r}, {_shown(self.members)})"


def _shown(value: Any) -> str:
    """Code that makes a JSON value again, in which texts may have pieces of their own."""
    if isinstance(value, Text) and not value.is_plain:
        return f"Text({value!r})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {_shown(v)}' for k, v in value.items())}}}"
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list) else repr(value)


Output = Message | Reasoning | ToolCall | Item
"""What the output of a response consists of."""
