"""The parts of a reply: tool calls, reasoning, citations, audio and output items.

Rules of this file: frozen values, checked on creation, that know nothing of endpoints, bytes,
clocks or randomness. `repr` is code that recreates the value.
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
from openai_mockserver.reply.text import Json, Text, as_text, check_type, print_repr

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
    "group_logprobs",
    "url_citation",
]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _as_arguments(value: str | Iterable[str] | Mapping[str, Any] | None, place: str) -> Text:
    if isinstance(value, Mapping) or value is None:
        try:
            return Json(_compact(dict(value or {})))
        except (TypeError, ValueError) as error:
            raise ReplyError(f"{place}: arguments are not JSON: {error}") from None
        except RecursionError:
            raise ReplyError(f"{place}: arguments are nested too deeply") from None
    return value if isinstance(value, Text) else Text(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _copy_json(value: object, name: str) -> dict[str, Any]:
    """Return a copy of a JSON object; each `Text` in it keeps its pieces."""
    check_type(Mapping, value, name, optional=False)
    try:
        _compact(value).encode()
    except (TypeError, ValueError) as error:
        raise ReplyError(f"{name} is not JSON: {error}") from None
    except RecursionError:
        raise ReplyError(f"{name} is nested too deeply") from None
    return copy.deepcopy(dict(value))  # type: ignore[call-overload]


def _check_name(name: object, kind: str) -> None:
    if not isinstance(name, str) or not name:
        raise ReplyError(f"the name of {kind} must be a non-empty string, not {name!r}")
    check_type(str, name, f"the name of {kind}")


_DERIVED_ID_LENGTH = 29  # characters


def _derived_id(name: str, arguments: str, n: int = 1) -> str:
    """Return ``call_`` and 24 letters and digits (WIRE.md §1), always the same for equal calls."""
    # Arguments that are not JSON are compared as text.
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
        name: name of the function.
        arguments: the arguments as an object; or as text, which may be invalid JSON; or as the
            pieces of that text.
        id: ``call_`` and 24 letters and digits; derived from name and arguments if None.
        custom: whether it calls a custom tool, whose arguments may be any text.
        namespace: namespace of the tool, if it has one.
        extra: more members of the call, such as Gemini's ``extra_content``.

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
        _check_name(name, "a tool call")
        text = Text("") if custom and arguments is None else None
        text = text if text is not None else _as_arguments(arguments, f"tool call {name!r}")
        check_type(str, id, "the id of a tool call")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arguments", text)
        object.__setattr__(self, "id", id if id is not None else _derived_id(name, text))
        check_type(str, namespace, "the namespace of a tool call")
        object.__setattr__(self, "custom", bool(custom))
        object.__setattr__(self, "namespace", namespace)
        check_type(Mapping, extra, "the extra of a tool call")
        object.__setattr__(self, "extra", dict(extra or {}))

    @property
    def parsed(self) -> Any:
        """The arguments as a JSON value. Raises ValueError if they are not JSON."""
        return json.loads(self.arguments)

    @property
    def has_derived_id(self) -> bool:
        """Whether the id was derived; a renderer may replace such an id to keep ids unique."""
        return len(self.id) == _DERIVED_ID_LENGTH and self.id == _derived_id(
            self.name, self.arguments
        )

    def with_unique_id(self, ids: Collection[str]) -> ToolCall:
        """Return the call; if its id is in ``ids``, with another derived id."""
        n, id_ = 1, self.id
        while id_ in ids:
            n += 1
            id_ = _derived_id(self.name, self.arguments, n)
        return self if id_ == self.id else replace(self, id=id_)

    def __repr__(self) -> str:
        options = ", custom=True" if self.custom else ""
        if self.namespace is not None:
            options += f", namespace={self.namespace!r}"
        if self.extra:
            options += f", extra={self.extra!r}"
        return f"ToolCall({self.name!r}, {self.arguments!r}, id={self.id!r}{options})"


@dataclass(frozen=True, slots=True, repr=False)
class FunctionCall:
    """A call in the legacy ``function_call`` form, which has no id."""

    _repr_pretty_ = print_repr

    name: str
    arguments: Text

    def __init__(
        self, name: str, arguments: str | Iterable[str] | Mapping[str, Any] | None = None
    ) -> None:
        _check_name(name, "a function call")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arguments", _as_arguments(arguments, f"function call {name!r}"))

    @property
    def parsed(self) -> Any:
        """The arguments as a JSON value. Raises ValueError if they are not JSON."""
        return json.loads(self.arguments)

    def __repr__(self) -> str:
        return f"FunctionCall({self.name!r}, {self.arguments!r})"


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token's log probability.

    Args:
        token: the token as text.
        logprob: its log probability.
        bytes: its UTF-8 bytes; those of ``token`` if None.
        top: the most likely tokens at this position.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[Logprob, ...] = ()

    def __post_init__(self) -> None:
        check_type(str, self.token, "a token", optional=False)
        try:
            octets = tuple(self.token.encode()) if self.bytes is None else tuple(self.bytes)
            object.__setattr__(self, "bytes", octets)
            object.__setattr__(self, "logprob", float(self.logprob))
        except (OverflowError, TypeError, ValueError) as error:
            raise ReplyError(f"Logprob({self.token!r}, {self.logprob!r}): {error}") from None
        object.__setattr__(self, "top", tuple(self.top))


def group_logprobs(
    logprobs: Iterable[Logprob | Iterable[Logprob]] | None,
) -> tuple[tuple[Logprob, ...], ...] | None:
    """Return the log probabilities as one tuple for each piece of text."""
    if logprobs is None:
        return None
    check_type(Iterable, logprobs, "logprobs", optional=False)
    entries: list[tuple[Logprob, ...]] = []
    for item in logprobs:
        group = (item,) if isinstance(item, Logprob) else item
        entries.append(tuple(group) if isinstance(group, Iterable) else (group,))
        if not all(isinstance(entry, Logprob) for entry in entries[-1]):
            raise ReplyError(
                f"each entry of logprobs must be Logprob(token, logprob) or a list of these, "
                f"not {item!r}"
            )
    return tuple(entries)


@dataclass(frozen=True, slots=True, repr=False)
class Audio:
    """Speech, with which chat models answer if ``modalities`` contains ``"audio"``.

    Args:
        transcript: the transcript, or the pieces it arrives in.
        data: the audio as bytes, as base64, or as the pieces of base64 it arrives in.
        id: ``audio_`` and 32 hexadecimal digits; derived from the rest if None.
        expires_at: time until which requests can refer to it, in seconds since the epoch.

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
        check_type(str, id, "the id of audio")
        check_type(int, expires_at, "expires_at", optional=False)
        words, sound = Text(transcript), Text(data)
        digest = hashlib.sha256(f"{words}\0{sound}".encode()).hexdigest()[:32]
        put = object.__setattr__
        put(self, "transcript", words)
        put(self, "data", sound)
        put(self, "id", id if id is not None else f"audio_{digest}")
        put(self, "expires_at", expires_at)

    def __repr__(self) -> str:
        data = list(self.data.pieces)
        return f"Audio({self.transcript!r}, {data!r}, id={self.id!r}, expires_at={self.expires_at})"


_AUDIO_PIECE = 25_600  # characters of base64 in a recorded chunk (WIRE.md §1)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A citation in a text, in the flat form of the Responses API.

    Args:
        members: its JSON, such as ``{"type": "url_citation", "url": …, "title": …}``.
        after: number of text pieces that arrive before it; None for all of them.
    """

    members: Mapping[str, Any]
    after: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _copy_json(self.members, "an annotation"))
        check_type(int, self.after, "after of an annotation")

    def __hash__(self) -> int:
        return hash((self.after, frozenset(self.members)))


def url_citation(url: str, title: str = "", start: int = 0, end: int = 0) -> Annotation:
    """Create the citation of a web page.

    Args:
        url: URL of the page.
        title: title of the page.
        start: index in the text of the first character that cites the page.
        end: index after the last such character.

    >>> url_citation("https://example.org", "Example", 4, 9).members["title"]
    'Example'
    """
    for name, value in (("start", start), ("end", end)):
        check_type(int, value, f"{name} of a citation", optional=False)
    check_type(str, url, "the url of a citation", optional=False)
    check_type(str, title, "the title of a citation", optional=False)
    span = {"end_index": end, "start_index": start}
    return Annotation({"type": "url_citation", **span, "title": title, "url": url})


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message in the output of a response: text or a refusal.

    Args:
        text: the text, or the pieces it arrives in.
        refusal: the refusal, or the pieces it arrives in.
        annotations: citations in the text: `Annotation`, or its JSON.
        phase: ``commentary`` or ``final_answer``, which newer models send.
        logprobs: see `Reply`.
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
        check_type(str, phase, "the phase of a message")
        check_type(Iterable, annotations, "annotations", optional=False)
        put = object.__setattr__
        put(self, "text", as_text(text))
        put(self, "refusal", as_text(refusal))
        n = 0 if self.text is None else len(self.text.pieces)
        put(self, "annotations", tuple(as_annotation(value, n) for value in annotations))
        put(self, "phase", phase)
        put(self, "logprobs", group_logprobs(logprobs))

    def __repr__(self) -> str:
        arguments = [] if self.text is None else [repr(self.text)]
        for name in ("refusal", "annotations", "phase", "logprobs"):
            value = getattr(self, name)
            if (value is not None and value != ()) or (name == "logprobs" and value == ()):
                arguments.append(f"{name}={value!r}")
        return f"Message({', '.join(arguments)})"


def as_annotation(value: Annotation | Mapping[str, Any], pieces: int) -> Annotation:
    """Return the citation, with ``after`` set and at most the number of text pieces."""
    if not isinstance(value, Annotation | Mapping):
        raise ReplyError(f"an annotation must be an Annotation or a mapping, not {value!r}")
    annotation = value if isinstance(value, Annotation) else Annotation(value)
    after = pieces if annotation.after is None else max(0, min(annotation.after, pieces))
    return replace(annotation, after=after)


@dataclass(frozen=True, slots=True, repr=False)
class Reasoning:
    """Reasoning in the output of a response.

    Args:
        summary: the parts of its summary, all that OpenAI shows of it.
        content: the reasoning text, which open models show.
        encrypted: encrypted content, which the client sends back in the next turn.

    >>> Reasoning()  # the model reasoned, but shows no text
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
        check_type(str, encrypted, "encrypted reasoning")
        object.__setattr__(self, "summary", _as_parts(summary))
        object.__setattr__(self, "content", _as_parts(content))
        object.__setattr__(self, "encrypted", encrypted)

    def __repr__(self) -> str:
        arguments = [repr(list(self.summary))] if self.summary else []
        if self.content:
            arguments.append(f"content={list(self.content)!r}")
        if self.encrypted is not None:
            arguments.append(f"encrypted={self.encrypted!r}")
        return f"Reasoning({', '.join(arguments)})"


def _as_parts(value: str | Iterable[str | Iterable[str]]) -> tuple[Text, ...]:
    check_type(Iterable, value, "reasoning", optional=False)
    return (Text(value),) if isinstance(value, str) else tuple(map(Text, value))


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """An output item of a built-in tool: a web search, a run of code, an MCP call.

    The functions of `openai_mockserver.items` create the usual ones.

    Args:
        type: type of the item, such as ``web_search_call``.
        members: JSON of the finished item without id and type. A `Text` arrives in its pieces.
    """

    _repr_pretty_ = print_repr

    type: str
    members: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_name(self.type, "an output item")
        object.__setattr__(self, "members", _copy_json(self.members, f"a {self.type}"))
        for name in ("id", "type"):
            if name in self.members:
                raise ReplyError(f"the members of a {self.type} must not contain {name!r}")

    def __hash__(self) -> int:
        return hash((self.type, frozenset(self.members)))

    def __repr__(self) -> str:
        return f"Item({self.type!r}, {_format_value(self.members)})"


def _format_value(value: Any) -> str:
    """Return code that recreates a JSON value, including the pieces of each `Text`."""
    if isinstance(value, Text) and not value.is_plain:
        return f"Text({value!r})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {_format_value(v)}' for k, v in value.items())}}}"
    return f"[{', '.join(map(_format_value, value))}]" if isinstance(value, list) else repr(value)


Output = Message | Reasoning | ToolCall | Item
"""An item in the output of a response."""
