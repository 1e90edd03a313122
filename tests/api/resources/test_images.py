"""Generated images are valid images."""

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


def png_size(data: bytes) -> tuple[int, int]:
    """Return a PNG's width and height, and check its checksums and its number of pixels."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    offset, chunks = 8, {}
    while offset < len(data):
        (length,) = struct.unpack(">I", data[offset : offset + 4])
        name, content = data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]
        (checksum,) = struct.unpack(">I", data[offset + 8 + length : offset + 12 + length])
        assert checksum == zlib.crc32(name + content)
        chunks[name] = content
        offset += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + 3 * width)
    return width, height


@pytest.mark.parametrize(
    ("requested_size", "expected"),
    [
        ("1024x1024", (64, 64)),
        ("1536x1024", (64, 42)),
        ("auto", (64, 64)),
        ("32x16", (32, 16)),
        ("5000x1", (64, 1)),
    ],
)
def test_an_image_has_the_requested_ratio(requested_size: str, expected: tuple[int, int]) -> None:
    assert png_size(images.draw_image("a cat", requested_size)) == expected


def test_the_same_prompt_gets_the_same_image() -> None:
    with MockOpenAI() as mock:
        client = mock.client()
        cat = [client.images.generate(model=MODEL, prompt="a cat", n=2).data for _ in range(2)]
        assert cat[0] == cat[1]
        dog = client.images.generate(model=MODEL, prompt="a dog").data
    assert cat[0] is not None
    assert dog is not None
    assert len({image.b64_json for image in (*cat[0], *dog)}) == 3


def test_an_edit_accepts_files() -> None:
    with MockOpenAI() as mock:
        answer = mock.client().images.edit(
            model=MODEL, image=[b"one", b"two"], prompt="a hat", size="1024x1536"
        )
    assert answer.data is not None
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 2 * 323
    assert png_size(base64.b64decode(answer.data[0].b64_json or "")) == (42, 64)


def test_older_models_return_a_url() -> None:
    with MockOpenAI() as mock:
        answer = mock.client().images.generate(prompt="a cat", model="dall-e-2")
    assert answer.data is not None
    head, _, data = (answer.data[0].url or "").partition(",")
    assert head == "data:image/png;base64"
    assert png_size(base64.b64decode(data)) == (64, 64)


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_a_stream_has_ever_finer_partial_images(kind: str) -> None:
    parameters: Any = {"model": MODEL, "prompt": "a cat", "stream": True, "partial_images": 2}
    with MockOpenAI() as mock:
        images = mock.client().images
        create = images.edit if kind == "image_edit" else images.generate
        events = list(create(**parameters | ({"image": b"x"} if kind == "image_edit" else {})))
    assert [event.type for event in events] == [
        f"{kind}.partial_image",
        f"{kind}.partial_image",
        f"{kind}.completed",
    ]
    pngs = [base64.b64decode(event.b64_json) for event in events]
    assert len(set(pngs)) == 3
    assert {png_size(data) for data in pngs} == {(64, 64)}


def test_a_parameter_out_of_bounds_is_refused() -> None:
    with MockOpenAI() as mock, pytest.raises(openai.BadRequestError, match="<= 10, but got 11"):
        mock.client().images.generate(prompt="a cat", n=11)


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"size": f"1x{'9' * 5000}"}, "size"),
        ({"size": "100000x1"}, "size"),
        ({"size": f"1x{'9' * 5000}", "stream": True}, "size"),
        ({"partial_images": 4, "stream": True}, "partial_images"),
        ({"partial_images": 10**9, "stream": True}, "partial_images"),
    ],
)
def test_invalid_parameters_are_refused(parameters: Any, param: str) -> None:
    with MockOpenAI() as mock, pytest.raises(openai.BadRequestError) as error_info:
        mock.client().images.generate(model=MODEL, prompt="a cat", **parameters)
    assert error_info.value.param == param
