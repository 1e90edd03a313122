"""Values sampled from JSON Schemas; jsonschema checks them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from json_schema import validate
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.json_schema import generate_json

Schema = dict[str, Any]


def sample(schema: Any, seed: int = 0) -> Any:
    """Sample a value, and check that it conforms."""
    value = generate_json(schema, Random(seed))
    validate(value, schema)
    return value


# Schemas from Hypothesis, in OpenAI's structured-output subset

NAMES = st.from_regex("[a-z]{1,6}", fullmatch=True)
CONSTANTS = st.integers() | st.floats(-1e9, 1e9) | NAMES | st.none() | st.booleans()
PATTERNS = [
    r"^@[a-zA-Z0-9_]+$",
    r"^\d{3}-\d{4}$",
    r"[aeiou]{2}",
    "^(yes|no)$",
    r"^#(?:[0-9a-f]{3}){1,2}$",
    r"^(?:\+\d{1,3} )?\d{5,9}$",
    r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$",
    r"^(?!x)[a-z]{3}$",
    r"\bword\b",
    "^[\u4e00-\u9fff]{2}$",
    "^$",
]
TEXT_FORMATS = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
]


@st.composite
def schemas_of_type(draw: st.DrawFn, kind: str, *more: st.SearchStrategy[Schema]) -> Schema:
    """Schemas of this type, or of this type or null, with the keywords that one of these adds."""
    type_ = draw(st.sampled_from([kind, kind, [kind, "null"], ["null", kind]]))
    schema: Schema = {"type": type_}
    return schema | (draw(st.one_of(*more)) if more else {})


@st.composite
def bounds(draw: st.DrawFn, low: str, high: str, values: st.SearchStrategy[Any]) -> Schema:
    """None, one or both of two bounds."""
    least, most = sorted((draw(values), draw(values)))
    return {name: value for name, value in ((low, least), (high, most)) if draw(st.booleans())}


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    """Numbers within bounds, or multiples."""
    kind = draw(st.sampled_from(["integer", "number"]))
    whole: st.SearchStrategy[float] = st.integers(-(10**9), 10**9)
    values = whole | st.floats(-1e12, 1e12) if kind == "number" else whole
    low = draw(st.sampled_from(["minimum", "exclusiveMinimum"]))
    high = draw(st.sampled_from(["maximum", "exclusiveMaximum"]))
    limits = draw(bounds(low, high, values))
    if len(limits) == 2:
        limits[high] += 2
    if draw(st.booleans()):
        multiple = draw(st.sampled_from([1, 3, 7, 50, 0.5, 0.25, 0.1, 0.01]))
        if len(limits) == 2:
            limits[high] += 100
        limits["multipleOf"] = multiple
    return draw(schemas_of_type(kind, st.just(limits)))


LEAVES = st.one_of(
    schemas_of_type("boolean"),
    st.just({"type": "null"}),
    st.lists(CONSTANTS, min_size=1, unique_by=repr).map(lambda values: {"enum": values}),
    st.lists(NAMES, min_size=1, unique=True).map(lambda names: {"type": "string", "enum": names}),
    CONSTANTS.map(lambda value: {"const": value}),
    schemas_of_type("string", st.sampled_from(TEXT_FORMATS).map(lambda name: {"format": name})),
    schemas_of_type("string", st.sampled_from(PATTERNS).map(lambda pattern: {"pattern": pattern})),
    schemas_of_type("string", bounds("minLength", "maxLength", st.integers(0, 30))),
    numbers(),
)
REFERENCES = ["#", "#/$defs/tree", "#/$defs/deep", "#/$defs/chicken"]


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    """Objects of these members, all of which strict schemas require."""
    members = draw(st.dictionaries(NAMES, inner, max_size=5))
    required_names = [name for name in members if draw(st.sampled_from([True, True, False]))]
    more = {"properties": members, "required": required_names, "additionalProperties": False}
    return draw(schemas_of_type("object", st.just(more)))


def compound_schemas(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Objects, arrays and choices of schemas, and of references to definitions."""
    sizes = bounds("minItems", "maxItems", st.integers(0, 4))
    references = st.sampled_from(REFERENCES).map(lambda ref: {"$ref": ref})
    return st.one_of(
        objects(inner),
        schemas_of_type(
            "array", st.builds(lambda items, bounds: {"items": items} | bounds, inner, sizes)
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        inner.map(lambda schema: {"allOf": [schema, {"description": "the same"}]}),
        st.just({"$ref": "#/$defs/name"}),
        references.map(lambda ref: {"anyOf": [ref, {"type": "null"}]}),
        references.map(lambda ref: {"type": "array", "items": ref}),
        references.filter(lambda ref: ref["$ref"] != "#").map(
            lambda ref: ref | {"description": "it"}
        ),
    )


def strict(**members: Schema) -> Schema:
    """Return the schema of an object in OpenAI's strict form."""
    keywords: Schema = {"properties": members, "required": list(members)}
    return {"type": "object", **keywords, "additionalProperties": False}


DEFINED: Schema = {
    "name": {"type": "string", "minLength": 3},
    "tree": {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/tree"}, "leaf": {"$ref": "#/$defs/name"}},
        "required": ["leaf"],
    },
    "deep": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/deep"}, {"type": "string"}]}},
    # Each refers to the other.
    "chicken": strict(
        egg={"anyOf": [{"$ref": "#/$defs/egg"}, {"type": "null"}]},
        flock={"type": "array", "items": {"$ref": "#"}},
    ),
    "egg": strict(chicken={"$ref": "#/$defs/chicken"}),
}
SCHEMAS = st.dictionaries(
    NAMES, st.recursive(LEAVES, compound_schemas, max_leaves=12), max_size=5
).map(lambda members: strict(**members) | {"$defs": DEFINED})


@given(SCHEMAS, st.integers(0, 2**32))
def test_a_value_conforms(schema: Schema, seed: int) -> None:
    sample(schema, seed)


@given(SCHEMAS, st.integers(0, 2**32))
def test_a_value_is_a_function_of_schema_and_chance(schema: Schema, seed: int) -> None:
    assert sample(schema, seed) == sample(schema, seed)


# More than the subset

MORE: dict[str, Any] = {
    "anything": True,
    "no keywords": {},
    "allOf": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5}, "b": {"const": 1}}, "required": ["b"]},
        ]
    },
    "allOf of bounds": {
        "allOf": [{"type": "number", "minimum": 3}, {"type": "integer", "maximum": 4}]
    },
    "allOf of choices": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]},
    "a reference and more": {
        "$ref": "#/$defs/n",
        "minimum": 90,
        "$defs": {"n": {"type": "integer", "maximum": 99}},
    },
    "anyOf and more": {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "anyOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["x"]},
            {"properties": {"kind": {"const": "b"}, "y": {"type": "null"}}, "required": ["y"]},
        ],
    },
    "anyOf, one of which cannot be": {"type": "string", "anyOf": [{"type": "integer"}, {}]},
    "enum of one type": {"type": "string", "enum": ["a", 1, None]},
    "a mapping": {"type": "object", "additionalProperties": {"type": "integer"}},
    "a mapping of some": {
        "type": "object",
        "additionalProperties": {"type": "boolean"},
        "minProperties": 4,
        "maxProperties": 4,
    },
    "names of a pattern": {
        "type": "object",
        "patternProperties": {"^x-[a-z]{3}$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "names of a kind": {
        "type": "object",
        "propertyNames": {"enum": ["a", "b", "c"]},
        "additionalProperties": {"type": "null"},
        "minProperties": 3,
    },
    "at most one member": {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
        "required": ["b"],
        "maxProperties": 1,
    },
    "a required member of no schema": {"type": "object", "required": ["a"]},
    "a required member of the others": {
        "type": "object",
        "required": ["b"],
        "additionalProperties": {"type": "integer"},
    },
    "a required member of a pattern": {
        "type": "object",
        "required": ["b"],
        "patternProperties": {"^b": {"type": "integer"}},
    },
    "a member of a name and a pattern": {
        "type": "object",
        "properties": {"b": {"type": "integer"}},
        "required": ["b"],
        "patternProperties": {"^b": {"minimum": 50}},
    },
    "two patterns": {
        "type": "string",
        "allOf": [{"pattern": "^[a-z]{3}$"}, {"pattern": "^.{3}$"}],
    },
    "a beginning and an end": {
        "type": "string",
        "allOf": [{"pattern": "^a"}, {"pattern": "z$"}, {"pattern": "[0-9]"}],
    },
    "two multiples": {"type": "integer", "allOf": [{"multipleOf": 4}, {"multipleOf": 6}]},
    "two choices": {
        "allOf": [
            {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        ]
    },
    "enum and length": {"type": "string", "enum": ["a", "abcd"], "minLength": 3},
    "one of two that overlap": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    "no text at all": {"not": {"type": "string"}},
    "an odd number": {"type": "integer", "not": {"multipleOf": 2}},
    "not both": {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
        "not": {"required": ["a", "b"]},
    },
    "contains": {"type": "array", "contains": {"type": "integer", "minimum": 5}},
    "contains some": {
        "type": "array",
        "items": {"type": "integer"},
        "contains": {"minimum": 500},
        "minContains": 2,
        "maxContains": 3,
    },
    "contains beside others": {
        "type": "array",
        "prefixItems": [{"type": "integer"}],
        "contains": {"type": "string"},
    },
    "if": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "x": {"type": "integer"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["x"]},
        "else": {"not": {"required": ["x"]}},
    },
    "a member that needs another": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "dependentRequired": {"a": ["b"]},
    },
    "an anchor": {"$ref": "#n", "$defs": {"x": {"$anchor": "n", "type": "integer"}}},
    "an escaped reference": {
        "$ref": "#/$defs/a%20b",
        "$defs": {"a b": {"type": "integer"}},
    },
    "a pattern that could be slow": {
        "type": "string",
        "pattern": r"^(\w+\s?)+$",
        "minLength": 40,
    },
    "a tuple": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "items": False,
        "minItems": 2,
    },
    "a tuple of old": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "integer"}, {"type": "null"}],
        "additionalItems": False,
    },
    "different items": {
        "type": "array",
        "items": {"enum": ["a", "b", "c", "d"]},
        "uniqueItems": True,
        "minItems": 4,
    },
    "pattern and length": {
        "type": "string",
        "pattern": "^[a-z]+$",
        "minLength": 20,
        "maxLength": 22,
    },
    "length of a word": {"type": "string", "minLength": 50, "maxLength": 50},
    "no text": {"type": "string", "maxLength": 0},
    "excluded bounds of old": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "integer",
        "minimum": 1,
        "exclusiveMinimum": True,
        "maximum": 3,
        "exclusiveMaximum": True,
    },
    "nearly nothing between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
    "everything between": {"type": "number", "minimum": -1.7e308, "maximum": 1.7e308},
    "large": {"type": "integer", "minimum": 2**70, "maximum": 2**70 + 1},
    "an optional member without end": {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"$ref": "#/$defs/loop"}},
        "$defs": {
            "loop": {
                "type": "object",
                "properties": {"again": {"$ref": "#/$defs/loop"}},
                "required": ["again"],
            }
        },
    },
    "many that refer to each other": {
        "$ref": "#/$defs/n0",
        "$defs": {
            f"n{n}": {
                "type": "object",
                "properties": {f"m{m}": {"$ref": f"#/$defs/n{m}"} for m in range(12)},
            }
            for n in range(12)
        },
    },
    "a formula": {
        "$ref": "#/$defs/term",
        "$defs": {
            "term": {"oneOf": [{"type": "number"}, {"$ref": "#/$defs/sum"}]},
            "sum": {
                "type": "object",
                "properties": {
                    "terms": {"type": "array", "items": {"$ref": "#/$defs/term"}, "minItems": 2}
                },
                "required": ["terms"],
                "additionalProperties": False,
            },
        },
    },
}


@pytest.mark.parametrize("schema", MORE.values(), ids=MORE)
def test_other_schemas_are_understood(schema: Any) -> None:
    for seed in range(10):
        sample(schema, seed)


def test_the_branches_of_a_choice_keep_what_is_beside_them() -> None:
    kinds = {sample(MORE["anyOf and more"], seed)["kind"] for seed in range(30)}
    assert kinds == {"a", "b"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#"}, "it has no end"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            "it has no end",
        ),
        ({"type": "string", "pattern": "^(?=a)b"}, "no text was found that matches"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no number was found"),
        ({"type": "integer", "enum": ["a"]}, "no value was found"),
        ({"allOf": [{"type": "integer"}, {"type": "string"}]}, "no value was found"),
        ({"type": "string", "anyOf": [{"type": "null"}]}, "conforms to one of"),
        (
            {"type": "array", "items": {"const": 1}, "uniqueItems": True, "minItems": 2},
            "no 2 different values",
        ),
        ({"type": "string", "minLength": 9, "maxLength": 3}, "at least 9 and at most 3 characters"),
        (
            {"properties": {"a": {"const": 1, "type": "boolean"}}, "required": ["a"]},
            "conforms to the schema's #/properties/a/type",
        ),
        ({"not": {}}, "conforms to the schema's #/not"),
        ({"required": ["b"], "additionalProperties": False}, "requires and forbids 'b'"),
        ({"$ref": "#/$defs/a"}, "refers to '#/\\$defs/a', which it does not have"),
        ({"type": "whole"}, "the type 'whole', which JSON does not have"),
        ({"type": "init__"}, "the type 'init__', which JSON does not have"),
        ({"type": 5}, "cannot be read"),
        ({"type": "integer", "multipleOf": 0}, "cannot be read"),
        ({"type": "string", "minLength": 10**8}, "too large"),
        ({"type": "array", "minItems": 10**7}, "too large"),
        ({"type": "object", "minProperties": 10**7}, "too large"),
        (
            {"type": "array", "minItems": 3000, "items": {"type": "array", "minItems": 3000}},
            "too large",
        ),
        (
            {
                "properties": {"a" * 40 + "!": True},
                "patternProperties": {"^(a+)+$": {"type": "integer"}},
            },
            "would take too long",
        ),
    ],
    ids=str,
)
def test_a_schema_without_values_is_explained(schema: Any, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        generate_json(schema, Random(0))


def test_texts_are_words_and_sometimes_need_escapes() -> None:
    texts = [sample({"type": "string"}, seed) for seed in range(300)]
    assert sum(text.isalpha() and text.isascii() for text in texts) > 200
    assert all(any(sign in text for text in texts) for sign in '"\\\n')
    assert any(not text.isascii() for text in texts)
