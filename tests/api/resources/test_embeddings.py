"""Embeddings and moderations."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import httpx
import msgspec
import openai
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.api.resources.embeddings import vector

SMALL = "text-embedding-3-small"


def embed(**parameters: Any) -> Any:
    with MockOpenAI() as mock:
        return mock.client().embeddings.create(**{"model": SMALL, "input": "Hi"} | parameters)


@pytest.mark.parametrize(
    ("parameters", "dimensions"),
    [
        ({}, 1536),
        ({"model": "text-embedding-3-large"}, 3072),
        ({"dimensions": 5}, 5),
        ({"model": "mine"}, 1536),
    ],
)
def test_a_vector_has_length_1(parameters: Any, dimensions: int) -> None:
    vector = embed(**parameters).data[0].embedding
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)


def test_a_vector_depends_on_model_and_input() -> None:
    vectors = [e.embedding for e in embed(input=["a", "b", "a"]).data]
    assert vectors[0] == vectors[2] != vectors[1]
    assert embed(input="a").data[0].embedding == vectors[0]
    assert embed(input="a", model="other").data[0].embedding != vectors[0]


def test_fewer_dimensions_are_the_first_ones() -> None:
    full_vector, short_vector = embed().data[0].embedding, embed(dimensions=3).data[0].embedding
    assert [x / short_vector[0] for x in short_vector] == pytest.approx(
        [x / full_vector[0] for x in full_vector[:3]], rel=1e-5
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dimensions": 1537}, "'dimensions' = 1537. Must be less than or equal to 1536."),
        ({"model": "text-embedding-3-large", "dimensions": 3073}, "less than or equal to 3072."),
        ({"model": "text-embedding-ada-002", "dimensions": 3}, "does not support specifying"),
        ({"model": "mine", "dimensions": 8193}, "Expected a value <= 8192, but got 8193"),
        ({"input": ["a"] * 2049}, "'input': array too long. .* 2048, .* with length 2049"),
        ({"input": [7] * 2049}, "'input': array too long. .* 2048, .* with length 2049"),
        ({"input": [[7], [7] * 2049]}, r"'input\[1\]': array too long. .* 2048, .* 2049"),
        ({"input": "word " * 8193}, "length is 8192 tokens, however you requested 8194 tokens"),
        ({"input": ["word " * 8000] * 38}, "Requested 304038 tokens, max 300000 tokens per req"),
        ({"model": "mine", "input": "word " * 300_001}, "Requested 300002 tokens, max 300000"),
    ],
)
def test_requests_beyond_a_models_limits_are_refused(parameters: Any, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        embed(**parameters)


def test_base64_is_the_same_numbers() -> None:
    parameters = {"model": SMALL, "input": "Hi", "encoding_format": "base64"}
    with MockOpenAI() as mock, httpx.Client(transport=mock.transport()) as client:
        answer = client.post("http://mockserver/v1/embeddings", json=parameters).json()
    numbers = struct.unpack("<1536f", base64.b64decode(answer["data"][0]["embedding"]))
    assert list(numbers) == embed(encoding_format="float").data[0].embedding


def test_the_json_is_indented_like_openais() -> None:
    parameters = {"model": 'a "model"', "input": ["Hi", "there"], "dimensions": 3}
    with MockOpenAI() as mock, httpx.Client(transport=mock.transport()) as client:
        body = client.post("http://mockserver/v1/embeddings", json=parameters).content
        other = client.post("http://mockserver/v1/embeddings", json={**parameters, "input": []})
    assert body == msgspec.json.format(body, indent=2) + b"\n"
    answer = json.loads(body)
    assert list(answer) == ["object", "data", "model", "usage"]
    assert answer["data"][1] == {
        "object": "embedding",
        "index": 1,
        "embedding": list(vector('a "model"', "there", 3)),
    }
    assert other.status_code == 400


def test_a_large_batch_is_base64_for_the_python_sdk_too() -> None:
    """As requested, and as OpenAI does: numbers would be six times as large."""
    parameters = {"model": SMALL, "input": ["a"] * 66, "encoding_format": "base64"}
    python = {"x-stainless-lang": "python"}
    with MockOpenAI() as mock, httpx.Client(transport=mock.transport(), headers=python) as client:
        url = "http://mockserver/v1/embeddings"
        many = client.post(url, json=parameters).json()["data"][0]["embedding"]
        few = client.post(url, json={**parameters, "input": ["a"] * 65}).json()["data"][0][
            "embedding"
        ]
        (first, *_) = mock.client().embeddings.create(model=SMALL, input=["a"] * 66).data
    assert list(struct.unpack("<1536f", base64.b64decode(many))) == few == first.embedding


def test_the_python_sdks_strict_models_accept_the_answer() -> None:
    """It requests base64 by default, and its models have a list of floats."""
    with MockOpenAI() as mock:
        client = mock.client(_strict_response_validation=True)
        answer = client.embeddings.create(model=SMALL, input="Hi")
    assert answer.data[0].embedding == embed().data[0].embedding


@pytest.mark.parametrize(
    ("input_", "vectors", "tokens"),
    [("Hello, world", 1, 3), (["a", "b"], 2, 2), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)],
)
def test_texts_and_tokens(input_: Any, vectors: int, tokens: int) -> None:
    answer = embed(input=input_)
    assert [e.index for e in answer.data] == list(range(vectors))
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == tokens


def moderate(input_: Any) -> list[Any]:
    with MockOpenAI() as mock:
        return mock.client().moderations.create(input=input_).results


def test_plain_words_are_flagged() -> None:
    good, bad = moderate(["What a day", "I will kill the process"])
    assert (good.flagged, bad.flagged) == (False, True)
    assert bad.categories.violence
    assert bad.category_scores.violence > 0.5 > good.category_scores.violence
    assert moderate("What a day")[0] == good


def test_text_and_images_are_one_input() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    (result,) = moderate([{"type": "text", "text": "Look"}, image])
    assert set(result.category_applied_input_types.violence) == {"text", "image"}
    assert result.category_applied_input_types.hate == ["text"]
