"""The table of OpenAI models, and the table of model families by the start of the name.

Rules of this file: data and two look-ups. A model that is in no table answers under the name in the
request, and behaves like its family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "CHAT_MODELS",
    "CL100K",
    "COMPLETION_MODELS",
    "EMBEDDING_MODELS",
    "FAMILIES",
    "MODELS",
    "O200K",
    "Family",
    "Model",
    "find_chat_model",
    "find_family",
]

O200K, CL100K = "o200k_base", "cl100k_base"
"""The vocabularies."""


@dataclass(frozen=True, slots=True)
class Family:
    """Properties of all models whose names start alike.

    Args:
        vocabulary: name of the vocabulary that cuts their text into tokens.
        priming: number of tokens that prime the answer, counted with the prompt.
        reasoning: whether they are reasoning models, whose chunks have no fingerprint and no
            ``logprobs``.
    """

    vocabulary: str = O200K
    priming: int = 3
    reasoning: bool = False


_REASONING = Family(priming=2, reasoning=True)

FAMILIES: Mapping[str, Family] = {
    # Keyed by the start of a name; the longest match wins: https://github.com/openai/tiktoken,
    # model.py. Reasoning models have one priming token less, as recorded from gpt-5 and o4-mini.
    "gpt-3.5": Family(CL100K),
    "gpt-35": Family(CL100K),
    "gpt-4": Family(CL100K),
    "gpt-4.": Family(),
    "gpt-4o": Family(),
    "gpt-5": _REASONING,
    "o1": _REASONING,
    "o3": _REASONING,
    "o4": _REASONING,
    "babbage-002": Family(CL100K),
    "davinci-002": Family(CL100K),
    "text-embedding": Family(CL100K),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How OpenAI's responses look for one model.

    Args:
        snapshot: name in its responses.
        fingerprint: whether its chunks have a ``system_fingerprint``.
        logprobs_key: whether the choices of its chunks have ``logprobs``, null or not.
        dimensions: length of its embeddings; None if unknown.
        takes_dimensions: whether a request may ask for shorter embeddings.
        transcripts: response formats of its transcriptions; None for all.
        is_listed: whether ``/v1/models`` lists it.
    """

    snapshot: str
    fingerprint: bool = False
    logprobs_key: bool = True
    dimensions: int | None = None
    takes_dimensions: bool = True
    transcripts: tuple[str, ...] | None = None
    is_listed: bool = True


# Alias → snapshot as recorded (WIRE.md §0.9, §1): reasoning models omit the `logprobs` key, and
# gpt-3.5, gpt-4, gpt-5* and the o-series have no fingerprint.
CHAT_MODELS: Mapping[str, Model] = {
    "gpt-4o": Model(snapshot="gpt-4o-2024-08-06", fingerprint=True),
    "gpt-4o-mini": Model(snapshot="gpt-4o-mini-2024-07-18", fingerprint=True),
    "gpt-4.1": Model(snapshot="gpt-4.1-2025-04-14", fingerprint=True),
    "gpt-4.1-mini": Model(snapshot="gpt-4.1-mini-2025-04-14", fingerprint=True),
    "gpt-4.1-nano": Model(snapshot="gpt-4.1-nano-2025-04-14", fingerprint=True),
    "gpt-4-turbo": Model(snapshot="gpt-4-turbo-2024-04-09", fingerprint=True),
    "gpt-4": Model(snapshot="gpt-4-0613"),
    "gpt-3.5-turbo": Model(snapshot="gpt-3.5-turbo-0125"),
    "gpt-5": Model(snapshot="gpt-5-2025-08-07", logprobs_key=False),
    "gpt-5-mini": Model(snapshot="gpt-5-mini-2025-08-07", logprobs_key=False),
    "gpt-5-nano": Model(snapshot="gpt-5-nano-2025-08-07", logprobs_key=False),
    "gpt-5.1": Model(snapshot="gpt-5.1-2025-11-13", logprobs_key=False),
    "gpt-5.2": Model(snapshot="gpt-5.2-2025-12-11", logprobs_key=False),
    "gpt-5.4": Model(snapshot="gpt-5.4-2026-03-05", logprobs_key=False),
    "o1": Model(snapshot="o1-2024-12-17", logprobs_key=False),
    "o3": Model(snapshot="o3-2025-04-16", logprobs_key=False),
    "o3-mini": Model(snapshot="o3-mini-2025-01-31", logprobs_key=False),
    "o4-mini": Model(snapshot="o4-mini-2025-04-16", logprobs_key=False),
}
"""The models of chat completions and the Responses API."""

COMPLETION_MODELS: Mapping[str, Model] = {
    "gpt-3.5-turbo-instruct": Model(snapshot="gpt-3.5-turbo-instruct:20230824-v2", is_listed=False),
    "davinci-002": Model(snapshot="davinci:2023-07-21-v2", is_listed=False),
    "babbage-002": Model(snapshot="babbage:2023-07-21-v2", is_listed=False),
}
"""The models of legacy completions, with the names in their recorded responses."""

EMBEDDING_MODELS: Mapping[str, Model] = {
    "text-embedding-3-large": Model(snapshot="text-embedding-3-large", dimensions=3072),
    "text-embedding-3-small": Model(snapshot="text-embedding-3-small", dimensions=1536),
    "text-embedding-ada-002": Model(
        snapshot="text-embedding-ada-002-v2", dimensions=1536, takes_dimensions=False
    ),
}
"""The embedding models."""

_WHISPER = ("json", "text", "srt", "verbose_json", "vtt")
_TEXT = ("json", "text")

MODELS: Mapping[str, Model] = {
    **CHAT_MODELS,
    **COMPLETION_MODELS,
    **EMBEDDING_MODELS,
    "whisper-1": Model(snapshot="whisper-1", transcripts=_WHISPER),
    "gpt-4o-transcribe": Model(snapshot="gpt-4o-transcribe", transcripts=_TEXT, is_listed=False),
    "gpt-4o-mini-transcribe": Model(
        snapshot="gpt-4o-mini-transcribe", transcripts=_TEXT, is_listed=False
    ),
    "gpt-4o-mini-transcribe-2025-12-15": Model(
        snapshot="gpt-4o-mini-transcribe-2025-12-15", transcripts=_TEXT, is_listed=False
    ),
    "gpt-4o-transcribe-diarize": Model(
        snapshot="gpt-4o-transcribe-diarize", transcripts=(*_TEXT, "diarized_json"), is_listed=False
    ),
    "gpt-image-1": Model(snapshot="gpt-image-1"),
    "omni-moderation-latest": Model(snapshot="omni-moderation-latest"),
    "tts-1": Model(snapshot="tts-1"),
}
"""All known models, by the name in a request."""

_SNAPSHOTS = {model.snapshot: model for model in CHAT_MODELS.values()}


def _match_family(name: str) -> Family:
    return FAMILIES.get(max(filter(name.startswith, FAMILIES), key=len, default=""), Family())


@lru_cache(maxsize=256)
def find_family(name: str) -> Family:
    """Return the family of a model; prefixes such as ``azure/`` and ``ft:`` are ignored.

    >>> find_family("azure/ft:gpt-4.1-mini").vocabulary
    'o200k_base'
    """
    return _match_family(name.rpartition("/")[2].removeprefix("ft:"))


def find_chat_model(name: str) -> Model:
    """Return how a model answers in chat completions and in the Responses API.

    >>> find_chat_model("gpt-4o").snapshot, find_chat_model("my-model").snapshot
    ('gpt-4o-2024-08-06', 'my-model')
    """
    if (model := CHAT_MODELS.get(name) or _SNAPSHOTS.get(name)) is not None:
        return model
    reasoning = _match_family(name).reasoning
    return Model(snapshot=name, fingerprint=not reasoning, logprobs_key=not reasoning)
