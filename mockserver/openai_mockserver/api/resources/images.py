"""``/v1/images``: small real pictures, whole or in parts.

Rules of this file: no I/O; a picture follows from what is asked. It is a PNG (W3C PNG, third
edition) whatever format is asked for, and says so; its sides are those asked for, scaled down.
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
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Head, Script
from openai_mockserver.seed import now

__all__ = ["ANSWERS", "picture", "png"]

_LONGEST = 64  # pixels of a picture's longer side
_SIZE = re.compile("([0-9]{1,5})x([0-9]{1,5})")
_TOO_LARGE = re.compile("[0-9]{6,}x[0-9]+|[0-9]+x[0-9]{6,}")


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG of 8-bit RGB pixels, row by row.

    >>> png(1, 1, b"abc")[:8]
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


def picture(seed: str, size: str | None, grain: int = 1) -> bytes:
    """The picture that a seed means: a blend of four colours.

    Args:
        seed: what is asked for.
        size: as in ``1536x1024``; square by default.
        grain: the side of its squares in pixels, more than 1 where it is not finished.
    """
    sides = _SIZE.fullmatch(size or "")
    asked = [max(1, int(side)) for side in sides.groups()] if sides else [1024, 1024]
    width, height = (max(1, side * _LONGEST // max(*asked, _LONGEST)) for side in asked)
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
    return png(width, height, bytes(pixels))


def _seed(given: Mapping[str, Any], index: int) -> str:
    asked = (given.get("prompt"), given.get("model"), given.get("image"), given.get("mask"))
    return f"{asked!r}\0{index}"


def _b64(data: bytes) -> str:
    return b64encode(data).decode()


_QUALITY = frozenset({"low", "medium", "high", "xhigh", "max"})


def _look(given: Mapping[str, Any]) -> dict[str, Any]:
    """How the picture is: what the request says, where it leaves no choice."""
    size, quality = given.get("size"), given.get("quality")
    return {
        "size": size if size not in (None, "auto") else "1024x1024",
        "quality": quality if quality in _QUALITY else "high",
        "background": "opaque",
        "output_format": "png",
    }


def _usage(given: Mapping[str, Any], n: int) -> dict[str, Any]:
    text = tokens.count(given.get("prompt") or "", given.get("model"))
    image = given.get("image")
    images = 323 * (len(image) if isinstance(image, list) else image is not None)
    return {
        "total_tokens": text + images + 4160 * n,
        "input_tokens": text + images,
        "output_tokens": 4160 * n,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
    }


def draw(asked: Asked, store: Store, rng: Random) -> Script:
    """Small real pictures, always the same of the same prompt; streamed, ever finer."""
    given = asked.parameters
    size = given.get("size")
    if size and _TOO_LARGE.fullmatch(size):
        told = f"Invalid value: '{size}'. Value must be 'auto' or a size like '1024x1024'."
        return errors.render(ApiError(400, told, None, "invalid_value", "size"), rng)
    if given.get("stream"):
        return _stream(asked, rng)
    n = given.get("n") or 1
    pictures = [picture(_seed(given, index), size) for index in range(n)]
    made: dict[str, Any] = {"created": now(rng)}
    older = not str(given.get("model") or "dall-e-2").startswith("gpt-image")
    if older and given.get("response_format") != "b64_json":
        # There is nowhere to fetch them from but the answer itself.
        made["data"] = [{"url": f"data:image/png;base64,{_b64(data)}"} for data in pictures]
    else:
        made["data"] = [{"b64_json": _b64(data)} for data in pictures]
    if not older:
        made |= _look(given) | {"usage": _usage(given, n)}
    return json_response(made, rng)


def _stream(asked: Asked, rng: Random) -> Script:
    """Ever finer partial pictures, then the whole one."""
    given = asked.parameters
    kind = "image_edit" if asked.path.endswith("/edits") else "image_generation"
    look = {"created_at": now(rng)} | _look(given)
    seed, size = _seed(given, 0), given.get("size")
    partial = given.get("partial_images") or 0
    events: list[dict[str, Any]] = []
    for index in range(partial):
        data = picture(seed, size, 2 ** (partial - index + 1))
        said = {"type": f"{kind}.partial_image", "b64_json": _b64(data)} | look
        events.append(said | {"partial_image_index": index})
    said = {"type": f"{kind}.completed", "b64_json": _b64(picture(seed, size))} | look
    events.append(said | {"usage": _usage(given, 1)})
    steps = tuple(Event(msgspec.json.encode(e).decode(), event=str(e["type"])) for e in events)
    return Script(Head(200, headers.stream_headers(rng)), steps)


ANSWERS = {
    ("POST", "/v1/images/generations"): draw,
    ("POST", "/v1/images/edits"): draw,
    ("POST", "/v1/images/variations"): draw,
}
