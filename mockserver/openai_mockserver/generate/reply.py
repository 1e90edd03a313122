"""Generated replies: plausible text, and tool calls and JSON in the form that the request demands.

Rules of this file: a reply is a function of the seed and the request alone, so that every server of
a fleet gives the same answer. It depends on no clock, no other randomness, no earlier request and
no vocabulary that only some machines have. Requests of chat completions, of the Responses API and
of the legacy endpoints are read alike, because they ask for the same things. Modules that only some
requests need are imported when a request needs them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from openai_mockserver import items
from openai_mockserver.api.json_body import group_values, is_small
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.prediction import read_prediction
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.mentions import Mentions
from openai_mockserver.generate.pen import Pen
from openai_mockserver.generate.regex import Budget, generate_matching
from openai_mockserver.generate.text import make_pen, write_text
from openai_mockserver.limits import give_way
from openai_mockserver.reply import (
    Audio,
    Choice,
    FunctionCall,
    Item,
    Message,
    Reply,
    ToolCall,
    url_citation,
)

__all__ = ["generate"]

# Parameters that do not change the content of the reply.
_TRANSPORT = frozenset({"stream", "stream_options", "user", "metadata", "store", "background"})

CALL_SHARES = (0.5, 0.3, 0.15)
"""How often an optional tool is called after no, one and two rounds of results; then never."""

CALL_COUNTS = ((0.75, 1), (0.92, 2), (1.0, 3))
"""How many calls are made at once, if several are allowed, with cumulative shares."""

SPEECH_SHARE = 0.25
"""How often text precedes calls."""

TRIES = 5
"""How often a choice that is equal to an earlier one is generated again."""

PREDICTION = 4
"""Of the budget, for each character of a predicted output; each alternative takes one more."""


def generate(request: Mapping[str, Any], seed: int | str = 0) -> Reply:
    """Generate a plausible reply to a request.

    Optional tools are called often, required ones always. JSON conforms to the schema in the
    request. A predicted output is returned with one word changed. Each of n choices is different.

    Args:
        request: the request's parameters.
        seed: the seed; another one gives other replies.

    Raises:
        ReplyError: if no reply is found that has the demanded form, or it exceeds the budget.

    >>> request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    >>> generate(request) == generate(request | {"stream": True}) != generate(request, seed=1)
    True
    """
    content = {name: value for name, value in request.items() if name not in _TRANSPORT}
    digest = hashlib.sha256(f"{seed}\0".encode())
    for part in _encode_parts(content):
        digest.update(part.encode())
    rng, budget = Random(digest.digest()), Budget()
    n = request.get("n") if "input" not in request else 1
    if isinstance(n, int) and n > 1:
        return Reply(choices=_generate_choices(request, n, rng, budget))
    return Reply(choices=[_generate_choice(request, rng, budget)])


_LONG = 100_000  # characters that are encoded at once


def _encode_parts(value: Any) -> Iterator[str]:
    """Yield JSON with sorted keys; long values come in parts, so that other requests can go on."""
    if is_small(value):
        yield json.dumps(value, sort_keys=True)
    elif isinstance(value, Mapping):
        yield "{"
        for at, name in enumerate(sorted(value)):
            yield f"{', ' * (at > 0)}{json.dumps(name)}: "
            yield from _encode_parts(value[name])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for at, group in enumerate(group_values(value)):
            yield ", " * (at > 0)
            if len(group) == 1:
                yield from _encode_parts(group[0])
            else:
                yield json.dumps(group, sort_keys=True)[1:-1]
        yield "]"
    elif isinstance(value, str):
        yield '"'
        for at in range(0, len(value), _LONG):
            yield json.dumps(value[at : at + _LONG])[1:-1]
            give_way()
        yield '"'
    else:
        yield json.dumps(value, sort_keys=True)


def _generate_choices(
    request: Mapping[str, Any], n: int, rng: Random, budget: Budget
) -> list[Choice]:
    """Generate different choices, if the request leaves a choice at all."""
    choices: list[Choice] = []
    for _ in range(n):
        choice = _generate_choice(request, rng, budget)
        if choice in choices and _find_schema(request) is None:
            tries = (_generate_choice(request, rng, budget) for _ in range(TRIES))
            choice = next((another for another in tries if another not in choices), choice)
        choices.append(choice)
    return choices


def _generate_choice(request: Mapping[str, Any], rng: Random, budget: Budget) -> Choice:
    calls = _generate_calls(request, rng, budget)
    if calls is not None:
        return calls
    output = _use_built_in(request, rng)
    if output and output[-1].type == "mcp_approval_request":
        return Choice(output=output)  # the model waits for the approval
    has_searched = any(item.type == "web_search_call" for item in output)
    cites = has_searched or request.get("web_search_options") is not None
    choice = _generate_content(request, rng, cites, budget)
    if output and choice.text is not None:
        return Choice(output=[*output, Message(choice.text, annotations=choice.annotations)])
    return choice


def _generate_content(
    request: Mapping[str, Any], rng: Random, cites: bool, budget: Budget
) -> Choice:
    schema = _find_schema(request)
    if schema is not None:
        from openai_mockserver.generate.json_schema import generate_json

        value = generate_json(schema, rng, budget, _make_mentions(request, rng))
        return Choice(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    if prediction := read_prediction(request):
        top = request.get("top_logprobs")
        budget.spend(len(prediction) * (PREDICTION + (top if isinstance(top, int) else 0)))
        return Choice(_change_word(prediction, rng))
    if cites:
        return _write_cited(request, rng)
    if "audio" in (request.get("modalities") or ()):
        return _write_spoken(request, rng)
    return Choice(_write_prose(request, rng))


def _write_prose(request: Mapping[str, Any], rng: Random) -> str:
    text = request.get("text")
    verbosity = request.get("verbosity") or (
        text.get("verbosity") if isinstance(text, Mapping) else None
    )
    return write_text(rng, _read_question(request), str(verbosity), _read_result(request))


def _read_question(request: Mapping[str, Any]) -> str:
    """Return the text of the last user message."""
    last = next((m for m in reversed(read_messages(request)) if m.get("role") == "user"), {})
    content = last.get("content")
    if not isinstance(content, list):
        return str(content or "")
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(part for part in parts if isinstance(part, str))


def _make_pen(request: Mapping[str, Any], rng: Random) -> Pen:
    return make_pen(rng, _read_question(request))


def _make_mentions(request: Mapping[str, Any], rng: Random) -> Mentions:
    question = _read_question(request)
    return Mentions(question, make_pen(rng, question))


def _read_result(request: Mapping[str, Any]) -> str:
    """Return what a tool returned last; empty if the last message has no such text."""
    last = next(reversed(read_messages(request)), {})
    content = last.get("content")
    return content if last.get("role") in ("tool", "function") and isinstance(content, str) else ""


def _write_cited(request: Mapping[str, Any], rng: Random) -> Choice:
    """Write text that cites a page with a link, as chat models with web search do."""
    pen, text = _make_pen(request, rng), _write_prose(request, rng)
    url = f"https://{pen.word()}.example/{pen.identifier()}"
    link = f"([{url.split('/')[2]}]({url}))"
    whole = f"{text} {link}"
    span = (len(text) + 1, len(whole))
    return Choice(whole, annotations=[url_citation(url, pen.headline(), *span)])


def _write_spoken(request: Mapping[str, Any], rng: Random) -> Choice:
    """Speak a sentence in the voice and format that the request chooses."""
    from openai_mockserver.api.audio.tones import FORMATS, speak

    audio = request.get("audio")
    options = audio if isinstance(audio, Mapping) else {}
    form = str(options.get("format") or "wav").removesuffix("16")  # OpenAI's pcm16
    text = _make_pen(request, rng).opening()
    data = speak(text, form if form in FORMATS else "wav", str(options.get("voice") or "alloy"))
    return Choice(audio=Audio(text, data))


# Calls


class _Tool(NamedTuple):
    """A tool that the request offers: its type, its name, and its definition."""

    kind: str
    name: str
    definition: Mapping[str, Any]


def _unwrap(value: Any) -> Any:
    """Return the definition of a tool or format, which chat nests under the name of its type."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    inner = value.get(kind) if isinstance(kind, str) else None
    return inner if isinstance(inner, Mapping) else value


def _list_tools(request: Mapping[str, Any]) -> list[_Tool]:
    tools = [
        _Tool(str(tool.get("type", "function")), str(definition["name"]), definition)
        for tool in request.get("tools") or ()
        if isinstance(definition := _unwrap(tool), Mapping) and definition.get("name")
    ]
    tools += [
        _Tool("legacy", str(function["name"]), function)
        for function in request.get("functions") or ()
        if isinstance(function, Mapping) and function.get("name")
    ]
    return [tool for tool in tools if tool.kind in (*_CALLS, "legacy")]


class _ToolChoice(NamedTuple):
    """The tools that may be called, and the mode: whether one may, must or must not be called."""

    tools: list[_Tool]
    mode: str  # none, auto, or one of _FORCED


_FORCED = ("required", "any", "named")  # any is Mistral's word for required


def _read_tool_choice(request: Mapping[str, Any]) -> _ToolChoice:
    """Return which tools the request allows or demands."""
    tools = _list_tools(request)
    choice = request.get("tool_choice") or request.get("function_call") or "auto"
    if not isinstance(choice, Mapping):
        return _ToolChoice(tools, str(choice))
    details = _unwrap(choice)
    if choice.get("type") == "allowed_tools":
        names = [_unwrap(tool).get("name") for tool in details.get("tools") or ()]
        allowed_tools = [tool for tool in tools if tool.name in names]
        return _ToolChoice(allowed_tools, str(details.get("mode")))
    return _ToolChoice([tool for tool in tools if tool.name == details.get("name")][:1], "named")


def _generate_calls(request: Mapping[str, Any], rng: Random, budget: Budget) -> Choice | None:
    """Return calls of tools; None if the reply has none."""
    tools, mode = _read_tool_choice(request)
    if tools and mode in _FORCED:
        return _call_tools(request, tools, mode != "named", rng, budget)
    rounds = _count_rounds(request)
    if (
        not tools
        or mode != "auto"
        or rounds >= len(CALL_SHARES)
        or rng.random() >= CALL_SHARES[rounds]
    ):
        return None
    try:
        calls = _call_tools(request, tools, True, rng, budget)
    except ReplyError:
        return None  # no value conforms to the parameters; text is allowed instead
    if _find_schema(request) is not None or rng.random() >= SPEECH_SHARE:
        return calls
    text = _make_pen(request, rng).announcement()
    return Choice(text, tool_calls=calls.tool_calls, function_call=calls.function_call)


def _call_tools(
    request: Mapping[str, Any], tools: list[_Tool], several: bool, rng: Random, budget: Budget
) -> Choice:
    """Call one of the tools that suit the question best, or several different ones."""
    tools = _find_fitting(tools, _read_question(request))
    first = rng.choice(tools)
    share = rng.random()
    count = next(count for limit, count in CALL_COUNTS if share < limit)
    if not several or request.get("parallel_tool_calls") is False:
        count = 1
    mentions = _make_mentions(request, rng)
    if first.kind == "legacy":
        arguments = _generate_arguments(first, rng, budget, mentions)
        return Choice(function_call=FunctionCall(first.name, arguments))
    chosen_tools = [first, *(rng.choice(tools) for _ in range(count - 1))]
    kinds = [(tool, _CALLS[tool.kind]) for tool in chosen_tools if tool.kind in _CALLS]
    limit = mentions.count_calls() or len(kinds)
    calls: list[ToolCall] = []
    for tool, call in kinds:
        earlier = sum(one.name == tool.name for one in calls)
        if earlier < limit:
            calls.append(call(tool, rng, budget, mentions.begin_at(earlier)))
    return Choice(tool_calls={(call.name, call.arguments): call for call in calls}.values())


_PART = re.compile(r"[A-Z]?[^\W\d_A-Z]{2,}")
_DESCRIPTION = 200  # characters of a tool's description that are read


def _find_fitting(tools: list[_Tool], question: str) -> list[_Tool]:
    """Return the tools whose names share most words with the question, else the descriptions."""
    if len(tools) < 2 or not question:
        return tools
    stems = _list_stems(question[:_DESCRIPTION])
    scores = [
        (
            len(stems & _list_stems(tool.name)),
            len(stems & _list_stems(str(tool.definition.get("description"))[:_DESCRIPTION])),
        )
        for tool in tools
    ]
    return [tool for tool, score in zip(tools, scores, strict=True) if score == max(scores)]


def _list_stems(text: str) -> set[str]:
    """Return the words of a text or an identifier, without the s of the plural.

    >>> sorted(_list_stems("searchFlights, get_weather"))
    ['flight', 'get', 'search', 'weather']
    """
    return {word.lower().removesuffix("s") for word in _PART.findall(text)}


def _count_rounds(request: Mapping[str, Any]) -> int:
    """Return how many rounds of tool results follow the last user message.

    It is the largest number that counts if there is nothing to answer, or if the user message is
    part of an earlier request.
    """
    roles = [str(message.get("role")) for message in read_messages(request)]
    is_continued = request.get("previous_response_id") or request.get("conversation")
    if not roles or roles[-1] == "assistant" or (is_continued and "user" not in roles):
        return len(CALL_SHARES)
    last_roles = roles[len(roles) - roles[::-1].index("user") :] if "user" in roles else roles
    results = [role in ("tool", "function") for role in last_roles]
    return sum(now and not before for before, now in zip([False, *results], results, strict=False))


def _generate_arguments(
    tool: _Tool, rng: Random, budget: Budget, mentions: Mentions
) -> dict[str, Any]:
    from openai_mockserver.generate.json_schema import generate_json

    arguments = generate_json(tool.definition.get("parameters") or {}, rng, budget, mentions)
    return arguments if isinstance(arguments, dict) else {}


def _call_function(tool: _Tool, rng: Random, budget: Budget, mentions: Mentions) -> ToolCall:
    return ToolCall(tool.name, _generate_arguments(tool, rng, budget, mentions))


def _call_custom(tool: _Tool, rng: Random, budget: Budget, mentions: Mentions) -> ToolCall:
    """Call a custom tool, with a text that its grammar derives, or any text."""
    form = tool.definition.get("format") or {}
    grammar = _unwrap(form) if form.get("type") == "grammar" else {}
    definition = str(grammar.get("definition") or "")
    if grammar.get("syntax") == "lark":
        from openai_mockserver.generate.lark_grammar import generate_from_grammar

        text = generate_from_grammar(definition, rng, budget)
    elif grammar.get("syntax") == "regex":
        matching_text = generate_matching(f"^(?:{definition})$", rng, budget=budget)
        if matching_text is None:
            raise ReplyError(f"no text was found that matches the pattern {definition!r}")
        text = matching_text
    else:
        text = mentions.write()
    return ToolCall(tool.name, text, custom=True)


_CALLS: dict[str, Callable[[_Tool, Random, Budget, Mentions], ToolCall]] = {
    "function": _call_function,
    "custom": _call_custom,
}
"""The types of tools that the client runs, and the functions that call them."""


# Tools that the API runs itself


def _use_built_in(request: Mapping[str, Any], rng: Random) -> list[Item]:
    """Return the output items of one of the API's own tools, which precede the text.

    A tool that the request demands is always used; otherwise one is used for half of the new user
    messages.
    """
    entries = request.get("tools") if "input" in request else None
    tools = [tool for tool in entries or () if isinstance(tool, Mapping)]
    tools = [tool for tool in tools if str(tool.get("type")) in _BUILT_IN]
    choice = request.get("tool_choice") or "auto"
    if isinstance(choice, Mapping):
        tools = [tool for tool in tools if tool["type"] == choice.get("type")]
        choice = "required"
    if not tools or choice == "none":
        return []
    if choice == "auto" and (_count_rounds(request) > 0 or rng.random() >= CALL_SHARES[0]):
        return []
    tool = rng.choice(tools)
    return _BUILT_IN[tool["type"]](tool, _make_pen(request, rng))


def _use_mcp(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    """List the tools of an MCP server, and call one that is allowed."""
    server, allowed = str(tool.get("server_label") or "server"), tool.get("allowed_tools")
    if isinstance(allowed, Mapping):
        allowed = allowed.get("tool_names")
    names = [str(name) for name in allowed or ()] or [pen.name(), pen.name()]
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    }
    tool_list = items.mcp_list_tools(
        server, [{"name": name, "input_schema": schema} for name in dict.fromkeys(names)]
    )
    arguments = {"query": pen.query()}
    if tool.get("require_approval") == "never":
        return [tool_list, items.mcp_call(server, names[0], arguments, pen.sentence())]
    return [tool_list, items.mcp_approval(server, names[0], arguments)]


def _use_code(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    number = pen.number()
    return [items.code_interpreter(f"x = {number}\nprint(x ** 2)", logs=f"{number**2}\n")]


def _use_search(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    return [items.web_search(pen.query())]


_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
"""A picture of one pixel, as base64 of its PNG."""

_BUILT_IN: dict[str, Callable[[Mapping[str, Any], Pen], list[Item]]] = {
    "web_search": _use_search,
    "web_search_preview": _use_search,
    "file_search": lambda tool, pen: [items.file_search(pen.query())],
    "code_interpreter": _use_code,
    "image_generation": lambda tool, pen: [items.image_generation(_PIXEL)],
    "mcp": _use_mcp,
}
"""The tools that the Responses API runs itself, and the functions that use them."""


# Text


def _find_schema(request: Mapping[str, Any]) -> Any:
    """Return the schema that the text must conform to; None if there is none."""
    text = request.get("text")
    response_format = request.get("response_format") or (
        text.get("format") if isinstance(text, Mapping) else None
    )
    if not isinstance(response_format, Mapping):
        return None
    if response_format.get("type") == "json_object":
        return {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
        }
    if response_format.get("type") != "json_schema":
        return None
    details = _unwrap(response_format)
    return details.get("schema", {}) if isinstance(details, Mapping) else None


_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]+")


def _change_word(text: str, rng: Random) -> str:
    """Return the text with one of its words replaced."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    return text[: word.start()] + Pen(rng).word() + text[word.end() :]
