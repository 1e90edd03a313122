"""Variants: named changes of a dialect, of which several can be combined.

A gateway writes chunks as its upstream does, and a proxy may write the JSON again in its own way.
Such a difference is a variant, and a dialect with variants has all their names: the dialect
``openrouter-2025+type-last+sorted`` is ``openrouter-2025`` with two variants.

`COMMON` has the variants that every dialect can have: they say what a chunk has together with
something else, and how the JSON is spelt. A dialect declares others in its own file: members that
only some of its upstreams send.

Rules of this file: data. `Dialect.with_variants` applies it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["COMMON", "CommonVariant", "Variant"]


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant that a single dialect declares.

    Args:
        meaning: what differs, and for which upstreams or models.
        differences: arguments of `chat_dialect` that differ; mappings are joined with those of the
            dialect. The members with this variant's name in the notations are chosen as well.
    """

    meaning: str
    differences: Mapping[str, Any] = field(default_factory=dict)


class CommonVariant(NamedTuple):
    """A variant that every dialect can have: a value of a field of `Dialect` or of its style.

    A set is joined with the sets of other variants.
    """

    meaning: str
    field: str
    value: Any


COMMON: Mapping[str, CommonVariant] = {
    "role-alone": CommonVariant("a chunk of its own has the role", "role", "alone"),
    "role-with": CommonVariant("the first chunk with content has the role", "role", "with"),
    "split-calls": CommonVariant("a tool call begins with empty arguments", "calls", "split"),
    "first-calls": CommonVariant("a tool call begins with a piece of them", "calls", "first"),
    "whole-calls": CommonVariant("a tool call is one chunk", "calls", "whole"),
    "finish-alone": CommonVariant("a chunk of its own has the finish reason", "finish", "alone"),
    "finish-with": CommonVariant("the last chunk with content has it", "finish", "with"),
    "usage-always": CommonVariant("a chunk has the usage, unasked", "usage_chunk", "always"),
    "usage-never": CommonVariant("no chunk of its own has the usage", "usage_chunk", "never"),
    "split-citations": CommonVariant("each citation has its chunk", "splits_citations", True),
    "done": CommonVariant("[DONE] ends the stream", "ends_with_done", True),
    "no-done": CommonVariant("[DONE] is missing", "ends_with_done", False),
    "no-id": CommonVariant("chunks have no id", "omits", {"id"}),
    "no-object": CommonVariant("chunks have no object", "omits", {"object"}),
    "no-fingerprint": CommonVariant("chunks have no fingerprint", "omits", {"system_fingerprint"}),
    "no-tier": CommonVariant("chunks have no service_tier", "omits", {"service_tier"}),
    "no-logprobs": CommonVariant("choices have no logprobs", "omits", {"choices.logprobs"}),
    "no-index": CommonVariant(
        "tool calls have no index", "omits", {"choices.delta.tool_calls.index"}
    ),
    "no-type": CommonVariant("tool calls have no type", "omits", {"choices.delta.tool_calls.type"}),
    "lf": CommonVariant("lines end with LF", "eol", "\n"),
    "crlf": CommonVariant("lines end with CR LF", "eol", "\r\n"),
    "bare-field": CommonVariant("no space follows data:", "field", "data:"),
    "compact": CommonVariant("JSON has no spaces", "style.has_spaces", False),
    "spaced": CommonVariant("a space follows : and , in JSON", "style.has_spaces", True),
    "spaced-usage": CommonVariant("only the usage chunk has them", "spaced_kinds", {"usage"}),
    "spaced-calls": CommonVariant(
        "only chunks with calls have them",
        "spaced_kinds",
        {"call", "role+call", "call+finish", "role+call+finish", "arguments", "arguments+finish"},
    ),
    "spaced-finish": CommonVariant(
        "only the last chunk of a choice has them",
        "spaced_kinds",
        {"finish", "text+finish", "call+finish", "role+call+finish", "arguments+finish"},
    ),
    "sorted": CommonVariant("the members of JSON objects are sorted", "style.has_order", False),
    "escaped-html": CommonVariant("<, > and & are escaped, as by Go", "style.html", True),
    "plain-html": CommonVariant("<, > and & are not escaped", "style.html", False),
    "escaped-text": CommonVariant("text outside ASCII is escaped", "style.ascii", True),
    "plain-text": CommonVariant("text outside ASCII is not escaped", "style.ascii", False),
    "js-floats": CommonVariant("small numbers as in JavaScript and Go", "style.floats", "js"),
    "python-floats": CommonVariant("small numbers as in Python", "style.floats", "python"),
    "ryu-floats": CommonVariant("small numbers as in Rust and C++", "style.floats", "ryu"),
}
"""The variants of every dialect, by name."""
