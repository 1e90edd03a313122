"""Pictures that are pictures."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.api.resources import images

MODEL = "gpt-image-1"


def size(data: bytes) -> tuple[int, int]:
    """A PNG's width and height; its checksums and its number of pixels are right."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, inner = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(name + inner)
        chunks[name] = inner
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + 3 * width)
    return width, height


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        ("1024x1024", (64, 64)),
        ("1536x1024", (64, 42)),
        ("auto", (64, 64)),
        ("32x16", (32, 16)),
        ("5000x1", (64, 1)),
    ],
)
def test_a_picture_has_the_sides_asked_for(asked: str, drawn: tuple[int, int]) -> None:
    assert size(images.picture("a cat", asked)) == drawn


def test_the_same_prompt_is_the_same_picture() -> None:
    with MockOpenAI() as mock:
        client = mock.client()
        cat = [client.images.generate(model=MODEL, prompt="a cat", n=2).data for _ in range(2)]
        assert cat[0] == cat[1]
        dog = client.images.generate(model=MODEL, prompt="a dog").data
    assert cat[0] is not None
    assert dog is not None
    assert len({picture.b64_json for picture in (*cat[0], *dog)}) == 3


def test_an_edit_takes_files() -> None:
    with MockOpenAI() as mock:
        answer = mock.client().images.edit(
            model=MODEL, image=[b"one", b"two"], prompt="a hat", size="1024x1536"
        )
    assert answer.data is not None
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 2 * 323
    assert size(base64.b64decode(answer.data[0].b64_json or "")) == (42, 64)


def test_older_models_give_an_address() -> None:
    with MockOpenAI() as mock:
        answer = mock.client().images.generate(prompt="a cat", model="dall-e-2")
    assert answer.data is not None
    head, _, data = (answer.data[0].url or "").partition(",")
    assert head == "data:image/png;base64"
    assert size(base64.b64decode(data)) == (64, 64)


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_a_streamed_picture_comes_ever_finer(kind: str) -> None:
    asked: Any = {"model": MODEL, "prompt": "a cat", "stream": True, "partial_images": 2}
    with MockOpenAI() as mock:
        images = mock.client().images
        made = images.edit if kind == "image_edit" else images.generate
        events = list(made(**asked | ({"image": b"x"} if kind == "image_edit" else {})))
    assert [event.type for event in events] == [
        f"{kind}.partial_image",
        f"{kind}.partial_image",
        f"{kind}.completed",
    ]
    whole = [base64.b64decode(event.b64_json) for event in events]
    assert len(set(whole)) == 3
    assert {size(data) for data in whole} == {(64, 64)}


def test_a_parameter_out_of_bounds() -> None:
    with MockOpenAI() as mock, pytest.raises(openai.BadRequestError, match="<= 10, but got 11"):
        mock.client().images.generate(prompt="a cat", n=11)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"size": f"1x{'9' * 5000}"}, "size"),
        ({"size": "100000x1"}, "size"),
        ({"size": f"1x{'9' * 5000}", "stream": True}, "size"),
        ({"partial_images": 4, "stream": True}, "partial_images"),
        ({"partial_images": 10**9, "stream": True}, "partial_images"),
    ],
)
def test_a_picture_that_nobody_draws(asked: Any, param: str) -> None:
    with MockOpenAI() as mock, pytest.raises(openai.BadRequestError) as refused:
        mock.client().images.generate(model=MODEL, prompt="a cat", **asked)
    assert refused.value.param == param
