"""What a drawn stream says: bytes of chance become replies, calls, errors.

Rules of this file: pure functions of their bytes. Every choice has its byte at a place of its own,
and 0 is the plainest choice, or that a thing is not there at all: so Hypothesis, which makes bytes
smaller one by one, makes replies shorter and plainer. One draw of many bytes costs as much as one
of a boolean, which is what makes drawing fast. Tables are in the order from plain to odd.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from random import Random
from typing import Any, TypeVar

from openai_mockserver import tokens
from openai_mockserver.exceptions import MockServerError, ReplyError
from openai_mockserver.generate.json_schema import generate_json
from openai_mockserver.reply import ApiError, Choice, FunctionCall, Reply, Text, ToolCall, Usage
from openai_mockserver.reply.limits import count_tokens

__all__ = [
    "CALL",
    "CALLING",
    "CHANCE",
    "ERROR",
    "KINDS",
    "Kinds",
    "REPLY",
    "call",
    "calling",
    "conforming_call",
    "error",
    "kinds",
    "offered",
    "pick",
    "reply",
]

T = TypeVar("T")

USED = 190  # of 256: values from here on tell what was used
ABSENT = 150  # of 256: values of a slot's first byte for which nothing is in it

PIECES = (
    *("a", "b", " a", "Hello", ",", " world", ".", " the", " is", "1", "-", "\n", "\n\n", "* "),
    *("I", "'m", " it", "?", " 42", ": ", "```", "# ", "|", "_", "**", "\t", "  ", " \n"),
    # what JSON and event streams escape or end with
    *(
        '"',
        "\\",
        "/",
        "\\n",
        "{",
        "}",
        "[",
        "]",
        "\r",
        "\r\n",
        "\0",
        "\x7f",
        "\x85",
        "\x0b",
        "\x1f",
    ),
    *("\u2028", "\u2029", "\ufeff", "\u200b", "\xa0", "\ufffd"),
    # what looks like the stream itself
    *("data: ", "[DONE]", "data: [DONE]\n\n", "\n\nevent: error\ndata: {}\n\n", ":", ": ping\n\n"),
    *("null", "{}", '{"error":{"message":"no"}}', '"finish_reason":"stop"', '{"a": 1}', "}{"),
    *("<think>", "</think>", "<", "</", "<|im_end|>", "<tool_call>", "&amp;", "%s", "${x}", "{0}"),
    # what several bytes, or several signs, make one
    *("é", "ß", "e\u0301", "€", "漢字", "한", "ไทย", "नमस्ते", "עברית", "مرحبا", "\u200f", "ı"),
    *("😀", "👍🏽", "👩‍👩‍👧‍👦", "🇫🇷", "1️⃣", "𝔘", "\u200d", "\U0010ffff", "ﷺ"),
    "x" * 5000,
)
"""Pieces of text, as models send them."""

_RANDOM_SIGNS = ABSENT + len(PIECES)  # slots from here on hold any sign

PROMPTS = (
    "Hi",
    "What is the weather in Paris?",
    "1 + 1?",
    "",
    "Ünïcödé 漢字 👩‍👩‍👧‍👦",
    "two\nlines",
    '"{}"',
)
"""What users say."""

RESULTS = (
    "1",
    "sunny",
    "",
    '{"error": "no such city"}',
    "é 漢 😀",
    "null",
    "x" * 3000,
    "[DONE]\n\n",
)
"""What tools give."""

NAMES = ("f", "g", "get_weather", "f2", "search-web", "a" * 64, "multi_tool_use.parallel")

ARGUMENTS = (
    "{}",
    '{"a":1}',
    '{"city":"Paris"}',
    '{"city": "Zürich", "days": 3}',
    '{"s":"}{"}',
    '{"s":"\\"\\\\\\n"}',
    '{"s":"\\ud83d\\ude00 é 漢"}',
    '{"deep":{"list":[1,[2,{"x":null}]],"t":true}}',
    '{"n":-1.5e-7,"big":9007199254740991}',
    '{\n  "pretty": [\n    1\n  ]\n}',
    '{"":""}',
    '{"code":"' + "x" * 300 + '"}',
)
"""Arguments of calls, as JSON texts."""

CUTS: tuple[Callable[[str], Iterable[str]], ...] = (
    lambda text: [text],
    lambda text: ["", text],
    lambda text: [text[:1], text[1:]],
    lambda text: tokens.cycle(text) if len(text) < 60 else tokens.cycle(text, (30,)),
    lambda text: tokens.cycle(text, (1 + len(text) // 12,)),
    lambda text: ["", *tokens.cycle(text, (1, len(text))), ""],
)
"""The ways in which arguments are cut into pieces."""

IDS: tuple[Callable[[int, str], str], ...] = (
    lambda n, name: f"call_{n + 1}",
    lambda n, name: f"call_{Random(n).getrandbits(140):024x}"[:29],
    lambda n, name: f"{Random(n).getrandbits(36):09x}",  # Mistral's are of nine signs
    lambda n, name: f"functions.{name}:{n}",  # Kimi's
    lambda n, name: f"chatcmpl-tool-{Random(n).getrandbits(128):032x}",  # vLLM's
    lambda n, name: str(n),
)
"""The forms of calls' ids."""

# Places of the choices among the bytes of a reply.
_KIND, _FINISH, _USAGE, _SIGN = 0, 1, 2, 3
_TEXT, _THOUGHT, _OTHER, _CALLS = slice(4, 8), slice(8, 10), slice(10, 12), range(12, 24, 4)
REPLY = 24
"""How many bytes a reply takes."""
CALL = 4
"""How many bytes a call takes."""
ERROR = 2
"""How many bytes an error takes."""


def pick(table: Sequence[T], octet: int, first: int = 0) -> T:
    """The entry of a table for a byte, of those from ``first`` to 255."""
    return table[(octet - first) * len(table) // (256 - first)]


def _text(data: bytes, slots: slice) -> Text:
    """The pieces in the slots of a text, the first of which is never empty."""
    pieces = []
    for n, kind in enumerate(data[slots]):
        if kind >= _RANDOM_SIGNS:
            code = (kind - _RANDOM_SIGNS + 1) * (data[_SIGN] + 1) * 257 % 0x10F800
            pieces.append(chr(code if code < 0xD800 else code + 0x800))
        elif kind >= ABSENT:
            pieces.append(PIECES[kind - ABSENT])
        elif not n:
            pieces.append("a")
    return Text(pieces)


def call(data: bytes, start: int = 0, n: int = 0) -> ToolCall:
    """The call in a slot; of several, the one at an index."""
    named, given, cut, form = data[start : start + CALL]
    return _shaped(pick(NAMES, named), pick(ARGUMENTS, given), cut, form, n)


def _shaped(name: str, arguments: str, cut: int, form: int, n: int) -> ToolCall:
    """The call with arguments in the pieces, and an id of the form, that two bytes tell."""
    # Half of the time whole, and mostly with the plainest id.
    cutter = pick(CUTS, cut, 128) if cut >= 128 else CUTS[0]
    id_of = pick(IDS, form, 200) if form >= 200 else IDS[0]
    return ToolCall(name, cutter(arguments), id_of(n, name))


def _calls(data: bytes) -> list[ToolCall]:
    made: list[ToolCall] = []
    for n, at in enumerate(_CALLS):
        # One always; more for the upper third of what names it.
        if not n or data[at] >= 170:
            made.append(call(data, at, len(made)))
    return made


def _one(*parts: Callable[[bytes], dict[str, Any]]) -> Said:
    """One choice, made of these arguments."""

    def made(data: bytes) -> list[Choice]:
        arguments = {name: value for part in parts for name, value in part(data).items()}
        return [Choice(**arguments, finish_reason=_finish(data))]

    return made


def _spoken(data: bytes) -> dict[str, Any]:
    return {"text": _text(data, _TEXT)}


def _called(data: bytes) -> dict[str, Any]:
    return {"tool_calls": _calls(data)}


def _thought(data: bytes) -> dict[str, Any]:
    return {"reasoning": _text(data, _THOUGHT)}


def _refused(data: bytes) -> dict[str, Any]:
    return {"refusal": _text(data, _TEXT)}


def _legacy(data: bytes) -> dict[str, Any]:
    one = call(data, _CALLS.start)
    return {"function_call": FunctionCall(one.name, one.arguments)}


def _several(data: bytes) -> list[Choice]:
    first, other = _text(data, _TEXT), _text(data, _OTHER)
    return [Choice(first), Choice(other, finish_reason=_finish(data))]


Said = Callable[[bytes], list[Choice]]
"""Makes choices of bytes."""

KINDS: dict[str, tuple[int, Said]] = {
    "text": (110, _one(_spoken)),
    "tool_calls": (60, _one(_called)),
    "empty": (6, _one(lambda data: {"text": Text(())})),
    "text and tool_calls": (16, _one(_spoken, _called)),
    "reasoning": (24, _one(_thought, _spoken)),
    "reasoning and tool_calls": (10, _one(_thought, _called)),
    "refusal": (10, _one(_refused)),
    "choices": (12, _several),
    "function_call": (8, _one(_legacy)),
}
"""The kinds of replies, from plain to odd: how often each is drawn, and what makes it."""

Kinds = tuple[Said, ...]
"""What makes a reply, by its first byte."""


def kinds(names: Collection[str]) -> Kinds:
    """The kinds of these names, each as often as its weight says."""
    chosen = [KINDS[name] for name in KINDS if name in names]
    ends = list(accumulate(weight for weight, _ in chosen))
    return tuple(chosen[bisect(ends, octet * ends[-1] // 256)][1] for octet in range(256))


def _finish(data: bytes) -> str:
    octet = data[_FINISH]
    return "auto" if octet < 226 else "length" if octet < 246 else "content_filter"


def _usage(octet: int, choices: Iterable[Choice]) -> Usage | None:
    """The counts of what is said."""
    if octet < USED:
        return None
    said = thought = 0
    for choice in choices:
        if choice.reasoning is not None:
            thought += choice.reasoning.tokens
        said += count_tokens(choice)
    return Usage(octet - USED + 1, said, reasoning_tokens=thought)


def reply(data: bytes, made_of: Kinds) -> Reply:
    """The reply that bytes tell, of one of the kinds."""
    choices = made_of[data[_KIND]](data)
    return Reply(choices=choices, usage=_usage(data[_USAGE], choices))


ERRORS = (
    ApiError(400, "That is too hot.", param="temperature"),
    ApiError(401),
    ApiError(403),
    ApiError(404),
    ApiError(429),
    ApiError(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    ApiError(
        400,
        "This model's maximum context length is 128000 tokens.",
        code="context_length_exceeded",
        param="messages",
    ),
    ApiError(400, "The response was filtered.", code="content_filter", param="prompt"),
    ApiError(500),
    ApiError(503),
    ApiError(408),
    ApiError(409),
    ApiError(413),
    ApiError(422),
    ApiError(502),
    ApiError(504),
    ApiError(529, "Overloaded", "overloaded_error"),
    ApiError(500, "", "", ""),
    ApiError(418, "Ça ne va pas: 漢字 😀\n\n", "teapot", "x"),
)
"""Errors of the API, from the client's to the server's."""


class _Chance(Random):
    """Chance that is told by bytes, and is 0 when they are used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._left = iter(data)

    def getrandbits(self, k: int) -> int:
        made = 0
        for _ in range(-(-k // 8)):
            made = made << 8 | next(self._left, 0)
        return made >> (-k % 8)

    def random(self) -> float:
        return self.getrandbits(16) / 65536


def _conforming(schema: Any, rng: Random) -> Any:
    """A value that conforms, its words from the same chance."""
    return generate_json(schema, rng)


CHANCE = 32
"""How many bytes the arguments of a call take that conform to a schema."""


def offered(tools: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """The names of functions and their schemas, as a request offers them in either API."""
    told = [tool.get("function", tool) for tool in tools]
    for one in told or [None]:
        if not isinstance(one, Mapping) or not one.get("name"):
            raise MockServerError(f"calls are of functions that are offered, and {one!r} is none")
    return [(str(one["name"]), one.get("parameters") or {"type": "object"}) for one in told]


def conforming_call(data: bytes, tools: Sequence[tuple[str, Any]]) -> ToolCall:
    """A call of one of these, with arguments that conform to its schema."""
    named, _, cut, form = data[:CALL]
    name, schema = pick(tools, named)
    try:
        value = _conforming(schema, _Chance(data[CALL:]))
    except ReplyError:  # zeros alone may repeat what must not be the same
        value = _conforming(schema, Random(data))
    return _shaped(name, json.dumps(value, ensure_ascii=False), cut, form, 0)


ASIDES = ("", "a", "Let me look.", "\n\né 😀")
"""What is said before calls."""

CALLING = 2 + 3 * (CALL + CHANCE)
"""How many bytes a reply takes that calls tools which are offered."""


def calling(data: bytes, tools: Sequence[tuple[str, Any]], first: int = 1) -> Reply:
    """A reply that calls one of these or several, by ids that count from a number."""
    several = 1 + (data[1] >= 170) + (data[1] >= 230)
    size = CALL + CHANCE
    slots = [data[at : at + size] for at in range(2, 2 + several * size, size)]
    calls = [conforming_call(slot, tools) for slot in slots]
    return Reply(
        pick(ASIDES, data[0]) or None,
        tool_calls=[replace(call, id=f"call_{n}") for n, call in enumerate(calls, first)],
    )


def error(data: bytes) -> ApiError:
    """The error that bytes tell."""
    found = pick(ERRORS, data[0])
    if found.status != 429 or data[1] < 200:
        return found
    return ApiError(429, found.message, found.type, found.code, retry_after=data[1] - 199)
