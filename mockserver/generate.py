"""Replies nobody wrote: plausible text, and tool calls that fit their schemas.

Rules of this file: a reply is a function of (seed, request) alone, so that every server of a fleet
answers alike; what a request asks of the form (tools, JSON) is kept.
"""

from __future__ import annotations

import hashlib
import json
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
    functions = [tool.get("function") or {} for tool in request.get("tools") or ()]
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        return next((f for f in functions if f.get("name") == wanted), None)
    return rng.choice(functions) if choice == "required" and functions else None


def _schema(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema that the text has to conform to, if there is one."""
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return (wanted.get("json_schema") or {}).get("schema")


def _value(schema: Mapping[str, Any], fake: Faker, rng: Random) -> Any:
    """A value of a JSON Schema's kind, in OpenAI's structured-output subset."""
    return _Sampler(schema, fake, rng).value(schema, 0)


class _Sampler:
    def __init__(self, root: Mapping[str, Any], fake: Faker, rng: Random) -> None:
        self._root = root
        self._fake = fake
        self._rng = rng

    def value(self, schema: Mapping[str, Any], depth: int) -> Any:
        if "$ref" in schema:
            return self.value(self._resolve(str(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            # The last option is as a rule the one that ends a recursion.
            return self.value(options[-1] if depth > 4 else self._rng.choice(options), depth + 1)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = kinds if isinstance(kinds, str) else self._rng.choice(kinds)
        return getattr(self, f"_{kind}", self._null)(schema, depth)

    def _resolve(self, ref: str) -> Mapping[str, Any]:
        at: Any = self._root
        for part in ref.removeprefix("#").strip("/").split("/"):
            at = at.get(part, {}) if part else at
        return at if isinstance(at, Mapping) else {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        members = schema.get("properties") or {}
        return {name: self.value(member, depth + 1) for name, member in members.items()}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        low = schema.get("minItems", 0 if depth > 4 else 1)
        size = self._rng.randint(low, min(schema.get("maxItems", low + 2), low + 2))
        return [self.value(schema.get("items") or {}, depth + 1) for _ in range(size)]

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        made = _FORMATS.get(schema.get("format", ""), "word")
        return str(getattr(self._fake, made)())

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        low = int(schema.get("minimum", 0))
        return self._rng.randint(low, int(schema.get("maximum", low + 100)))

    def _number(self, schema: Mapping[str, Any], depth: int) -> float:
        low = float(schema.get("minimum", 0))
        return round(self._rng.uniform(low, float(schema.get("maximum", low + 100))), 2)

    def _boolean(self, schema: Mapping[str, Any], depth: int) -> bool:
        return self._rng.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int) -> None:
        return None


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
