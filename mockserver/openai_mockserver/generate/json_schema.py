"""Values that conform to a JSON Schema, in OpenAI's structured-output subset and a little more.

Rules of this file: a value is a function of the schema and the random generator. Every value is
checked before it is returned, by the keywords in ``schema_check``; other keywords are ignored.

Theory of operation. `_Sampler.sample` walks the schema once and chooses as it goes. Before it
chooses, it merges ``$ref`` and ``allOf`` into one schema (`_merge_schemas`): of two minima the
larger counts, of two enums what they share. Then it takes ``const``, ``enum``, ``if``, ``anyOf``
and ``oneOf`` in this order, and last a type, whose function makes the value. Three ideas keep this
short walk from failing, from never ending and from taking too long:

* *Small.* A recursive schema has endlessly large values, and chance would build them. Beyond `DEEP`
  levels, or after `MANY` values, `_must_be_small` is true: optional members are left out, arrays
  have their least length, null is preferred, and of several options the lowest is taken. The
  height of a schema is the least number of levels that a value of it needs (`_measure_height`). An
  optional member of infinite height is never chosen; a required one is an error.
* *Hard.* No walk can aim at keywords such as ``not`` or ``contains`` (`_HARD`). A schema with such
  a keyword is sampled up to `TRIES` times, until the check accepts the value. While it retries,
  optional members are left out at random (`is_varied`), because a value without them often
  conforms. The whole value is checked in the same way, up to `TRIES` times.
* *Budget.* A schema comes from a request, so it may ask for anything, such as 10^8 items. Each
  value, merge and check spends from a `Budget` before its work is done. An exhausted budget raises
  ReplyError after about a second.

For example, a linked list of odd numbers:

>>> node = {"type": "object", "required": ["n", "next"], "properties": {
...     "n": {"type": "integer", "minimum": 3, "not": {"multipleOf": 2}},
...     "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
>>> generate_json(node, Random(3))
{'n': 83, 'next': {'n': 27, 'next': None}}

The first ``n`` is hard. A missing bound is a hundred steps from the other, so the sampler chooses
from 3 to 103; it gets 50, which the check refuses because of ``not``, and then 83. For ``next``
both options are possible, and it chooses the object again. There it gets 36 and 27, and chooses
null. Had it always chosen the object, the third ``next`` would be on level 5, where values must be
small: null has height 0, the object height 2 (its own ``next`` can be null), so null is taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.addresses import (
    make_email,
    make_hostname,
    make_ipv4,
    make_ipv6,
    make_url,
    make_uuid,
    make_word,
)
from openai_mockserver.generate.languages import LANGUAGES
from openai_mockserver.generate.mentions import Mentions
from openai_mockserver.generate.pen import Pen
from openai_mockserver.generate.regex import Budget, generate_matching
from openai_mockserver.generate.schema_check import (
    TYPES,
    Judge,
    Schema,
    guess_type,
    list_patterns,
    list_types,
)

__all__ = ["generate_json"]

DEEP = 4  # levels below which values are as small as possible
MANY = 300  # values after which all others are as small as possible
TRIES = 30  # how often a schema is sampled before it counts as impossible
STEP = 30  # of the budget: a value takes longer than a character
LENGTHY = 10_000  # characters after which a text that must be longer repeats itself
PLAIN = 0.85  # share of the unrestricted texts that are a single word
BOTTOM = 60  # levels that no finite value has


def generate_json(
    schema: Any, rng: Random, budget: Budget | None = None, mentions: Mentions | None = None
) -> Any:
    """Return a JSON value that conforms to the schema.

    Args:
        schema: the JSON Schema; references are alternatives within it.
        rng: the source of randomness.
        budget: what it may take.
        mentions: the question that the value is about; its words are preferred where they conform.

    Raises:
        ReplyError: if no value is found (as for endless recursion), the schema cannot be read, or
            a value exceeds the budget.
    """
    judge = Judge(schema, budget or Budget())
    sampler = _Sampler(judge, rng, mentions)
    violation = None
    try:
        for _ in range(TRIES):
            value = sampler.sample(schema, 0)
            violation = judge.find_violation(value, schema, "#")
            if violation is None:
                return value
            sampler.is_varied = True
    except ReplyError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ReplyError(f"the schema cannot be read: {error}") from error
    except RecursionError:
        raise ReplyError("no value was found that conforms to the schema: it has no end") from None
    raise ReplyError(f"no value was found that conforms to the schema's {violation}")


# Merging schemas


def _merge_schemas(one: Schema, other: Schema) -> Schema:
    """Return a schema whose values conform to both."""
    return dict(one) | {
        name: _MERGERS[name](one[name], value) if name in one and name in _MERGERS else value
        for name, value in other.items()
    }


def _unite(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    values = list(one)
    return values + [value for value in other if value not in values]


def _intersect_types(one: Any, other: Any) -> list[str]:
    first, second = list_types(one), list_types(other)
    shared = [name for name in first if name in second]
    has_integer = "integer" in (*first, *second) and "number" in (*first, *second)
    return [*shared, "integer"] if has_integer and "integer" not in shared else shared


def _merge_subschemas(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _merge_schemas(one, other)
    if one is False or other is False:
        return False
    return one if isinstance(one, Mapping) else other


def _merge_members(one: Schema, other: Schema) -> Schema:
    merged = {k: _merge_subschemas(one[k], v) if k in one else v for k, v in other.items()}
    return {**one, **merged}


def _find_common_multiple(one: Any, other: Any) -> Any:
    """Return the least common multiple of two numbers, which may be fractions."""
    first, second = Fraction(str(one)), Fraction(str(other))
    scale = first.denominator * second.denominator
    least = Fraction(math.lcm(int(first * scale), int(second * scale)), scale)
    return int(least) if least.denominator == 1 else float(least)


def _cross_options(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    if len(one) * len(other) > MANY:
        raise ReplyError("the schema combines too many choices")
    return [{"allOf": [first, second]} for first in one for second in other]


_MERGERS: dict[str, Callable[[Any, Any], Any]] = {
    "type": _intersect_types,
    "enum": lambda one, other: [value for value in one if value in other],
    "pattern": lambda one, other: tuple(_unite(list_patterns(one), list_patterns(other))),
    "multipleOf": _find_common_multiple,
    "not": lambda one, other: {"anyOf": [one, other]},
    "anyOf": _cross_options,
    "oneOf": _cross_options,
    "required": _unite,
    "allOf": _unite,
    "properties": _merge_members,
    "patternProperties": _merge_members,
    "additionalProperties": _merge_subschemas,
    "items": _merge_subschemas,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
"""How the values of a keyword are merged if both schemas have it."""

_HARD = frozenset({"not", "oneOf", "if", "contains", "dependentRequired"})
"""Keywords that values can only meet by chance."""


# Sampling


class _Sampler:
    """Chooses a value of a schema; see the theory of operation above."""

    def __init__(self, judge: Judge, rng: Random, mentions: Mentions | None) -> None:
        self._judge = judge
        self._rng = rng
        self._mentions = mentions
        self._name = ""  # of the member that is sampled
        self._count = 0
        self._results: dict[tuple[int, int], tuple[Any, bool]] = {}
        self.is_varied = False  # whether optional members are left out at random

    def sample(self, schema: Any, depth: int) -> Any:
        if schema is False:
            raise ReplyError("no value was found that conforms to the schema: false has none")
        if not isinstance(schema, Mapping):  # true allows anything
            self._judge.budget.spend(STEP)
            return make_word(self._rng)
        if depth > BOTTOM:
            raise ReplyError("no value was found that conforms to the schema: it has no end")
        whole = self._resolve(schema)
        value = self._sample_once(whole, depth)
        for _ in range(TRIES if _HARD & whole.keys() else 0):
            if self._judge.accepts(value, whole):
                break
            was_varied, self.is_varied = self.is_varied, True
            value = self._sample_once(whole, depth)
            self.is_varied = was_varied
        return value

    def _sample_once(self, schema: Schema, depth: int) -> Any:
        self._count += 1
        self._judge.budget.spend(STEP)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            rest = {name: value for name, value in schema.items() if name != "enum"}
            fits = [value for value in schema["enum"] if self._judge.accepts(value, rest)]
            if not fits:
                raise ReplyError(f"no value was found that conforms to {dict(schema)}")
            return self._rng.choice(self._mentions.choose(fits) if self._mentions else fits)
        if "if" in schema:
            rest = {k: value for k, value in schema.items() if k not in ("if", "then", "else")}
            then = {"allOf": [schema["if"], schema.get("then", True)]}
            option = self._choose_option(rest, [then, schema.get("else", True)], depth)
            return self.sample(option, depth + 1)
        for choice in ("anyOf", "oneOf"):
            if options := schema.get(choice):
                rest = {name: value for name, value in schema.items() if name != choice}
                return self.sample(self._choose_option(rest, options, depth), depth + 1)
        small = self._must_be_small(depth)
        kinds = self._list_types(schema)
        kind = "null" if small and "null" in kinds else self._rng.choice(kinds)
        if self._mentions and self._name and not small:
            value = self._mentions.find(self._name, kind, schema)
            if value is not None and self._judge.accepts(value, schema):
                return value
        return _SAMPLERS[kind](self, schema, depth)

    def _list_types(self, schema: Schema) -> list[str]:
        if "type" not in schema:
            kind = guess_type(schema)
            may_be_any = self.is_varied and kind == "string" and "not" in schema
            return list(TYPES) if may_be_any else [kind]
        kinds = list_types(schema["type"])
        if not kinds:
            raise ReplyError(f"no value was found that conforms to {dict(schema)}")
        for kind in kinds:
            if kind not in _SAMPLERS:
                raise ReplyError(f"the schema has the type {kind!r}, which JSON does not have")
        return kinds

    def _must_be_small(self, depth: int) -> bool:
        return depth > DEEP or self._count > MANY

    def _resolve(self, schema: Schema) -> Schema:
        """Return the schema with its ``$ref`` and ``allOf`` merged into it."""
        merges = 0
        while "$ref" in schema or "allOf" in schema:
            rest = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
            parts = list(schema.get("allOf") or ())
            if "$ref" in schema:
                parts.append(self._judge.resolve(str(schema["$ref"])))
            for part in parts:
                self._judge.budget.spend(STEP)
                if part is False:
                    raise ReplyError("no value was found that conforms to the schema's false")
                rest = dict(_merge_schemas(rest, part)) if isinstance(part, Mapping) else rest
            schema, merges = rest, merges + 1
            if merges > BOTTOM:
                raise ReplyError("no value was found that conforms to the schema: it has no end")
        return schema

    def _choose_option(self, rest: Schema, options: Sequence[Any], depth: int) -> Schema:
        """Choose one of the options, and merge it with the rest of the schema."""
        alternatives = [
            self._resolve(option) if isinstance(option, Mapping) else {}
            for option in options
            if option is not False
        ]
        merged = [_merge_schemas(rest, option) for option in alternatives]
        possible = [one for one in merged if one.get("type", ...) and one.get("enum", ...)]
        if not possible:
            raise ReplyError(f"no value was found that conforms to one of {list(options)}")
        lowest = min(possible, key=self._measure_height) if self._must_be_small(depth) else None
        return lowest or self._rng.choice(possible)

    def _measure_height(self, schema: Any) -> float:
        """Return how many levels the least nested value has; infinite if there is no finite one."""
        return next((n for n in range(BOTTOM) if self._has_value(schema, n)), math.inf)

    def _has_value(self, schema: Any, levels: int) -> bool:
        """Return whether some value has at most so many levels."""
        if not isinstance(schema, Mapping):
            return True
        result = self._results.get((id(schema), levels))
        if result is None:
            # The schema is stored too, so that no other schema gets its id.
            result = (schema, self._compute_has_value(schema, levels))
            self._results[id(schema), levels] = result
        return result[1]

    def _compute_has_value(self, schema: Schema, levels: int) -> bool:
        self._judge.budget.spend(1)
        if levels < 0:
            return False
        parts = list(schema.get("allOf") or ())
        if "$ref" in schema:
            parts.append(self._judge.resolve(str(schema["$ref"])))
        if "null" not in list_types(schema.get("type", ())):
            members = schema.get("properties") or {}
            parts += [members.get(name) for name in schema.get("required", ())]
            parts += schema.get("prefixItems", ()) if schema.get("minItems") else ()
            parts += [schema.get("items")] if schema.get("minItems") else []
        options = schema.get("anyOf") or schema.get("oneOf") or [True]
        return any(self._has_value(option, levels - 1) for option in options) and all(
            self._has_value(part, levels - 1) for part in parts
        )

    # Objects and arrays

    def _sample_object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = dict.fromkeys(schema.get("required", ()))
        names = [name for name in schema.get("properties") or {} if name not in required]
        members = {name: self._find_member(schema, name) for name in (*names, *required)}
        order = [*(schema.get("properties") or {}), *required]
        names = [name for name in dict.fromkeys(order) if name in required]
        if not self._must_be_small(depth):
            names = [
                name
                for name in dict.fromkeys(order)
                if name in required or (self._has_end(members[name]) and self._keeps_optional())
            ]
        most = schema.get("maxProperties", math.inf)
        while len(names) > most and (spare := [n for n in names if n not in required]):
            names.remove(spare[-1])
        for name in names:
            if members[name] is False:
                raise ReplyError(f"no value was found: the schema requires and forbids {name!r}")
        value = {}
        for name in names:
            self._name = name
            value[name] = self.sample(members[name], depth + 1)
        self._name = ""
        self._add_members(value, schema, depth)
        return value

    def _find_member(self, schema: Schema, name: str) -> Any:
        """Return the schema of a member of this name."""
        schemas = self._judge.find_schemas(schema, name) or [
            schema.get("additionalProperties", True)
        ]
        if False in schemas:
            return False
        return schemas[0] if len(schemas) == 1 else {"allOf": schemas}

    def _keeps_optional(self) -> bool:
        return not self.is_varied or self._rng.random() < 0.5

    def _has_end(self, schema: Any) -> bool:
        return schema is not False and self._measure_height(schema) < math.inf

    def _add_members(self, value: dict[str, Any], schema: Schema, depth: int) -> None:
        """Add members that the schema does not name, if it requires or describes such members."""
        by_pattern = schema.get("patternProperties") or {}
        others = schema.get("additionalProperties", True)
        is_described = by_pattern or isinstance(others, Mapping)
        count = schema.get("minProperties", 0)
        if is_described and not schema.get("properties") and not self._must_be_small(depth):
            count = max(count, self._rng.randint(1, 3))
        count = min(count, schema.get("maxProperties", count))
        self._judge.budget.spend(max(0, count) * STEP)
        for _ in range(100 + 2 * int(count)):
            if len(value) >= count:
                return
            pattern = self._rng.choice(list(by_pattern)) if by_pattern else None
            names = schema.get("propertyNames")
            name = make_word(self._rng) + (str(self._rng.randint(2, 99)) if len(value) > 9 else "")
            if pattern is not None:
                name = generate_matching(pattern, self._rng, budget=self._judge.budget) or name
                self._judge.known_matches.add((pattern, name))
            elif isinstance(names, Mapping):
                name = str(self.sample({"type": "string"} | dict(names), depth + 1))
            inner = self._find_member(schema, name)
            if name not in value and inner is not False:
                value[name] = self.sample(inner, depth + 1)

    def _sample_array(self, schema: Schema, depth: int) -> list[Any]:
        items = schema.get("items", True)
        first = schema.get("prefixItems") or (items if isinstance(items, list) else [])
        rest = schema.get("additionalItems", True) if isinstance(items, list) else items
        low = schema.get("minItems", 0)
        high = min(
            schema.get("maxItems", math.inf),
            len(first) if rest is False else math.inf,
            max(low, len(first)) + 2,
        )
        size = low
        if not self._must_be_small(depth) and self._has_end(rest):
            size = self._rng.randint(min(max(low, 1, len(first)), int(high)), int(high))
        name = self._name
        if self._mentions and name and not first and (count := self._mentions.count(name)):
            size = max(low, min(count, int(high)))
        contains = schema.get("contains")
        least = schema.get("minContains", 1) if contains is not None else 0
        size = max(size, min(least and len(first) + least, high))
        self._judge.budget.spend(size * STEP)
        value: list[Any] = []
        texts: set[str] = set()
        for _ in range(size * 50):
            if len(value) == size:
                break
            at = len(value)
            item_schema = first[at] if at < len(first) else rest
            if size - at <= least:
                item_schema = {"allOf": [item_schema, contains]}
            self._name = name
            item = self.sample(item_schema, depth + 1)
            text = json.dumps(item, sort_keys=True)
            if not (schema.get("uniqueItems") and text in texts):
                texts.add(text)
                value.append(item)
        if len(value) < low:
            raise ReplyError(f"no {low} different values were found of {rest}")
        return value

    # Strings and numbers

    def _sample_string(self, schema: Schema, depth: int) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if low > high:
            raise ReplyError(f"no text has at least {low} and at most {high} characters")
        if "pattern" in schema:
            return self._match_all(list_patterns(schema["pattern"]), low, high)
        self._judge.budget.spend(low)
        make_text = _FORMATS.get(schema.get("format", ""))
        for _ in range(100):
            text = self._write_text() if make_text is None else make_text(self._rng)
            if low <= len(text) <= high:
                return text
        text = make_word(self._rng)
        while len(text) < min(low, LENGTHY):
            text += f" {make_word(self._rng)}"
        text += f" {text}" * int(low // len(text))
        return text if len(text) <= high else text[: int(high)].rstrip().ljust(int(low), "s")

    def _write_text(self) -> str:
        """Return a word, or now and then several in any language with characters to escape."""
        if self._rng.random() < PLAIN:
            return make_word(self._rng)
        pen = Pen(self._rng, self._rng.choice(list(LANGUAGES)))
        return pen.phrase(1, 4) + self._rng.choice(("", "", ' "', "\\", "\n", "\t", pen.emoji()))

    def _match_all(self, patterns: Sequence[str], low: int, high: float) -> str:
        """Return a text that matches all of the patterns."""
        if len(patterns) == 1:
            return self._match(patterns[0], low, high)
        for _ in range(TRIES * len(patterns)):
            order = self._rng.sample(patterns, len(patterns))
            texts = [self._match(one, low, high) for one in order]
            for text in (texts[0], "".join(texts)):
                fits = low <= len(text) <= high
                if fits and all(self._judge.matches(one, text) for one in patterns):
                    return text
        raise ReplyError(f"no text was found that matches the patterns {patterns}")

    def _match(self, pattern: str, low: int, high: float) -> str:
        text = generate_matching(pattern, self._rng, low, high, self._judge.budget)
        if text is None:
            raise ReplyError(f"no text was found that matches the pattern {pattern!r}")
        self._judge.known_matches.add((pattern, text))
        return text

    def _sample_integer(self, schema: Schema, depth: int) -> int:
        low, high = _find_bounds(schema, lambda n: math.floor(n) + 1, lambda n: math.ceil(n) - 1)
        step = Fraction(str(schema.get("multipleOf", 1))).numerator
        least, most = _find_multiples(low, high, step, schema)
        return self._rng.randint(least, most) * step

    def _sample_number(self, schema: Schema, depth: int) -> float:
        low, high = _find_bounds(
            schema,
            lambda n: math.nextafter(n, math.inf),
            lambda n: math.nextafter(n, -math.inf),
        )
        if (multiple := schema.get("multipleOf")) is not None:
            step = Fraction(str(multiple))
            least, most = _find_multiples(low, high, step, schema)
            for _ in range(100):
                value = float(self._rng.randint(least, most) * step)
                # Not every multiple of 0.1 divides without a remainder.
                if (value / multiple).is_integer():
                    return value
            return float(least * step)
        low, high = _close_bounds(low, high, 1)
        at = self._rng.random()
        value = low * (1 - at) + high * at
        return float(min(high, max(low, round(value, 2))))

    def _sample_boolean(self, schema: Schema, depth: int) -> bool:
        return self._rng.random() < 0.5

    def _sample_null(self, schema: Schema, depth: int) -> None:
        return None


_SAMPLERS: dict[str, Callable[[_Sampler, Schema, int], Any]] = {
    "null": _Sampler._sample_null,
    "boolean": _Sampler._sample_boolean,
    "integer": _Sampler._sample_integer,
    "number": _Sampler._sample_number,
    "string": _Sampler._sample_string,
    "array": _Sampler._sample_array,
    "object": _Sampler._sample_object,
}
"""The functions that sample a value of each type."""


Bound = Callable[[Any], Any]


def _find_bounds(schema: Schema, above: Bound, below: Bound) -> tuple[Any, Any]:
    """Return the least and the greatest number; None if there is no such bound."""
    lows = [schema[name] for name in ("minimum",) if name in schema]
    highs = [schema[name] for name in ("maximum",) if name in schema]
    least, most = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    # In draft 4, true means that the bound itself is excluded.
    if least is True:
        lows = [above(low) for low in lows]
    elif least is not None and least is not False:
        lows.append(above(least))
    if most is True:
        highs = [below(high) for high in highs]
    elif most is not None and most is not False:
        highs.append(below(most))
    return max(lows, default=None), min(highs, default=None)


def _close_bounds(low: Any, high: Any, step: Any) -> tuple[Any, Any]:
    """Return both bounds; a missing one is a hundred steps from the other."""
    if low is None:
        low = 0 if high is None else min(0, high - 100 * step)
    return low, low + 100 * step if high is None else high


def _find_multiples(low: Any, high: Any, step: Any, schema: Schema) -> tuple[int, int]:
    """Return the factors of the least and the greatest multiple of the step."""
    low, high = _close_bounds(low, high, step)
    least, most = math.ceil(Fraction(low) / step), math.floor(Fraction(high) / step)
    if least > most:
        raise ReplyError(f"no number was found that conforms to {dict(schema)}")
    return least, most


def _sample_moment(rng: Random) -> datetime:
    """Return a moment in the three decades before 2026, whatever the time is now."""
    return datetime(2025, 12, 31, tzinfo=UTC) - timedelta(seconds=rng.randrange(10**9))


_FORMATS: dict[str, Callable[[Random], str]] = {
    "date": lambda rng: f"{_sample_moment(rng):%Y-%m-%d}",
    "date-time": lambda rng: f"{_sample_moment(rng):%Y-%m-%dT%H:%M:%SZ}",
    # RFC 3339 requires an offset too, but Python's jsonschema refuses it.
    "time": lambda rng: f"{_sample_moment(rng):%H:%M:%S}",
    "duration": lambda rng: f"P{rng.randint(1, 30)}DT{rng.randint(1, 23)}H",
    "email": make_email,
    "idn-email": make_email,
    "uuid": make_uuid,
    "ipv4": make_ipv4,
    "ipv6": make_ipv6,
    "hostname": make_hostname,
    "idn-hostname": make_hostname,
    "uri": make_url,
    "iri": make_url,
    "url": make_url,
    "uri-reference": lambda rng: f"/{make_word(rng)}",
    "iri-reference": lambda rng: f"/{make_word(rng)}",
    "uri-template": lambda rng: f"/{make_word(rng)}/{{id}}",
    "json-pointer": lambda rng: f"/{make_word(rng)}/{rng.randint(0, 9)}",
    "relative-json-pointer": lambda rng: f"{rng.randint(0, 3)}/{make_word(rng)}",
    "regex": lambda rng: f"^{make_word(rng)}[0-9]*$",
}
"""The functions that write a text of each format."""
