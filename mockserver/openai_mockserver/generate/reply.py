"""Replies nobody wrote: plausible text, and calls and JSON in the form that is asked for.

Rules of this file: a reply is a function of (seed, request) alone, so that every server of a fleet
answers alike: no clock, no other chance, nothing of what came before, no vocabulary that one
machine has and another has not. Requests are read in the form of chat completions, of the Responses
API and of the legacy endpoints alike: what is asked for is the same. What only some requests ask
for is imported when one does.
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
from openai_mockserver.api.prediction import predicted
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.regex import Budget, generate_matching
from openai_mockserver.generate.text import Pen, write_text
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

# How the answer travels does not change what is said.
_FORM = frozenset({"stream", "stream_options", "user", "metadata", "store", "background"})

CALLED = (0.5, 0.3, 0.15)
"""How often a tool is called that may be, by how many rounds of results there are: never after."""

SEVERAL = ((0.75, 1), (0.92, 2), (1.0, 3))
"""How many calls are made at once where several may be, and the share of replies up to these."""

SPOKEN = 0.25
"""How often something is said before calls."""

PREDICTED = 4
"""Of the budget: what a character of a predicted output takes, and one more each alternative."""


def generate(request: Mapping[str, Any], seed: int | str = 0) -> Reply:
    """A plausible reply to a request.

    Tools that are offered are called, often where they may be and always where they must be; JSON
    conforms to the schema that is given, and a predicted output comes with one of its words
    changed. Each of n choices is another.

    Args:
        request: the request's parameters.
        seed: another seed gives other replies.

    Raises:
        ReplyError: for a form that no reply was found to have, or none that is short enough.

    >>> asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    >>> generate(asked) == generate(asked | {"stream": True}) != generate(asked, seed=1)
    True
    """
    said = {k: v for k, v in request.items() if k not in _FORM}
    digest = hashlib.sha256(f"{seed}\0".encode())
    for part in _dumped(said):
        digest.update(part.encode())
    rng, budget = Random(digest.digest()), Budget()
    n = request.get("n") if "input" not in request else 1
    if isinstance(n, int) and n > 1:
        return Reply(choices=[_choice(request, rng, budget) for _ in range(n)])
    return Reply(choices=[_choice(request, rng, budget)])


_LONG = 100_000


def _dumped(value: Any) -> Iterator[str]:
    """JSON with sorted keys, a part of what is long at a time, so that others go on."""
    if is_small(value):
        yield json.dumps(value, sort_keys=True)
    elif isinstance(value, Mapping):
        yield "{"
        for at, name in enumerate(sorted(value)):
            yield f"{', ' * (at > 0)}{json.dumps(name)}: "
            yield from _dumped(value[name])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for at, several in enumerate(group_values(value)):
            yield ", " * (at > 0)
            if len(several) == 1:
                yield from _dumped(several[0])
            else:
                yield json.dumps(several, sort_keys=True)[1:-1]
        yield "]"
    elif isinstance(value, str):
        yield '"'
        for at in range(0, len(value), _LONG):
            yield json.dumps(value[at : at + _LONG])[1:-1]
            give_way()
        yield '"'
    else:
        yield json.dumps(value, sort_keys=True)


def _choice(request: Mapping[str, Any], rng: Random, budget: Budget) -> Choice:
    called = _calls(request, rng, budget)
    if called is not None:
        return called
    done = _by_itself(request, rng)
    if done and done[-1].type == "mcp_approval_request":
        return Choice(output=done)  # nothing is said before it is given
    searched = any(item.type == "web_search_call" for item in done)
    cites = searched or request.get("web_search_options") is not None
    said = _said(request, rng, cites, budget)
    if done and said.text is not None:
        return Choice(output=[*done, Message(said.text, annotations=said.annotations)])
    return said


def _said(request: Mapping[str, Any], rng: Random, cites: bool, budget: Budget) -> Choice:
    schema = _schema(request)
    if schema is not None:
        from openai_mockserver.generate.json_schema import generate_json

        value = generate_json(schema, rng, budget)
        return Choice(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    if expected := predicted(request):
        top = request.get("top_logprobs")
        budget.spend(len(expected) * (PREDICTED + (top if isinstance(top, int) else 0)))
        return Choice(_changed(expected, rng))
    if cites:
        return _cited(request, rng)
    if "audio" in (request.get("modalities") or ()):
        return _spoken(request, rng)
    return Choice(_prose(request, rng))


def _prose(request: Mapping[str, Any], rng: Random) -> str:
    text = request.get("text")
    verbosity = request.get("verbosity") or (
        text.get("verbosity") if isinstance(text, Mapping) else None
    )
    return write_text(rng, _asked(request), str(verbosity))


def _asked(request: Mapping[str, Any]) -> str:
    """The text of the last user message."""
    last = next((m for m in reversed(read_messages(request)) if m.get("role") == "user"), {})
    content = last.get("content")
    if not isinstance(content, list):
        return str(content or "")
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(part for part in parts if isinstance(part, str))


def _cited(request: Mapping[str, Any], rng: Random) -> Choice:
    """Text that cites a page, as chat models that search the web link it."""
    pen, text = Pen(rng), _prose(request, rng)
    url = f"https://{pen.word()}.example/{pen.name()}"
    link = f"([{url.split('/')[2]}]({url}))"
    cited = f"{text} {link}"
    where = (len(text) + 1, len(cited))
    return Choice(cited, annotations=[url_citation(url, pen.phrase(2, 5), *where)])


def _spoken(request: Mapping[str, Any], rng: Random) -> Choice:
    """A sentence as sound, in the voice and format that are asked for."""
    from openai_mockserver.api.audio.tones import FORMATS, speak

    asked = request.get("audio")
    wanted = asked if isinstance(asked, Mapping) else {}
    form = str(wanted.get("format") or "wav").removesuffix("16")  # OpenAI's pcm16
    text = Pen(rng).sentence()
    data = speak(text, form if form in FORMATS else "wav", str(wanted.get("voice") or "alloy"))
    return Choice(audio=Audio(text, data))


# Calls


class _Tool(NamedTuple):
    """A tool that is offered: its kind, its name, and what else is told of it."""

    kind: str
    name: str
    told: Mapping[str, Any]


def _inner(value: Any) -> Any:
    """What a tool or a choice of one tells: in chat under its type's name, else beside it."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    inner = value.get(kind) if isinstance(kind, str) else None
    return inner if isinstance(inner, Mapping) else value


def _offered(request: Mapping[str, Any]) -> list[_Tool]:
    tools = [
        _Tool(str(tool.get("type", "function")), str(told["name"]), told)
        for tool in request.get("tools") or ()
        if isinstance(told := _inner(tool), Mapping) and told.get("name")
    ]
    tools += [
        _Tool("legacy", str(function["name"]), function)
        for function in request.get("functions") or ()
        if isinstance(function, Mapping) and function.get("name")
    ]
    return [tool for tool in tools if tool.kind in (*_CALLS, "legacy")]


class _Choice(NamedTuple):
    """The tools that may be called, and whether one must be, or a single one of a name."""

    tools: list[_Tool]
    mode: str  # none, auto, or one of _MUST


_MUST = ("required", "any", "named")  # any: as Mistral says it


def _chosen(request: Mapping[str, Any]) -> _Choice:
    """What the request says of calls."""
    offered = _offered(request)
    choice = request.get("tool_choice") or request.get("function_call") or "auto"
    if not isinstance(choice, Mapping):
        return _Choice(offered, str(choice))
    told = _inner(choice)
    if choice.get("type") == "allowed_tools":
        allowed = [_inner(tool).get("name") for tool in told.get("tools") or ()]
        return _Choice([t for t in offered if t.name in allowed], str(told.get("mode")))
    return _Choice([tool for tool in offered if tool.name == told.get("name")][:1], "named")


def _calls(request: Mapping[str, Any], rng: Random, budget: Budget) -> Choice | None:
    """Calls of tools, where they are to be made."""
    tools, mode = _chosen(request)
    if tools and mode in _MUST:
        return _called(request, tools, mode != "named", rng, budget)
    rounds = _rounds(request)
    if not tools or mode != "auto" or rounds >= len(CALLED) or rng.random() >= CALLED[rounds]:
        return None
    try:
        called = _called(request, tools, True, rng, budget)
    except ReplyError:
        return None  # who need not call a tool that cannot be called says something
    if _schema(request) is not None or rng.random() >= SPOKEN:
        return called
    return Choice(
        Pen(rng).sentence(), tool_calls=called.tool_calls, function_call=called.function_call
    )


def _called(
    request: Mapping[str, Any], tools: list[_Tool], several: bool, rng: Random, budget: Budget
) -> Choice:
    """A call of one of the tools, or different calls."""
    first = rng.choice(tools)
    share = rng.random()
    count = next(count for upto, count in SEVERAL if share < upto)
    if not several or request.get("parallel_tool_calls") is False:
        count = 1
    if first.kind == "legacy":
        arguments = _arguments(first, rng, budget)
        return Choice(function_call=FunctionCall(first.name, arguments))
    picked = [first, *(rng.choice(tools) for _ in range(count - 1))]
    kinds = [(tool, _CALLS[tool.kind]) for tool in picked if tool.kind in _CALLS]
    made = [call(tool, rng, budget) for tool, call in kinds]
    return Choice(tool_calls={(call.name, call.arguments): call for call in made}.values())


def _rounds(request: Mapping[str, Any]) -> int:
    """How many times tools have answered since the user spoke last.

    More than any number where nobody is to be answered, or what came before is not told.
    """
    said = [str(message.get("role")) for message in read_messages(request)]
    elsewhere = request.get("previous_response_id") or request.get("conversation")
    if not said or said[-1] == "assistant" or (elsewhere and "user" not in said):
        return len(CALLED)
    since = said[len(said) - said[::-1].index("user") :] if "user" in said else said
    results = [role in ("tool", "function") for role in since]
    return sum(now and not before for before, now in zip([False, *results], results, strict=False))


def _arguments(tool: _Tool, rng: Random, budget: Budget) -> dict[str, Any]:
    from openai_mockserver.generate.json_schema import generate_json

    arguments = generate_json(tool.told.get("parameters") or {}, rng, budget)
    return arguments if isinstance(arguments, dict) else {}


def _function(tool: _Tool, rng: Random, budget: Budget) -> ToolCall:
    return ToolCall(tool.name, _arguments(tool, rng, budget))


def _custom(tool: _Tool, rng: Random, budget: Budget) -> ToolCall:
    """A call whose input is any text, or one that its grammar derives."""
    form = tool.told.get("format") or {}
    grammar = _inner(form) if form.get("type") == "grammar" else {}
    definition = str(grammar.get("definition") or "")
    if grammar.get("syntax") == "lark":
        from openai_mockserver.generate.lark_grammar import generate_from_grammar

        text = generate_from_grammar(definition, rng, budget)
    elif grammar.get("syntax") == "regex":
        found = generate_matching(f"^(?:{definition})$", rng, budget=budget)
        if found is None:
            raise ReplyError(f"no text was found that matches the pattern {definition!r}")
        text = found
    else:
        text = Pen(rng).sentence()
    return ToolCall(tool.name, text, custom=True)


_CALLS: dict[str, Callable[[_Tool, Random, Budget], ToolCall]] = {
    "function": _function,
    "custom": _custom,
}
"""The kinds of tools that a client calls, and how a call of each is made."""


# What the API does by itself


def _by_itself(request: Mapping[str, Any], rng: Random) -> list[Item]:
    """What is done before something is said, with one of the tools that are the API's own.

    It has to be where one is demanded, and is half of the time where the user has just spoken.
    """
    told = request.get("tools") if "input" in request else None
    tools = [tool for tool in told or () if isinstance(tool, Mapping)]
    tools = [tool for tool in tools if str(tool.get("type")) in _OWN]
    choice = request.get("tool_choice") or "auto"
    if isinstance(choice, Mapping):
        tools = [tool for tool in tools if tool["type"] == choice.get("type")]
        choice = "required"
    if not tools or choice == "none":
        return []
    if choice == "auto" and (_rounds(request) > 0 or rng.random() >= CALLED[0]):
        return []
    tool = rng.choice(tools)
    return _OWN[tool["type"]](tool, Pen(rng))


def _with_mcp(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    """The tools of a server, and a call of one of those that are allowed."""
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
    listed = items.mcp_list_tools(
        server, [{"name": name, "input_schema": schema} for name in dict.fromkeys(names)]
    )
    arguments = {"query": pen.phrase(1, 4)}
    if tool.get("require_approval") == "never":
        return [listed, items.mcp_call(server, names[0], arguments, pen.sentence())]
    return [listed, items.mcp_approval(server, names[0], arguments)]


def _with_code(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    number = pen.number()
    return [items.code_interpreter(f"x = {number}\nprint(x ** 2)", logs=f"{number**2}\n")]


def _with_search(tool: Mapping[str, Any], pen: Pen) -> list[Item]:
    return [items.web_search(pen.phrase(2, 6))]


_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
"""A picture, the same on every machine."""

_OWN: dict[str, Callable[[Mapping[str, Any], Pen], list[Item]]] = {
    "web_search": _with_search,
    "web_search_preview": _with_search,
    "file_search": lambda tool, pen: [items.file_search(pen.phrase(2, 6))],
    "code_interpreter": _with_code,
    "image_generation": lambda tool, pen: [items.image_generation(_PIXEL)],
    "mcp": _with_mcp,
}
"""The tools that the Responses API uses itself, and what it does with each."""


# Text


def _schema(request: Mapping[str, Any]) -> Any:
    """The schema that the text has to conform to, if there is one."""
    text = request.get("text")
    wanted = request.get("response_format") or (
        text.get("format") if isinstance(text, Mapping) else None
    )
    if not isinstance(wanted, Mapping):
        return None
    if wanted.get("type") == "json_object":
        return {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
        }
    if wanted.get("type") != "json_schema":
        return None
    stated = _inner(wanted)
    return stated.get("schema", {}) if isinstance(stated, Mapping) else None


_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]+")


def _changed(text: str, rng: Random) -> str:
    """The text with one of its words another."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    changed = rng.choice(words)
    return text[: changed.start()] + Pen(rng).word() + text[changed.end() :]
