"""Replies nobody wrote: plausible text, and calls and JSON in the form that is asked for.

Rules of this file: a reply is a function of (seed, request) alone, so that every server of a fleet
answers alike. Requests are read in the form of chat completions, of the Responses API and of the
legacy endpoints alike: what is asked for is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver import tokens
from mockserver.api.prediction import predicted
from mockserver.api.sound import FORMATS, speak
from mockserver.conform import conforming
from mockserver.exceptions import ReplyError
from mockserver.grammar import derived
from mockserver.pattern import matching
from mockserver.reply import Audio, FunctionCall, Reply, ToolCall, url_citation

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["generate"]

# How the answer travels does not change what is said.
_FORM = frozenset({"stream", "stream_options", "user", "metadata", "store", "background"})


def generate(request: Mapping[str, Any], seed: int | str = 0) -> Reply:
    """A plausible reply to a request.

    A call is made where one is demanded, JSON conforms to the schema that is given, and a predicted
    output comes with one of its words changed.

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
    digest = hashlib.sha256(f"{seed}\0{json.dumps(said, sort_keys=True)}".encode()).digest()
    rng = Random(digest)
    with _faker(rng.getrandbits(64)) as fake:
        tool = _demanded(request, rng)
        if tool is not None:
            return _CALLS[tool.kind](tool, fake, rng)
        schema = _schema(request)
        if schema is not None:
            value = conforming(schema, fake, rng)
            return Reply(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        if expected := predicted(request):
            return Reply(_changed(expected, fake, rng))
        if request.get("web_search_options") is not None:
            return _cited(fake, rng)
        if "audio" in (request.get("modalities") or ()):
            return _spoken(request, fake)
        return Reply(_prose(fake, rng))


def _prose(fake: Faker, rng: Random) -> str:
    paragraphs = [fake.paragraph(rng.randint(2, 5)) for _ in range(rng.choice((1, 1, 1, 2)))]
    return "\n\n".join(paragraphs)


_idle: list[Faker] = []


@contextmanager
def _faker(seed: int) -> Iterator[Faker]:
    """Words from the seed, for one reply alone: no thread waits for another's."""
    try:
        fake = _idle.pop()
    except IndexError:
        from faker import Faker

        fake = Faker("en_US", use_weighting=False)
    fake.seed_instance(seed)
    try:
        yield fake
    finally:
        _idle.append(fake)


def _cited(fake: Faker, rng: Random) -> Reply:
    """Text that cites a page, as chat models that search the web link it."""
    text, url = _prose(fake, rng), f"https://{fake.domain_name()}/{fake.slug()}"
    link = f"([{url.split('/')[2]}]({url}))"
    cited = f"{text} {link}"
    where = (len(text) + 1, len(cited))
    return Reply(cited, annotations=[url_citation(url, fake.sentence(4).rstrip("."), *where)])


def _spoken(request: Mapping[str, Any], fake: Faker) -> Reply:
    """A sentence as sound, in the voice and format that are asked for."""
    asked = request.get("audio")
    wanted = asked if isinstance(asked, Mapping) else {}
    form = str(wanted.get("format") or "wav").removesuffix("16")  # OpenAI's pcm16
    text = fake.sentence()
    data = speak(text, form if form in FORMATS else "wav", str(wanted.get("voice") or "alloy"))
    return Reply(audio=Audio(text, data))


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
    return [tool for tool in tools if tool.kind in _CALLS]


def _demanded(request: Mapping[str, Any], rng: Random) -> _Tool | None:
    """The tool that the request demands to be called, if it does."""
    offered = _offered(request)
    choice = request.get("tool_choice") or request.get("function_call")
    if isinstance(choice, Mapping):
        told = _inner(choice)
        if choice.get("type") == "allowed_tools":
            allowed = [_inner(tool).get("name") for tool in told.get("tools") or ()]
            offered = [tool for tool in offered if tool.name in allowed]
            choice = told.get("mode")
        else:
            return next((tool for tool in offered if tool.name == told.get("name")), None)
    return rng.choice(offered) if choice == "required" and offered else None


def _arguments(tool: _Tool, fake: Faker, rng: Random) -> dict[str, Any]:
    arguments = conforming(tool.told.get("parameters") or {}, fake, rng)
    return arguments if isinstance(arguments, dict) else {}


def _call_function(tool: _Tool, fake: Faker, rng: Random) -> Reply:
    return Reply(tool_calls=ToolCall(tool.name, _arguments(tool, fake, rng)))


def _call_legacy(tool: _Tool, fake: Faker, rng: Random) -> Reply:
    return Reply(function_call=FunctionCall(tool.name, _arguments(tool, fake, rng)))


def _call_custom(tool: _Tool, fake: Faker, rng: Random) -> Reply:
    """A call whose input is any text, or one that its grammar derives."""
    form = tool.told.get("format") or {}
    grammar = _inner(form) if form.get("type") == "grammar" else {}
    definition = str(grammar.get("definition") or "")
    if grammar.get("syntax") == "lark":
        text = derived(definition, rng)
    elif grammar.get("syntax") == "regex":
        found = matching(f"^(?:{definition})$", rng)
        if found is None:
            raise ReplyError(f"no text was found that matches the pattern {definition!r}")
        text = found
    else:
        text = fake.sentence()
    return Reply(tool_calls=ToolCall(tool.name, text, custom=True))


_CALLS: dict[str, Callable[[_Tool, Faker, Random], Reply]] = {
    "function": _call_function,
    "custom": _call_custom,
    "legacy": _call_legacy,
}
"""The kinds of tools that a client calls, and how a call of each is made."""


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


def _changed(text: str, fake: Faker, rng: Random) -> str:
    """The text with one of its words another."""
    cut = list(tokens.words(text))  # the same whatever is installed
    words = [at for at, piece in enumerate(cut) if piece.strip().isalpha()]
    if words:
        at = rng.choice(words)
        cut[at] = f" {fake.word()}" if cut[at].startswith(" ") else fake.word()
    return "".join(cut)
