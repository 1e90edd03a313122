"""Forms and queries as parameters."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import MockOpenAI
from openai_mockserver.api import multipart
from openai_mockserver.api.disk_bytes import parts_of
from openai_mockserver.api.multipart import FormError, nest_parameters, parse_form

MULTIPART = "multipart/form-data"


def form(**content: Any) -> tuple[bytes, str]:
    """A form as an HTTP library writes it, and its content type."""
    request = httpx2.Request("POST", "http://mock/", **content)
    request.read()
    return request.content, request.headers["content-type"]


@given(st.binary(max_size=200), st.text("abc .é", min_size=1, max_size=9))
def test_a_file_arrives_as_it_is(data: bytes, name: str) -> None:
    parsed = parse_form(*form(files={"file": (name, data, "text/x")}, data={"purpose": "batch"}))
    file = parsed["file"]
    assert (file, file.name, file.content_type) == (data, name, "text/x")
    assert parsed["purpose"] == "batch"


def test_several_files() -> None:
    parsed = parse_form(*form(files=[("image[]", b"a"), ("image[]", b"b")]))
    assert parsed == {"image": [b"a", b"b"]}


@pytest.mark.parametrize(
    ("pairs", "meant"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("a[]", "1")], {"a": ["1"]}),
        ([("a", "1"), ("a", "2")], {"a": ["1", "2"]}),
        ([("a[b][c]", "1"), ("a[b][d]", "2")], {"a": {"b": {"c": "1", "d": "2"}}}),
        (
            [("a[][b]", "1"), ("a[][c]", "2"), ("a[][b]", "3")],
            {"a": [{"b": "1", "c": "2"}, {"b": "3"}]},
        ),
        ([("a[b][]", "1"), ("a[b][]", "2")], {"a": {"b": ["1", "2"]}}),
        ([("a[", "1")], {"a": "1"}),
        ([("", "1")], {"": "1"}),
    ],
)
def test_names_with_brackets(pairs: list[tuple[str, str]], meant: Any) -> None:
    assert nest_parameters(pairs) == meant


@given(st.lists(st.tuples(st.text("ab[]", max_size=8), st.text(max_size=2))))
def test_any_names_mean_something(pairs: list[tuple[str, str]]) -> None:
    assert isinstance(nest_parameters(pairs), dict)


@given(
    st.lists(st.text("\r\n-b", max_size=30).map(str.encode), max_size=4),
    st.integers(1, 40),
)
def test_data_like_a_boundary_arrives_as_it_is(contents: list[bytes], size: int) -> None:
    """However few bytes are read at once."""
    heads = [b'Content-Disposition: form-data; name="%d"; filename="f"' % n for n in range(9)]
    lines = [b"--bcb\r\n%b\r\n\r\n%b\r\n" % pair for pair in zip(heads, contents, strict=False)]
    body = b"".join([*lines, b"--bcb--\r\n"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multipart, "parts_of", lambda data: parts_of(data, size))
        parsed = parse_form(body, "multipart/form-data; boundary=bcb")
    assert list(parsed.values()) == contents


def test_a_part_without_a_name() -> None:
    body = b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n"
    with pytest.raises(FormError, match="Content-Disposition"):
        parse_form(body, "multipart/form-data; boundary=b")


def test_a_form_without_files() -> None:
    assert parse_form(*form(data={"model": "a b"})) == {"model": "a b"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x", MULTIPART),
        (
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            "multipart/form-data; boundary=b",
        ),
        (b"x", "multipart/form-data; boundary=b"),
        (b"x", f"multipart/form-data; boundary={'b' * 300}"),
        (b"x", "multipart/form-data; boundary=€"),
    ],
)
def test_what_is_no_form(body: bytes, content_type: str) -> None:
    with pytest.raises(FormError):
        parse_form(body, content_type)


def test_a_name_of_too_many_brackets_is_a_name() -> None:
    deep = f"a{'[b]' * 5000}"
    assert nest_parameters([(deep, "1"), ("c[d]", "2")]) == {deep: "1", "c": {"d": "2"}}


@pytest.mark.parametrize("part", ["query", "form"])
def test_a_name_of_too_many_brackets_is_unknown(part: str) -> None:
    name = f"metadata{'[b]' * 100}"
    with MockOpenAI() as mock, httpx2.Client(transport=mock.transport()) as client:
        if part == "query":
            answer = client.get("http://mock/v1/files", params={name: "1"})
        else:
            given = {"purpose": "batch", name: "1"}
            answer = client.post("http://mock/v1/files", files={"file": b"a"}, data=given)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"Unknown parameter: '{name}'."


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a[]", "a", "a[][b]"])
def test_many_values_are_no_more_than_that(name: str) -> None:
    n = 200_000  # a copy of the list for each would take minutes
    assert len(nest_parameters((name, "1") for _ in range(n))["a"]) == n
