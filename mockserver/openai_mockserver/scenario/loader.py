"""Scenario files: rules and replies in YAML or JSON, without Python.

Rules of this file: every key is typed and checked; an error is one ScenarioError that names the
place, as ``rules[2].reply.finsh_reason``. The keys are the arguments of `MockOpenAI`, `on` and
`Reply`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import yaml
from msgspec import field

from openai_mockserver import catalogue, faults, items, pacing
from openai_mockserver.bounded_input import InputProblem, check_yaml, is_deeper, read_file
from openai_mockserver.declared import Strict, describe_kind, read_struct
from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch import Fault
from openai_mockserver.dispatch.bodies import chunks_to_stream, file_to_script
from openai_mockserver.engine import Engine, as_engine
from openai_mockserver.exceptions import MockServerError, ReplyError, ScenarioError
from openai_mockserver.faults.argument_types import check_argument
from openai_mockserver.reply import USAGE_COUNTS, ApiError, Output, Reply, check_servable
from openai_mockserver.reply.serialization import decode_error, decode_reply
from openai_mockserver.rules import ReplyFunction, faulty
from openai_mockserver.scenario.patterns import CONDITION_SHAPES
from openai_mockserver.scenario.templates import compile_strings, compile_template
from openai_mockserver.sources import Folder, Sources

__all__ = [
    "OUTPUT",
    "SHAPES",
    "RuleMaker",
    "add_content",
    "add_rules",
    "load",
    "parse",
    "read_engine",
    "read_fault",
    "read_pace",
    "read_rules",
]

T = TypeVar("T")


_MOST_SCENARIO = 16 * 2**20  # bytes of a file


class _Scenario(Strict, rename={"schema": "$schema"}):
    """A scenario: what a mock answers to which requests.

    Args:
        rules: what is answered to which requests; the last rule that matches a request answers it.
        schema: the JSON Schema of this file, for editors.
    """

    rules: list[Any] = field(default_factory=list)
    api_key: str | None = None
    seed: int | str | None = None
    lenient: bool | None = None
    pace: Any = None
    engine: Any = None
    dialect: str | None = None
    job_seconds: float | None = None
    schema: str | None = None


class _Rule(Strict):
    """A rule: it answers the requests that match all its conditions.

    Args:
        reply: what it answers.
        replies: what it answers in turn; the last reply repeats.
        template: whether every string in the replies is a template that quotes the request.
    """

    reply: Any = msgspec.UNSET
    replies: list[Any] | msgspec.UnsetType = msgspec.UNSET
    user: Any = None
    system: Any = None
    model: Any = None
    tools: Any = None
    tool_result: Any = None
    tool_content: Any = None
    turn: Any = None
    endpoint: Any = None
    headers: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    json: dict[str, Any] | None = None
    stream: bool | None = None
    attempt: Any = None
    nth: Any = None
    after: float | None = None
    faults: list[Any] = field(default_factory=list)
    pace: Any = None
    template: bool = False
    times: int | None = None
    chance: float | None = None
    dialect: str | None = None


class _FaultyReply(Strict):
    reply: Any
    template: bool = False
    faults: list[Any] = field(default_factory=list)
    pace: Any = None


class _Json(Strict):
    json: dict[str, Any]


class _Script(Strict):
    script: list[Any]


class _Pace(Strict):
    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    seed: int | str | None = None
    distribution: str = "uniform"
    stall_chance: float = 0.0
    stall_seconds: float = 0.0
    ttft_quantiles: list[float] = msgspec.field(default_factory=list)
    itl_quantiles: list[float] = msgspec.field(default_factory=list)


class _Limits(Strict):
    rpm: int | msgspec.UnsetType | None = msgspec.UNSET
    tpm: int | msgspec.UnsetType | None = msgspec.UNSET
    concurrent: int | msgspec.UnsetType | None = msgspec.UNSET
    refill: str | msgspec.UnsetType = msgspec.UNSET
    seconds: float | msgspec.UnsetType = msgspec.UNSET


class _Engine(Strict):
    """The capacity of a model server.

    Args:
        profile: the name of the engine that has the values which are not stated.
    """

    profile: str | msgspec.UnsetType = msgspec.UNSET
    slots: int | msgspec.UnsetType = msgspec.UNSET
    queue: int | msgspec.UnsetType | None = msgspec.UNSET
    overload: int | msgspec.UnsetType = msgspec.UNSET
    prefill: tuple[float, float] | msgspec.UnsetType = msgspec.UNSET
    decode: tuple[float, float] | msgspec.UnsetType = msgspec.UNSET
    knee: int | msgspec.UnsetType | None = msgspec.UNSET
    collapse: float | msgspec.UnsetType = msgspec.UNSET
    max_batched_tokens: int | msgspec.UnsetType | None = msgspec.UNSET
    cache_blocks: int | msgspec.UnsetType = msgspec.UNSET
    prefix_block: int | msgspec.UnsetType = msgspec.UNSET
    prefix_minimum: int | msgspec.UnsetType = msgspec.UNSET
    cache_seconds: float | msgspec.UnsetType | None = msgspec.UNSET
    limits: Any = msgspec.UNSET
    start_up: float | msgspec.UnsetType = msgspec.UNSET
    failure_rate: float | msgspec.UnsetType = msgspec.UNSET
    jitter: float | msgspec.UnsetType = msgspec.UNSET
    seed: int | str | msgspec.UnsetType = msgspec.UNSET


class _Stream(Strict):
    """A ready-made stream instead of a reply.

    Args:
        stream: the name of a ready-made stream, or the path of a stream file: with a slash or the
            suffix ``.jsonl``, from the scenario's folder.
    """

    stream: str


class _Template(Strict):
    """A text that quotes the request.

    Args:
        template: the text, a Jinja template such as ``You said {{ request.user }}``.
    """

    template: str


class _File(Strict):
    """A file with the response.

    Args:
        file: the path of a body, chunks or a recording, from the scenario's folder.
    """

    file: str


def load(path: Path | str) -> dict[str, Any]:
    """Read the content of a scenario file without checking it.

    Raises:
        ScenarioError: if the file cannot be read, or is neither YAML nor JSON.
    """
    path = Path(path)
    try:
        octets = read_file(path, _MOST_SCENARIO)
    except InputProblem as error:
        raise ScenarioError(f"{path}: {error}") from None
    except OSError as error:
        raise ScenarioError(f"cannot read {path}: {error.strerror or error}") from None
    content = parse(octets, str(path), path.suffix.lower() == ".json")
    if not isinstance(content, dict):
        raise ScenarioError(
            f"{path}: a scenario must be a mapping with rules, not {describe_kind(content)}"
        )
    return content


def parse(octets: bytes, source: str, is_json: bool) -> Any:
    """Parse YAML or JSON.

    Args:
        octets: the text.
        source: where it is from, for errors.
        is_json: whether it must be JSON.

    Raises:
        ScenarioError: if it is neither; names the line and the column.
    """
    try:
        return _parse_text(octets.decode(), is_json)
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{source} is not UTF-8 text: {error}") from None
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{source}:{error.lineno}:{error.colno}: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ScenarioError(f"{source}{at}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ScenarioError(f"{source}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ScenarioError(f"{source}: it is nested too deeply") from None
    except InputProblem as error:
        raise ScenarioError(f"{source}: {error}") from None


def _parse_text(text: str, is_json: bool) -> Any:
    if is_json:
        content = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_refuse_duplicates)
        if is_deeper(content):
            raise InputProblem("it is nested too deeply")
        return content
    with suppress(yaml.YAMLError):  # the loader below reports the same error with its place
        check_yaml(text)
    return yaml.load(text, _Loader)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {duplicate!r} occurs twice")
    return members


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, except that a duplicate key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a string", key.start_mark
                )
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} occurs twice", key.start_mark
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep)


class RuleMaker(Protocol):
    """What rules are added to: `MockOpenAI`."""

    def on(self) -> Any:
        """Begin a rule; takes the conditions by name."""


def read_rules(
    mock: RuleMaker, rules: Iterable[Any], folder: Folder | None = None, at: str = "rules"
) -> None:
    """Add rules to a mock.

    Args:
        mock: the mock.
        rules: the rules as a scenario file says them.
        folder: where the files are that they name; None forbids files.
        at: the place of the list, for errors.

    Raises:
        ScenarioError: if a rule is invalid; names the place. Earlier rules were added.
    """
    for index, rule in enumerate(rules):
        _add_rule(mock, rule, f"{at}[{index}]", folder)


def add_rules(mock: Any, path: Path | str, sources: Sources | None = None) -> None:
    """Add the rules and options of a scenario file to a mock.

    Args:
        mock: the mock.
        path: the scenario file.
        sources: notes this file and those that it names.

    Raises:
        ScenarioError: if the file is invalid; names the place.
    """
    sources = Sources() if sources is None else sources
    file = sources.note(Path(path))
    try:
        add_content(mock, load(file), Folder(file.parent, sources))
    except ScenarioError as error:
        message = str(error)
        raise ScenarioError(message if str(path) in message else f"{path}: {message}") from None


def add_content(mock: Any, content: dict[str, Any], folder: Folder) -> None:
    """Add the rules and options of a scenario to a mock.

    Args:
        mock: the mock.
        content: the content of the scenario, as from `load`.
        folder: the folder that paths in the scenario are relative to.

    Raises:
        ScenarioError: if the content is invalid; the message begins with the place.
    """
    scenario = _read_level(_Scenario, content, "")
    for option in ("api_key", "seed", "lenient"):
        value = getattr(scenario, option)
        if value is not None and not getattr(mock, option):
            setattr(mock, option, value)
    if scenario.dialect is not None:
        dialect = scenario.dialect
        _call_at("dialect", lambda: find_dialect(dialect))
        mock.dialect = mock.dialect or dialect
    if scenario.pace is not None:
        pace = read_pace(scenario.pace, "pace")
        mock.pace = mock.pace or pace
    if scenario.engine is not None:
        engine = read_engine(scenario.engine, "engine")
        if mock.options.engine is None:
            mock.change_options(engine=engine)
    if (seconds := scenario.job_seconds) is not None and not mock.options.job_seconds:
        _call_at("job_seconds", lambda: mock.change_options(job_seconds=seconds))
    read_rules(mock, scenario.rules, folder)


def _add_rule(mock: Any, fields: Any, at: str, folder: Folder | None) -> None:
    rule = _read_level(_Rule, fields, at)
    has_reply = rule.reply is not msgspec.UNSET
    if has_reply == (rule.replies is not msgspec.UNSET):
        raise ScenarioError(f"{at}: a rule must have either reply or replies")
    if isinstance(rule.replies, list):
        values = {f"{at}.replies[{index}]": value for index, value in enumerate(rule.replies)}
    else:
        values = {f"{at}.reply": rule.reply}
    read = _read_template if rule.template else _read_reply
    replies = [read(value, place, folder) for place, value in values.items()]
    conditions = {
        name: shape.read(value, f"{at}.{name}")
        for name, shape in CONDITION_SHAPES.items()
        if (value := getattr(rule, name)) is not None
    }
    fault_list = [read_fault(f, f"{at}.faults[{i}]") for i, f in enumerate(rule.faults)]
    pace = read_pace(rule.pace, f"{at}.pace") if rule.pace is not None else None
    builder = _call_at(at, lambda: mock.on(**conditions))
    _call_at(
        at,
        lambda: builder.reply(
            *replies,
            faults=fault_list,
            pace=pace,
            times=rule.times,
            chance=rule.chance,
            dialect=rule.dialect,
        ),
    )


def _read_level(kind: type[T], fields: Any, at: str) -> T:
    """Convert a level of the file into its struct."""
    return read_struct(kind, fields, at, ScenarioError)


def _call_at(at: str, function: Callable[[], T]) -> T:
    """Call a function; raise its error as a ScenarioError with the place."""
    try:
        return function()
    except ScenarioError:
        raise
    except (MockServerError, ValueError) as error:
        raise ScenarioError(f"{at}: {error}") from None


def read_pace(value: Any, at: str) -> pacing.Pace:
    """Return a pace as a scenario file says it. Raises ScenarioError."""
    if isinstance(value, str):
        return _call_at(at, lambda: pacing.profile(value))
    pace = _read_level(_Pace, value, at)
    return _call_at(at, lambda: pacing.Pace(**msgspec.structs.asdict(pace)))


def read_engine(value: Any, at: str) -> Engine:
    """Return an engine as a scenario file says it. Raises ScenarioError."""
    if not isinstance(value, str):
        value = _list_members(_read_level(_Engine, value, at))
        if "limits" in value:
            limits = _read_level(_Limits, value["limits"], f"{at}.limits")
            value["limits"] = _list_members(limits)
    engine = _call_at(at, lambda: as_engine(value))
    assert engine is not None
    return engine


def _list_members(level: msgspec.Struct) -> dict[str, Any]:
    """Return the members of a level that are stated."""
    members = msgspec.structs.asdict(level)
    return {name: member for name, member in members.items() if member is not msgspec.UNSET}


def read_fault(value: Any, at: str) -> Fault:
    """Return a fault as a scenario file says it. Raises ScenarioError."""
    if isinstance(value, str):
        return _call_at(at, lambda: faults.named(value))
    if not isinstance(value, dict) or len(value) != 1:
        raise ScenarioError(
            f"{at}: a fault must be a name, or a mapping from one name to its arguments"
        )
    ((name, arguments),) = value.items()
    if not isinstance(name, str):
        raise ScenarioError(f"{at}: the name {name!r} of a fault is not a string: quote it")
    if isinstance(arguments, str | int | float):
        _call_at(f"{at}.{name}", lambda: check_argument(name, None, arguments))
        return _call_at(f"{at}.{name}", lambda: faults.named(name, None, arguments))
    if arguments is not None and not isinstance(arguments, dict):
        raise ScenarioError(
            f"{at}.{name}: expected a mapping, or the first argument, "
            f"got {describe_kind(arguments)}"
        )
    arguments = dict(arguments or {})
    if "error" in arguments:
        arguments["error"] = _read_error(arguments["error"], f"{at}.{name}.error")
    for argument, given in arguments.items():
        if argument != "error":
            place = f"{at}.{name}.{argument}"
            _call_at(place, partial(check_argument, name, argument, given))
    return _call_at(f"{at}.{name}", lambda: faults.named(name, arguments))


def _read_error(fields: Any, at: str) -> ApiError:
    try:
        return decode_error(fields, at)
    except ReplyError as error:
        raise ScenarioError(str(error)) from None


def _read_template(value: Any, at: str, folder: Folder | None) -> object:
    """Return a function that renders every string of a reply."""
    reply = _read_reply(value, at, folder)
    if not isinstance(reply, Reply | ApiError):
        raise ScenarioError(f"{at}: with template: true, a reply must not be a file or chunks")
    render = compile_strings(value, at)
    return ReplyFunction(
        lambda request: _read_reply(render(request), at, folder),
        source={"reply": value, "template": True},
    )


def _read_reply(value: Any, at: str, folder: Folder | None) -> object:
    if isinstance(value, dict) and value.keys() == {"template"}:
        text = _read_level(_Template, value, at).template
        function = compile_template(text, f"{at}.template")
        return ReplyFunction(function, source=value)
    if isinstance(value, dict) and value.get("reply") is not None:
        members = _read_level(_FaultyReply, value, at)
        if isinstance(members.reply, dict) and members.reply.get("reply") is not None:
            raise ScenarioError(f"{at}.reply: a reply within a reply cannot have a reply again")
        fault_list = [read_fault(f, f"{at}.faults[{i}]") for i, f in enumerate(members.faults)]
        pace = None if members.pace is None else read_pace(members.pace, f"{at}.pace")
        read = _read_template if members.template else _read_reply
        return faulty(read(members.reply, f"{at}.reply", folder), *fault_list, pace=pace)
    if isinstance(value, dict) and value.get("json") is not None:
        return _read_level(_Json, value, at).json
    if isinstance(value, dict) and value.get("script") is not None:
        lines = _read_level(_Script, value, at).script
        return _call_at(f"{at}.script", lambda: catalogue.lines_to_stream(lines))
    if isinstance(value, list):
        return _call_at(at, lambda: chunks_to_stream(value))
    if isinstance(value, dict) and value.get("file") is not None:
        file = _read_level(_File, value, at).file
        path = _find_file(folder, file, f"{at}.file")
        return _call_at(f"{at}.file", lambda: file_to_script(path))
    if isinstance(value, dict) and value.get("stream") is not None:
        if any(member is not None for name, member in value.items() if name != "stream"):
            raise ScenarioError(f"{at}: a ready-made stream allows no other keys beside stream")
        name = _read_level(_Stream, {"stream": value["stream"]}, at).stream
        if "/" in name or name.endswith(".jsonl"):
            path = _find_file(folder, name, f"{at}.stream")
            return _call_at(f"{at}.stream", lambda: catalogue.read_stream(path))
        return _call_at(f"{at}.stream", lambda: catalogue.stream(name))
    if isinstance(value, dict) and value.get("stream", 0) is None:
        value = {name: member for name, member in value.items() if name != "stream"}
    try:
        if isinstance(value, dict) and value.keys() == {"error"} and value["error"] is not None:
            return _read_error(value["error"], f"{at}.error")
        reply = decode_reply(value, at, OUTPUT)
    except ReplyError as error:
        raise ScenarioError(str(error)) from None
    for name in USAGE_COUNTS if reply.usage is not None else ():
        if getattr(reply.usage, name) < 0:
            raise ScenarioError(f"{at}.usage.{name}: a number of tokens must be 0 or more")
    _call_at(at, lambda: check_servable(reply))
    return reply


def _find_file(folder: Folder | None, name: str, at: str) -> Path:
    """Return the path of a file that a rule names."""
    if folder is None:
        raise ScenarioError(f"{at}: a rule that is set while the server runs cannot name a file")
    return folder / name


OUTPUT: Mapping[str, Callable[..., Output]] = {name: getattr(items, name) for name in items.__all__}
"""More items for ``output``, each written as a name with its arguments."""

SHAPES: Mapping[str, type[Strict]] = {
    "scenario": _Scenario,
    "rule": _Rule,
    "pace": _Pace,
    "engine": _Engine,
    "limits": _Limits,
    "faulty_reply": _FaultyReply,
    "json": _Json,
    "script": _Script,
    "file": _File,
    "stream": _Stream,
    "template": _Template,
}
"""The mappings of a scenario, apart from those of a reply."""
