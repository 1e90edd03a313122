"""Videos: a decoder sees as many frames of one colour as it should."""

from __future__ import annotations

import io
from typing import Any

import pytest

from openai_mockserver.api.resources.mp4 import make_video

av = pytest.importorskip("av")


def find_colours(frame: Any) -> list[set[int]]:
    """Return the values in each plane of a frame."""
    colours = []
    for plane in frame.planes:
        data = bytes(plane)
        rows = (data[n * plane.line_size :][: plane.width] for n in range(plane.height))
        colours.append({value for row in rows for value in row})
    return colours


@pytest.mark.parametrize(
    ("size", "seconds", "shown"),
    [
        ((1280, 720), 1, (1280, 720)),
        ((100, 50), 2, (100, 50)),  # cropped
        ((16, 64), 1, (16, 64)),  # one macroblock wide
        ((1, 17), 1, (16, 16)),
    ],
)
def test_a_decoder_sees_one_colour(
    size: tuple[int, int], seconds: int, shown: tuple[int, int]
) -> None:
    with av.open(io.BytesIO(make_video("any", size, seconds))) as container:
        (stream,) = container.streams
        frames = list(container.decode(stream))
        assert stream.duration * stream.time_base == seconds
    assert len(frames) == seconds * 24
    assert {(frame.width, frame.height) for frame in frames} == {shown}
    colours = find_colours(frames[0])
    assert [len(values) for values in colours] == [1, 1, 1]
    assert find_colours(frames[-1]) == colours


def test_videos_are_small_and_differ() -> None:
    first, second = (make_video(seed, (1280, 720), 12) for seed in "ab")
    assert len(first) == len(second) < 16_000
    assert first != second
