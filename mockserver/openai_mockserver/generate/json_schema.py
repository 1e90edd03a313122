"""Values that conform to a JSON Schema, in OpenAI's structured-output subset and a little more.

Rules of this file: a value is a function of schema and chance; it is as small as its schema lets
it where it is deep or large already, so that every schema that has a finite value gets one. What is
made is judged before it is given: by the keywords of ``_CHECKS``, all others are not known here.
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
from openai_mockserver.generate.regex import Budget, generate_matching
from openai_mockserver.generate.schema_check import (
    KINDS,
    Judge,
    Schema,
    allowed_types,
    compiled_patterns,
    kind_of,
)
from openai_mockserver.generate.text import Pen

__all__ = ["generate_json"]

DEEP = 4  # levels after which a value becomes as small as its schema lets it
MANY = 300  # values after which all that follow do
TRIES = 30  # values of one schema of which none conforms, after which there is none
STEP = 30  # of the budget: a value takes longer than a character
LENGTHY = 10_000  # characters after which a text that has to be longer says the same again
PLAIN = 0.85  # of the texts of which nothing is told: a word
BOTTOM = 60  # levels that no value has that ends


def generate_json(schema: Any, rng: Random, budget: Budget | None = None) -> Any:
    """A value that conforms to the schema, of JSON's kinds.

    Args:
        schema: the JSON Schema, to whose root ``$ref`` refers.
        rng: where all other chance comes from.
        budget: what it may take.

    Raises:
        ReplyError: where no value was found, as for a recursion that never ends, or the schema
            cannot be read or asks for more than the budget.
    """
    judge = Judge(schema, budget or Budget())
    sampler = _Sampler(judge, rng)
    wrong = None
    try:
        for _ in range(TRIES):
            value = sampler.value(schema, 0)
            wrong = judge.wrong(value, schema, "#")
            if wrong is None:
                return value
            sampler.varied = True
    except ReplyError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ReplyError(f"the schema cannot be read: {error}") from error
    except RecursionError:
        raise ReplyError("no value was found that conforms to the schema: it has no end") from None
    raise ReplyError(f"no value was found that conforms to the schema's {wrong}")


# One schema of two


def _both(one: Schema, other: Schema) -> Schema:
    """A schema to which conforms what conforms to both."""
    return dict(one) | {
        name: _JOINED[name](one[name], value) if name in one and name in _JOINED else value
        for name, value in other.items()
    }


def _union(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    kept = list(one)
    return kept + [value for value in other if value not in kept]


def _common_types(one: Any, other: Any) -> list[str]:
    some, others = allowed_types(one), allowed_types(other)
    both = [kind for kind in some if kind in others]
    integer = "integer" in (*some, *others) and "number" in (*some, *others)
    return [*both, "integer"] if integer and "integer" not in both else both


def _both_or_neither(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _both(one, other)
    if one is False or other is False:
        return False
    return one if isinstance(one, Mapping) else other


def _members(one: Schema, other: Schema) -> Schema:
    joined = {k: _both_or_neither(one[k], v) if k in one else v for k, v in other.items()}
    return {**one, **joined}


def _multiple(one: Any, other: Any) -> Any:
    """The least number of which multiples are multiples of both."""
    some, others = Fraction(str(one)), Fraction(str(other))
    below = some.denominator * others.denominator
    least = Fraction(math.lcm(int(some * below), int(others * below)), below)
    return int(least) if least.denominator == 1 else float(least)


def _crossed(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    if len(one) * len(other) > MANY:
        raise ReplyError("the schema joins too many choices")
    return [{"allOf": [some, others]} for some in one for others in other]


_JOINED: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "enum": lambda one, other: [value for value in one if value in other],
    "pattern": lambda one, other: tuple(_union(compiled_patterns(one), compiled_patterns(other))),
    "multipleOf": _multiple,
    "not": lambda one, other: {"anyOf": [one, other]},
    "anyOf": _crossed,
    "oneOf": _crossed,
    "required": _union,
    "allOf": _union,
    "properties": _members,
    "patternProperties": _members,
    "additionalProperties": _both_or_neither,
    "items": _both_or_neither,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
"""How what both say of a thing becomes one."""

_HARD = frozenset({"not", "oneOf", "if", "contains", "dependentRequired"})
"""Keywords that chance has to meet."""


# Making


class _Sampler:
    def __init__(self, judge: Judge, rng: Random) -> None:
        self._judge = judge
        self._rng = rng
        self._made = 0
        self._known: dict[tuple[int, int], tuple[Any, bool]] = {}
        self.varied = False  # whether members that may be left out sometimes are

    def value(self, schema: Any, depth: int) -> Any:
        if schema is False:
            raise ReplyError("no value was found that conforms to the schema: false has none")
        if not isinstance(schema, Mapping):  # true: anything will do
            self._judge.budget.spend(STEP)
            return make_word(self._rng)
        if depth > BOTTOM:
            raise ReplyError("no value was found that conforms to the schema: it has no end")
        whole = self._whole(schema)
        value = self._value(whole, depth)
        for _ in range(TRIES if _HARD & whole.keys() else 0):
            if self._judge.fits(value, whole):
                break
            varied, self.varied = self.varied, True
            value = self._value(whole, depth)
            self.varied = varied
        return value

    def _value(self, schema: Schema, depth: int) -> Any:
        self._made += 1
        self._judge.budget.spend(STEP)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            rest = {name: told for name, told in schema.items() if name != "enum"}
            fits = [value for value in schema["enum"] if self._judge.fits(value, rest)]
            if not fits:
                raise ReplyError(f"no value was found that conforms to {dict(schema)}")
            return self._rng.choice(fits)
        if "if" in schema:
            rest = {k: told for k, told in schema.items() if k not in ("if", "then", "else")}
            met = {"allOf": [schema["if"], schema.get("then", True)]}
            option = self._option(rest, [met, schema.get("else", True)], depth)
            return self.value(option, depth + 1)
        for choice in ("anyOf", "oneOf"):
            if options := schema.get(choice):
                rest = {name: value for name, value in schema.items() if name != choice}
                return self.value(self._option(rest, options, depth), depth + 1)
        small = self._is_small(depth)
        kinds = self._kinds(schema)
        kind = "null" if small and "null" in kinds else self._rng.choice(kinds)
        return _MAKERS[kind](self, schema, depth)

    def _kinds(self, schema: Schema) -> list[str]:
        if "type" not in schema:
            kind = kind_of(schema)
            anything = self.varied and kind == "string" and "not" in schema
            return list(KINDS) if anything else [kind]
        kinds = allowed_types(schema["type"])
        if not kinds:
            raise ReplyError(f"no value was found that conforms to {dict(schema)}")
        for kind in kinds:
            if kind not in _MAKERS:
                raise ReplyError(f"the schema has the type {kind!r}, which is none of JSON's")
        return kinds

    def _is_small(self, depth: int) -> bool:
        return depth > DEEP or self._made > MANY

    def _whole(self, schema: Schema) -> Schema:
        """The schema with what it refers to and all of ``allOf`` in it."""
        seen = 0
        while "$ref" in schema or "allOf" in schema:
            rest = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
            parts = list(schema.get("allOf") or ())
            if "$ref" in schema:
                parts.append(self._judge.resolve(str(schema["$ref"])))
            for part in parts:
                self._judge.budget.spend(STEP)
                if part is False:
                    raise ReplyError("no value was found that conforms to the schema's false")
                rest = dict(_both(rest, part)) if isinstance(part, Mapping) else rest
            schema, seen = rest, seen + 1
            if seen > BOTTOM:
                raise ReplyError("no value was found that conforms to the schema: it has no end")
        return schema

    def _option(self, rest: Schema, options: Sequence[Any], depth: int) -> Schema:
        """One of the options, with the rest of what is asked."""
        wholes = [
            self._whole(o) if isinstance(o, Mapping) else {} for o in options if o is not False
        ]
        joined = [_both(rest, whole) for whole in wholes]
        possible = [one for one in joined if one.get("type", ...) and one.get("enum", ...)]
        if not possible:
            raise ReplyError(f"no value was found that conforms to one of {list(options)}")
        small = min(possible, key=self._height) if self._is_small(depth) else None
        return small or self._rng.choice(possible)

    def _height(self, schema: Any) -> float:
        """How many levels the smallest value has; infinite where there is no end."""
        return next((n for n in range(BOTTOM) if self._fits(schema, n)), math.inf)

    def _fits(self, schema: Any, levels: int) -> bool:
        """Whether some value has so few levels."""
        if not isinstance(schema, Mapping):
            return True
        known = self._known.get((id(schema), levels))
        if known is None:
            # The schema is kept too, so that no other gets its id.
            known = self._known[id(schema), levels] = (schema, self._looks_fit(schema, levels))
        return known[1]

    def _looks_fit(self, schema: Schema, levels: int) -> bool:
        self._judge.budget.spend(1)
        if levels < 0:
            return False
        needed = list(schema.get("allOf") or ())
        if "$ref" in schema:
            needed.append(self._judge.resolve(str(schema["$ref"])))
        if "null" not in allowed_types(schema.get("type", ())):
            members = schema.get("properties") or {}
            needed += [members.get(name) for name in schema.get("required", ())]
            needed += schema.get("prefixItems", ()) if schema.get("minItems") else ()
            needed += [schema.get("items")] if schema.get("minItems") else []
        options = schema.get("anyOf") or schema.get("oneOf") or [True]
        return any(self._fits(option, levels - 1) for option in options) and all(
            self._fits(one, levels - 1) for one in needed
        )

    # Objects and arrays

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = dict.fromkeys(schema.get("required", ()))
        names = [name for name in schema.get("properties") or {} if name not in required]
        members = {name: self._member(schema, name) for name in (*names, *required)}
        order = [*(schema.get("properties") or {}), *required]
        names = [name for name in dict.fromkeys(order) if name in required]
        if not self._is_small(depth):
            names = [
                name
                for name in dict.fromkeys(order)
                if name in required or (self._can_be(members[name]) and self._is_kept())
            ]
        most = schema.get("maxProperties", math.inf)
        while len(names) > most and (spare := [n for n in names if n not in required]):
            names.remove(spare[-1])
        for name in names:
            if members[name] is False:
                raise ReplyError(f"no value was found: the schema requires and forbids {name!r}")
        made = {name: self.value(members[name], depth + 1) for name in names}
        self._add_members(made, schema, depth)
        return made

    def _member(self, schema: Schema, name: str) -> Any:
        """The schema of a member of this name."""
        named = self._judge.named(schema, name) or [schema.get("additionalProperties", True)]
        if False in named:
            return False
        return named[0] if len(named) == 1 else {"allOf": named}

    def _is_kept(self) -> bool:
        return not self.varied or self._rng.random() < 0.5

    def _can_be(self, schema: Any) -> bool:
        return schema is not False and self._height(schema) < math.inf

    def _add_members(self, made: dict[str, Any], schema: Schema, depth: int) -> None:
        """Members of no given name, where there have to be some or nothing else is told."""
        by_pattern = schema.get("patternProperties") or {}
        others = schema.get("additionalProperties", True)
        told = by_pattern or isinstance(others, Mapping)
        wanted = schema.get("minProperties", 0)
        if told and not schema.get("properties") and not self._is_small(depth):
            wanted = max(wanted, self._rng.randint(1, 3))
        wanted = min(wanted, schema.get("maxProperties", wanted))
        self._judge.budget.spend(max(0, wanted) * STEP)
        for _ in range(100 + 2 * int(wanted)):
            if len(made) >= wanted:
                return
            pattern = self._rng.choice(list(by_pattern)) if by_pattern else None
            names = schema.get("propertyNames")
            name = make_word(self._rng) + (str(self._rng.randint(2, 99)) if len(made) > 9 else "")
            if pattern is not None:
                name = generate_matching(pattern, self._rng, budget=self._judge.budget) or name
                self._judge.matched.add((pattern, name))
            elif isinstance(names, Mapping):
                name = str(self.value({"type": "string"} | dict(names), depth + 1))
            inner = self._member(schema, name)
            if name not in made and inner is not False:
                made[name] = self.value(inner, depth + 1)

    def _array(self, schema: Schema, depth: int) -> list[Any]:
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
        if not self._is_small(depth) and self._can_be(rest):
            size = self._rng.randint(min(max(low, 1, len(first)), int(high)), int(high))
        holds = schema.get("contains")
        held = schema.get("minContains", 1) if holds is not None else 0
        size = max(size, min(held and len(first) + held, high))
        self._judge.budget.spend(size * STEP)
        made: list[Any] = []
        known: set[str] = set()
        for _ in range(size * 50):
            if len(made) == size:
                break
            at = len(made)
            item = first[at] if at < len(first) else rest
            if size - at <= held:
                item = {"allOf": [item, holds]}
            one = self.value(item, depth + 1)
            text = json.dumps(one, sort_keys=True)
            if not (schema.get("uniqueItems") and text in known):
                known.add(text)
                made.append(one)
        if len(made) < low:
            raise ReplyError(f"no {low} different values were found of {rest}")
        return made

    # What has no parts

    def _string(self, schema: Schema, depth: int) -> str:
        low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if low > high:
            raise ReplyError(f"no text is {low} characters long at least and {high} at most")
        if "pattern" in schema:
            return self._matching(compiled_patterns(schema["pattern"]), low, high)
        self._judge.budget.spend(low)
        make = _FORMATS.get(schema.get("format", ""))
        for _ in range(100):
            text = self._text() if make is None else make(self._rng)
            if low <= len(text) <= high:
                return text
        text = make_word(self._rng)
        while len(text) < min(low, LENGTHY):
            text += f" {make_word(self._rng)}"
        text += f" {text}" * int(low // len(text))
        return text if len(text) <= high else text[: int(high)].rstrip().ljust(int(low), "s")

    def _text(self) -> str:
        """A word; now and then some in any language, with what has to be escaped."""
        if self._rng.random() < PLAIN:
            return make_word(self._rng)
        pen = Pen(self._rng, self._rng.choice(list(LANGUAGES)))
        return pen.phrase(1, 4) + self._rng.choice(("", "", ' "', "\\", "\n", "\t", pen.emoji()))

    def _matching(self, patterns: Sequence[str], low: int, high: float) -> str:
        """A text that matches all of the patterns."""
        if len(patterns) == 1:
            return self._match(patterns[0], low, high)
        for _ in range(TRIES * len(patterns)):
            order = self._rng.sample(patterns, len(patterns))
            texts = [self._match(one, low, high) for one in order]
            for text in (texts[0], "".join(texts)):
                fits = low <= len(text) <= high
                if fits and all(self._judge.found(one, text) for one in patterns):
                    return text
        raise ReplyError(f"no text was found that matches the patterns {patterns}")

    def _match(self, pattern: str, low: int, high: float) -> str:
        text = generate_matching(pattern, self._rng, low, high, self._judge.budget)
        if text is None:
            raise ReplyError(f"no text was found that matches the pattern {pattern!r}")
        self._judge.matched.add((pattern, text))
        return text

    def _integer(self, schema: Schema, depth: int) -> int:
        low, high = _bounds(schema, lambda n: math.floor(n) + 1, lambda n: math.ceil(n) - 1)
        step = Fraction(str(schema.get("multipleOf", 1))).numerator
        least, most = _range(low, high, step, schema)
        return self._rng.randint(least, most) * step

    def _number(self, schema: Schema, depth: int) -> float:
        low, high = _bounds(
            schema,
            lambda n: math.nextafter(n, math.inf),
            lambda n: math.nextafter(n, -math.inf),
        )
        if (multiple := schema.get("multipleOf")) is not None:
            step = Fraction(str(multiple))
            least, most = _range(low, high, step, schema)
            for _ in range(100):
                value = float(self._rng.randint(least, most) * step)
                # Some multiples of 0.1 are none to who divides.
                if (value / multiple).is_integer():
                    return value
            return float(least * step)
        low, high = _closed(low, high, 1)
        at = self._rng.random()
        value = low * (1 - at) + high * at
        return float(min(high, max(low, round(value, 2))))

    def _boolean(self, schema: Schema, depth: int) -> bool:
        return self._rng.random() < 0.5

    def _null(self, schema: Schema, depth: int) -> None:
        return None


_MAKERS: dict[str, Callable[[_Sampler, Schema, int], Any]] = {
    "null": _Sampler._null,
    "boolean": _Sampler._boolean,
    "integer": _Sampler._integer,
    "number": _Sampler._number,
    "string": _Sampler._string,
    "array": _Sampler._array,
    "object": _Sampler._object,
}
"""How a value of each kind is made."""


Bound = Callable[[Any], Any]


def _bounds(schema: Schema, above: Bound, below: Bound) -> tuple[Any, Any]:
    """The least and the greatest number, None where there is none."""
    lows = [schema[name] for name in ("minimum",) if name in schema]
    highs = [schema[name] for name in ("maximum",) if name in schema]
    least, most = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    # Old schemas only say whether the bound itself is excluded.
    if least is True:
        lows = [above(low) for low in lows]
    elif least is not None and least is not False:
        lows.append(above(least))
    if most is True:
        highs = [below(high) for high in highs]
    elif most is not None and most is not False:
        highs.append(below(most))
    return max(lows, default=None), min(highs, default=None)


def _closed(low: Any, high: Any, step: Any) -> tuple[Any, Any]:
    """Both bounds, a hundred steps apart where one is missing."""
    if low is None:
        low = 0 if high is None else min(0, high - 100 * step)
    return low, low + 100 * step if high is None else high


def _range(low: Any, high: Any, step: Any, schema: Schema) -> tuple[int, int]:
    """The least and the greatest multiple of the step."""
    low, high = _closed(low, high, step)
    least, most = math.ceil(Fraction(low) / step), math.floor(Fraction(high) / step)
    if least > most:
        raise ReplyError(f"no number was found that conforms to {dict(schema)}")
    return least, most


def _moment(rng: Random) -> datetime:
    """A moment of the last decades before 2026, the same whenever it is asked for."""
    return datetime(2025, 12, 31, tzinfo=UTC) - timedelta(seconds=rng.randrange(10**9))


_FORMATS: dict[str, Callable[[Random], str]] = {
    "date": lambda rng: f"{_moment(rng):%Y-%m-%d}",
    "date-time": lambda rng: f"{_moment(rng):%Y-%m-%dT%H:%M:%SZ}",
    # RFC 3339 wants an offset too, which Python's jsonschema refuses.
    "time": lambda rng: f"{_moment(rng):%H:%M:%S}",
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
"""How a text of a format is made."""
