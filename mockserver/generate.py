"""Replies nobody wrote: plausible text, and tool calls that fit their schemas.

Rules of this file: a reply is a function of (seed, request) alone, so that every server of a fleet
answers alike; what a request asks of the form (tools, JSON) is kept.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Mapping
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from mockserver.reply import Reply, ToolCall

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["generate"]

# How the answer travels does not change what is said.
_FORM = frozenset({"stream", "stream_options", "user", "metadata", "store"})

_lock = threading.Lock()


def generate(request: Mapping[str, Any], seed: int | str = 0) -> Reply:
    """A plausible reply to a chat request.

    Args:
        request: the request's parameters.
        seed: another seed gives other replies.

    >>> asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    >>> generate(asked) == generate(asked | {"stream": True}) != generate(asked, seed=1)
    True
    """
    said = {k: v for k, v in request.items() if k not in _FORM}
    digest = hashlib.sha256(f"{seed}\0{json.dumps(said, sort_keys=True)}".encode()).digest()
    rng = Random(digest)
    with _lock:
        fake = _faker()
        fake.seed_instance(rng.getrandbits(64))
        tool = _tool(request, rng)
        if tool is not None:
            arguments = _value(tool.get("parameters") or {}, fake, rng)
            if not isinstance(arguments, dict):
                arguments = {}
            return Reply(tool_calls=ToolCall(str(tool.get("name") or "?"), arguments))
        schema = _schema(request)
        if schema is not None:
            value = _value(schema, fake, rng)
            return Reply(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        paragraphs = [fake.paragraph(rng.randint(2, 5)) for _ in range(rng.choice((1, 1, 1, 2)))]
    return Reply("\n\n".join(paragraphs))


@lru_cache(maxsize=1)
def _faker() -> Faker:
    from faker import Faker

    return Faker("en_US", use_weighting=False)


def _tool(request: Mapping[str, Any], rng: Random) -> Mapping[str, Any] | None:
    """The function that the request demands to be called, if it does."""
    offered = [tool.get("function") for tool in request.get("tools") or ()]
    functions = [f for f in [*offered, *(request.get("functions") or ())] if isinstance(f, dict)]
    choice = request.get("tool_choice") or request.get("function_call")
    if isinstance(choice, dict):
        wanted = (choice.get("function") or choice).get("name")
        return next((f for f in functions if f.get("name") == wanted), None)
    return rng.choice(functions) if choice == "required" and functions else None


def _schema(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that the text has to conform to, if there is one."""
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    stated = wanted.get("json_schema")
    return stated.get("schema") if isinstance(stated, dict) else None


def _value(schema: Mapping[str, Any], fake: Faker, rng: Random) -> Any:
    """A value of a JSON Schema's kind, in OpenAI's structured-output subset."""
    return _Sampler(schema, fake, rng).value(schema, 0)


DEEP = 4  # levels after which a value becomes as small as its schema lets it


class _Sampler:
    def __init__(self, root: Mapping[str, Any], fake: Faker, rng: Random) -> None:
        self._root = root
        self._fake = fake
        self._rng = rng

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping):  # true: anything will do
            return self._fake.word()
        if "$ref" in schema:
            return self.value(self._resolve(str(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            if depth > DEEP:
                return self.value(min(options, key=self._height), depth + 1)
            return self.value(self._rng.choice(options), depth + 1)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else self._rng.choice(kinds)
        if depth > DEEP and "null" in kinds and not isinstance(kinds, str):
            kind = "null"
        return getattr(self, f"_{kind}", self._null)(schema, depth)

    def _height(self, schema: Any, above: tuple[int, ...] = ()) -> float:
        """How many levels the smallest value has; infinite where there is no end."""
        if id(schema) in above:
            return math.inf
        if not isinstance(schema, Mapping):
            return 0
        above = (*above, id(schema))
        if "$ref" in schema:
            return self._height(self._resolve(str(schema["$ref"])), above)
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return min(self._height(option, above) for option in options)
        members = schema.get("properties") or {}
        inner = [members.get(name) for name in schema.get("required", ())]
        if schema.get("minItems"):
            inner.append(schema.get("items"))
        return 1 + max((self._height(one, above) for one in inner), default=0)

    def _resolve(self, ref: str) -> Any:
        at: Any = self._root
        for part in ref.removeprefix("#").strip("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, list) and name.isdigit():
                at = at[int(name)] if int(name) < len(at) else {}
            elif name:
                at = at.get(name, {}) if isinstance(at, Mapping) else {}
        return at

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        members = schema.get("properties") or {}
        needed = schema.get("required", ()) if depth > DEEP else (*members,)
        return {name: self.value(members.get(name, True), depth + 1) for name in needed}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        high = schema.get("maxItems", schema.get("minItems", 1) + 2)
        low = schema.get("minItems", min(1, high) if depth <= DEEP else 0)
        size = self._rng.randint(low, max(low, min(high, low + 2))) if depth <= DEEP else low
        return [self.value(schema.get("items", True), depth + 1) for _ in range(size)]

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        made = _FORMATS.get(schema.get("format", ""), "word")
        return str(getattr(self._fake, made)())

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        low, high = _bounds(schema)
        return self._rng.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))

    def _number(self, schema: Mapping[str, Any], depth: int) -> float:
        low, high = _bounds(schema)
        return min(high, max(low, round(self._rng.uniform(low, high), 2)))

    def _boolean(self, schema: Mapping[str, Any], depth: int) -> bool:
        return self._rng.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int) -> None:
        return None


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    """The least and the greatest number; an exclusive bound is kept away from by a little."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if (least := schema.get("exclusiveMinimum")) is not None:
        low = least + 1 if schema.get("type") == "integer" else math.nextafter(least, math.inf)
    if (most := schema.get("exclusiveMaximum")) is not None:
        high = most - 1 if schema.get("type") == "integer" else math.nextafter(most, -math.inf)
    if low is None:
        low = 0 if high is None else min(0, high - 100)
    return float(low), float(low + 100 if high is None else high)


_FORMATS = {
    "date": "date",
    "date-time": "iso8601",
    "time": "time",
    "email": "email",
    "uuid": "uuid4",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "hostname": "hostname",
    "uri": "url",
}
