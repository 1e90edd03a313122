"""The JSON Schema of scenario files, for editors and for programs that write scenarios.

It is made of what the loader reads with: the shapes of `scenario.loader`, `scenario.patterns` and
`reply.serialization`, the signatures of faults and output items, and the names of dialects, paces
and streams. If a shape says `Any`, because the loader reads the member by another shape, `_MEMBERS`
says which. Descriptions are those of the docstrings.

Rules of this file: the schema accepts whatever the loader accepts. It cannot know everything that
the loader refuses, such as a regular expression that is none, or a file that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

import msgspec.json

from openai_mockserver import catalogue, pacing
from openai_mockserver.cassettes import stream_file
from openai_mockserver.declared import Parameter, list_parameters
from openai_mockserver.dialects import dialects
from openai_mockserver.engine import PROFILES as ENGINES
from openai_mockserver.engine import Engine, Limits
from openai_mockserver.faults import FAULTS, chance
from openai_mockserver.faults.argument_types import describe_argument, list_arguments
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.mock.rule_builder import RuleBuilder
from openai_mockserver.reply import FINISH_REASONS, USAGE_COUNTS, ApiError, Usage, serialization
from openai_mockserver.scenario import loader
from openai_mockserver.scenario.descriptions import describe
from openai_mockserver.scenario.patterns import CONDITION_SHAPES, describe_patterns

__all__ = ["build_schema"]

Schema = dict[str, Any]

_NULL: Schema = {"type": "null"}
_STRING: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_NAME: Schema = {"type": "string", "minLength": 1}
_NOT_NEGATIVE: Schema = {"type": "number", "minimum": 0}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_COUNT: Schema = {"type": "integer", "minimum": 1}
_PAIR: Schema = {"type": "array", "items": _NOT_NEGATIVE, "minItems": 2, "maxItems": 2}
_PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def _refer(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items} | ({"minItems": least} if least else {})


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _optional(schema: Schema) -> Schema:
    return _any(*schema.get("anyOf", [schema]), _NULL)


def _close(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """Return the schema of an object without other members."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    names = list(required)
    return schema | ({"required": names} if names else {})


# Texts that Python's float() reads, and finite ones.
_FINITE = r"\s*[+-]?[\d._]+([eE][+-]?[\d_]+)?\s*"
_NUMERAL = rf"{_FINITE}|\s*[+-]?([iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])\s*"
_PAIRS = r"(\s*[a-z_]+\s*=[^,=]*,?)+"  # such as slots=4,rpm=60
_DIALECT = _refer("dialect")
_PACE = _optional(_refer("any_pace"))
_ANNOTATIONS = _list(
    _any(_refer("annotation"), {"type": "object", "not": {"required": ["members"]}})
)
_LOGPROBS = _optional(_list(_any(_refer("logprob"), _list(_refer("logprob")))))
_CHOICE: Mapping[str, Schema] = {
    "tool_calls": _list(_refer("call")),
    "function_call": _optional(_refer("function")),
    "logprobs": _LOGPROBS,
    "finish_reason": {"enum": [*FINISH_REASONS, "auto", None]},
    "output": _optional(_list(_refer("output"))),
    "audio": _optional(_refer("audio")),
    "annotations": _ANNOTATIONS,
}

_MEMBERS: Mapping[str, Mapping[str, Schema]] = {
    "scenario": {
        "rules": _list(_refer("rule")),
        "dialect": _optional(_DIALECT),
        "pace": _PACE,
        "engine": _optional(_refer("any_engine")),
    },
    "rule": {
        "reply": _refer("any_reply"),
        "replies": _list(_refer("any_reply"), 1),
        **{name: _optional(shape.schema) for name, shape in CONDITION_SHAPES.items()},
        "faults": _list(_refer("fault")),
        "pace": _PACE,
        "dialect": _any(_DIALECT, {"const": ""}, _NULL),
        "times": _optional({"type": "integer", "minimum": 1}),
        "chance": _optional(_PROBABILITY),
    },
    "faulty_reply": {
        "reply": _refer("plain_reply"),
        "faults": _list(_refer("fault")),
        "pace": _PACE,
    },
    "script": {
        "script": {
            "type": "array",
            "prefixItems": [_refer("stream_file_head")],
            "items": _refer("stream_file_step"),
            "minItems": 1,
        }
    },
    "pace": {
        **dict.fromkeys(("ttft", "itl", "jitter", "stall_seconds"), _NOT_NEGATIVE),
        **dict.fromkeys(("ttft_quantiles", "itl_quantiles"), _list(_NOT_NEGATIVE)),
        "stall_chance": _PROBABILITY,
        "distribution": {"enum": list(pacing.DISTRIBUTIONS)},
    },
    "engine": {
        "profile": {"enum": list(ENGINES)},
        "slots": _COUNT,
        "queue": _optional(_WHOLE),
        "overload": {"enum": [503, 429]},
        **dict.fromkeys(("prefill", "decode"), _PAIR),
        **dict.fromkeys(("knee", "max_batched_tokens"), _optional(_COUNT)),
        **dict.fromkeys(("cache_blocks", "prefix_minimum"), _WHOLE),
        "prefix_block": _COUNT,
        **dict.fromkeys(("collapse", "start_up"), _NOT_NEGATIVE),
        "cache_seconds": _optional(_NOT_NEGATIVE),
        **dict.fromkeys(("failure_rate", "jitter"), _PROBABILITY),
        "limits": _refer("limits"),
    },
    "limits": {
        **dict.fromkeys(("rpm", "tpm", "concurrent"), _optional(_COUNT)),
        "refill": {"enum": ["sliding", "continuous"]},
        "seconds": {"type": "number", "minimum": 0.001},
    },
    "stream": {
        "stream": _any(
            {"enum": list(catalogue.names())}, {"type": "string", "pattern": r"/|\.jsonl$"}
        )
    },
    "choice": _CHOICE,
    "reply": {
        **_CHOICE,
        "usage": _optional(_refer("usage")),
        "choices": _optional(_list(_refer("choice"), 1)),
        "error": _optional(_refer("error")),
    },
    "call": {"name": _NAME},
    "function": {"name": _NAME},
    "logprob": {
        "logprob": _any({"type": "number"}, {"type": "string", "pattern": f"^({_NUMERAL})$"}),
        "top": _list(_refer("logprob")),
    },
    "message": {"annotations": _ANNOTATIONS, "logprobs": _LOGPROBS},
    "error": {
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "retry_after": _optional(_NOT_NEGATIVE),
    },
}
"""What the members contain about which a shape says less than the loader knows."""


_DOCUMENTED: Mapping[str, tuple[object, ...]] = {
    "scenario": (loader.SHAPES["scenario"], MockOpenAI),
    "rule": (loader.SHAPES["rule"], MockOpenAI.on, RuleBuilder.reply),
    "pace": (pacing.Pace,),
    "engine": (loader.SHAPES["engine"], Engine),
    "limits": (Limits,),
}
"""What documents the members of a mapping, if its shape does not."""


def build_schema() -> Schema:
    """Build the JSON Schema of a scenario file: that in `scenario/scenario.schema.json`."""
    shapes = {
        name: (shape, _DOCUMENTED.get(name, (shape,))) for name, shape in loader.SHAPES.items()
    }
    shapes |= serialization.SHAPES
    definitions = {name: _build_shape(name, *shape) for name, shape in shapes.items()}
    scenario = definitions.pop("scenario")
    _restrict_combinations(definitions)
    definitions |= {
        **describe_patterns(),
        **_build_stream_file(),
        "dialect": _any(
            {"enum": ["openai", *dialects()]},
            {"type": "string", "pattern": f"^({'|'.join(dialects())})(\\+[a-z-]+)+$"},
        ),
        "any_pace": _any(
            {"enum": list(pacing.PROFILES)},
            {"type": "string", "pattern": f"^{_FINITE}(,{_FINITE}){{1,2}}$"},
            _refer("pace"),
        ),
        "any_engine": _any(
            {"enum": list(ENGINES)},
            {"type": "string", "pattern": f"^(({'|'.join(ENGINES)}),)?{_PAIRS}$"},
            _refer("engine"),
        ),
        "templated_reply": _any(_STRING, _refer("reply")),
        "plain_reply": _any(
            _STRING,
            *map(_refer, ("reply", "stream", "template", "file", "json", "script")),
            _list(_OBJECT, 1) | {"description": "The JSON of each chunk of a stream."},
        ),
        "any_reply": _any(_refer("plain_reply"), _refer("faulty_reply")),
        "usage": _build_usage(),
        "output": _build_output(),
        "chance": _PROBABILITY | {"description": describe(chance).arguments["probability"]},
        "no_arguments": _any(_close({"chance": _refer("chance")}), _NULL),
        "fault": _build_fault(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **scenario,
        "title": "A scenario of openai-mockserver",
        "$defs": dict(sorted(definitions.items())),
    }


def _build_shape(
    name: str, shape: type[msgspec.Struct], documented: tuple[object, ...]
) -> dict[str, Any]:
    """Return the schema of a mapping, with what docstrings say about it and its members."""
    _, components = msgspec.json.schema_components((shape,))
    schema: Schema = components[shape.__name__]
    members = schema["properties"] | _MEMBERS.get(name, {})
    words = [describe(one) for one in documented]
    for member, content in members.items():
        key = member.removeprefix("$")
        text = next((one.arguments[key] for one in words if key in one.arguments), None)
        described = content if text is None else content | {"description": text}
        # That a member may be left out needs no default.
        members[member] = {k: v for k, v in described.items() if (k, v) != ("default", None)}
    return schema | {"title": name, "description": words[0].summary, "properties": members}


def _restrict_combinations(definitions: dict[str, Schema]) -> None:
    """Add to the schemas of mappings which members they have together."""
    # A null `stream` is ignored, and everything beside `stream` must be null.
    definitions["reply"]["properties"]["stream"] = _NULL
    definitions["stream"]["additionalProperties"] = _NULL
    definitions["reply"] |= {
        "if": {"required": ["alone"], "properties": {"alone": {"const": True}}},
        "then": {"required": ["error"], "properties": {"error": _OBJECT}},
    }
    is_template = {"required": ["template"], "properties": {"template": {"const": True}}}
    reply, replies = _refer("templated_reply"), _list(_refer("templated_reply"))
    definitions["rule"] |= {
        "oneOf": [{"required": ["reply"]}, {"required": ["replies"]}],
        "if": is_template,
        "then": {"properties": {"reply": reply, "replies": replies}},
    }
    definitions["faulty_reply"] |= {"if": is_template, "then": {"properties": {"reply": reply}}}


_STREAM_FILE = {
    "_HeadLine": "stream_file_head",
    "_Requirement": "stream_file_requirement",
    "_Response": "stream_file_response",
    "_StepLine": "stream_file_step",
}
"""The names here of what the schema of stream files defines."""


def _build_stream_file() -> dict[str, Schema]:
    text = json.dumps(stream_file.build_schema()["$defs"])
    for theirs, ours in _STREAM_FILE.items():
        text = text.replace(f'"{theirs}"', f'"{ours}"').replace(f'/{theirs}"', f'/{ours}"')
    definitions: dict[str, Schema] = json.loads(text)
    return definitions


def _build_usage() -> Schema:
    # A negative default means that the count follows from others.
    computed = {field.name for field in Usage.__dataclass_fields__.values() if field.default == -1}
    counts: Schema = {
        name: {"type": "integer"} | ({} if name in computed else {"minimum": 0})
        for name in USAGE_COUNTS
    }
    return _close(counts | {"extra": _OBJECT}) | {"description": describe(Usage).summary}


# Faults and output items: functions that are called by name


_OUTPUT: Mapping[str, Callable[..., Any]] = {**serialization.OUTPUT, **loader.OUTPUT}


def _build_fault() -> Schema:
    names = [name for name in FAULTS if not _list_required(list_arguments(name))]
    calls = {name: _build_fault_call(name) for name in sorted(FAULTS)}
    return _any({"enum": sorted(names)}, _close(calls) | {"minProperties": 1, "maxProperties": 1})


def _build_fault_call(fault: str) -> Schema:
    """Return the schema of a fault's arguments: by name, or the first alone."""
    parameters = list_arguments(fault)
    summary = {"description": describe(FAULTS[fault]).summary}
    if not parameters:
        return _refer("no_arguments") | summary
    schemas = {
        name: _refer("error")
        if ApiError in (one.hint, *get_args(one.hint))
        else describe_argument(fault, name)
        for name, one in parameters.items()
    }
    forms = _build_by_name(FAULTS[fault], schemas, {"chance": _refer("chance")})
    first = next(iter(schemas))
    if set(_list_required(parameters)) <= {first}:
        forms.append(_restrict_to_scalars(schemas[first]))
    return _any(*forms) | summary


def _build_output() -> Schema:
    calls = {name: _build_output_call(name) for name in sorted(_OUTPUT)}
    return _any(_STRING, _close(calls) | {"minProperties": 1, "maxProperties": 1})


def _build_output_call(item: str) -> Schema:
    """Return the schema of an output item's arguments: by name, one alone, or a list of them."""
    parameters = list_parameters(_OUTPUT[item])
    schemas = {
        name: msgspec.json.schema(one.type) | _ARGUMENTS.get((item, name), {})
        for name, one in parameters.items()
    }
    forms = _build_by_name(_OUTPUT[item], schemas, {})
    if item == "message":  # whose mapping is read by a shape
        forms[0] = _refer("message")
    positional = [schemas[name] for name, one in parameters.items() if one.has_position]
    rest = next((schemas[name] for name, one in parameters.items() if not one.has_name), False)
    required = len(_list_required(parameters))
    values: Schema = {"type": "array", "items": rest, "minItems": required}
    if rest is False:
        values["prefixItems"] = positional
    forms.append(values)
    if required <= 1:
        forms.append(_restrict_to_scalars(positional[0]))
    return _any(*forms) | {"description": describe(_OUTPUT[item]).summary}


_ARGUMENTS: Mapping[tuple[str, str], Schema] = {
    ("item", "type"): {"minLength": 1},
    ("item", "members"): {"propertyNames": {"not": {"enum": ["id", "type"]}}},
    ("tool_call", "name"): {"minLength": 1},
}
"""What output items allow as arguments, apart from their types."""


def _list_required(parameters: Mapping[str, Parameter]) -> list[str]:
    return [name for name, one in parameters.items() if one.is_required]


def _build_by_name(
    function: Callable[..., Any], schemas: Mapping[str, Schema], more: Mapping[str, Schema]
) -> list[Schema]:
    """Return the forms of arguments that are given by name, or not at all."""
    parameters = list_parameters(function)
    words = describe(function).arguments
    by_name = {
        name: schema | ({"description": words[name]} if name in words else {})
        for name, schema in schemas.items()
        if parameters[name].has_name
    }
    required = _list_required(parameters)
    forms = [_close({**by_name, **more}, required)]
    return forms if required else [*forms, _NULL]


_SCALARS = ["string", "number", "boolean"]


def _restrict_to_scalars(schema: Schema) -> Schema:
    """Return the schema of an argument that is written alone, which is no list, mapping or null."""
    if schema.get("type") in (*_SCALARS, "integer"):
        return schema
    return {"type": _SCALARS, "allOf": [schema]}
