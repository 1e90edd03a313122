"""Builds replies, tool calls and errors from drawn bytes.

Rules of this file: pure functions of their bytes. Each decision has one byte at a fixed position,
and 0 means the plainest option or that something is absent: Hypothesis, which reduces bytes one by
one, so makes replies shorter and plainer. Drawing many bytes costs as much as drawing a boolean,
which makes drawing fast. Tables are ordered from plain to odd.
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
    "CALL_SIZE",
    "CALLING_SIZE",
    "ARGUMENTS_SIZE",
    "ERROR_SIZE",
    "KINDS",
    "Kinds",
    "REPLY_SIZE",
    "build_call",
    "build_calling_reply",
    "build_conforming_call",
    "build_error",
    "build_reply",
    "list_functions",
    "pick",
    "weight_kinds",
]

T = TypeVar("T")

USAGE_ON = 190  # bytes from here on add a usage
ABSENT = 150  # bytes of a text slot below this leave it empty

PIECES = (
    *("a", "b", " a", "Hello", ",", " world", ".", " the", " is", "1", "-", "\n", "\n\n", "* "),
    *("I", "'m", " it", "?", " 42", ": ", "```", "# ", "|", "_", "**", "\t", "  ", " \n"),
    # characters that JSON and event streams escape or end with
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
    # text that looks like the stream itself
    *("data: ", "[DONE]", "data: [DONE]\n\n", "\n\nevent: error\ndata: {}\n\n", ":", ": ping\n\n"),
    *("null", "{}", '{"error":{"message":"no"}}', '"finish_reason":"stop"', '{"a": 1}', "}{"),
    *("<think>", "</think>", "<", "</", "<|im_end|>", "<tool_call>", "&amp;", "%s", "${x}", "{0}"),
    # characters of several bytes, and graphemes of several characters
    *("é", "ß", "e\u0301", "€", "漢字", "한", "ไทย", "नमस्ते", "עברית", "مرحبا", "\u200f", "ı"),
    *("😀", "👍🏽", "👩‍👩‍👧‍👦", "🇫🇷", "1️⃣", "𝔘", "\u200d", "\U0010ffff", "ﷺ"),
    "x" * 5000,
)
"""Pieces of text, as models send them."""

_RANDOM_CHARACTERS = ABSENT + len(
    PIECES
)  # bytes of a text slot from here on stand for any character

PROMPTS = (
    "Hi",
    "What is the weather in Paris?",
    "1 + 1?",
    "",
    "Ünïcödé 漢字 👩‍👩‍👧‍👦",
    "two\nlines",
    '"{}"',
)
"""Texts of users."""

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
"""Results of tools."""

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


def _cut_like_openai(text: str) -> Iterable[str]:
    """Cut arguments as OpenAI cuts parallel calls; long ones into fewer pieces."""
    return tokens.cycle(text) if len(text) < 60 else tokens.cycle(text, (30,))


CUTS: tuple[Callable[[str], Iterable[str]], ...] = (
    lambda text: [text],
    lambda text: ["", text],
    lambda text: [text[:1], text[1:]],
    _cut_like_openai,
    lambda text: tokens.cycle(text, (1 + len(text) // 12,)),
    lambda text: ["", *tokens.cycle(text, (1, len(text))), ""],
)
"""The ways to cut arguments into pieces."""

IDS: tuple[Callable[[int, str], str], ...] = (
    lambda n, name: f"call_{n + 1}",
    lambda n, name: f"call_{Random(n).getrandbits(140):024x}"[:29],
    lambda n, name: f"{Random(n).getrandbits(36):09x}",  # Mistral's have nine characters
    lambda n, name: f"functions.{name}:{n}",  # Kimi's
    lambda n, name: f"chatcmpl-tool-{Random(n).getrandbits(128):032x}",  # vLLM's
    lambda n, name: str(n),
)
"""The forms of call ids."""

# Positions of the bytes of a reply; `openai_mockserver.strategies` explains them.
_KIND, _FINISH, _USAGE, _CHARACTER = 0, 1, 2, 3
_TEXT, _REASONING, _OTHER, _CALLS = slice(4, 8), slice(8, 10), slice(10, 12), range(12, 24, 4)
REPLY_SIZE = 24
"""Number of bytes for a reply."""
CALL_SIZE = 4
"""Number of bytes for a call."""
ERROR_SIZE = 2
"""Number of bytes for an error."""


def pick(table: Sequence[T], octet: int, first: int = 0) -> T:
    """Return the entry of a table for a byte in the range from ``first`` to 255."""
    return table[(octet - first) * len(table) // (256 - first)]


def _build_text(data: bytes, slots: slice) -> Text:
    """Return the text of some slots, one piece for each; the first slot is never empty."""
    pieces = []
    for n, kind in enumerate(data[slots]):
        if kind >= _RANDOM_CHARACTERS:
            code = (kind - _RANDOM_CHARACTERS + 1) * (data[_CHARACTER] + 1) * 257 % 0x10F800
            pieces.append(chr(code if code < 0xD800 else code + 0x800))
        elif kind >= ABSENT:
            pieces.append(PIECES[kind - ABSENT])
        elif not n:
            pieces.append("a")
    return Text(pieces)


def build_call(data: bytes, start: int = 0, n: int = 0) -> ToolCall:
    """Return the call in the slot that begins at ``start``, as the reply's ``n``-th call."""
    name, arguments, cut, form = data[start : start + CALL_SIZE]
    return _make_call(pick(NAMES, name), pick(ARGUMENTS, arguments), cut, form, n)


def _make_call(name: str, arguments: str, cut: int, form: int, n: int) -> ToolCall:
    """Return a call; the byte ``cut`` chooses the pieces and the byte ``form`` the id's form."""
    # Half of all calls come in one piece, and most have the plainest id.
    cut_arguments = pick(CUTS, cut, 128) if cut >= 128 else CUTS[0]
    make_id = pick(IDS, form, 200) if form >= 200 else IDS[0]
    return ToolCall(name, cut_arguments(arguments), make_id(n, name))


def _build_calls(data: bytes) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for n, at in enumerate(_CALLS):
        # The first slot always has a call, the others in a third of all cases.
        if not n or data[at] >= 170:
            calls.append(build_call(data, at, len(calls)))
    return calls


def _combine(*parts: Callable[[bytes], dict[str, Any]]) -> ChoiceBuilder:
    """Return a builder of one choice with the arguments of all parts."""

    def build_choices(data: bytes) -> list[Choice]:
        arguments = {name: value for part in parts for name, value in part(data).items()}
        return [Choice(**arguments, finish_reason=_choose_finish_reason(data))]

    return build_choices


def _build_text_argument(data: bytes) -> dict[str, Any]:
    return {"text": _build_text(data, _TEXT)}


def _build_calls_argument(data: bytes) -> dict[str, Any]:
    return {"tool_calls": _build_calls(data)}


def _build_reasoning_argument(data: bytes) -> dict[str, Any]:
    return {"reasoning": _build_text(data, _REASONING)}


def _build_refusal_argument(data: bytes) -> dict[str, Any]:
    return {"refusal": _build_text(data, _TEXT)}


def _build_function_call_argument(data: bytes) -> dict[str, Any]:
    call = build_call(data, _CALLS.start)
    return {"function_call": FunctionCall(call.name, call.arguments)}


def _build_two_choices(data: bytes) -> list[Choice]:
    first, other = _build_text(data, _TEXT), _build_text(data, _OTHER)
    return [Choice(first), Choice(other, finish_reason=_choose_finish_reason(data))]


ChoiceBuilder = Callable[[bytes], list[Choice]]
"""A function that builds choices from the bytes of a reply."""

KINDS: dict[str, tuple[int, ChoiceBuilder]] = {
    "text": (110, _combine(_build_text_argument)),
    "tool_calls": (60, _combine(_build_calls_argument)),
    "empty": (6, _combine(lambda data: {"text": Text(())})),
    "text and tool_calls": (16, _combine(_build_text_argument, _build_calls_argument)),
    "reasoning": (24, _combine(_build_reasoning_argument, _build_text_argument)),
    "reasoning and tool_calls": (10, _combine(_build_reasoning_argument, _build_calls_argument)),
    "refusal": (10, _combine(_build_refusal_argument)),
    "choices": (12, _build_two_choices),
    "function_call": (8, _combine(_build_function_call_argument)),
}
"""The kinds of replies, from plain to odd, each with its weight and its builder."""

Kinds = tuple[ChoiceBuilder, ...]
"""256 builders: one for each value of a reply's first byte."""


def weight_kinds(names: Collection[str]) -> Kinds:
    """Return the builders of these kinds, each as often as its weight says."""
    entries = [KINDS[name] for name in KINDS if name in names]
    ends = list(accumulate(weight for weight, _ in entries))
    return tuple(entries[bisect(ends, octet * ends[-1] // 256)][1] for octet in range(256))


def _choose_finish_reason(data: bytes) -> str:
    octet = data[_FINISH]
    return "auto" if octet < 226 else "length" if octet < 246 else "content_filter"


def _build_usage(octet: int, choices: Iterable[Choice]) -> Usage | None:
    """Return the usage of the choices, or None for a small byte."""
    if octet < USAGE_ON:
        return None
    total = reasoning = 0
    for choice in choices:
        if choice.reasoning is not None:
            reasoning += choice.reasoning.tokens
        total += count_tokens(choice)
    return Usage(octet - USAGE_ON + 1, total, reasoning_tokens=reasoning)


def build_reply(data: bytes, kinds: Kinds) -> Reply:
    """Return the reply for some bytes, of one of the kinds."""
    choices = kinds[data[_KIND]](data)
    return Reply(choices=choices, usage=_build_usage(data[_USAGE], choices))


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
"""Errors of the API, from client errors to server errors."""


class _ByteRandom(Random):
    """A generator that returns given bytes, and zeros after them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._octets = iter(data)

    def getrandbits(self, k: int) -> int:
        bits = 0
        for _ in range(-(-k // 8)):
            bits = bits << 8 | next(self._octets, 0)
        return bits >> (-k % 8)

    def random(self) -> float:
        return self.getrandbits(16) / 65536


ARGUMENTS_SIZE = 32
"""Number of bytes for arguments that conform to a schema."""


def list_functions(tools: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return name and schema of each function in a request's tools, in the form of either API."""
    functions = [tool.get("function", tool) for tool in tools]
    for function in functions or [None]:
        if not isinstance(function, Mapping) or not function.get("name"):
            raise MockServerError(
                f"tools must hold at least one function, each with a name, not {function!r}"
            )
    return [(str(f["name"]), f.get("parameters") or {"type": "object"}) for f in functions]


def build_conforming_call(data: bytes, functions: Sequence[tuple[str, Any]]) -> ToolCall:
    """Return a call of one of the functions, with arguments that conform to its schema."""
    octet, _, cut, form = data[:CALL_SIZE]
    name, schema = pick(functions, octet)
    try:
        value = generate_json(schema, _ByteRandom(data[CALL_SIZE:]))
    except ReplyError:  # only zeros may repeat values that must be unique
        value = generate_json(schema, Random(data))
    return _make_call(name, json.dumps(value, ensure_ascii=False), cut, form, 0)


ASIDES = ("", "a", "Let me look.", "\n\né 😀")
"""Texts before calls."""

CALLING_SIZE = 2 + 3 * (CALL_SIZE + ARGUMENTS_SIZE)
"""Number of bytes for a reply that calls functions of the request."""


def build_calling_reply(data: bytes, functions: Sequence[tuple[str, Any]], first: int = 1) -> Reply:
    """Return a reply with one to three calls, whose ids count from ``first``."""
    count = 1 + (data[1] >= 170) + (data[1] >= 230)
    size = CALL_SIZE + ARGUMENTS_SIZE
    slots = [data[at : at + size] for at in range(2, 2 + count * size, size)]
    calls = [build_conforming_call(slot, functions) for slot in slots]
    return Reply(
        pick(ASIDES, data[0]) or None,
        tool_calls=[replace(call, id=f"call_{n}") for n, call in enumerate(calls, first)],
    )


def build_error(data: bytes) -> ApiError:
    """Return the error for some bytes."""
    error = pick(ERRORS, data[0])
    if error.status != 429 or data[1] < 200:
        return error
    return ApiError(429, error.message, error.type, error.code, retry_after=data[1] - 199)
