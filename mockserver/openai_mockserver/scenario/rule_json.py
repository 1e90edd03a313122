"""Rules as JSON: what a scenario file would say, for rules that were made in Python.

Rules of this file: the inverse of `loader`: a rule that is encoded and read again answers the
same requests with the same bytes. What JSON cannot say, such as a function, is an error that names
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import msgspec

from openai_mockserver.cassettes.stream_file import VERSION, encode_step
from openai_mockserver.engine import PROFILES as ENGINES
from openai_mockserver.engine import Engine, Limits
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.faults import Fault
from openai_mockserver.faults.chances import ByChance
from openai_mockserver.pacing import PROFILES, Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.reply.serialization import encode_error, encode_reply
from openai_mockserver.reply.text import Text
from openai_mockserver.rules import Answer, Contains, ReplyFunction, Rule
from openai_mockserver.rules.matcher import AllOf, AnyOf, Comparison, Not
from openai_mockserver.scenario.patterns import PATTERN_WORDS
from openai_mockserver.script import Script

__all__ = ["encode_fault", "encode_pace", "encode_rule"]

Json = dict[str, Any]


def encode_rule(rule: Rule) -> Json:
    """Return a rule as a scenario file says it.

    Raises:
        MockServerError: the rule has a part that JSON cannot say.

    >>> from openai_mockserver import MockOpenAI
    >>> encode_rule(MockOpenAI().on(user="Hi").reply("Hello"))
    {'user': 'Hi', 'reply': 'Hello'}
    """
    if rule.predicate is not None:
        raise _cannot_say("a function as condition", rule.predicate)
    members: Json = {
        name: _encode_condition(pattern, name) for name, pattern in rule.patterns.items()
    }
    answers = list(rule.answers)
    first = answers[0]
    shared_faults = first.faults if all(one.faults == first.faults for one in answers) else ()
    shared_pace = first.pace if all(one.pace == first.pace for one in answers) else None
    replies = [_encode_answer(one, shared_faults, shared_pace) for one in answers]
    members |= {"reply": replies[0]} if len(replies) == 1 else {"replies": replies}
    if shared_faults:
        members["faults"] = list(map(encode_fault, shared_faults))
    if shared_pace is not None:
        members["pace"] = encode_pace(shared_pace)
    if rule.times is not None:
        members["times"] = rule.times
    if rule.chance is not None:
        members["chance"] = rule.chance
    if first.dialect is not None:
        members["dialect"] = first.dialect
    return members


def _cannot_say(what: str, value: object) -> MockServerError:
    return MockServerError(
        f"{what} ({value!r:.100}) cannot be sent to a server: only data can, as in scenario files"
    )


_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}


def _encode_condition(pattern: Any, name: str) -> Any:
    if isinstance(pattern, Mapping):
        is_json = name == "json"
        return {
            key: _encode_pattern(part, f"{name}[{key!r}]", is_json) for key, part in pattern.items()
        }
    if isinstance(pattern, list | tuple | set):
        return [_encode_pattern(part, name) for part in pattern]
    return _encode_pattern(pattern, name)


def _encode_pattern(pattern: Any, name: str, is_json: bool = False) -> Any:
    """Return a pattern as a scenario file says it.

    Args:
        pattern: the pattern.
        name: its condition, for an error.
        is_json: whether a literal may be any JSON value.
    """
    if isinstance(pattern, Contains):
        return {"contains": pattern.part}
    if isinstance(pattern, re.Pattern):
        return {"regex": _encode_regex(pattern)}
    if isinstance(pattern, Comparison):
        return {pattern.name: pattern.limit}
    if isinstance(pattern, AnyOf | AllOf):
        word = "any_of" if isinstance(pattern, AnyOf) else "all_of"
        return {word: [_encode_pattern(part, name, is_json) for part in pattern.parts]}
    if isinstance(pattern, Not):
        return {"not": _encode_pattern(pattern.part, name, is_json)}
    if is_json:
        return _encode_json_literal(pattern, name)
    if not isinstance(pattern, str | int | float):
        raise _cannot_say(f"{name}=", pattern)
    return str(pattern) if isinstance(pattern, str) else pattern


def _encode_regex(pattern: re.Pattern[str]) -> str:
    inline = re.match(r"\(\?([aimsx]+)\)", pattern.pattern)
    flags = "".join(
        letter
        for flag, letter in _FLAGS.items()
        if pattern.flags & flag and letter not in (inline[1] if inline else "")
    )
    return f"(?{flags}){pattern.pattern}" if flags else pattern.pattern


def _encode_json_literal(value: Any, name: str) -> Any:
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in PATTERN_WORDS:
        raise _cannot_say(f"{name}, which would be read as a pattern,", value)
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, RecursionError):
        raise _cannot_say(f"{name}=", value) from None


def _encode_answer(answer: Answer, shared_faults: Iterable[object], shared_pace: object) -> Any:
    value = _encode_value(answer)
    own: Json = {}
    if answer.faults != shared_faults:
        own["faults"] = list(map(encode_fault, answer.faults))
    if answer.pace is not None and shared_pace is None:
        own["pace"] = encode_pace(answer.pace)
    if not own:
        return value
    return {**value, **own} if _has_reply(value) else {"reply": value, **own}


def _has_reply(value: Any) -> bool:
    """Whether a reply is a mapping that may have faults and a pace of its own."""
    return isinstance(value, Mapping) and "reply" in value


def _encode_value(answer: Answer) -> Any:
    value = answer.value
    if isinstance(value, Reply):
        return _encode_reply(value)
    if isinstance(value, ApiError):
        return {"error": _encode_error(value)}
    if isinstance(value, Script):
        return {"script": _encode_script(value, answer.reply, answer.path)}
    if isinstance(value, Mapping):
        return {"json": dict(value)}
    if isinstance(value, ReplyFunction) and value.source is not None:
        return dict(value.source)
    raise _cannot_say("a reply", value)


def _encode_error(error: ApiError) -> Json:
    defaults = ApiError(error.status)
    return {
        name: value
        for name, value in encode_error(error).items()
        if name == "status" or value != getattr(defaults, name)
    }


def _encode_reply(reply: Reply) -> Any:
    # Only pieces that a plain string would not have are worth their length.
    members = encode_reply(reply, pieces=not _is_plain(reply))
    if members.get("finish_reason") == Reply(reply.text or "").finish_reason:
        members.pop("finish_reason", None)
    return (
        members["text"]
        if members.keys() == {"text"} and isinstance(members["text"], str)
        else members
    )


def _is_plain(value: object) -> bool:
    """Whether every text within a reply is cut as a plain string is."""
    return repr(value) == repr(_without_pieces(value))


def _without_pieces(reply: object) -> object:
    from openai_mockserver.reply.serialization import decode_reply

    assert isinstance(reply, Reply)
    return decode_reply(encode_reply(reply))


def _encode_script(script: Script, reply: Reply | None, path: str) -> list[Json]:
    head = script.head
    response: Json = {"status": head.status, "headers": [list(pair) for pair in head.headers]}
    if head.delay:
        response["delay"] = head.delay
    if script.raw:
        response["raw"] = True
    first: Json = {"mockserver": VERSION, "response": response}
    if path:
        first["request"] = {"url": path}
    if reply is not None:
        first["expect"] = {"reply": encode_reply(reply, pieces=not _is_plain(reply))}
    return [first, *map(encode_step, script.steps), {"end": script.end}]


def encode_fault(fault: object) -> Any:
    """Return a fault as a scenario file says it: its name, or a mapping from it to its arguments.

    Raises MockServerError for a function.

    >>> from openai_mockserver.faults import reset
    >>> encode_fault(reset(after=3))
    {'reset': {'after': 3}}
    """
    if isinstance(fault, ByChance):
        return _encode_chance(fault)
    if not isinstance(fault, Fault):
        raise _cannot_say("a function as fault", fault)
    arguments = {name: _encode_argument(fault, value) for name, value in fault.arguments.items()}
    return {fault.name: arguments} if arguments else fault.name


def _encode_chance(fault: ByChance) -> Json:
    if len(fault.faults) > 1:
        raise _cannot_say("several faults that happen together by chance", fault)
    (inner,) = map(encode_fault, fault.faults)
    name, arguments = (inner, {}) if isinstance(inner, str) else next(iter(inner.items()))
    if "chance" in arguments:
        raise _cannot_say("a chance within a chance", fault)
    return {name: {**arguments, "chance": fault.probability}}


def _encode_argument(fault: Fault, value: object) -> Any:
    if isinstance(value, ApiError):
        return _encode_error(value)
    if isinstance(value, Text):
        return str(value)
    try:
        return msgspec.to_builtins(value)
    except (TypeError, RecursionError):
        raise _cannot_say(f"an argument of {fault.name}", value) from None


def encode_engine(engine: Engine) -> Any:
    """Return an engine as a scenario file says it: the name of a profile, or a mapping."""
    name = next((name for name, profile in ENGINES.items() if profile.engine == engine), None)
    if name is not None:
        return name
    values = _list_differences(engine, Engine())
    if "limits" in values:
        values["limits"] = _list_differences(engine.limits, Limits())
    return values


def _list_differences(value: Engine | Limits, default: Engine | Limits) -> dict[str, Any]:
    members = {one.name: getattr(value, one.name) for one in fields(value)}
    return {
        name: list(member) if isinstance(member, tuple) else member
        for name, member in members.items()
        if member != getattr(default, name)
    }


def encode_pace(pace: Pace) -> Any:
    """Return a pace as a scenario file says it: the name of a profile, or a mapping."""
    name = next((name for name, profile in PROFILES.items() if profile == pace), None)
    if name is not None:
        return name
    members = {name: getattr(pace, name) for name in Pace.__slots__}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in members.items()
        if value != getattr(Pace(), name)
    }
