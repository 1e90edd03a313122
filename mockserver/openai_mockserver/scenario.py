"""Scenario files: rules and replies without Python, in YAML or JSON.

Rules of this file: everything is typed and checked; a mistake is one ScenarioError that says where,
as in ``rules[2].reply.finsh_reason``. The keys are the arguments of `MockOpenAI`, `on` and `Reply`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import field

from openai_mockserver import catalogue, faults, items, pacing
from openai_mockserver.bounded_input import InputProblem, check_yaml, is_deeper, read_file
from openai_mockserver.declared import Strict, describe_kind, read_struct
from openai_mockserver.dialects import find_dialect
from openai_mockserver.exceptions import MockServerError, ReplyError, ScenarioError
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply import USAGE_COUNTS, ApiError, Output, check_servable
from openai_mockserver.reply.serialization import decode_error, decode_reply
from openai_mockserver.rules import contains

__all__ = ["add_rules", "load"]

T = TypeVar("T")


_MOST_SCENARIO = 16 * 2**20


class _Scenario(Strict):
    rules: list[Any] = field(default_factory=list)
    api_key: str | None = None
    seed: int | str | None = None
    lenient: bool | None = None
    pace: Any = None
    dialect: str | None = None


class _Rule(Strict):
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
    faults: list[Any] = field(default_factory=list)
    pace: Any = None
    times: int | None = None
    dialect: str | None = None


class _Pattern(Strict):
    contains: str | None = None
    regex: str | None = None


class _Pace(Strict):
    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    seed: int | str | None = None
    distribution: str = "uniform"
    stall_chance: float = 0.0
    stall_seconds: float = 0.0


class _Stream(Strict):
    stream: str


def load(path: Path | str) -> dict[str, Any]:
    """A scenario file's content, unchecked.

    Raises ScenarioError where it cannot be read, or is neither YAML nor JSON.
    """
    path = Path(path)
    try:
        text = read_file(path, _MOST_SCENARIO).decode()
    except InputProblem as error:
        raise ScenarioError(f"{path}: {error}") from None
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
    except InputProblem as error:
        raise ScenarioError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise ScenarioError(
            f"{path}: a scenario is a mapping with rules, not {describe_kind(content)}"
        )
    return content


def _parse(text: str, is_json: bool) -> Any:
    if is_json:
        content = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_distinct)
        if is_deeper(content):
            raise InputProblem("it is nested too deeply")
        return content
    with suppress(yaml.YAMLError):  # which is told by the loader that knows the place better
        check_yaml(text)
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


def _read(kind: type[T], given: Any, at: str) -> T:
    """A level of the file, checked against its struct."""
    return read_struct(kind, given, at, ScenarioError)


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
            raise ScenarioError(
                f"{at}: expected a text, contains: or regex:, got {describe_kind(given)}"
            )
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
        raise ScenarioError(f"{at}.{name}: expected a mapping, got {describe_kind(arguments)}")
    arguments = dict(arguments or {})
    if "error" in arguments:
        arguments["error"] = _error(arguments["error"], f"{at}.{name}.error")
    if not isinstance(arguments.get("data", ""), str):
        raise ScenarioError(
            f"{at}.{name}.data: expected a text, got {describe_kind(arguments['data'])}"
        )
    return _located(f"{at}.{name}", lambda: faults.named(name, arguments))


def _error(given: Any, at: str) -> ApiError:
    try:
        return decode_error(given, at)
    except ReplyError as error:
        raise ScenarioError(str(error)) from None


def _reply(given: Any, at: str) -> object:
    if isinstance(given, dict) and given.get("stream") is not None:
        if any(value is not None for name, value in given.items() if name != "stream"):
            raise ScenarioError(f"{at}: a ready-made stream has its own text; give stream alone")
        name = _read(_Stream, {"stream": given["stream"]}, at).stream
        return _located(f"{at}.stream", lambda: catalogue.stream(name))
    if isinstance(given, dict) and given.get("stream", 0) is None:
        given = {name: value for name, value in given.items() if name != "stream"}
    try:
        if isinstance(given, dict) and given.keys() == {"error"} and given["error"] is not None:
            return _error(given["error"], f"{at}.error")
        reply = decode_reply(given, at, _OUTPUT)
    except ReplyError as error:
        raise ScenarioError(str(error)) from None
    for name in USAGE_COUNTS if reply.usage is not None else ():
        if getattr(reply.usage, name) < 0:
            raise ScenarioError(f"{at}.usage.{name}: a number of tokens is 0 or more")
    _located(at, lambda: check_servable(reply))
    return reply


# What may stand in `output` besides, each as one name with its arguments.
_OUTPUT: dict[str, Callable[..., Output]] = {name: getattr(items, name) for name in items.__all__}
