"""``/v1/embeddings``: vectors that mean nothing, and always the same.

Rules of this file: no I/O; a vector follows from the model and the input alone.
"""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.models import EMBEDDING_MODELS, Model
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "embed", "vector"]

_USUAL = 1536  # dimensions of a model of which nothing is known
_INPUTS = 2048  # at most, as OpenAI's API reference has it


def _model_named(name: str) -> Model:
    """What is known of a model; of any other only its name."""
    return EMBEDDING_MODELS.get(name) or Model(snapshot=name)


@lru_cache(maxsize=16)  # of up to 8192 numbers each
def vector(model: str, text: str, dimensions: int | None = None) -> tuple[float, ...]:
    """A vector of length 1, of numbers of 32 bits.

    Args:
        model: the model's name.
        text: what is embedded.
        dimensions: how many of the model's own dimensions are kept; all by default.

    >>> len(vector("text-embedding-3-small", "Hi")), len(vector("text-embedding-3-small", "Hi", 3))
    (1536, 3)
    """
    rng = Random(f"{model}\0{text}")
    own = _model_named(model).dimensions or _USUAL
    numbers = [rng.gauss(0, 1) for _ in range(dimensions or own)]
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    packed = struct.pack(f"<{len(numbers)}f", *(number / length for number in numbers))
    return struct.unpack(f"<{len(numbers)}f", packed)


def _inputs(given: Any, model: str) -> list[tuple[str, int]]:
    """Each input as text, and how many tokens it has."""
    several = given if isinstance(given, list) else [given]
    if several and all(isinstance(one, int) for one in several):
        several = [several]  # one input, as tokens
    return [
        (one, tokens.count(one, model)) if isinstance(one, str) else (repr(one), len(one))
        for one in several
    ]


def _too_much(model: str, dimensions: int | None, inputs: int) -> ApiError | None:
    """OpenAI's error for more than a model can give, or takes at once."""
    if inputs > _INPUTS:
        told = (
            f"Invalid 'input': array too long. Expected an array with maximum length {_INPUTS}, "
            f"but got an array with length {inputs} instead."
        )
        return ApiError(400, told, None, "array_above_max_length", "input")
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


def embed(asked: Asked, store: Store, rng: Random) -> Script:
    """Vectors of length 1, always the same of the same input."""
    given = asked.parameters
    model, dimensions = given["model"], given.get("dimensions")
    inputs = _inputs(given["input"], model)
    if (wrong := _too_much(model, dimensions, len(inputs))) is not None:
        return errors.render(wrong, rng)
    # The Python SDK asks for base64 by itself, and its strict models take nothing but floats.
    from_python = asked.headers.get("x-stainless-lang") == "python"
    as_base64 = given.get("encoding_format") == "base64" and not from_python
    data = []
    for index, (text, _) in enumerate(inputs):
        numbers = vector(model, text, dimensions)
        shown: Any = list(numbers)
        if as_base64:
            shown = b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    n = sum(count for _, count in inputs)
    usage = {"prompt_tokens": n, "total_tokens": n}
    answering = _model_named(model).snapshot
    return json_response({"object": "list", "data": data, "model": answering, "usage": usage}, rng)


ANSWERS = {("POST", "/v1/embeddings"): embed}
