"""Which clients care about which change of form, and who says so.

There are two sources. A row of `RULES` names a ready-made stream that has the form after the
change; the clients are those that were measured to fail on it, as the pages of docs/conformance/
say, and a test compares the two. The other source is the schema of the OpenAI SDK: a member that
its type requires and that is gone, null or only sometimes there.

Rules of this file: nothing is guessed. A change without a row and without a requirement concerns
nobody that we know of; that is not a promise that nobody cares. "Fails" is any grade but pass and
lossy, so it may be another answer than the right one, a swallowed error, or an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from openai_mockserver.api.detection import CHAT, LOOKS
from openai_mockserver.api.validation.schema import Schema, operation, resolve

__all__ = ["RULES", "Concern", "Rule", "find_concerns"]


@dataclass(frozen=True)
class Concern:
    """Who cares about a change.

    Args:
        clients: names of clients, as on the pages of docs/conformance/; none if all coped.
        reason: what they have trouble with.
        source: who says so.
    """

    clients: tuple[str, ...]
    reason: str
    source: str


class Rule(NamedTuple):
    """A change that a ready-made stream shows.

    Args:
        kinds: the kinds of the change.
        place: an expression for its place.
        new: an expression for what it is now; empty for anything.
        stream: the ready-made stream.
        clients: the clients that fail on it.
        reason: what is in the stream.
    """

    kinds: str
    place: str
    new: str
    stream: str
    clients: str
    reason: str


_CALL = r"choices\[\]\.delta\.tool_calls\[\]"
_DELTA = r"choices\[\]\.delta"

RULES = (
    Rule("removed presence", rf"{_CALL}\.index", "", "tool-call-index-missing",
         "ai-sdk any-llm haystack openai openai-async openai-node smolagents",
         "tool calls without an index"),
    Rule("removed", rf"{_CALL}\.id", "", "tool-call-id-never-sent",
         "langchain-js litellm mirascope openai-agents openai-agents-js openai-node",
         "a tool call without an id"),
    Rule("type", rf"{_CALL}\.id", "empty text", "tool-call-continuation-empty-id-no-name",
         "langchain-js openai-node", "an empty id in later fragments of a call"),
    Rule("type", rf"{_CALL}\.id", "null", "tool-call-continuation-null-id-name",
         "langchain-js openai-node", "an id that is null in later fragments of a call"),
    Rule("removed", rf"{_CALL}\.type", "", "tool-call-type-missing",
         "agno openai-node", "a tool call without a type"),
    Rule("type", rf"{_CALL}\.type", "null", "tool-call-type-null-later",
         "openai openai-async", "a type that is null in later fragments of a call"),
    Rule("type", rf"{_CALL}\.function\.arguments", "object", "tool-call-arguments-as-object",
         "agno ai-sdk ai-sdk-compatible any-llm autogen haystack langchain-js langchain-openai "
         "llama-index llama-index-openai-like llm mirascope openai-agents openai-agents-js "
         "openai-node smolagents",
         "arguments that are an object, not text"),
    Rule("removed presence", rf"{_CALL}\.function\.arguments", "",
         "tool-call-without-arguments-key",
         "langchain-js openai-node", "a tool call without arguments"),
    Rule("type", rf"{_DELTA}\.tool_calls", "object", "delta-tool-calls-as-single-object",
         "agno ai-sdk ai-sdk-compatible any-llm autogen haystack langchain-js langchain-openai "
         "litellm llama-index llama-index-openai-like llm mirascope openai openai-agents "
         "openai-agents-js openai-async openai-node pydantic-ai semantic-kernel smolagents",
         "tool_calls that is an object, not a list"),
    Rule("removed", rf"{_DELTA}\.role", "", "role-never-sent", "openai-node", "no role at all"),
    Rule("type", rf"{_DELTA}\.role", "empty text", "role-empty-string",
         "ai-sdk any-llm langchain-js openai-node", "an empty role"),
    Rule("type", rf"{_DELTA}\.role", "null", "role-null-on-later-chunks", "",
         "a role that is null in later chunks"),
    Rule("type", r"choices", "null", "choices-null",
         "ai-sdk ai-sdk-compatible any-llm autogen haystack llama-index llama-index-openai-like "
         "llm openai openai-async openai-node semantic-kernel",
         "choices that are null"),
    Rule("removed presence", r"choices", "(sometimes)?", "usage-chunk-without-choices-key",
         "ai-sdk ai-sdk-compatible any-llm autogen haystack llama-index llama-index-openai-like "
         "llm openai openai-async openai-node semantic-kernel",
         "a chunk without choices"),
    Rule("removed presence", _DELTA, "(sometimes)?", "delta-key-missing",
         "any-llm autogen llm mirascope openai openai-async", "a choice without delta"),
    Rule("added", r"choices\[\]\.message", "", "delta-and-message-both-present",
         "ai-sdk-compatible any-llm openai-node", "a message beside the delta"),
    Rule("type", rf"{_DELTA}\.content", "array", "content-list-of-parts",
         "agno ai-sdk any-llm autogen haystack langchain-js litellm litellm-proxy llama-index "
         "llama-index-openai-like llm mirascope openai openai-agents openai-agents-js openai-async "
         "openai-node semantic-kernel smolagents",
         "content that is a list of parts"),
    Rule("type", rf"{_DELTA}\.content", "number", "content-as-json-number",
         "agno ai-sdk ai-sdk-compatible any-llm autogen haystack langchain-js langchain-openai "
         "litellm litellm-proxy llama-index llama-index-openai-like llm mirascope openai "
         "openai-agents openai-async pydantic-ai semantic-kernel smolagents",
         "content that is a number"),
    Rule("removed chunks", r"choices\[\]\.finish_reason|finish", "(absent)?",
         "stream-ends-without-any-finish-reason",
         "agno litellm-proxy llm mirascope openai-agents pydantic-ai smolagents",
         "no finish reason"),
    Rule("presence", r"choices\[\]\.finish_reason", "sometimes",
         "finish-reason-key-omitted-until-end", "", "finish_reason in the last chunk only"),
    Rule("type", r"choices\[\]\.finish_reason", "empty text",
         "finish-reason-empty-string-until-end", "autogen", "an empty finish reason until the end"),
    Rule("type", r"usage\.(prompt|completion|total)_tokens", "null", "usage-counts-null",
         "autogen mirascope smolagents", "counts of tokens that are null"),
    Rule("added", r"choices\[\]\.usage", "", "usage-inside-choice",
         "agno autogen litellm litellm-proxy openai-agents-js pydantic-ai smolagents",
         "the usage in a choice"),
    Rule("framing", r"\[DONE\]", "no", "missing-done", "", "no [DONE]"),
    Rule("framing", r"comments", "yes", "keep-alive-comments", "", "comments between the events"),
    Rule("framing", r"line ends", ".*CRLF.*", "crlf-line-endings", "", "lines that end in CRLF"),
    Rule("framing", r"fields", r".*'data:'.*", "data-without-space", "", "no space after data:"),
    Rule("framing", r"byte order mark", "yes", "bom-at-start",
         "agno aisuite any-llm autogen haystack httpx-sse langchain-openai litellm litellm-proxy "
         "llama-index llama-index-openai-like llm mirascope openai openai-agents openai-async "
         "openai-create pydantic-ai semantic-kernel smolagents",
         "a byte order mark"),
)  # fmt: skip
"""The rows; several may apply to a change."""


def find_concerns(
    kind: str, place: str, new: str | None, endpoint: str | None
) -> Iterator[Concern]:
    """Yield who cares about a change.

    Args:
        kind, place, new: the change, as in `FormChange`.
        endpoint: the endpoint of the response, as `show` names it.
    """
    if endpoint in (CHAT, None):
        yield from (
            Concern(
                tuple(rule.clients.split()), rule.reason, f"measured on the stream {rule.stream}"
            )
            for rule in RULES
            if kind in rule.kinds.split()
            and re.fullmatch(rule.place, place)
            and _has_new(rule, new)
        )
    is_lost = kind == "removed" or (kind == "presence" and new == "sometimes")
    is_null = kind == "type" and "null" in (new or "").split(" or ")
    if (is_lost or is_null) and (owner := _find_owner(place, endpoint, is_null)):
        yield Concern(
            ("code that relies on the types of the openai SDK",),
            "the SDK does not check it: an attribute is missing or None that its type promises",
            f"{owner} of the SDK's schema",
        )


def _has_new(rule: Rule, new: str | None) -> bool:
    if not rule.new:
        return rule.kinds == "added" or new in (None, "sometimes")
    parts = (new or "").split(" or ") if "type" in rule.kinds else [new or ""]
    return any(re.fullmatch(rule.new, part) for part in parts)


# What the SDK's types require

_PATHS = {look.name: look.path for look in LOOKS if look.path is not None}


def _find_owner(place: str, endpoint: str | None, is_null: bool) -> str | None:
    """Return the type that requires the member at a place, and that it is not null."""
    prefix, _, path = place.rpartition(": ")
    name, shape = _find_root(prefix, endpoint)
    *parents, last = path.split(".")
    for step in parents:
        name, shape = _follow(shape.get("properties", {}).get(step.removesuffix("[]")), name)
        if step.endswith("[]"):
            name, shape = _follow(shape.get("items"), name)
    if last not in shape.get("required", ()):
        return None
    is_nullable = shape.get("properties", {}).get(last, {}).get("nullable", False)
    return None if is_null and is_nullable else f"{name}.{last}"


def _follow(shape: Schema | None, name: str) -> tuple[str, Schema]:
    """Return the definition of a member, with its name if it has one."""
    shape = shape or {}
    return str(shape.get("$ref", name)), resolve(shape)


def _find_root(kind: str, endpoint: str | None) -> tuple[str, Schema]:
    """Return the type of the events of an endpoint, of a kind if they are typed."""
    if endpoint not in _PATHS:
        return "", {}
    try:
        event = operation("POST", _PATHS[endpoint]).event
    except KeyError:  # a WebSocket's
        return "", {}
    for variant in (event or {}).get("anyOf", [event]):
        name, shape = _follow(variant, "")
        kinds = shape.get("properties", {}).get("type", {}).get("enum", ())
        if not kind or kind in kinds:
            return name, shape
    return "", {}
