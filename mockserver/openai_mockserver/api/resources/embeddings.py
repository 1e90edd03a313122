"""``/v1/embeddings``: random vectors; the same input always gets the same vector.

Rules of this file: no I/O; a vector depends on the model and the input alone.
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
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.store import Store
from openai_mockserver.models import EMBEDDING_MODELS, Model
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Head, Raw, Script

__all__ = ["ANSWERS", "embed", "vector"]

_DEFAULT_SIZE = 1536  # dimensions of an unknown model
_INPUTS = 2048  # inputs at most, and tokens of an input that is tokens (OpenAI's API reference)
_TOKENS = 8192  # tokens of one input, at most
_ALL_TOKENS = 300_000  # tokens of all inputs, at most
_FEW = 100_000  # up to so many numbers, the Python SDK gets floats even if it requests base64
_BLOCK = 1 << 20  # bytes of the answer in one write


# Vectors: each byte of a hash selects one of 256 levels, and a scale gives the vector length 1. So
# each number takes only a lookup, for which `bytes.translate` is the fastest way.

_UPPER = [max(1, round(46 * NormalDist().inv_cdf(0.5 + (n + 0.5) / 256))) for n in range(128)]
_LEVELS = [*(-level for level in reversed(_UPPER)), *_UPPER]
_SQUARES_LOW = bytes(level * level & 255 for level in _LEVELS)
_SQUARES_HIGH = bytes(level * level >> 8 for level in _LEVELS)


def _hash_vector(model: str, text: str, size: int) -> tuple[bytes, array[float]]:
    """Return a vector as the index of each number's level, and the value of each level."""
    # A shorter digest is a prefix of a longer one, so fewer dimensions are the first ones.
    seed = f"{model}\0{text}".encode(errors="surrogatepass")
    indices = hashlib.shake_128(seed).digest(size)
    squares = sum(indices.translate(_SQUARES_LOW)) + 256 * sum(indices.translate(_SQUARES_HIGH))
    scale = squares**-0.5
    return indices, array("f", [level * scale for level in _LEVELS])


def _pack_floats(indices: bytes, levels: array[float]) -> bytearray:
    """Return a vector as little-endian 32-bit floats."""
    if sys.byteorder == "big":
        levels.byteswap()
    data, level_bytes = bytearray(4 * len(indices)), levels.tobytes()
    for offset in range(4):
        data[offset::4] = indices.translate(level_bytes[offset::4])
    return data


def _vector_size(model: str, dimensions: int | None) -> int:
    return dimensions or _find_model(model).dimensions or _DEFAULT_SIZE


def _find_model(name: str) -> Model:
    """Return the model of this name; an unknown model has only a name."""
    return EMBEDDING_MODELS.get(name) or Model(snapshot=name)


def vector(model: str, text: str, dimensions: int | None = None) -> tuple[float, ...]:
    """Return a vector of length 1, of 32-bit floats.

    Args:
        model: name of the model.
        text: the text to embed.
        dimensions: number of dimensions; all of the model by default.

    >>> len(vector("text-embedding-3-small", "Hi")), len(vector("text-embedding-3-small", "Hi", 3))
    (1536, 3)
    """
    indices, levels = _hash_vector(model, text, _vector_size(model, dimensions))
    return tuple(map(levels.__getitem__, indices))


def _render_floats(indices: bytes, levels: array[float]) -> str:
    """Return a vector as a JSON array, indented as in the answer."""
    texts = [repr(level) for level in levels]
    return f"[\n        {_COMMA.join(map(texts.__getitem__, indices))}\n      ]"


_COMMA = ",\n        "


def _render_base64(indices: bytes, levels: array[float]) -> str:
    """Return a vector as a JSON string with its floats in base64."""
    return f'"{b64encode(_pack_floats(indices, levels)).decode()}"'


# Requests


def _list_inputs(input_: Any) -> list[Any]:
    """Return the inputs as a list; each is a text or a list of tokens."""
    inputs = input_ if isinstance(input_, list) else [input_]
    return [inputs] if inputs and isinstance(inputs[0], int) else inputs


def _count_tokens(inputs: Iterable[Any], model: str) -> list[int]:
    """Return how many tokens each input has."""
    return [
        tokens.count(input_, model) if isinstance(input_, str) else len(input_) for input_ in inputs
    ]


def _check_lengths(inputs: list[Any]) -> ApiError | None:
    """Return OpenAI's error for a list that is too long, or None."""
    lists = [("input", inputs)]
    lists += [
        (f"input[{index}]", input_)
        for index, input_ in enumerate(inputs)
        if isinstance(input_, list)
    ]
    if len(inputs) == 1 and len(lists) > 1:
        lists = [("input", inputs[0])]
    for place, items in lists:
        if len(items) > _INPUTS:
            message = (
                f"Invalid '{place}': array too long. Expected an array with maximum length "
                f"{_INPUTS}, but got an array with length {len(items)} instead."
            )
            return ApiError(400, message, None, "array_above_max_length", place)
    return None


def _check_dimensions(model: str, dimensions: int | None) -> ApiError | None:
    """Return OpenAI's error for more dimensions than the model has, or None."""
    if dimensions is None:
        return None
    details = _find_model(model)
    if not details.takes_dimensions:
        return ApiError(400, "This model does not support specifying dimensions.")
    maximum = details.dimensions
    if maximum is not None and dimensions > maximum:
        message = (
            f"Invalid value for 'dimensions' = {dimensions}. "
            f"Must be less than or equal to {maximum}."
        )
        return ApiError(400, message)
    return None


def _check_tokens(model: str, counts: list[int]) -> ApiError | None:
    """Return OpenAI's error for too many tokens, or None.

    The limit of a single input only applies to known models, that of all inputs to any model.
    """
    longest = max(counts, default=0)
    if longest > _TOKENS and _find_model(model).dimensions is not None:
        return ApiError(
            400,
            f"This model's maximum context length is {_TOKENS} tokens, however you requested "
            f"{longest} tokens ({longest} in your prompt; 0 for the completion). "
            "Please reduce your prompt; or completion length.",
        )
    if (total := sum(counts)) > _ALL_TOKENS:
        kind = "max_tokens_per_request"
        message = f"Requested {total} tokens, max {_ALL_TOKENS} tokens per request"
        return ApiError(400, message, kind, kind)
    return None


def embed(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a vector of length 1 for each input; the same input always gets the same vector."""
    parameters = request.parameters
    model, dimensions = parameters["model"], parameters.get("dimensions")
    inputs = _list_inputs(parameters["input"])
    if (error := _check_lengths(inputs) or _check_dimensions(model, dimensions)) is not None:
        return errors.render(error, rng)
    counts = _count_tokens(inputs, model)
    if (error := _check_tokens(model, counts)) is not None:
        return errors.render(error, rng)
    size = _vector_size(model, dimensions)
    as_base64 = parameters.get("encoding_format") == "base64"
    if request.headers.get("x-stainless-lang") == "python" and size * len(inputs) <= _FEW:
        # The Python SDK requests base64 by default, but its strict models only accept floats.
        as_base64 = False
    layout = _render_base64 if as_base64 else _render_floats
    texts = (input_ if isinstance(input_, str) else repr(input_) for input_ in inputs)
    vectors = (layout(*_hash_vector(model, text, size)) for text in texts)
    blocks = [*_render_blocks(vectors, _find_model(model).snapshot, sum(counts))]
    head = Head(200, headers.json_headers(sum(map(len, blocks)), rng))
    return Script(head, tuple(Raw(block, 0) for block in blocks))


def _render_blocks(vectors: Iterable[str], model: str, prompt_tokens: int) -> Iterable[bytes]:
    """Yield the answer's JSON in OpenAI's indentation, in blocks, since it may be very large."""
    block = bytearray(b'{\n  "object": "list",\n  "data": [')
    for index, vector_json in enumerate(vectors):
        comma = "," if index else ""
        block += (
            f'{comma}\n    {{\n      "object": "embedding",\n      "index": {index},\n'
            f'      "embedding": {vector_json}\n    }}'
        ).encode()
        if len(block) > _BLOCK:
            yield bytes(block)
            block.clear()
    name = msgspec.json.encode(model).decode()
    block += (
        f'\n  ],\n  "model": {name},\n  "usage": {{\n    "prompt_tokens": {prompt_tokens},\n'
        f'    "total_tokens": {prompt_tokens}\n  }}\n}}\n'
    ).encode()
    yield bytes(block)


ANSWERS = {("POST", "/v1/embeddings"): embed}
