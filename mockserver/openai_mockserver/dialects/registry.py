"""The dialects by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import ModuleType

from openai_mockserver.dialects.dialect import Dialect
from openai_mockserver.dialects.variants import COMMON
from openai_mockserver.exceptions import MockServerError

__all__ = ["dialects", "find_dialect", "has_dialect", "providers"]


@cache
def providers() -> tuple[ModuleType, ...]:
    """Import and return the modules of `openai_mockserver.dialects.providers`.

    Each has ``DIALECTS``, one or several, and ``PATHS``, which maps patterns to dialect names.
    """
    from openai_mockserver.dialects.providers import (
        azure,
        bedrock,
        cerebras,
        cloudflare,
        dashscope,
        databricks,
        deepseek,
        fireworks,
        gemini,
        groq,
        hugging_face,
        litellm,
        llama_cpp,
        lm_studio,
        mistral,
        ollama,
        openai,
        openrouter,
        others,
        perplexity,
        sglang,
        snowflake,
        together,
        vercel,
        vllm,
        writer,
        xai,
        zai,
    )

    return (
        openai,
        azure,
        openrouter,
        groq,
        deepseek,
        mistral,
        xai,
        together,
        fireworks,
        cerebras,
        perplexity,
        vllm,
        sglang,
        llama_cpp,
        ollama,
        lm_studio,
        gemini,
        litellm,
        zai,
        databricks,
        cloudflare,
        snowflake,
        writer,
        vercel,
        hugging_face,
        dashscope,
        others,
        bedrock,
    )


@cache
def dialects() -> Mapping[str, Dialect]:
    """Return the dialects by name."""
    return {dialect.name: dialect for provider in providers() for dialect in provider.DIALECTS}


def find_dialect(name: str | Dialect | None) -> Dialect | None:
    """Return the dialect with this name, and perhaps with variants; None for OpenAI.

    Raises MockServerError if the name is unknown.

    >>> find_dialect("groq+whole-calls+sorted").calls
    'whole'
    """
    if name is None or isinstance(name, Dialect):
        return name
    if name == "openai":
        return None
    return _find_by_name(name)


def has_dialect(name: str) -> bool:
    """Whether there is a dialect with this name, and perhaps with variants."""
    base, *variants = name.split("+")
    return base in dialects() and all(map(dialects()[base].has_variant, variants))


@lru_cache(maxsize=256)
def _find_by_name(name: str) -> Dialect:
    base, *variants = name.split("+")
    if base not in dialects():
        names = ", ".join(dialects())
        raise MockServerError(f"unknown dialect {base!r}: must be openai or one of {names}")
    dialect = dialects()[base]
    if not variants:
        return dialect
    try:
        return dialect.with_variants(variants)
    except KeyError as error:
        names = ", ".join([*dialect.variants, *COMMON])
        raise MockServerError(
            f"the dialect {base!r} has no variant {error.args[0]!r}; it has {names}"
        ) from None
