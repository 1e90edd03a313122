"""Redaction measured from both sides: every planted secret is found, nothing else is changed."""

from __future__ import annotations

import base64
import gzip
import json
import random
import string
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import httpx2
import pytest
import zstandard

from each import each
from openai_mockserver import MockOpenAI, Raw, Script, sse
from openai_mockserver.cassettes import Exchange, dumps, load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.redact import Redaction, Redactor, redact_exchange
from openai_mockserver.script import Comment, Event, Head, Pause
from openai_mockserver.sensitive import (
    count_unfinished_key,
    find_keys,
    hide_keys,
    is_secret_header,
    is_secret_parameter,
    show_path,
)
from recordings import SHARED

ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "-_"
HEX = "0123456789abcdef"
DIGITS = "123456789"


def random_text(alphabet: str, size: int, seed: str = "") -> str:
    """Return random text that is the same in each run."""
    dice = random.Random(f"{alphabet} {size} {seed}")
    return "".join(dice.choice(alphabet) for _ in range(size))


def jwt(header: dict[str, Any], claims: dict[str, Any], signature: int = 43) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (header, claims)
    ]
    return ".".join([*parts, random_text(URL_SAFE, signature)])


# Keys in the formats that their providers use today.
KEYS = {
    "openai, 2020": "sk-" + random_text(ALNUM, 48),
    "openai, of a project": "sk-proj-" + random_text(URL_SAFE, 156),
    "openai, of a service": "sk-svcacct-" + random_text(URL_SAFE, 156),
    "openai, of an admin": "sk-admin-" + random_text(URL_SAFE, 124),
    "openai, of a session": "sess-" + random_text(ALNUM, 40),
    "openai, client secret": "ek_" + random_text(HEX, 32),
    "openai, webhook": "whsec_" + base64.b64encode(random_text(ALNUM, 31).encode()).decode(),
    "openai, organisation": "org-" + random_text(ALNUM, 24),
    "openai, project": "proj_" + random_text(ALNUM, 24),
    "anthropic": "sk-ant-api03-" + random_text(URL_SAFE, 93) + "AA",
    "openrouter": "sk-or-v1-" + random_text(HEX, 64),
    "deepseek": "sk-" + random_text(HEX, 32),
    "litellm": "sk-" + random_text(URL_SAFE, 22),
    "langfuse": "sk-lf-" + "-".join(random_text(HEX, n) for n in (8, 4, 4, 4, 12)),
    "elevenlabs": "sk_" + random_text(HEX, 48),
    "stripe": "sk_live_" + random_text(ALNUM, 24),
    "stripe, restricted": "rk_live_" + random_text(ALNUM, 24),
    "groq": "gsk_" + random_text(ALNUM, 52),
    "xai": "xai-" + random_text(ALNUM, 80),
    "perplexity": "pplx-" + random_text(ALNUM, 48),
    "hugging face": "hf_" + random_text(string.ascii_letters, 34),
    "replicate": "r8_" + random_text(ALNUM, 37),
    "fireworks": "fw_" + random_text(ALNUM, 22),
    "cerebras": "csk-" + random_text(string.ascii_lowercase + string.digits, 48),
    "nvidia": "nvapi-" + random_text(URL_SAFE, 64),
    "together": "tgp_v1_" + random_text(URL_SAFE, 43),
    "google": "AIza" + random_text(URL_SAFE, 35),
    "google, oauth": "ya29." + random_text(URL_SAFE, 180),
    "google, of a service": "ya29.c." + random_text(URL_SAFE, 220),
    "aws": "AKIA" + random_text(string.ascii_uppercase + "234567", 16),
    "aws, of a session": "ASIA" + random_text(string.ascii_uppercase + "234567", 16),
    "databricks": "dapi" + random_text(HEX, 32),
    "github": "ghp_" + random_text(ALNUM, 36),
    "github, of an app": "ghs_" + random_text(ALNUM, 36),
    "github, fine-grained": f"github_pat_{random_text(ALNUM, 22)}_{random_text(ALNUM, 59)}",
    "gitlab": "glpat-" + random_text(URL_SAFE, 20),
    "slack, bot": f"xoxb-{random_text(DIGITS, 12)}-{random_text(DIGITS, 13)}-"
    + random_text(ALNUM, 24),
    "slack, user": "xoxp-" + "-".join(random_text(DIGITS, 12, str(n)) for n in range(3))
    + "-" + random_text(HEX, 32),
    "slack, app": f"xapp-1-A0{random_text(string.ascii_uppercase, 9)}-{random_text(DIGITS, 13)}-"
    + random_text(HEX, 64),
    "json web token": jwt({"alg": "HS256", "typ": "JWT"}, {"sub": "1", "name": "Ann"}),
    "json web token, long": jwt({"alg": "RS256", "kid": "1"}, {"roles": ["a"] * 200}, 342),
    "bearer": "Bearer " + random_text(ALNUM, 40),
}  # fmt: skip
OWN = {
    "with slashes": random_text(ALNUM, 12)
    + "/"
    + random_text(ALNUM, 12)
    + "+/"
    + random_text(ALNUM, 10)
    + "=",
    "with spaces": f"{random_text(ALNUM, 12)} {random_text(ALNUM, 12)} {random_text(ALNUM, 8)} sk",
    "over 400 bytes": random_text(URL_SAFE, 900),
    "that is short": "k3y-42",
    "with signs": "a1\"b\\c&d<e>f'g2",
    "with an umlaut": "schlüssel-4711",
}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def redaction(own: str = "", query: str = "") -> Redaction:
    return Redactor().begin([("Authorization", f"Bearer {own}")] if own else [], query)


def read_in(stream: Redaction, *reads: bytes) -> bytes:
    """Return what is recorded of a body that arrives in these reads."""
    pieces = [piece for at, data in enumerate(reads) for piece in stream.read(data, at)]
    return b"".join(data for _, data in pieces + stream.flush(len(reads)))


# (b) Planted secrets are found, everywhere


@each(
    KEYS.values(),
    [
        "{}",
        "say {}.",
        '{{"a": "{}"}}',
        "{}\n",
        r"\n{}\n",
        r"\u0022{}\u0022",
        "k={};",
        "({})",
        "'{}'",
    ],
)
def test_a_key_is_found_whatever_is_around_it(secret: str, around: str) -> None:
    text = around.format(secret)
    assert hide_keys(text) == around.format("X" * len(secret))


@pytest.mark.parametrize("secret", KEYS.values(), ids=KEYS)
def test_a_key_is_found_in_every_place_of_an_exchange(secret: str) -> None:
    request = {
        "method": "POST",
        "url": f"/v1/keys/{secret}/x?note={secret}&{secret}",
        "headers": [["X-Note", f"is {secret}"]],
        "json": {"a": [f"it is {secret}"], secret: 1, "b": {f"of {secret}": secret}},
    }
    head = Head(302, (("Location", f"https://h/{secret}?a={secret}#{secret}"), ("X-Note", secret)))
    body = json.dumps({"value": secret, secret: {"in": secret}}).replace("/", r"\/")
    steps = (
        Comment(secret),
        Event(f'{{"a":"{secret}"}}', event=secret, id=secret),
        Raw(body.encode()),
        *(part for octet in body.encode() for part in (Raw(bytes([octet])), Pause(0.1))),
    )
    redacted_exchange = redact_exchange(
        Exchange(Script(head, steps), {"name": secret, "request": request}), Redactor()
    )
    output = dumps(redacted_exchange.script, redacted_exchange.about) + sse.body(
        redacted_exchange.script.steps
    )
    assert secret.encode() not in output
    assert secret.replace("/", r"\/").encode() not in output
    assert [type(step) for step in redacted_exchange.script.steps] == [type(step) for step in steps]
    assert len(sse.body(redacted_exchange.script.steps)) == len(sse.body(steps))
    assert len(redacted_exchange.about["request"]["json"]) == 3


@pytest.mark.parametrize("secret", KEYS.values(), ids=KEYS)
def test_a_key_is_found_at_every_offset_of_two_reads(secret: str) -> None:
    body = f'{{"said": "it is {secret}", "b": 1}}'.encode()
    expected_body = body.replace(secret.encode(), b"X" * len(secret))
    for at in range(len(body) + 1):
        assert read_in(redaction(), body[:at], body[at:]) == expected_body, at
    assert read_in(redaction(), *(bytes([octet]) for octet in body)) == expected_body


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_the_key_of_the_request_is_found_in_every_spelling(own: str) -> None:
    spellings = [
        own,
        json.dumps(own)[1:-1],
        json.dumps(own, ensure_ascii=False)[1:-1],
        json.dumps(own)[1:-1].replace("/", r"\/"),
        json.dumps(own)[1:-1]
        .replace("&", r"\u0026")
        .replace("<", r"\u003c")
        .replace(">", r"\u003e"),
    ]
    for spelling in spellings:
        body = f'{{"message": "no such key: {spelling}"}}'.encode()
        expected_body = body.replace(spelling.encode(), b"X" * len(spelling.encode()))
        assert read_in(redaction(own), body) == expected_body
        for at in range(0, len(body), 1 + len(own) // 100):
            assert read_in(redaction(own), body[:at], body[at:]) == expected_body, (spelling, at)


@pytest.mark.parametrize(
    "name",
    ["X-Auth", "X-Session", "X-Signature", "apikey", "X-Openai-Key", "helicone-auth", "X-Api-Token",
     "x-groq-key", "X-Hub-Signature-256", "x-password", "Cf-Access-Jwt-Assertion", "credential"],
)  # fmt: skip
def test_headers(name: str) -> None:
    assert is_secret_header(name)
    assert redaction().redact_headers([(name, "swordfish")]) == [(name, "X" * 9)]


@pytest.mark.parametrize(
    "name",
    ["password", "client_secret", "refresh_token", "id_token", "signature", "sig", "api%2Dkey",
     "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "apiKey",
     "AWSAccessKeyId", "clientSecret", "code", "subscription-key"],
)  # fmt: skip
def test_parameters(name: str) -> None:
    for mark in "?#":
        url = f"https://h/a{mark}b=1&{name}=swordfish&c=2"
        assert redaction().redact_url(url) == url.replace("swordfish", "X" * 9)
        head = [("Location", url)]
        assert redaction().redact_response_headers(head) == [
            ("Location", url.replace("swordfish", "X" * 9))
        ]
    form = Redactor().begin([("Content-Type", "application/x-www-form-urlencoded")])
    assert form.redact_body(f"{name}=swordfish&c=2".encode()) == {"text": f"{name}=XXXXXXXXX&c=2"}


SIGNED = random_text(ALNUM, 20) + "%2B" + random_text(ALNUM, 20) + "%3D"
IN_BODIES = [
    ("https://ann:{}@h.com/x", "hunter2"),
    (r"https:\/\/ann:{}@h.com\/x", "hunter2"),
    ("postgresql://ann:{}@db:5432/x", "correct-horse"),
    ("https://h.net/b?sv=2024-01-01&sig={}", SIGNED),
    (r"https:\/\/h.net\/b?sv=2024-01-01\u0026sig={}", SIGNED),
    ("<a href=https://h.net/b?sv=2024&amp;sig={}>", SIGNED),
    ("https://h.net/b?X-Amz-Signature={}&X-Amz-Date=1", random_text(HEX, 64)),
    ("https://h.net/b#access_token={}", random_text(ALNUM, 30)),
    ('{{"access_token": "{}", "expires_in": 3599}}', "opaque"),
    ('{{"client_secret":"{}"}}', 'quo\\"te'),
]


@pytest.mark.parametrize(("around", "secret"), IN_BODIES)
def test_passwords_and_signatures_within_bodies(around: str, secret: str) -> None:
    body, expected_body = around.format(secret).encode(), around.format("X" * len(secret)).encode()
    assert read_in(redaction(), body) == expected_body
    for at in range(len(body)):
        assert read_in(redaction(), body[:at], body[at:]) == expected_body, at


def test_secrets_for_calling_a_tool() -> None:
    mcp = {
        "type": "mcp",
        "server_url": "https://ann:hunter2@h/mcp",
        "authorization": "opaque-4711-token",
        "headers": {"X-Team": "red-4711", "Authorization": "Basic YW5uOmh1bnRlcjI="},
    }
    azure = {"authentication": {"type": "api_key", "key": "plain-0815-word"}, "index": "a"}
    stream = redaction()
    recorded_body = stream.redact_body(
        json.dumps({"input": "red-4711", "tools": [mcp], "data": [azure]}).encode()
    )
    assert recorded_body["json"] == {
        "input": "X" * 8,
        "tools": [
            {
                "type": "mcp",
                "server_url": "https://ann:XXXXXXX@h/mcp",
                "authorization": "X" * 17,
                "headers": {"X-Team": "X" * 8, "Authorization": "X" * 22},
            }
        ],
        "data": [{"authentication": {"type": "api_key", "key": "X" * 15}, "index": "a"}],
    }
    echo = b'"authorization":null, "of":"opaque-4711-token", "or":"hunter2"'
    expected_body = echo.replace(b"opaque-4711-token", b"X" * 17).replace(b"hunter2", b"X" * 7)
    assert read_in(stream, echo) == expected_body


def test_two_member_names_that_are_keys_stay_distinct() -> None:
    keys = [KEYS["groq"], "gsk_" + random_text(ALNUM, 52, "another")]
    members = redaction().redact_json(dict.fromkeys(keys, 1))
    assert list(members) == ["X" * 56, "X" * 55 + "2"]


# Bodies in a content coding


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress, gzip.decompress),
    "x-gzip": ("x-gzip", gzip.compress, gzip.decompress),
    "deflate": ("deflate", zlib.compress, zlib.decompress),
    "raw deflate": (
        "deflate",
        raw_deflate,
        lambda data: zlib.decompress(data, -15),
    ),
    "br": ("br", brotli.compress, brotli.decompress),
    "zstd": (
        "zstd",
        zstandard.ZstdCompressor().compress,
        lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    ),
}


def events_with(secret: str, times: int = 3) -> list[bytes]:
    events = [f'data: {{"delta":"{n} {random_text(ALNUM, 9, str(n))}"}}\n\n' for n in range(times)]
    return [event.encode() for event in [*events, f'data: {{"delta":"{secret}"}}\n\n', *events]]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_coded_body_is_redacted(coding: str, size: int) -> None:
    name, encode, decode = CODINGS[coding]
    own = OWN["with slashes"]
    for secret in (KEYS["groq"], own):
        text = b"".join(events_with(secret))
        body = encode(text)
        stream = redaction(own)
        stream.redact_response_headers([("Content-Encoding", name)])
        recorded_body = read_in(stream, *(body[at : at + size] for at in range(0, len(body), size)))
        assert decode(recorded_body) == text.replace(secret.encode(), b"X" * len(secret))
    harmless = encode(b"".join(events_with("nothing")))
    stream = redaction(own)
    stream.redact_response_headers([("Content-Encoding", name)])
    assert read_in(stream, *(harmless[at : at + size] for at in range(0, len(harmless), size))) == (
        harmless
    ), "the original bytes"


def compress_reads(events: list[bytes], wbits: int) -> list[bytes]:
    """Compress a stream so that each event can be decoded as soon as its read arrives."""
    encoder = zlib.compressobj(6, zlib.DEFLATED, wbits)
    reads = [encoder.compress(event) + encoder.flush(zlib.Z_SYNC_FLUSH) for event in events]
    return [*reads, encoder.flush()]


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_a_coded_stream_keeps_its_original_reads_until_a_secret_appears(wbits: int) -> None:
    events = events_with(KEYS["openai, 2020"])
    reads = compress_reads(events, wbits)
    stream = redaction()
    stream.redact_response_headers([("Content-Encoding", "gzip" if wbits == 31 else "deflate")])
    recorded_pieces = []
    decoder = zlib.decompressobj(wbits)
    for at, data in enumerate(reads):
        pieces = stream.read(data, at)
        assert all(t == at for t, _ in pieces)
        recorded_pieces += pieces
        text = b"".join(decoder.decompress(piece) for _, piece in pieces)
        expected_body = events[at] if at < len(events) else b""
        assert text == expected_body.replace(KEYS["openai, 2020"].encode(), b"X" * 51)
    assert [data for _, data in recorded_pieces[:3]] == reads[:3]
    assert recorded_pieces[3][1] != reads[3]
    assert decoder.eof, "its checksum is right"
    assert stream.flush() == []


def test_a_secret_split_over_two_reads_of_a_coded_stream() -> None:
    key = KEYS["openai, 2020"].encode()
    text = b'{"a":"' + key + b'"}'
    for at in range(len(text)):
        stream = redaction()
        stream.redact_response_headers([("Content-Encoding", "gzip")])
        recorded_body = read_in(stream, *compress_reads([text[:at], text[at:]], 31))
        assert gzip.decompress(recorded_body) == text.replace(key, b"X" * len(key)), at


def test_each_gzip_member_is_redacted_separately() -> None:
    key = KEYS["xai"].encode()
    body = gzip.compress(b"one ") + gzip.compress(b"two " + key) + gzip.compress(b" three")
    for size in (1, 3, 25, 1000):
        stream = redaction()
        stream.redact_response_headers([("Content-Encoding", "gzip")])
        recorded_body = read_in(stream, *(body[at : at + size] for at in range(0, len(body), size)))
        assert gzip.decompress(recorded_body) == b"one two " + b"X" * len(key) + b" three"
        assert recorded_body.startswith(gzip.compress(b"one ", mtime=0)[:4])


def test_gzip_without_a_header_and_text_with_a_gzip_header() -> None:
    key = KEYS["xai"].encode()
    assert gzip.decompress(read_in(redaction(), gzip.compress(key))) == b"X" * len(key)
    stream = redaction()
    stream.redact_response_headers([("Content-Encoding", "gzip")])
    assert read_in(stream, b"it is ", key + b".") == b"it is " + b"X" * len(key) + b"."


def test_a_compressed_body_that_is_cut_off_or_broken() -> None:
    key = KEYS["xai"].encode()
    body = gzip.compress(b"it is " + key + random_text(ALNUM, 3000).encode())
    stream = redaction()
    stream.redact_response_headers([("Content-Encoding", "gzip")])
    recorded_body = read_in(stream, body[:2000])
    text = zlib.decompressobj(31).decompress(recorded_body)
    assert text.startswith(b"it is " + b"X" * len(key))
    broken_body = bytearray(
        b"".join(compress_reads([b"it is " + key, random_text(ALNUM, 999).encode()], 31))
    )
    broken_body[140:150] = b"\xff" * 10
    stream = redaction()
    stream.redact_response_headers([("Content-Encoding", "gzip")])
    assert key not in read_in(stream, bytes(broken_body))


@pytest.mark.slow
def test_a_bomb_is_not_recorded_and_costs_little() -> None:
    encoder = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(encoder.compress(bytes(1 << 20)) for _ in range(80)) + encoder.flush()
    exchange = Exchange(Script(Head(200, (("Content-Encoding", "gzip"),)), (Raw(bomb),)), {})
    began = time.process_time()
    redacted_kinds = redact_exchange(exchange, Redactor()).about["redacted"]
    assert redacted_kinds == ["the body: it is decoded to more than 32 MiB"]
    assert Redactor().begin([("Content-Encoding", "gzip")]).redact_body(bomb) == {"text": ""}
    assert time.process_time() - began < 10


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_coded_request_is_recorded_decoded(coding: str) -> None:
    body = CODINGS[coding][1](json.dumps({"a": KEYS["groq"]}).encode())
    stream = Redactor().begin([("Content-Encoding", coding)])
    assert stream.redact_body(body) == {"json": {"a": "X" * 56}}


# Over sockets

OWN_KEY = OWN["with slashes"]


def record_exchange(
    folder: Path, answer: Script, path: str = "/v1/chat/completions"
) -> tuple[list[tuple[str, bytes]], str]:
    """Record a request and its answer; return the files with their names, and the log line."""
    with MockOpenAI() as upstream:
        upstream.reply(answer)
        with (
            MockOpenAI(upstream=upstream.base_url, record=folder) as mock,
            httpx2.Client(trust_env=False) as client,
        ):
            url = mock.base_url.removesuffix("/v1") + path
            headers = {"Authorization": f"Bearer {OWN_KEY}"}
            with client.stream("POST", url, json=ASKED, headers=headers) as response:
                list(response.iter_raw())
            assert mock.calls[0].wait(5)
            line = mock.calls[0].line()
    return [(file.name, file.read_bytes()) for file in folder.iterdir()], line


def test_a_key_of_the_path_is_in_no_file_name_and_no_log_line(tmp_path: Path) -> None:
    key = KEYS["openai, 2020"]
    answer = Script(Head(200, (("Content-Length", "2"),)), (Raw(b"{}"),))
    for path in (f"/v1/{key}/models", f"/v1/sk%2D{key[3:]}/models"):
        files, line = record_exchange(tmp_path, answer, path)
        assert key[3:] not in line
        assert not any(key[3:] in name or key[3:].encode() in data for name, data in files)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_the_key_of_the_request_in_a_coded_answer_and_the_length(
    tmp_path: Path, coding: str
) -> None:
    text = json.dumps({"error": f"no such key: {OWN_KEY}"}).replace("/", r"\/").encode()
    _, encode, decode = CODINGS[coding]
    body = encode(text)
    headers = (("Content-Encoding", coding), ("Content-Length", str(len(body))))
    files, _ = record_exchange(tmp_path, Script(Head(401, headers), (Raw(body),)))
    ((name, data),) = files
    (exchange,) = load(tmp_path / name)
    recorded_body = sse.body(exchange.script.steps)
    assert decode(recorded_body) == text.replace(
        OWN_KEY.replace("/", r"\/").encode(), b"X" * len(OWN_KEY.replace("/", r"\/"))
    )
    assert exchange.script.head.header("content-length") == str(len(recorded_body))
    assert exchange.script.head.header("content-encoding") == coding
    assert OWN_KEY.encode() not in data


def test_a_recording_with_a_key_in_its_path_is_found_again(tmp_path: Path) -> None:
    path = f"/v1/{KEYS['openai, 2020']}/models"
    record_exchange(tmp_path, Script(Head(200, (("Content-Length", "2"),)), (Raw(b"{}"),)), path)
    (file,) = tmp_path.iterdir()
    body = json.dumps(ASKED).encode()
    answer = Cassette(file).find("POST", path, [("Authorization", f"Bearer {OWN_KEY}")], body)
    assert isinstance(answer, Script), answer


def test_a_body_that_cannot_be_decoded_is_withheld_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    headers = (("Content-Encoding", "br"), ("Content-Length", "6"))
    ((name, _),), _ = record_exchange(tmp_path, Script(Head(200, headers), (Raw(b"opaque"),)))
    (exchange,) = load(tmp_path / name)
    assert sse.body(exchange.script.steps) == b""
    reason = "it is in br, which cannot be decoded"
    assert f"the body: {reason}" in exchange.about["redacted"]
    assert (
        f"the rest of the response body of /v1/chat/completions is not recorded: {reason}"
        in caplog.text
    )


# (a) Nothing else is changed

HARMLESS = [
    "a new-york-times-bestseller, a task-management-tool and risk-assessment-report",
    "msg_bdrk_01" + random_text(ALNUM, 22),
    "toolu_bdrk_01" + random_text(ALNUM, 22),
    "xai-responses-v1",
    "fp_ollama",
    "sk-learn and sk-scikit-learn-tutorials",
    "the sk-no-key-required of llama.cpp",
    "pplx-70b-online, r8_short, hf_transfer_enable_hf_transfer_for_downloads",
    "sk-" + "x" * 48 + ", hf_" + "X" * 34 + " and sk-...",
    "the Bearer authentication of HTTP: Bearer YOUR_API_KEY, Bearer token",
    "sess_" + random_text(ALNUM, 21) + " week_2024_10_11_12",
    "org-mode, org-chart-of-2024, proj_management",
    "ey are eyJ and eyJhbGciOiJIUzI1NiJ9 without a dot",
    "gAAAAAB" + random_text(URL_SAFE, 4000),
    base64.b64encode(random.Random(9).randbytes(60_000)).decode(),
    base64.urlsafe_b64encode(random.Random(8).randbytes(60_000)).decode(),
    "https://h/a?page_token=x&max_tokens=5&monkey=a1b2c3d4&key=YOUR_KEY&code=404",
    "http://localhost:8000/v1 and git@github.com:a/b.git and ssh://git@github.com/a/b",
    '{"token":"Hello","key":"author","authorization":null,"password":{"type":"string"}}',
    "ratio 3://4 what? & why #1: sig=nature",
    "--" * 50 + "eyes.only" + "-" * 50,
]


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:30])
def test_a_text_without_a_secret_stays(text: str) -> None:
    stream = redaction("ollama")
    assert stream.redact_text(text) == text
    assert show_path(text) == text
    assert redaction("ollama").redact_json({text: [text]}) == {text: [text]}
    body = text.encode()
    for size in (1, 10, 1000, 100_000):
        if size > 10 or len(body) < 1000:
            reads = [body[at : at + size] for at in range(0, len(body), size)]
            assert read_in(redaction("ollama"), *reads) == body
    assert stream.redacted_kinds == set()


@pytest.mark.parametrize(
    "name",
    ["azureml-model-session", "x-ratelimit-key", "x-litellm-key-spend", "idempotency-key",
     "sec-websocket-key", "x-ratelimit-limit-tokens", "authority", "x-cache-key"],
)  # fmt: skip
def test_headers_without_a_secret_stay(name: str) -> None:
    assert not is_secret_header(name)


@pytest.mark.parametrize(
    "name", ["X-Amz-Date", "X-Amz-Expires", "page_token", "nextPageToken", "max_tokens", "monkey"]
)
def test_parameters_without_a_secret_stay(name: str) -> None:
    assert not is_secret_parameter(name)


DUMMIES = ["ollama", "EMPTY", "dummy", "lm-studio", "not-needed", "none", "test", "123456"]
# Recordings that redaction must change, with the reason.
MUST_CHANGE: dict[str, str] = {}


PROVIDERS = sorted({file.parts[-3] for file in SHARED.glob("recordings*/*/*/*.json")})


def recordings(shared: Path, provider: str) -> Iterator[tuple[str, Exchange]]:
    for file in sorted(shared.glob(f"recordings*/{provider}/*/*.json")):
        document = json.loads(file.read_text())
        request_part, answer = document.get("request") or {}, document["response"]
        # With dummy keys, as clients send them to servers that need none.
        dummy_headers = [("Authorization", f"Bearer {own}") for own in DUMMIES]
        request = {k: request_part[k] for k in ("method", "url") if request_part.get(k)}
        request["headers"] = [
            *(tuple(pair) for pair in request_part.get("headers") or ()),
            *dummy_headers,
        ]
        request |= {k: request_part[k] for k in ("json", "text") if request_part.get(k) is not None}
        headers = tuple((name, value) for name, value in answer.get("headers") or ())
        steps = tuple(sse.parse(answer["body"].encode()))
        script = Script(Head(answer["status"], headers), steps)
        yield file.stem, Exchange(script, {"request": request})


@pytest.mark.slow
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_recording_is_changed_without_need(shared: Path, provider: str) -> None:
    for name, exchange in recordings(shared, provider):
        redacted_exchange = redact_exchange(exchange, Redactor())
        request = exchange.about["request"]
        redacted_request = redacted_exchange.about["request"]
        redacted_request["headers"][-len(DUMMIES) :] = request["headers"][-len(DUMMIES) :]
        body = sse.body(exchange.script.steps)
        stream = Redactor().begin(request["headers"])
        redacted_body = read_in(stream, *(body[at : at + 997] for at in range(0, len(body), 997)))
        is_same = (redacted_exchange.script, redacted_request, redacted_body) == (
            exchange.script,
            request,
            body,
        )
        assert is_same == (name not in MUST_CHANGE), name


def test_the_test_covers_all_recordings(shared: Path) -> None:
    assert sum(1 for provider in PROVIDERS for _ in recordings(shared, provider)) == 224


# Every pattern is linear

LONG = 50_000
HOSTILE = [
    *("eyJ", "-", ".", "a", "A1", "sk-", ".sk-", "eyJaaaaaaaaaaa.", "/eyJaaaaaaaaaaa.aaaaaaaaaaa"),
    *("ya29.", "Bearer ", "Bearer a", "\\/", "\\n", "\\nsk-", "\\u0022", "%20", "%20sk-a"),
    *("whsec_/", "://", "://a:", "://a:b", "?a=", "&sig", "?sig=a1b2c3", "\\u0026sig=", '"a":'),
    *('"password":"', '\\"', '"', "=", "#", "AKIA", "xoxb-", "hf_", "Z", "é"),
]


@pytest.mark.slow
@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_texts_take_no_longer_than_others(part: str) -> None:
    text = part * (LONG // len(part))
    began = time.process_time()
    list(find_keys(text))
    count_unfinished_key(text)
    show_path(text)
    is_secret_header(text)
    is_secret_parameter(text)
    stream = redaction("a" * 50 + "1")
    stream.redact_text(text)
    stream.redact_url("/" + text)
    stream.redact_url("/?" + text)
    stream.redact_json({text: text})
    body = text.encode()
    read_in(stream, *(body[at : at + 4000] for at in range(0, len(body), 4000)))
    assert time.process_time() - began < 0.5  # linear, not quadratic
