"""``/v1/embeddings``: vectors that mean nothing, and always the same.

Rules of this file: no I/O; a vector follows from the model and the input alone.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterable
from random import Random
from statistics import NormalDist
from typing import Any

import msgspec.json

from openai_mockserver import tokens
from openai_mockserver.api import errors, headers
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.store import Store
from openai_mockserver.models import EMBEDDING_MODELS, Model
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Head, Raw, Script

__all__ = ["ANSWERS", "embed", "vector"]

_USUAL = 1536  # dimensions of a model of which nothing is known
_INPUTS = 2048  # at most, and of an input that is tokens, as OpenAI's API reference has it
_TOKENS = 8192  # of one input, at most
_ALL_TOKENS = 300_000  # of all inputs
_FEW = 100_000  # numbers that the Python SDK gets as such, whatever it asks for
_BLOCK = 1 << 20  # bytes of the answer that are sent together


# Vectors: a number is one of 256 levels, as a byte of a hash says, times a scale that gives length
# 1. So all that is done with each number is to look it up, which `bytes.translate` does fastest.

_UPPER = [max(1, round(46 * NormalDist().inv_cdf(0.5 + (n + 0.5) / 256))) for n in range(128)]
_LEVELS = [*(-level for level in reversed(_UPPER)), *_UPPER]
_SQUARES_LOW = bytes(level * level & 255 for level in _LEVELS)
_SQUARES_HIGH = bytes(level * level >> 8 for level in _LEVELS)


def _hashed(model: str, text: str, size: int) -> tuple[bytes, array[float]]:
    """A vector as the numbers of its levels, and what each level is in it."""
    # The first bytes of a longer digest are the shorter one.
    told = f"{model}\0{text}".encode(errors="surrogatepass")
    chosen = hashlib.shake_128(told).digest(size)
    squares = sum(chosen.translate(_SQUARES_LOW)) + 256 * sum(chosen.translate(_SQUARES_HIGH))
    scale = squares**-0.5
    return chosen, array("f", [level * scale for level in _LEVELS])


def _packed(chosen: bytes, levels: array[float]) -> bytearray:
    """A vector's numbers of 32 bits, the low byte of each first."""
    if sys.byteorder == "big":
        levels.byteswap()
    packed, told = bytearray(4 * len(chosen)), levels.tobytes()
    for nth in range(4):
        packed[nth::4] = chosen.translate(told[nth::4])
    return packed


def _size(model: str, dimensions: int | None) -> int:
    return dimensions or _model_named(model).dimensions or _USUAL


def _model_named(name: str) -> Model:
    """What is known of a model; of any other only its name."""
    return EMBEDDING_MODELS.get(name) or Model(snapshot=name)


def vector(model: str, text: str, dimensions: int | None = None) -> tuple[float, ...]:
    """A vector of length 1, of numbers of 32 bits.

    Args:
        model: the model's name.
        text: what is embedded.
        dimensions: how many of the model's own dimensions are kept; all by default.

    >>> len(vector("text-embedding-3-small", "Hi")), len(vector("text-embedding-3-small", "Hi", 3))
    (1536, 3)
    """
    chosen, levels = _hashed(model, text, _size(model, dimensions))
    return tuple(map(levels.__getitem__, chosen))


def _as_floats(chosen: bytes, levels: array[float]) -> str:
    """A vector as a JSON array of numbers, laid out as in a whole answer."""
    told = [repr(level) for level in levels]
    return f"[\n        {_COMMA.join(map(told.__getitem__, chosen))}\n      ]"


_COMMA = ",\n        "


def _as_base64(chosen: bytes, levels: array[float]) -> str:
    """A vector as a JSON string, of its numbers' bytes in base64."""
    return f'"{b64encode(_packed(chosen, levels)).decode()}"'


# Requests


def _inputs(given: Any) -> list[Any]:
    """Each input, as a text or as tokens."""
    several = given if isinstance(given, list) else [given]
    return [several] if several and isinstance(several[0], int) else several


def _counts(inputs: Iterable[Any], model: str) -> list[int]:
    """How many tokens each input has."""
    return [tokens.count(one, model) if isinstance(one, str) else len(one) for one in inputs]


def _too_long(inputs: list[Any]) -> ApiError | None:
    """OpenAI's error for a list that is longer than those it takes."""
    lists = [("input", inputs)]
    lists += [(f"input[{at}]", one) for at, one in enumerate(inputs) if isinstance(one, list)]
    if len(inputs) == 1 and len(lists) > 1:
        lists = [("input", inputs[0])]
    for place, listed in lists:
        if len(listed) > _INPUTS:
            told = (
                f"Invalid '{place}': array too long. Expected an array with maximum length "
                f"{_INPUTS}, but got an array with length {len(listed)} instead."
            )
            return ApiError(400, told, None, "array_above_max_length", place)
    return None


def _too_much(model: str, dimensions: int | None) -> ApiError | None:
    """OpenAI's error for more than a model can give."""
    if dimensions is None:
        return None
    known = _model_named(model)
    if not known.takes_dimensions:
        return ApiError(400, "This model does not support specifying dimensions.")
    own = known.dimensions
    if own is not None and dimensions > own:
        told = (
            f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to {own}."
        )
        return ApiError(400, told)
    return None


def _too_many_tokens(model: str, counts: list[int]) -> ApiError | None:
    """OpenAI's error for inputs of more tokens than a model takes; of an unknown one, in sum."""
    most = max(counts, default=0)
    if most > _TOKENS and _model_named(model).dimensions is not None:
        return ApiError(
            400,
            f"This model's maximum context length is {_TOKENS} tokens, however you requested "
            f"{most} tokens ({most} in your prompt; 0 for the completion). "
            "Please reduce your prompt; or completion length.",
        )
    if (told := sum(counts)) > _ALL_TOKENS:
        kind = "max_tokens_per_request"
        message = f"Requested {told} tokens, max {_ALL_TOKENS} tokens per request"
        return ApiError(400, message, kind, kind)
    return None


def embed(asked: Asked, store: Store, rng: Random) -> Script:
    """Vectors of length 1, always the same of the same input."""
    given = asked.parameters
    model, dimensions = given["model"], given.get("dimensions")
    inputs = _inputs(given["input"])
    if (wrong := _too_long(inputs) or _too_much(model, dimensions)) is not None:
        return errors.render(wrong, rng)
    counts = _counts(inputs, model)
    if (wrong := _too_many_tokens(model, counts)) is not None:
        return errors.render(wrong, rng)
    size = _size(model, dimensions)
    as_base64 = given.get("encoding_format") == "base64"
    if asked.headers.get("x-stainless-lang") == "python" and size * len(inputs) <= _FEW:
        # The Python SDK asks for base64 by itself, and its strict models take nothing but floats.
        as_base64 = False
    layout = _as_base64 if as_base64 else _as_floats
    texts = (one if isinstance(one, str) else repr(one) for one in inputs)
    vectors = (layout(*_hashed(model, text, size)) for text in texts)
    blocks = [*_laid_out(vectors, _model_named(model).snapshot, sum(counts))]
    head = Head(200, headers.json_headers(sum(map(len, blocks)), rng))
    return Script(head, tuple(Raw(block, 0) for block in blocks))


def _laid_out(vectors: Iterable[str], model: str, used: int) -> Iterable[bytes]:
    """The answer's JSON as OpenAI lays it out, in blocks: it may be far larger than the request."""
    block = bytearray(b'{\n  "object": "list",\n  "data": [')
    for index, told in enumerate(vectors):
        between = "," if index else ""
        block += (
            f'{between}\n    {{\n      "object": "embedding",\n      "index": {index},\n'
            f'      "embedding": {told}\n    }}'
        ).encode()
        if len(block) > _BLOCK:
            yield bytes(block)
            block.clear()
    name = msgspec.json.encode(model).decode()
    block += (
        f'\n  ],\n  "model": {name},\n  "usage": {{\n    "prompt_tokens": {used},\n'
        f'    "total_tokens": {used}\n  }}\n}}\n'
    ).encode()
    yield bytes(block)


ANSWERS = {("POST", "/v1/embeddings"): embed}
