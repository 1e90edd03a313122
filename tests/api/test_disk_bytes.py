"""Bytes on disk are those in memory, and leave nothing behind."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver.api.disk_bytes import (
    PART,
    DiskBytes,
    DiskWriter,
    RawOnDisk,
    join_bytes,
    weigh,
)
from openai_mockserver.api.multipart import File, FileOnDisk, FormError, parse_form
from openai_mockserver.sse import count_events, encode


def on_disk(*parts: bytes) -> DiskBytes:
    writer = DiskWriter()
    writer.write(parts)
    return writer.finish()


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=9)), max_size=4),
    st.integers(-12, 12),
    st.integers(-12, 12),
    st.integers(1, 9),
)
def test_what_is_joined_sliced_and_split_is_what_bytes_would_be(
    several: list[tuple[bool, bytes]], start: int, stop: int, size: int
) -> None:
    whole = b"".join(data for _, data in several)
    joined = join_bytes(on_disk(data) if is_on_disk else data for is_on_disk, data in several)
    assert isinstance(joined, DiskBytes) == any(is_on_disk for is_on_disk, _ in several)
    assert (bytes(joined), len(joined)) == (whole, len(whole))
    assert bytes(joined[start:stop]) == whole[start:stop]
    if isinstance(joined, DiskBytes):
        split = list(map(bytes, joined.split(size)))
        assert b"".join(split) == b"".join(joined.parts(size)) == whole
        assert all(len(part) == size for part in split[:-1])


def test_equal_bytes_are_equal_wherever_they_lie() -> None:
    one, other = on_disk(b"abc", b"def"), on_disk(b"xabcdef")[1:]
    assert one == other
    assert hash(one) == hash(other)
    assert one != on_disk(b"abcdeg")
    assert repr(one) == repr(other)


def test_a_step_on_disk_has_its_bytes_and_no_events() -> None:
    step = RawOnDisk(on_disk(b"data: a\n\n"))
    assert (encode(step), count_events(step)) == (b"data: a\n\n", 0)


def test_what_bytes_count() -> None:
    assert weigh(b"x" * 1000) == 1000
    assert weigh(on_disk(b"x")) == 1 << 18
    assert weigh(on_disk(b"x" * (1 << 25))) == 1 << 19


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_files_are_closed_when_nothing_refers_to_them() -> None:
    gc.collect()
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    whole = on_disk(b"abc")
    part = whole[1:]
    del whole
    assert bytes(part) == b"bc"
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before + 1
    del part
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


# Forms


def form(*files: bytes) -> bytes:
    """A form with these files, and a field after them."""
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="file[]"; filename="%d"\r\n\r\n%b\r\n' % pair
        for pair in enumerate(files)
    ]
    field = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
    return b"".join([*parts, field])


@pytest.mark.parametrize("short_by", [*range(60, 140), 200])
def test_a_form_on_disk_is_what_it_is_in_memory(short_by: int) -> None:
    """Wherever the border of what is read at once lies in its boundary, and in its headers."""
    rng = Random(short_by)
    ended_like_a_boundary = rng.randbytes(PART - short_by) + b"\r\n--"
    body = form(ended_like_a_boundary, b"short", rng.randbytes(2 * PART))
    content_type = "multipart/form-data; boundary=b"
    in_memory, read = parse_form(body, content_type), parse_form(on_disk(body), content_type)
    assert read["purpose"] == in_memory["purpose"] == "batch"
    assert [type(file) for file in read["file"]] == [FileOnDisk, File, FileOnDisk]
    assert list(map(bytes, read["file"])) == list(map(bytes, in_memory["file"]))
    assert [file.name for file in read["file"]] == ["0", "1", "2"]


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
@pytest.mark.parametrize(
    "body",
    [form(b"x" * PART), form(b"x" * PART)[:-9], b"--b\r\n:"],
    ids=["complete", "ends early", "garbled"],
)
def test_a_forms_file_is_closed_without_the_garbage_collector(body: bytes) -> None:
    """Whether the form is parsed or refused."""
    gc.collect()
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    gc.disable()
    try:
        with suppress(FormError):
            parse_form(on_disk(body), "multipart/form-data; boundary=b")
        assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    finally:
        gc.enable()


def test_a_form_of_too_many_parts() -> None:
    with pytest.raises(FormError, match="it has more than 1,000 parts"):
        parse_form(form(*[b""] * 1000), "multipart/form-data; boundary=b")
    assert len(parse_form(form(*[b""] * 999), "multipart/form-data; boundary=b")["file"]) == 999


def test_a_form_without_files_of_too_many_fields() -> None:
    kind = "application/x-www-form-urlencoded"
    with pytest.raises(FormError, match="it has more than 1,000 parts"):
        parse_form(b"&".join([b"a[]=1"] * 1001), kind)
    assert len(parse_form(b"&".join([b"a[]=1"] * 1000), kind)["a"]) == 1000


def test_a_form_of_too_much_text() -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n%b\r\n' % (b"x" * (12 << 20))
    with pytest.raises(FormError, match="its fields have more than 32 MiB of text"):
        parse_form(on_disk(field * 3 + b"--b--\r\n"), "multipart/form-data; boundary=b")


def test_a_field_that_is_too_long_is_refused_without_being_read() -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n%b\r\n--b--\r\n'
    body = on_disk(field % (b"x" * (33 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(FormError, match="more than 32 MiB of text"):
            parse_form(body, "multipart/form-data; boundary=b")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
