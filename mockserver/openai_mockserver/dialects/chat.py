"""The chat format of a dialect, written in the notation of WIRE.md Annex C.

Rules of this file: data, and the function that turns notations into a `Dialect`. A dialect lists
only its differences from the defaults here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from openai_mockserver.dialects import usage as usages
from openai_mockserver.dialects.dialect import Dialect
from openai_mockserver.dialects.template import parse
from openai_mockserver.dialects.variants import Variant

__all__ = ["DELTAS", "UNKNOWN"]

DELTAS = {
    "role": "role,content",
    "text": "content",
    "reasoning": "reasoning_content",
    "refusal": "refusal",
    "call": "tool_calls[index,id,type,function{name,arguments}]",
    "arguments": "tool_calls[index,function{arguments}]",
    "function": "function_call{name,arguments}",
    "function arguments": "function_call{arguments}",
    "annotations": "annotations",
    "transcript": "audio{id?,transcript}",
    "sound": "audio{id?,data}",
    "expiry": "audio{expires_at}",
    "finish": "",
    "usage": None,
}
"""The default delta of each kind of chunk; a chunk with None has no choices."""

CHUNK = "id,object,created,model,system_fingerprint?,choices"
CHOICE = "index,delta,logprobs,finish_reason"
BODY = (
    "id,object,created,model,choices[index,message{role,content,reasoning_content?,refusal?,"
    "tool_calls?,function_call?,annotations?,audio?},logprobs,finish_reason],usage,"
    "system_fingerprint?"
)
ERROR = "error{message,type,param,code}"


def chat_dialect(
    name: str,
    chunk: str = CHUNK,
    choice: str = CHOICE,
    deltas: Mapping[str, str | None] | None = None,
    chunks: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
    usage: str | None = None,
    body: str = BODY,
    error: str = ERROR,
    mark: str | None = None,
    variants: Mapping[str, Variant] | None = None,
    **habits: Any,
) -> Dialect:
    """Create a dialect from its notations.

    The word ``choices`` in a chunk's notation stands for the notation of its choice, and ``delta``
    in a choice's notation for that of its delta.

    Args:
        name: name of the dialect.
        chunk: notation of all chunks whose kind is not in ``chunks``.
        choice: notation of all choices whose kind is not in ``choices``.
        deltas: notations of deltas by kind, if they differ from `DELTAS`.
        chunks: notations of chunks by kind.
        choices: notations of choices by kind.
        usage, body, error: notations of these objects; see `Dialect`.
        mark: regular expression; see `Dialect`.
        variants: the variants that the dialect declares.
        habits: the other fields of `Dialect`.
    """
    arguments: dict[str, Any] = {
        "chunk": chunk,
        "choice": choice,
        "deltas": deltas or {},
        "chunks": chunks or {},
        "choices": choices or {},
        "usage": usage,
        "body": body,
        "error": error,
        "mark": mark,
        **habits,
    }
    return _build(name, arguments, variants or {}, frozenset())


def _build(
    name: str,
    arguments: Mapping[str, Any],
    variants: Mapping[str, Variant],
    chosen: frozenset[str],
) -> Dialect:
    """Build a dialect with the chosen ones of its variants, in the order in which it has them."""
    changed = dict(arguments)
    for variant in [variants[one] for one in variants if one in chosen]:
        for key, value in variant.differences.items():
            joined = isinstance(value, Mapping)
            changed[key] = {**changed.get(key, {}), **value} if joined else value
    dialect = _parse_notations(name, chosen, **changed)
    return replace(dialect, variants=variants, build=partial(_build, name, arguments, variants))


def _parse_notations(
    name: str,
    chosen: frozenset[str],
    *,
    chunk: str,
    choice: str,
    deltas: Mapping[str, str | None],
    chunks: Mapping[str, str],
    choices: Mapping[str, str],
    usage: str | None,
    body: str,
    error: str,
    mark: str | None,
    **habits: Any,
) -> Dialect:
    kinds = DELTAS | dict(deltas)
    for kind, delta in [*kinds.items()]:
        if delta is not None and kind not in ("role", "finish", "usage") and "+" not in kind:
            kinds.setdefault(f"role+{kind}", delta if "role" in delta else f"role,{delta}")
    for kind, delta in [*kinds.items()]:
        if delta is not None and kind not in ("role", "finish", "usage"):
            kinds.setdefault(f"{kind}+finish", delta)
    kinds |= dict.fromkeys(choices.keys() - kinds.keys(), "")

    def layout(kind: str, delta: str | None) -> Any:
        base_kind = "finish" if kind.endswith("+finish") else kind.removeprefix("role+")
        inner = "" if delta is None else choices.get(kind, choices.get(base_kind, choice))
        inner = re.sub(r"\bdelta\b(?!\{)", f"delta{{{delta}}}", inner)
        outer = f"{chunk},usage" if kind == "usage" else chunk
        outer = chunks.get(kind, chunks.get(base_kind, outer))
        return read(re.sub(r"\bchoices\b(?![.@])", lambda _: f"choices[{inner}]", outer))

    def read(notation: str) -> dict[str, Any]:
        return parse(notation, variants=chosen)

    layouts = {kind: layout(kind, delta) for kind, delta in kinds.items()}
    layouts["error"] = layouts["finish"] | read(error)
    return Dialect(
        name,
        layouts,
        usages.OPENAI if usage is None else read(usage),
        body=read(body),
        error=read(error),
        mark=None if mark is None else re.compile(mark),
        **habits,
    )


ROLE_AND_CONTENT = "role,content"
CACHED_DETAILS = "prompt_tokens_details{cached_tokens}"
THREE_COUNTS = "prompt_tokens,completion_tokens,total_tokens"
NO_CACHE = ("cache-control", "no-cache")
CLOUDFLARE = (("server", "cloudflare"), ("cf-cache-status", "DYNAMIC"), ("cf-ray", "{hex16}-SJC"))

UNKNOWN = chat_dialect("unknown")
"""The dialect of streams that resemble OpenAI's but belong to no known provider."""
