"""What is secret never reaches the disk, and what is left keeps its length."""

from __future__ import annotations

import re
import time
from base64 import b64encode

import msgspec.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import MockServerError
from openai_mockserver.cassettes import Exchange
from openai_mockserver.cassettes.redact import Redactor, without_secrets
from openai_mockserver.script import Script

KEY = "sk-proj-canary0123456789abcdefghij"
AUTHORIZATION = (("Authorization", f"Bearer {KEY}"),)


def joined(reads: list[tuple[float, bytes]]) -> bytes:
    return b"".join(data for _, data in reads)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-Abc_def-0123456789",
        "org-abcdefgh12345678",
        "proj_abcdefgh12345678",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.c2lnbmF0dXJl",
        "Bearer abcd1234efgh",
    ],
)
def test_what_looks_like_a_key_is_taken_out_of_texts(secret: str) -> None:
    stream = Redactor().stream(())
    text = f'say "{secret}" now'
    assert stream.text(text) == text.replace(secret, "X" * len(secret))
    assert stream.found == {"what looks like a key"}


@pytest.mark.parametrize("text", ["task-based", "a risk-free organisation", "sk-short", "hello"])
def test_other_words_stay(text: str) -> None:
    assert Redactor().stream(()).text(text) == text


def test_headers() -> None:
    given_ = [("Authorization", "Bearer x"), ("Set-Cookie", "a=b"), ("X-Team", "blue"), ("A", "b")]
    stream = Redactor(headers=["x-team"]).stream(given_)
    assert stream.headers(given_) == [
        ("Authorization", "X" * 8),
        ("Set-Cookie", "XXX"),
        ("X-Team", "XXXX"),
        ("A", "b"),
    ]
    assert stream.found == {"authorization", "set-cookie", "x-team"}


@pytest.mark.parametrize(
    "name",
    [
        "llm_provider-set-cookie",
        "Ocp-Apim-Subscription-Key",
        "X-Amz-Security-Token",
        "x-functions-key",
        "X-Forwarded-Authorization",
        "llm_provider-openai-organization",
        "xi-api-key",
    ],
)
def test_headers_that_end_as_a_secret_one_does(name: str) -> None:
    assert Redactor().stream(()).headers([(name, "a=b")]) == [(name, "XXX")]


@pytest.mark.parametrize("name", ["x-ratelimit-remaining-tokens", "idempotency-key", "x-tokenizer"])
def test_headers_that_only_sound_like_it_stay(name: str) -> None:
    assert Redactor().stream(()).headers([(name, "1")]) == [(name, "1")]


def test_query_parameters() -> None:
    url = "https://h/v1/x?api-version=1&api-key=secret&key=k1"
    assert Redactor().stream(()).url(url) == "https://h/v1/x?api-version=1&api-key=XXXXXX&key=XX"


def test_members_of_bodies() -> None:
    body = {"user": "ann", "messages": [{"name": "bob", "content": "Hi"}, {"name": "eve"}], "n": 1}
    stream = Redactor(paths=["user", "messages[*].name", "n", "nothing.here"]).stream(())
    assert stream.json(body) == {
        "user": "XXX",
        "messages": [{"name": "XXX", "content": "Hi"}, {"name": "XXX"}],
        "n": None,
    }


def test_patterns_and_functions_of_ones_own() -> None:
    redactor = Redactor(
        patterns=[r"\d{4}-\d{4}", re.compile("Zürich")], change=lambda t: t.replace("ann", "***")
    )
    assert redactor.stream(()).text("1234-5678 ann Zürich") == "XXXXXXXXX *** XXXXXX"


def test_it_can_be_turned_off() -> None:
    stream = Redactor(enabled=False).stream(AUTHORIZATION)
    assert stream.headers(AUTHORIZATION) == list(AUTHORIZATION)
    assert joined(stream.read(KEY.encode())) == KEY.encode()


def test_a_key_that_looks_like_none_is_known_from_the_request() -> None:
    stream = Redactor().stream((("api-key", "0123-plain-word"),))
    assert stream.text("you sent 0123-plain-word") == f"you sent {'X' * 15}"


@given(st.data())
def test_a_secret_is_found_however_the_reads_cut_it(data: st.DataObject) -> None:
    before = data.draw(st.text('abc -sk{}"', max_size=20))
    body = f'{before} {KEY}" tail org-abcdefgh12345678.'.encode()
    stream = Redactor().stream(AUTHORIZATION)
    out, rest = b"", body
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        out += joined(stream.read(rest[:size]))
        rest = rest[size:]
    out += joined(stream.rest())
    assert len(out) == len(body)
    assert b"canary" not in out
    assert b"org-a" not in out
    assert out.endswith(b".")


@given(st.lists(st.binary(max_size=20)))
def test_what_holds_no_secret_is_what_it_was(reads: list[bytes]) -> None:
    stream = Redactor(patterns=()).stream(())
    if stream.text(b"".join(reads).decode("latin-1")) == b"".join(reads).decode("latin-1"):
        kept = [piece for data in reads for piece in stream.read(data)]
        assert joined(kept + stream.rest()) == b"".join(reads)


@given(st.text("abcdefgh ", max_size=50))
def test_ordinary_words_are_not_held_back(text: str) -> None:
    stream = Redactor().stream(())
    body = f"data: {text}\n\n".encode()
    assert joined(stream.read(body)) == body


def test_a_function_of_ones_own_may_write_any_character() -> None:
    stream = Redactor(change=lambda text: text.replace("Ann", "…")).stream(())
    assert stream.body("é Ann".encode()) == {"text": "é …"}
    assert joined(stream.read("é Ann ".encode())) == "é … ".encode()


# Deep, many, and bytes


def nested(value: object, levels: int) -> object:
    """A value within lists and objects."""
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_a_value_may_be_nested_however_deeply() -> None:
    stream = Redactor(paths=["[0].x"]).stream(())
    value = stream.json(nested({"password": "swordfish", KEY: KEY}, 100_000))
    for level in reversed(range(100_000)):
        value = value[0] if level % 2 else value["a"]
    assert value == {"password": "X" * 9, "X" * len(KEY): "X" * len(KEY)}


def test_a_body_that_is_nested_as_no_request_is_is_kept_as_text() -> None:
    for levels, kind in ((100, "json"), (300, "text"), (100_000, "text")):
        body = b'{"a":' * levels + b'"' + KEY.encode() + b'"' + b"}" * levels
        said = Redactor().stream(()).body(body)
        assert list(said) == [kind]
        text = said["text"] if kind == "text" else msgspec.json.encode(said["json"]).decode()
        assert text == body.decode().replace(KEY, "X" * len(KEY))


def test_many_secrets_of_one_request_take_no_longer_than_their_length() -> None:
    names = {f"sk-proj-T3aV9sQx7Lm2Bn4K{n:06}": n for n in range(20_000)}
    passwords = [{"password": f"abc{n:06}"} for n in range(20_000)]
    stream = Redactor().stream(())
    began = time.process_time()
    value = stream.json({"names": names, "passwords": passwords, "again": "abc000001"})
    assert len(value["names"]) == 20_000
    assert value["passwords"] == [{"password": "X" * 9}] * 20_000
    assert value["again"] in ("X" * 9, "abc000001")
    stream.read(b"x" * 1_000_000)
    assert time.process_time() - began < 5


def test_a_request_of_bytes_is_kept_as_bytes_without_its_secrets() -> None:
    body = b"--b\r\n\r\n\xff\xfe " + KEY.encode() + b"\r\n--b--"
    hidden = body.replace(KEY.encode(), b"X" * len(KEY))
    said = Redactor().stream(AUTHORIZATION).body(body)
    assert said == {"base64": b64encode(hidden).decode()}
    assert Redactor().stream(()).body("schön".encode()) == {"text": "schön"}
    for imported in ({"base64": b64encode(body).decode()}, said):
        made = without_secrets(Exchange(Script(), {"request": imported}), Redactor())
        assert made.about["request"] == said | {"url": ""}


@pytest.mark.parametrize("path", ["*", "messages[*].*", 'messages[0]["content"]'])
def test_members_that_a_path_names_are_taken_out(path: str) -> None:
    stream = Redactor(paths=[path]).stream(())
    assert "hush" not in str(stream.json({"messages": [{"content": "hush"}]}))
    assert stream.found == {"a member of the body"}


def test_a_path_that_cannot_be_read_is_an_error() -> None:
    """It would hide nothing, and say nothing."""
    with pytest.raises(MockServerError, match="cannot be read from character 9 on"):
        Redactor(paths=["messages..name"])


def test_one_text_is_one_name() -> None:
    one = Redactor(headers="x-team", paths="user", patterns="blue")
    given_ = [("X-Team", "red")]
    assert one.stream(given_).headers(given_) == [("X-Team", "XXX")]
    assert one.stream(()).json({"user": "ann", "s": "blue"}) == {"user": "XXX", "s": "XXXX"}
