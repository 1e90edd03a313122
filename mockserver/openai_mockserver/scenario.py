"""Scenario files: rules and replies without Python, in YAML or JSON.

Rules of this file: everything is typed and checked; a mistake is one ScenarioError that says where,
as in ``rules[2].reply.finsh_reason``. The keys are the arguments of `MockOpenAI`, `on` and `Reply`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from openai_mockserver import catalogue, faults, items, pacing
from openai_mockserver.dialects import find_dialect
from openai_mockserver.exceptions import MockServerError, ScenarioError
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply import (
    USAGE_COUNTS,
    ApiError,
    Audio,
    Choice,
    FunctionCall,
    Item,
    Message,
    Output,
    Reasoning,
    Reply,
    ToolCall,
    Usage,
    check_servable,
)
from openai_mockserver.rules import contains

__all__ = ["add_rules", "load"]

T = TypeVar("T")


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A level of the file: what is not a field is a mistake."""


class _Scenario(_Strict):
    rules: list[Any] = []
    api_key: str | None = None
    seed: int | str | None = None
    lenient: bool | None = None
    pace: Any = None
    dialect: str | None = None


class _Rule(_Strict):
    reply: Any = msgspec.UNSET
    replies: list[Any] | msgspec.UnsetType = msgspec.UNSET
    user: Any = None
    system: Any = None
    model: Any = None
    tools: Any = None
    tool_result: Any = None
    turn: int | None = None
    endpoint: str | None = None
    headers: dict[str, Any] | None = None
    stream: bool | None = None
    attempt: int | None = None
    nth: int | None = None
    after: float | None = None
    faults: list[Any] = []
    pace: Any = None
    times: int | None = None
    dialect: str | None = None


class _Pattern(_Strict):
    contains: str | None = None
    regex: str | None = None


class _Pace(_Strict):
    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    seed: int | str | None = None
    distribution: str = "uniform"
    stall_chance: float = 0.0
    stall_seconds: float = 0.0


class _Choice(_Strict):
    text: str | list[str] | None = None
    reasoning: str | list[str] | None = None
    refusal: str | list[str] | None = None
    tool_calls: list[Any] = []
    function_call: Any = None
    finish_reason: str | None = "auto"
    output: list[Any] | None = None
    audio: Any = None
    annotations: list[Any] = []


class _Audio(_Strict):
    transcript: str | list[str] = ""
    data: str | list[str] = ""
    id: str | None = None
    expires_at: int = 0


class _Reply(_Choice):
    usage: Any = None
    choices: list[Any] | None = None
    error: Any = None
    stream: str | None = None


class _Call(_Strict):
    name: str
    arguments: str | list[str] | dict[str, Any] = {}
    id: str | None = None
    custom: bool = False


class _Function(_Strict):
    name: str
    arguments: str | list[str] | dict[str, Any] = {}


class _Error(_Strict):
    status: int = 500
    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    headers: dict[str, str] = {}


def load(path: Path | str) -> dict[str, Any]:
    """A scenario file's content, unchecked.

    Raises ScenarioError where it cannot be read, or is neither YAML nor JSON.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not UTF-8 text: {error}") from None
    try:
        content = _parse(text, path.suffix.lower() == ".json")
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ScenarioError(f"{path}{at}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ScenarioError(f"{path}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ScenarioError(f"{path}: it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ScenarioError(f"{path}: a scenario is a mapping with rules, not {_kind(content)}")
    return content


def _parse(text: str, is_json: bool) -> Any:
    if is_json:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_distinct)
    return yaml.load(text, _Loader)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return members


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, for which a key given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a text", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def add_rules(mock: MockOpenAI, path: Path | str) -> None:
    """Give a mock the rules and options of a scenario file.

    Raises ScenarioError that says where the mistake is.
    """
    try:
        _apply(mock, load(path))
    except ScenarioError as error:
        told = str(error)
        raise ScenarioError(told if str(path) in told else f"{path}: {told}") from None


def _apply(mock: MockOpenAI, content: dict[str, Any]) -> None:
    scenario = _read(_Scenario, content, "")
    for option in ("api_key", "seed", "lenient"):
        value = getattr(scenario, option)
        if value is not None and not getattr(mock, option):
            setattr(mock, option, value)
    if scenario.dialect is not None:
        dialect = scenario.dialect
        _located("dialect", lambda: find_dialect(dialect))
        mock.dialect = mock.dialect or dialect
    if scenario.pace is not None:
        pace = _pace(scenario.pace, "pace")
        mock.pace = mock.pace or pace
    for index, given in enumerate(scenario.rules):
        _add_rule(mock, given, f"rules[{index}]")


def _add_rule(mock: MockOpenAI, given: Any, at: str) -> None:
    rule = _read(_Rule, given, at)
    single = rule.reply is not msgspec.UNSET
    if single == (rule.replies is not msgspec.UNSET):
        raise ScenarioError(f"{at}: a rule has either reply or replies")
    if isinstance(rule.replies, list):
        replies = [_reply(r, f"{at}.replies[{i}]") for i, r in enumerate(rule.replies)]
    else:
        replies = [_reply(rule.reply, f"{at}.reply")]
    looks = {
        name: _pattern(value, f"{at}.{name}")
        for name in ("user", "system", "model", "tools", "tool_result", "headers")
        if (value := getattr(rule, name)) is not None
    }
    wrong = [_fault(f, f"{at}.faults[{i}]") for i, f in enumerate(rule.faults)]
    pace = _pace(rule.pace, f"{at}.pace") if rule.pace is not None else None
    for name in ("turn", "endpoint", "stream", "attempt", "nth", "after"):
        looks[name] = getattr(rule, name)
    builder = mock.on(**looks)
    _located(
        at,
        lambda: builder.reply(
            *replies, faults=wrong, pace=pace, times=rule.times, dialect=rule.dialect
        ),
    )


_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$")


def _read(kind: type[T], given: Any, at: str) -> T:
    """A level of the file, checked against its struct."""
    if not isinstance(given, dict):
        raise ScenarioError(f"{at or 'the file'}: expected a mapping, got {_kind(given)}")
    for name in given:
        if not isinstance(name, str):
            # YAML 1.1 takes on, off, yes and no for true and false.
            raise ScenarioError(f"{at or 'the file'}: the key {name!r} is no text; quote it")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        message, _, inner = str(error).partition(" - at `$")
        where = f"{at}{inner.rstrip('`')}".lstrip(".")
        if match := _UNKNOWN.match(message):
            fields = ", ".join(f.name for f in msgspec.structs.fields(kind))  # type: ignore[arg-type]
            full = f"{where}.{match[1]}".lstrip(".")
            raise ScenarioError(f"{full}: there is no such key; there are {fields}") from None
        raise ScenarioError(f"{where or 'the file'}: {message}") from None


def _kind(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def _located(at: str, make: Callable[[], T]) -> T:
    """What is made, or the error it gives with the place it is at."""
    try:
        return make()
    except ScenarioError:
        raise
    except (MockServerError, ValueError) as error:
        raise ScenarioError(f"{at}: {error}") from None


def _pattern(given: Any, at: str) -> Any:
    if isinstance(given, list) and at.endswith(".tools"):
        return [_pattern(one, f"{at}[{i}]") for i, one in enumerate(given)]
    if not isinstance(given, dict):
        if not isinstance(given, str):
            raise ScenarioError(f"{at}: expected a text, contains: or regex:, got {_kind(given)}")
        return given
    if at.endswith(".headers"):
        return {name: _pattern(value, f"{at}.{name}") for name, value in given.items()}
    pattern = _read(_Pattern, given, at)
    if (pattern.contains is None) == (pattern.regex is None):
        raise ScenarioError(f"{at}: a pattern has either contains or regex")
    if pattern.regex is None:
        return contains(str(pattern.contains))
    try:
        return re.compile(pattern.regex)
    except re.error as error:
        raise ScenarioError(f"{at}.regex: {error}") from None


def _pace(given: Any, at: str) -> pacing.Pace:
    if isinstance(given, str):
        return _located(at, lambda: pacing.profile(given))
    pace = _read(_Pace, given, at)
    return _located(at, lambda: pacing.Pace(**msgspec.structs.asdict(pace)))


def _fault(given: Any, at: str) -> faults.Fault:
    if isinstance(given, str):
        return _located(at, lambda: faults.named(given))
    if not isinstance(given, dict) or len(given) != 1:
        raise ScenarioError(f"{at}: a fault is its name, or one name with its arguments")
    ((name, arguments),) = given.items()
    if arguments is not None and not isinstance(arguments, dict):
        raise ScenarioError(f"{at}.{name}: expected a mapping, got {_kind(arguments)}")
    arguments = dict(arguments or {})
    if "error" in arguments:
        arguments["error"] = _error(arguments["error"], f"{at}.{name}.error")
    if not isinstance(arguments.get("data", ""), str):
        raise ScenarioError(f"{at}.{name}.data: expected a text, got {_kind(arguments['data'])}")
    return _located(f"{at}.{name}", lambda: faults.named(name, arguments))


def _reply(given: Any, at: str) -> object:
    if isinstance(given, str):
        return _located(at, lambda: Reply(given))
    reply = _read(_Reply, given, at)
    if reply.stream is not None:
        if len(given) > 1:
            raise ScenarioError(f"{at}: a ready-made stream has its own text; give stream alone")
        name = reply.stream
        return _located(f"{at}.stream", lambda: catalogue.stream(name))
    error = None if reply.error is None else _error(reply.error, f"{at}.error")
    if error is not None and len(given) == 1:
        return error
    choices = None
    if reply.choices is not None:
        choices = [
            _located(f"{at}.choices[{i}]", lambda c=c, i=i: _choice(c, f"{at}.choices[{i}]"))  # type: ignore[misc]
            for i, c in enumerate(reply.choices)
        ]
    usage = None if reply.usage is None else _usage(reply.usage, f"{at}.usage")
    said = _said(reply, at)
    made = _located(at, lambda: Reply(**said, usage=usage, choices=choices, error=error))
    _located(at, lambda: check_servable(made))
    return made


def _choice(given: Any, at: str) -> Choice:
    return Choice(**_said(_read(_Choice, given, at), at))


def _said(choice: _Choice, at: str) -> dict[str, Any]:
    calls = [
        _call(ToolCall, _Call, c, f"{at}.tool_calls[{i}]") for i, c in enumerate(choice.tool_calls)
    ]
    function = choice.function_call
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal,
        "tool_calls": calls,
        "function_call": None
        if function is None
        else _call(FunctionCall, _Function, function, f"{at}.function_call"),
        "finish_reason": choice.finish_reason,
        "output": None
        if choice.output is None
        else [_output(item, f"{at}.output[{i}]") for i, item in enumerate(choice.output)],
        "audio": None
        if choice.audio is None
        else _call(Audio, _Audio, choice.audio, f"{at}.audio"),
        "annotations": choice.annotations,
    }


# What may stand in `output`, each as one name with its arguments.
_OUTPUT: dict[str, Callable[..., Output]] = {
    "message": Message,
    "reasoning": Reasoning,
    "tool_call": ToolCall,
    "item": Item,
} | {name: getattr(items, name) for name in items.__all__}


def _output(given: Any, at: str) -> Output | str:
    if isinstance(given, str):
        return given
    if not isinstance(given, dict) or len(given) != 1:
        raise ScenarioError(f"{at}: a text, or one name with its arguments: {', '.join(_OUTPUT)}")
    ((name, arguments),) = given.items()
    if name not in _OUTPUT:
        raise ScenarioError(f"{at}: there is no {name}; there are {', '.join(_OUTPUT)}")
    several = arguments if isinstance(arguments, list) else [arguments]
    try:
        if isinstance(arguments, dict):
            return _OUTPUT[name](**arguments)
        return _OUTPUT[name](*(value for value in several if value is not None))
    except (MockServerError, TypeError) as error:
        raise ScenarioError(f"{at}.{name}: {error}") from None


def _call(make: Callable[..., T], kind: type[msgspec.Struct], given: Any, at: str) -> T:
    members = msgspec.structs.asdict(_read(kind, given, at))
    return _located(at, lambda: make(**members))


def _usage(given: Any, at: str) -> Usage:
    if not isinstance(given, dict):
        raise ScenarioError(f"{at}: expected a mapping, got {_kind(given)}")
    for name, value in given.items():
        if name == "extra":
            if not isinstance(value, dict):
                raise ScenarioError(f"{at}.extra: expected a mapping, got {_kind(value)}")
            continue
        if name not in USAGE_COUNTS:
            known = ", ".join((*USAGE_COUNTS, "extra"))
            raise ScenarioError(f"{at}.{name}: there is no such key; there are {known}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ScenarioError(f"{at}.{name}: expected a number of tokens, got {_kind(value)}")
    return Usage(**given)


def _error(given: Any, at: str) -> ApiError:
    members = msgspec.structs.asdict(_read(_Error, given, at))
    return _located(at, lambda: ApiError(**members))
