"""Values that conform to a JSON Schema, in OpenAI's structured-output subset and a little more.

Rules of this file: a value is a function of schema and chance; it is as small as its schema lets
it where it is deep or large already, so that every schema that has a finite value gets one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from mockserver.exceptions import ReplyError
from mockserver.pattern import matching

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["conforming"]

DEEP = 4  # levels after which a value becomes as small as its schema lets it
MANY = 300  # values after which all that follow do
BOTTOM = 60  # levels that no value has that ends

Schema = Mapping[str, Any]


def conforming(schema: Any, fake: Faker, rng: Random) -> Any:
    """A value that conforms to the schema, of JSON's kinds.

    Args:
        schema: the JSON Schema, to whose root ``$ref`` refers.
        fake: where words and addresses come from.
        rng: where all other chance comes from.

    Raises:
        ReplyError: where no value was found, as for a recursion that never ends.
    """
    return _Sampler(schema, fake, rng).value(schema, 0)


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
    some, others = _types(one), _types(other)
    both = [kind for kind in some if kind in others]
    integer = "integer" in (*some, *others) and "number" in (*some, *others)
    return [*both, "integer"] if integer and "integer" not in both else both


def _types(stated: Any) -> list[str]:
    return [stated] if isinstance(stated, str) else list(stated)


def _both_or_neither(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _both(one, other)
    if one is False or other is False:
        return False
    return one if isinstance(one, Mapping) else other


def _members(one: Schema, other: Schema) -> Schema:
    joined = {k: _both_or_neither(one[k], v) if k in one else v for k, v in other.items()}
    return {**one, **joined}


_JOINED: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "enum": lambda one, other: [value for value in one if value in other],
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

_HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""What tells the type where nothing states it; else it is a string."""

_KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class _Sampler:
    def __init__(self, root: Any, fake: Faker, rng: Random) -> None:
        self._root = root
        self._fake = fake
        self._rng = rng
        self._made = 0
        self._known: dict[tuple[int, int], tuple[Any, bool]] = {}

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping):  # true: anything will do
            return self._fake.word()
        if depth > BOTTOM:
            raise ReplyError("no value was found that conforms to the schema: it has no end")
        schema = self._whole(schema)
        self._made += 1
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            tests = [_KINDS[kind] for kind in _types(schema.get("type", [])) if kind in _KINDS]
            fits = [v for v in schema["enum"] if not tests or any(test(v) for test in tests)]
            if not fits:
                raise ReplyError(f"no value was found that conforms to {dict(schema)}")
            return self._rng.choice(fits)
        for choice in ("anyOf", "oneOf"):
            if options := schema.get(choice):
                rest = {name: value for name, value in schema.items() if name != choice}
                return self.value(self._option(rest, options, depth), depth + 1)
        kinds = _types(schema["type"]) if "type" in schema else [_kind_of(schema)]
        if not kinds:
            raise ReplyError(f"no value was found that conforms to {dict(schema)}")
        small = self._is_small(depth)
        kind = "null" if small and "null" in kinds else self._rng.choice(kinds)
        return getattr(self, f"_{kind}", self._null)(schema, depth)

    def _is_small(self, depth: int) -> bool:
        return depth > DEEP or self._made > MANY

    def _whole(self, schema: Schema) -> Schema:
        """The schema with what it refers to and all of ``allOf`` in it."""
        seen = 0
        while "$ref" in schema or "allOf" in schema:
            rest = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
            parts = list(schema.get("allOf") or ())
            if "$ref" in schema:
                parts.append(self._resolve(str(schema["$ref"])))
            for part in parts:
                rest = dict(_both(rest, part)) if isinstance(part, Mapping) else rest
            schema, seen = rest, seen + 1
            if seen > BOTTOM:
                raise ReplyError("no value was found that conforms to the schema: it has no end")
        return schema

    def _option(self, rest: Schema, options: Sequence[Any], depth: int) -> Schema:
        """One of the options, with the rest of what is asked."""
        joined = [_both(rest, self._whole(o) if isinstance(o, Mapping) else {}) for o in options]
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
        if levels < 0:
            return False
        needed = list(schema.get("allOf") or ())
        if "$ref" in schema:
            needed.append(self._resolve(str(schema["$ref"])))
        if "null" not in _types(schema.get("type", ())):
            members = schema.get("properties") or {}
            needed += [members.get(name) for name in schema.get("required", ())]
            needed += schema.get("prefixItems", ()) if schema.get("minItems") else ()
            needed += [schema.get("items")] if schema.get("minItems") else []
        options = schema.get("anyOf") or schema.get("oneOf") or [True]
        return any(self._fits(option, levels - 1) for option in options) and all(
            self._fits(one, levels - 1) for one in needed
        )

    def _resolve(self, ref: str) -> Any:
        at: Any = self._root
        for part in ref.removeprefix("#").strip("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, list) and name.isdigit():
                at = at[int(name)] if int(name) < len(at) else {}
            elif name:
                at = at.get(name, {}) if isinstance(at, Mapping) else {}
        return at

    # Objects and arrays

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        members, required = schema.get("properties") or {}, list(schema.get("required", ()))
        names = [name for name in members if name in required]
        if not self._is_small(depth):
            names = [name for name in members if name in required or self._can_be(members[name])]
        names += [name for name in required if name not in members]
        most = schema.get("maxProperties", math.inf)
        while len(names) > most and (spare := [n for n in names if n not in required]):
            names.remove(spare[-1])
        made = {name: self.value(members.get(name, True), depth + 1) for name in names}
        self._add_members(made, schema, depth)
        return made

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
        for _ in range(100):
            if len(made) >= wanted:
                return
            pattern = self._rng.choice(list(by_pattern)) if by_pattern else None
            names = schema.get("propertyNames")
            name = self._fake.word() + (str(self._rng.randint(2, 99)) if len(made) > 9 else "")
            if pattern is not None:
                name = matching(pattern, self._rng) or name
            elif isinstance(names, Mapping):
                name = str(self.value({"type": "string"} | dict(names), depth + 1))
            if name not in made:
                inner = others if pattern is None else by_pattern[pattern]
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
        made: list[Any] = []
        known: set[str] = set()
        for _ in range(size * 50):
            if len(made) == size:
                break
            at = len(made)
            one = self.value(first[at] if at < len(first) else rest, depth + 1)
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
        if (pattern := schema.get("pattern")) is not None:
            text = matching(str(pattern), self._rng, low, high)
            if text is None:
                raise ReplyError(f"no text was found that matches the pattern {pattern!r}")
            return text
        make = _FORMATS.get(schema.get("format", ""))
        for _ in range(100):
            text = self._fake.word() if make is None else make(self._fake, self._rng)
            if low <= len(text) <= high:
                return text
        text = self._fake.word()
        while len(text) < low:
            text += f" {self._fake.word()}"
        return text if len(text) <= high else text[: int(high)].rstrip().ljust(low, "s")

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


def _kind_of(schema: Schema) -> str:
    for kind, hints in _HINTS.items():
        if any(hint in schema for hint in hints):
            return kind
    return "string"


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


_FORMATS: dict[str, Callable[[Faker, Random], str]] = {
    "date": lambda fake, rng: f"{_moment(rng):%Y-%m-%d}",
    "date-time": lambda fake, rng: f"{_moment(rng):%Y-%m-%dT%H:%M:%SZ}",
    # RFC 3339 wants an offset too, which Python's jsonschema refuses.
    "time": lambda fake, rng: f"{_moment(rng):%H:%M:%S}",
    "duration": lambda fake, rng: f"P{rng.randint(1, 30)}DT{rng.randint(1, 23)}H",
    "email": lambda fake, rng: fake.email(),
    "idn-email": lambda fake, rng: fake.email(),
    "uuid": lambda fake, rng: fake.uuid4(),
    "ipv4": lambda fake, rng: fake.ipv4(),
    "ipv6": lambda fake, rng: fake.ipv6(),
    "hostname": lambda fake, rng: fake.hostname(),
    "idn-hostname": lambda fake, rng: fake.hostname(),
    "uri": lambda fake, rng: fake.url(),
    "iri": lambda fake, rng: fake.url(),
    "url": lambda fake, rng: fake.url(),
    "uri-reference": lambda fake, rng: f"/{fake.word()}",
    "iri-reference": lambda fake, rng: f"/{fake.word()}",
    "uri-template": lambda fake, rng: f"/{fake.word()}/{{id}}",
    "json-pointer": lambda fake, rng: f"/{fake.word()}/{rng.randint(0, 9)}",
    "relative-json-pointer": lambda fake, rng: f"{rng.randint(0, 3)}/{fake.word()}",
    "regex": lambda fake, rng: f"^{fake.word()}[0-9]*$",
}
"""How a text of a format is made."""
