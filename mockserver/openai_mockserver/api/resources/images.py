"""``/v1/images``: small but real images, complete or as partial images.

Rules of this file: no I/O; an image depends on the request alone. It is always a PNG (W3C PNG,
third edition), and the answer says so; its sides are the requested ones, scaled down to 64 pixels.
"""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import tokens
from openai_mockserver.api import errors, headers
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Head, Script
from openai_mockserver.seed import now

__all__ = ["ANSWERS", "draw_image", "encode_png"]

_LONGEST = 64  # pixels of an image's longer side
_SIZE = re.compile("([0-9]{1,5})x([0-9]{1,5})")
_TOO_LARGE = re.compile("[0-9]{6,}x[0-9]+|[0-9]+x[0-9]{6,}")


def encode_png(width: int, height: int, pixels: bytes) -> bytes:
    """Return a PNG of 8-bit RGB pixels, given row by row.

    >>> encode_png(1, 1, b"abc")[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    stride = 3 * width
    rows = b"".join(b"\0" + pixels[y * stride : (y + 1) * stride] for y in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def draw_image(seed: str, size: str | None, grain: int = 1) -> bytes:
    """Return the image of a seed as a PNG: a blend of four colours.

    Args:
        seed: text that determines the colours.
        size: requested size, such as ``1536x1024``; square by default.
        grain: side of a uniform square in pixels; more than 1 for a partial image.
    """
    sides = _SIZE.fullmatch(size or "")
    requested_sides = [max(1, int(side)) for side in sides.groups()] if sides else [1024, 1024]
    width, height = (
        max(1, side * _LONGEST // max(*requested_sides, _LONGEST)) for side in requested_sides
    )
    rng = Random(seed)
    corners = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(4)]
    pixels = bytearray()
    for y in range(height):
        down = (y // grain * grain) / height
        for x in range(width):
            across = (x // grain * grain) / width
            weights = (
                (1 - across) * (1 - down),
                across * (1 - down),
                (1 - across) * down,
                across * down,
            )
            pixels += bytes(
                int(sum(w * c[i] for w, c in zip(weights, corners, strict=True))) for i in range(3)
            )
    return encode_png(width, height, bytes(pixels))


def _make_seed(parameters: Mapping[str, Any], index: int) -> str:
    inputs = (
        parameters.get("prompt"),
        parameters.get("model"),
        parameters.get("image"),
        parameters.get("mask"),
    )
    return f"{inputs!r}\0{index}"


def _encode_base64(data: bytes) -> str:
    return b64encode(data).decode()


_QUALITY = frozenset({"low", "medium", "high", "xhigh", "max"})


def _describe_image(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that describe an image, with defaults for what the request leaves open."""
    size, quality = parameters.get("size"), parameters.get("quality")
    return {
        "size": size if size not in (None, "auto") else "1024x1024",
        "quality": quality if quality in _QUALITY else "high",
        "background": "opaque",
        "output_format": "png",
    }


def _count_usage(parameters: Mapping[str, Any], count: int) -> dict[str, Any]:
    text = tokens.count(parameters.get("prompt") or "", parameters.get("model"))
    image = parameters.get("image")
    images = 323 * (len(image) if isinstance(image, list) else image is not None)
    return {
        "total_tokens": text + images + 4160 * count,
        "input_tokens": text + images,
        "output_tokens": 4160 * count,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
    }


def create_images(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return images, always the same for the same request; a stream has partial images first."""
    parameters = request.parameters
    size = parameters.get("size")
    if size and _TOO_LARGE.fullmatch(size):
        message = f"Invalid value: '{size}'. Value must be 'auto' or a size like '1024x1024'."
        return errors.render(ApiError(400, message, None, "invalid_value", "size"), rng)
    if parameters.get("stream"):
        return _stream_images(request, rng)
    count = parameters.get("n") or 1
    images = [draw_image(_make_seed(parameters, index), size) for index in range(count)]
    answer: dict[str, Any] = {"created": now(rng)}
    is_older = not str(parameters.get("model") or "dall-e-2").startswith("gpt-image")
    if is_older and parameters.get("response_format") != "b64_json":
        # The image is in the URL itself, since there is no server to fetch it from.
        answer["data"] = [
            {"url": f"data:image/png;base64,{_encode_base64(data)}"} for data in images
        ]
    else:
        answer["data"] = [{"b64_json": _encode_base64(data)} for data in images]
    if not is_older:
        answer |= _describe_image(parameters) | {"usage": _count_usage(parameters, count)}
    return json_response(answer, rng)


def _stream_images(request: EndpointRequest, rng: Random) -> Script:
    """Return a stream of partial images, each finer than the last, and the final image."""
    parameters = request.parameters
    kind = "image_edit" if request.path.endswith("/edits") else "image_generation"
    description = {"created_at": now(rng)} | _describe_image(parameters)
    seed, size = _make_seed(parameters, 0), parameters.get("size")
    partial_count = parameters.get("partial_images") or 0
    events: list[dict[str, Any]] = []
    for index in range(partial_count):
        data = draw_image(seed, size, 2 ** (partial_count - index + 1))
        event = {"type": f"{kind}.partial_image", "b64_json": _encode_base64(data)} | description
        events.append(event | {"partial_image_index": index})
    event = {
        "type": f"{kind}.completed",
        "b64_json": _encode_base64(draw_image(seed, size)),
    } | description
    events.append(event | {"usage": _count_usage(parameters, 1)})
    steps = tuple(Event(msgspec.json.encode(e).decode(), event=str(e["type"])) for e in events)
    return Script(Head(200, headers.stream_headers(rng)), steps)


ANSWERS = {
    ("POST", "/v1/images/generations"): create_images,
    ("POST", "/v1/images/edits"): create_images,
    ("POST", "/v1/images/variations"): create_images,
}
