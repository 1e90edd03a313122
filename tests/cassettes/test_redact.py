"""Redaction: no secret reaches the disk, and every text keeps its length."""

from __future__ import annotations

import re
import time
from base64 import b64encode

import msgspec.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import Comment, Event, MockServerError, Raw
from openai_mockserver.cassettes import Exchange
from openai_mockserver.cassettes.redact import Redactor, redact_exchange
from openai_mockserver.script import Script

KEY = "sk-proj-canary0123456789abcdefghij"
AUTHORIZATION = (("Authorization", f"Bearer {KEY}"),)


def join_reads(reads: list[tuple[float, bytes]]) -> bytes:
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
def test_what_looks_like_a_key_is_masked_in_texts(secret: str) -> None:
    stream = Redactor().begin(())
    text = f'say "{secret}" now'
    assert stream.redact_text(text) == text.replace(secret, "X" * len(secret))
    assert stream.redacted_kinds == {"what looks like a key"}


@pytest.mark.parametrize("text", ["task-based", "a risk-free organisation", "sk-short", "hello"])
def test_other_words_stay(text: str) -> None:
    assert Redactor().begin(()).redact_text(text) == text


def test_headers() -> None:
    headers = [("Authorization", "Bearer x"), ("Set-Cookie", "a=b"), ("X-Team", "blue"), ("A", "b")]
    stream = Redactor(headers=["x-team"]).begin(headers)
    assert stream.redact_headers(headers) == [
        ("Authorization", "X" * 8),
        ("Set-Cookie", "XXX"),
        ("X-Team", "XXXX"),
        ("A", "b"),
    ]
    assert stream.redacted_kinds == {"authorization", "set-cookie", "x-team"}


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
def test_headers_that_end_like_a_secret_one(name: str) -> None:
    assert Redactor().begin(()).redact_headers([(name, "a=b")]) == [(name, "XXX")]


@pytest.mark.parametrize("name", ["x-ratelimit-remaining-tokens", "idempotency-key", "x-tokenizer"])
def test_headers_that_only_resemble_a_secret_one_stay(name: str) -> None:
    assert Redactor().begin(()).redact_headers([(name, "1")]) == [(name, "1")]


def test_query_parameters() -> None:
    url = "https://h/v1/x?api-version=1&api-key=secret&key=k1"
    assert (
        Redactor().begin(()).redact_url(url) == "https://h/v1/x?api-version=1&api-key=XXXXXX&key=XX"
    )


def test_members_of_bodies() -> None:
    body = {"user": "ann", "messages": [{"name": "bob", "content": "Hi"}, {"name": "eve"}], "n": 1}
    stream = Redactor(paths=["user", "messages[*].name", "n", "nothing.here"]).begin(())
    assert stream.redact_json(body) == {
        "user": "XXX",
        "messages": [{"name": "XXX", "content": "Hi"}, {"name": "XXX"}],
        "n": None,
    }


def test_patterns_and_functions_of_the_user() -> None:
    redactor = Redactor(
        patterns=[r"\d{4}-\d{4}", re.compile("Zürich")], change=lambda t: t.replace("ann", "***")
    )
    assert redactor.begin(()).redact_text("1234-5678 ann Zürich") == "XXXXXXXXX *** XXXXXX"


def test_redaction_can_be_turned_off() -> None:
    stream = Redactor(enabled=False).begin(AUTHORIZATION)
    assert stream.redact_headers(AUTHORIZATION) == list(AUTHORIZATION)
    assert join_reads(stream.read(KEY.encode())) == KEY.encode()


def test_a_key_that_does_not_look_like_one_is_learned_from_the_request() -> None:
    stream = Redactor().begin((("api-key", "0123-plain-word"),))
    assert stream.redact_text("you sent 0123-plain-word") == f"you sent {'X' * 15}"


@given(st.data())
def test_a_secret_is_found_however_the_reads_cut_it(data: st.DataObject) -> None:
    before = data.draw(st.text('abc -sk{}"', max_size=20))
    body = f'{before} {KEY}" tail org-abcdefgh12345678.'.encode()
    stream = Redactor().begin(AUTHORIZATION)
    output, unread = b"", body
    while unread:
        size = data.draw(st.integers(1, len(unread)))
        output += join_reads(stream.read(unread[:size]))
        unread = unread[size:]
    output += join_reads(stream.flush())
    assert len(output) == len(body)
    assert b"canary" not in output
    assert b"org-a" not in output
    assert output.endswith(b".")


@given(st.lists(st.binary(max_size=20)))
def test_bytes_without_a_secret_stay_the_same(reads: list[bytes]) -> None:
    stream = Redactor(patterns=()).begin(())
    if stream.redact_text(b"".join(reads).decode("latin-1")) == b"".join(reads).decode("latin-1"):
        recorded_reads = [piece for data in reads for piece in stream.read(data)]
        assert join_reads(recorded_reads + stream.flush()) == b"".join(reads)


@given(st.text("abcdefgh ", max_size=50))
def test_ordinary_words_are_not_held_back(text: str) -> None:
    stream = Redactor().begin(())
    body = f"data: {text}\n\n".encode()
    assert join_reads(stream.read(body)) == body


def test_a_function_of_the_user_may_write_any_character() -> None:
    stream = Redactor(change=lambda text: text.replace("Ann", "…")).begin(())
    assert stream.redact_body("é Ann".encode()) == {"text": "é …"}
    assert join_reads(stream.read("é Ann ".encode())) == "é … ".encode()


# Deep, many, and bytes


def nest_value(value: object, levels: int) -> object:
    """Nest a value within lists and objects."""
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_a_value_may_be_nested_however_deeply() -> None:
    stream = Redactor(paths=["[0].x"]).begin(())
    value = stream.redact_json(nest_value({"password": "swordfish", KEY: KEY}, 100_000))
    for level in reversed(range(100_000)):
        value = value[0] if level % 2 else value["a"]
    assert value == {"password": "X" * 9, "X" * len(KEY): "X" * len(KEY)}


def test_a_body_that_is_nested_too_deeply_stays_text() -> None:
    for levels, kind in ((100, "json"), (300, "text"), (100_000, "text")):
        body = b'{"a":' * levels + b'"' + KEY.encode() + b'"' + b"}" * levels
        recorded_body = Redactor().begin(()).redact_body(body)
        assert list(recorded_body) == [kind]
        text = (
            recorded_body["text"]
            if kind == "text"
            else msgspec.json.encode(recorded_body["json"]).decode()
        )
        assert text == body.decode().replace(KEY, "X" * len(KEY))


@pytest.mark.slow
def test_many_secrets_of_one_request_take_no_longer_than_their_length() -> None:
    names = {f"sk-proj-T3aV9sQx7Lm2Bn4K{n:06}": n for n in range(20_000)}
    passwords = [{"password": f"abc{n:06}"} for n in range(20_000)]
    stream = Redactor().begin(())
    began = time.process_time()
    value = stream.redact_json({"names": names, "passwords": passwords, "again": "abc000001"})
    assert len(value["names"]) == 20_000
    assert value["passwords"] == [{"password": "X" * 9}] * 20_000
    assert value["again"] in ("X" * 9, "abc000001")
    stream.read(b"x" * 1_000_000)
    assert time.process_time() - began < 5


def test_a_binary_request_body_stays_binary_without_its_secrets() -> None:
    body = b"--b\r\n\r\n\xff\xfe " + KEY.encode() + b"\r\n--b--"
    masked_body = body.replace(KEY.encode(), b"X" * len(KEY))
    recorded_body = Redactor().begin(AUTHORIZATION).redact_body(body)
    assert recorded_body == {"base64": b64encode(masked_body).decode()}
    assert Redactor().begin(()).redact_body("schön".encode()) == {"text": "schön"}
    for request in ({"base64": b64encode(body).decode()}, recorded_body):
        redacted_exchange = redact_exchange(Exchange(Script(), {"request": request}), Redactor())
        assert redacted_exchange.about["request"] == recorded_body | {"url": ""}


@pytest.mark.parametrize("path", ["*", "messages[*].*", 'messages[0]["content"]'])
def test_members_at_a_path_are_redacted(path: str) -> None:
    stream = Redactor(paths=[path]).begin(())
    assert "hush" not in str(stream.redact_json({"messages": [{"content": "hush"}]}))
    assert stream.redacted_kinds == {"a member of the body"}


def test_a_path_with_a_syntax_error_is_an_error() -> None:
    """Otherwise it would silently redact nothing."""
    with pytest.raises(MockServerError, match="syntax error at character 9"):
        Redactor(paths=["messages..name"])


def test_a_single_string_is_one_name() -> None:
    redactor = Redactor(headers="x-team", paths="user", patterns="blue")
    headers = [("X-Team", "red")]
    assert redactor.begin(headers).redact_headers(headers) == [("X-Team", "XXX")]
    assert redactor.begin(()).redact_json({"user": "ann", "s": "blue"}) == {
        "user": "XXX",
        "s": "XXXX",
    }


@pytest.mark.parametrize("step", [Event("x"), Comment("x")])
def test_bytes_that_were_held_back_stay_in_their_step(step: Event | Comment) -> None:
    """The end of a read may be the beginning of a key; here another step shows that it is not."""
    steps = (Raw(b"data: sk-"), step, Raw(b"data: Bearer "))
    assert redact_exchange(Exchange(Script(steps=steps), {}), Redactor()).script.steps == steps
