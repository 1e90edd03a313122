"""Both sides of redaction, measured: every planted secret is found, and nothing else is changed."""

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

from openai_mockserver import MockOpenAI, Raw, Script, sse
from openai_mockserver.cassettes import Exchange, dumps, load
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.redact import Redaction, Redactor, without_secrets
from openai_mockserver.script import Comment, Event, Head, Pause
from openai_mockserver.sensitive import (
    find_keys,
    hide_keys,
    is_secret_header,
    is_secret_parameter,
    show_path,
    unfinished_key,
)
from recordings import SHARED

ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "-_"
HEX = "0123456789abcdef"


def rolled(alphabet: str, size: int, seed: str = "") -> str:
    """What dice give; the same in each run."""
    dice = random.Random(f"{alphabet} {size} {seed}")
    return "".join(dice.choice(alphabet) for _ in range(size))


def jwt(header: dict[str, Any], claims: dict[str, Any], signature: int = 43) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (header, claims)
    ]
    return ".".join([*parts, rolled(URL_SAFE, signature)])


# As the ones who give them out make them today.
KEYS = {
    "openai, 2020": "sk-" + rolled(ALNUM, 48),
    "openai, of a project": "sk-proj-" + rolled(URL_SAFE, 156),
    "openai, of a service": "sk-svcacct-" + rolled(URL_SAFE, 156),
    "openai, of an admin": "sk-admin-" + rolled(URL_SAFE, 124),
    "openai, of a session": "sess-" + rolled(ALNUM, 40),
    "openai, client secret": "ek_" + rolled(HEX, 32),
    "openai, webhook": "whsec_" + base64.b64encode(rolled(ALNUM, 31).encode()).decode(),
    "openai, organisation": "org-" + rolled(ALNUM, 24),
    "openai, project": "proj_" + rolled(ALNUM, 24),
    "anthropic": "sk-ant-api03-" + rolled(URL_SAFE, 93) + "AA",
    "openrouter": "sk-or-v1-" + rolled(HEX, 64),
    "deepseek": "sk-" + rolled(HEX, 32),
    "litellm": "sk-" + rolled(URL_SAFE, 22),
    "langfuse": "sk-lf-" + "-".join(rolled(HEX, n) for n in (8, 4, 4, 4, 12)),
    "elevenlabs": "sk_" + rolled(HEX, 48),
    "stripe": "sk_live_" + rolled(ALNUM, 24),
    "stripe, restricted": "rk_live_" + rolled(ALNUM, 24),
    "groq": "gsk_" + rolled(ALNUM, 52),
    "xai": "xai-" + rolled(ALNUM, 80),
    "perplexity": "pplx-" + rolled(ALNUM, 48),
    "hugging face": "hf_" + rolled(string.ascii_letters, 34),
    "replicate": "r8_" + rolled(ALNUM, 37),
    "fireworks": "fw_" + rolled(ALNUM, 22),
    "cerebras": "csk-" + rolled(string.ascii_lowercase + string.digits, 48),
    "nvidia": "nvapi-" + rolled(URL_SAFE, 64),
    "together": "tgp_v1_" + rolled(URL_SAFE, 43),
    "google": "AIza" + rolled(URL_SAFE, 35),
    "google, oauth": "ya29." + rolled(URL_SAFE, 180),
    "google, of a service": "ya29.c." + rolled(URL_SAFE, 220),
    "aws": "AKIA" + rolled(string.ascii_uppercase + "234567", 16),
    "aws, of a session": "ASIA" + rolled(string.ascii_uppercase + "234567", 16),
    "databricks": "dapi" + rolled(HEX, 32),
    "github": "ghp_" + rolled(ALNUM, 36),
    "github, of an app": "ghs_" + rolled(ALNUM, 36),
    "github, fine-grained": f"github_pat_{rolled(ALNUM, 22)}_{rolled(ALNUM, 59)}",
    "gitlab": "glpat-" + rolled(URL_SAFE, 20),
    "slack, bot": f"xoxb-{rolled('123456789', 12)}-{rolled('123456789', 13)}-{rolled(ALNUM, 24)}",
    "slack, user": "xoxp-" + "-".join(rolled("123456789", 12, str(n)) for n in range(3))
    + "-" + rolled(HEX, 32),
    "slack, app": f"xapp-1-A0{rolled(string.ascii_uppercase, 9)}-{rolled('123456789', 13)}-"
    + rolled(HEX, 64),
    "json web token": jwt({"alg": "HS256", "typ": "JWT"}, {"sub": "1", "name": "Ann"}),
    "json web token, long": jwt({"alg": "RS256", "kid": "1"}, {"roles": ["a"] * 200}, 342),
    "bearer": "Bearer " + rolled(ALNUM, 40),
}  # fmt: skip
OWN = {
    "with slashes": rolled(ALNUM, 12) + "/" + rolled(ALNUM, 12) + "+/" + rolled(ALNUM, 10) + "=",
    "with spaces": f"{rolled(ALNUM, 12)} {rolled(ALNUM, 12)} {rolled(ALNUM, 8)} sk",
    "over 400 bytes": rolled(URL_SAFE, 900),
    "that is short": "k3y-42",
    "with signs": "a1\"b\\c&d<e>f'g2",
    "with an umlaut": "schlüssel-4711",
}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def redaction(own: str = "", query: str = "") -> Redaction:
    return Redactor().stream([("Authorization", f"Bearer {own}")] if own else [], query)


def read_in(stream: Redaction, *reads: bytes) -> bytes:
    """What is kept of a body that came in these reads."""
    kept = [piece for at, data in enumerate(reads) for piece in stream.read(data, at)]
    return b"".join(data for _, data in kept + stream.rest(len(reads)))


# (b) Planted secrets are found, everywhere


@pytest.mark.parametrize("secret", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(
    "around",
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
    said = around.format(secret)
    assert hide_keys(said) == around.format("X" * len(secret))


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
    made = without_secrets(
        Exchange(Script(head, steps), {"name": secret, "request": request}), Redactor()
    )
    written = dumps(made.script, made.about) + sse.body(made.script.steps)
    assert secret.encode() not in written
    assert secret.replace("/", r"\/").encode() not in written
    assert [type(step) for step in made.script.steps] == [type(step) for step in steps]
    assert len(sse.body(made.script.steps)) == len(sse.body(steps))
    assert len(made.about["request"]["json"]) == 3


@pytest.mark.parametrize("secret", KEYS.values(), ids=KEYS)
def test_a_key_is_found_at_every_offset_of_two_reads(secret: str) -> None:
    body = f'{{"said": "it is {secret}", "b": 1}}'.encode()
    wanted = body.replace(secret.encode(), b"X" * len(secret))
    for at in range(len(body) + 1):
        assert read_in(redaction(), body[:at], body[at:]) == wanted, at
    assert read_in(redaction(), *(bytes([octet]) for octet in body)) == wanted


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_the_own_key_is_found_however_it_is_written(own: str) -> None:
    ways = [
        own,
        json.dumps(own)[1:-1],
        json.dumps(own, ensure_ascii=False)[1:-1],
        json.dumps(own)[1:-1].replace("/", r"\/"),
        json.dumps(own)[1:-1]
        .replace("&", r"\u0026")
        .replace("<", r"\u003c")
        .replace(">", r"\u003e"),
    ]
    for way in ways:
        body = f'{{"message": "no such key: {way}"}}'.encode()
        wanted = body.replace(way.encode(), b"X" * len(way.encode()))
        assert read_in(redaction(own), body) == wanted
        for at in range(0, len(body), 1 + len(own) // 100):
            assert read_in(redaction(own), body[:at], body[at:]) == wanted, (way, at)


@pytest.mark.parametrize(
    "name",
    ["X-Auth", "X-Session", "X-Signature", "apikey", "X-Openai-Key", "helicone-auth", "X-Api-Token",
     "x-groq-key", "X-Hub-Signature-256", "x-password", "Cf-Access-Jwt-Assertion", "credential"],
)  # fmt: skip
def test_headers(name: str) -> None:
    assert is_secret_header(name)
    assert redaction().headers([(name, "swordfish")]) == [(name, "X" * 9)]


@pytest.mark.parametrize(
    "name",
    ["password", "client_secret", "refresh_token", "id_token", "signature", "sig", "api%2Dkey",
     "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "apiKey",
     "AWSAccessKeyId", "clientSecret", "code", "subscription-key"],
)  # fmt: skip
def test_parameters(name: str) -> None:
    for mark in "?#":
        url = f"https://h/a{mark}b=1&{name}=swordfish&c=2"
        assert redaction().url(url) == url.replace("swordfish", "X" * 9)
        head = [("Location", url)]
        assert redaction().response(head) == [("Location", url.replace("swordfish", "X" * 9))]
    form = Redactor().stream([("Content-Type", "application/x-www-form-urlencoded")])
    assert form.body(f"{name}=swordfish&c=2".encode()) == {"text": f"{name}=XXXXXXXXX&c=2"}


SIGNED = rolled(ALNUM, 20) + "%2B" + rolled(ALNUM, 20) + "%3D"
IN_BODIES = [
    ("https://ann:{}@h.com/x", "hunter2"),
    (r"https:\/\/ann:{}@h.com\/x", "hunter2"),
    ("postgresql://ann:{}@db:5432/x", "correct-horse"),
    ("https://h.net/b?sv=2024-01-01&sig={}", SIGNED),
    (r"https:\/\/h.net\/b?sv=2024-01-01\u0026sig={}", SIGNED),
    ("<a href=https://h.net/b?sv=2024&amp;sig={}>", SIGNED),
    ("https://h.net/b?X-Amz-Signature={}&X-Amz-Date=1", rolled(HEX, 64)),
    ("https://h.net/b#access_token={}", rolled(ALNUM, 30)),
    ('{{"access_token": "{}", "expires_in": 3599}}', "opaque"),
    ('{{"client_secret":"{}"}}', 'quo\\"te'),
]


@pytest.mark.parametrize(("around", "secret"), IN_BODIES)
def test_passwords_and_signatures_within_bodies(around: str, secret: str) -> None:
    body, wanted = around.format(secret).encode(), around.format("X" * len(secret)).encode()
    assert read_in(redaction(), body) == wanted
    for at in range(len(body)):
        assert read_in(redaction(), body[:at], body[at:]) == wanted, at


def test_what_a_tool_is_called_with() -> None:
    mcp = {
        "type": "mcp",
        "server_url": "https://ann:hunter2@h/mcp",
        "authorization": "opaque-4711-token",
        "headers": {"X-Team": "red-4711", "Authorization": "Basic YW5uOmh1bnRlcjI="},
    }
    azure = {"authentication": {"type": "api_key", "key": "plain-0815-word"}, "index": "a"}
    stream = redaction()
    said = stream.body(json.dumps({"input": "red-4711", "tools": [mcp], "data": [azure]}).encode())
    assert said["json"] == {
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
    echoed = b'"authorization":null, "of":"opaque-4711-token", "or":"hunter2"'
    wanted = echoed.replace(b"opaque-4711-token", b"X" * 17).replace(b"hunter2", b"X" * 7)
    assert read_in(stream, echoed) == wanted


def test_two_names_that_are_keys_stay_two() -> None:
    two = [KEYS["groq"], "gsk_" + rolled(ALNUM, 52, "another")]
    said = redaction().json(dict.fromkeys(two, 1))
    assert list(said) == ["X" * 56, "X" * 55 + "2"]


# Bodies in a content coding


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


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
    said = [f'data: {{"delta":"{n} {rolled(ALNUM, 9, str(n))}"}}\n\n' for n in range(times)]
    return [event.encode() for event in [*said, f'data: {{"delta":"{secret}"}}\n\n', *said]]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_coded_body_is_looked_into(coding: str, size: int) -> None:
    name, encode, decode = CODINGS[coding]
    own = OWN["with slashes"]
    for secret in (KEYS["groq"], own):
        text = b"".join(events_with(secret))
        body = encode(text)
        stream = redaction(own)
        stream.response([("Content-Encoding", name)])
        kept = read_in(stream, *(body[at : at + size] for at in range(0, len(body), size)))
        assert decode(kept) == text.replace(secret.encode(), b"X" * len(secret))
    harmless = encode(b"".join(events_with("nothing")))
    stream = redaction(own)
    stream.response([("Content-Encoding", name)])
    assert read_in(stream, *(harmless[at : at + size] for at in range(0, len(harmless), size))) == (
        harmless
    ), "the very bytes"


def flushed(events: list[bytes], wbits: int) -> list[bytes]:
    """Reads of a stream: each event can be decoded as soon as it is there."""
    made = zlib.compressobj(6, zlib.DEFLATED, wbits)
    reads = [made.compress(event) + made.flush(zlib.Z_SYNC_FLUSH) for event in events]
    return [*reads, made.flush()]


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_of_a_coded_stream_each_read_is_kept_at_once_until_a_secret_comes(wbits: int) -> None:
    events = events_with(KEYS["openai, 2020"])
    reads = flushed(events, wbits)
    stream = redaction()
    stream.response([("Content-Encoding", "gzip" if wbits == 31 else "deflate")])
    kept = []
    decoder = zlib.decompressobj(wbits)
    for at, data in enumerate(reads):
        pieces = stream.read(data, at)
        assert all(t == at for t, _ in pieces)
        kept += pieces
        said = b"".join(decoder.decompress(piece) for _, piece in pieces)
        wanted = events[at] if at < len(events) else b""
        assert said == wanted.replace(KEYS["openai, 2020"].encode(), b"X" * 51)
    assert [data for _, data in kept[:3]] == reads[:3]
    assert kept[3][1] != reads[3]
    assert decoder.eof, "its checksum is right"
    assert stream.rest() == []


def test_a_secret_over_two_parts_of_a_coded_stream() -> None:
    key = KEYS["openai, 2020"].encode()
    text = b'{"a":"' + key + b'"}'
    for at in range(len(text)):
        stream = redaction()
        stream.response([("Content-Encoding", "gzip")])
        kept = read_in(stream, *flushed([text[:at], text[at:]], 31))
        assert gzip.decompress(kept) == text.replace(key, b"X" * len(key)), at


def test_members_of_gzip_each_on_their_own() -> None:
    key = KEYS["xai"].encode()
    body = gzip.compress(b"one ") + gzip.compress(b"two " + key) + gzip.compress(b" three")
    for size in (1, 3, 25, 1000):
        stream = redaction()
        stream.response([("Content-Encoding", "gzip")])
        kept = read_in(stream, *(body[at : at + size] for at in range(0, len(body), size)))
        assert gzip.decompress(kept) == b"one two " + b"X" * len(key) + b" three"
        assert kept.startswith(gzip.compress(b"one ", mtime=0)[:4])


def test_gzip_that_no_header_names_and_text_that_is_called_gzip() -> None:
    key = KEYS["xai"].encode()
    assert gzip.decompress(read_in(redaction(), gzip.compress(key))) == b"X" * len(key)
    stream = redaction()
    stream.response([("Content-Encoding", "gzip")])
    assert read_in(stream, b"it is ", key + b".") == b"it is " + b"X" * len(key) + b"."


def test_what_is_cut_off_or_broken() -> None:
    key = KEYS["xai"].encode()
    whole = gzip.compress(b"it is " + key + rolled(ALNUM, 3000).encode())
    stream = redaction()
    stream.response([("Content-Encoding", "gzip")])
    kept = read_in(stream, whole[:2000])
    said = zlib.decompressobj(31).decompress(kept)
    assert said.startswith(b"it is " + b"X" * len(key))
    broken = bytearray(b"".join(flushed([b"it is " + key, rolled(ALNUM, 999).encode()], 31)))
    broken[140:150] = b"\xff" * 10
    stream = redaction()
    stream.response([("Content-Encoding", "gzip")])
    assert key not in read_in(stream, bytes(broken))


@pytest.mark.slow
def test_a_bomb_is_not_recorded_and_costs_little() -> None:
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(made.compress(bytes(1 << 20)) for _ in range(80)) + made.flush()
    exchange = Exchange(Script(Head(200, (("Content-Encoding", "gzip"),)), (Raw(bomb),)), {})
    began = time.process_time()
    redacted = without_secrets(exchange, Redactor()).about["redacted"]
    assert redacted == ["the body: it is decoded to more than 32 MiB"]
    assert Redactor().stream([("Content-Encoding", "gzip")]).body(bomb) == {"text": ""}
    assert time.process_time() - began < 10


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_coded_request_is_kept_as_what_it_says(coding: str) -> None:
    body = CODINGS[coding][1](json.dumps({"a": KEYS["groq"]}).encode())
    stream = Redactor().stream([("Content-Encoding", coding)])
    assert stream.body(body) == {"json": {"a": "X" * 56}}


# Over sockets

OWN_KEY = OWN["with slashes"]


def recorded(
    folder: Path, answer: Script, path: str = "/v1/chat/completions"
) -> tuple[list[tuple[str, bytes]], str]:
    """The files, by their names, that a request and its answer leave; and the log's line."""
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
        files, line = recorded(tmp_path, answer, path)
        assert key[3:] not in line
        assert not any(key[3:] in name or key[3:].encode() in data for name, data in files)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_the_own_key_in_a_coded_answer_and_its_length(tmp_path: Path, coding: str) -> None:
    text = json.dumps({"error": f"no such key: {OWN_KEY}"}).replace("/", r"\/").encode()
    _, encode, decode = CODINGS[coding]
    body = encode(text)
    headers = (("Content-Encoding", coding), ("Content-Length", str(len(body))))
    files, _ = recorded(tmp_path, Script(Head(401, headers), (Raw(body),)))
    ((name, data),) = files
    (exchange,) = load(tmp_path / name)
    kept = sse.body(exchange.script.steps)
    assert decode(kept) == text.replace(
        OWN_KEY.replace("/", r"\/").encode(), b"X" * len(OWN_KEY.replace("/", r"\/"))
    )
    assert exchange.script.head.header("content-length") == str(len(kept))
    assert exchange.script.head.header("content-encoding") == coding
    assert OWN_KEY.encode() not in data


def test_a_recording_with_a_key_in_its_path_is_found_again(tmp_path: Path) -> None:
    path = f"/v1/{KEYS['openai, 2020']}/models"
    recorded(tmp_path, Script(Head(200, (("Content-Length", "2"),)), (Raw(b"{}"),)), path)
    (file,) = tmp_path.iterdir()
    body = json.dumps(ASKED).encode()
    found = Cassette(file).find("POST", path, [("Authorization", f"Bearer {OWN_KEY}")], body)
    assert isinstance(found, Script), found


def test_what_cannot_be_looked_into_is_withheld_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    headers = (("Content-Encoding", "br"), ("Content-Length", "6"))
    ((name, _),), _ = recorded(tmp_path, Script(Head(200, headers), (Raw(b"opaque"),)))
    (exchange,) = load(tmp_path / name)
    assert sse.body(exchange.script.steps) == b""
    why = "it is in br, which cannot be looked into"
    assert f"the body: {why}" in exchange.about["redacted"]
    assert (
        f"the rest of the body answered at /v1/chat/completions is not recorded: {why}"
        in caplog.text
    )


# (a) Nothing else is changed

HARMLESS = [
    "a new-york-times-bestseller, a task-management-tool and risk-assessment-report",
    "msg_bdrk_01" + rolled(ALNUM, 22),
    "toolu_bdrk_01" + rolled(ALNUM, 22),
    "xai-responses-v1",
    "fp_ollama",
    "sk-learn and sk-scikit-learn-tutorials",
    "the sk-no-key-required of llama.cpp",
    "pplx-70b-online, r8_short, hf_transfer_enable_hf_transfer_for_downloads",
    "sk-" + "x" * 48 + ", hf_" + "X" * 34 + " and sk-...",
    "the Bearer authentication of HTTP: Bearer YOUR_API_KEY, Bearer token",
    "sess_" + rolled(ALNUM, 21) + " week_2024_10_11_12",
    "org-mode, org-chart-of-2024, proj_management",
    "ey are eyJ and eyJhbGciOiJIUzI1NiJ9 without a dot",
    "gAAAAAB" + rolled(URL_SAFE, 4000),
    base64.b64encode(random.Random(9).randbytes(60_000)).decode(),
    base64.urlsafe_b64encode(random.Random(8).randbytes(60_000)).decode(),
    "https://h/a?page_token=x&max_tokens=5&monkey=a1b2c3d4&key=YOUR_KEY&code=404",
    "http://localhost:8000/v1 and git@github.com:a/b.git and ssh://git@github.com/a/b",
    '{"token":"Hello","key":"author","authorization":null,"password":{"type":"string"}}',
    "ratio 3://4 what? & why #1: sig=nature",
    "--" * 50 + "eyes.only" + "-" * 50,
]


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: text[:30])
def test_what_is_no_secret_stays(text: str) -> None:
    stream = redaction("ollama")
    assert stream.text(text) == text
    assert show_path(text) == text
    assert redaction("ollama").json({text: [text]}) == {text: [text]}
    body = text.encode()
    for size in (1, 10, 1000, 100_000):
        if size > 10 or len(body) < 1000:
            reads = [body[at : at + size] for at in range(0, len(body), size)]
            assert read_in(redaction("ollama"), *reads) == body
    assert stream.found == set()


@pytest.mark.parametrize(
    "name",
    ["azureml-model-session", "x-ratelimit-key", "x-litellm-key-spend", "idempotency-key",
     "sec-websocket-key", "x-ratelimit-limit-tokens", "authority", "x-cache-key"],
)  # fmt: skip
def test_headers_that_open_nothing_stay(name: str) -> None:
    assert not is_secret_header(name)


@pytest.mark.parametrize(
    "name", ["X-Amz-Date", "X-Amz-Expires", "page_token", "nextPageToken", "max_tokens", "monkey"]
)
def test_parameters_that_open_nothing_stay(name: str) -> None:
    assert not is_secret_parameter(name)


DUMMIES = ["ollama", "EMPTY", "dummy", "lm-studio", "not-needed", "none", "test", "123456"]
# Recordings of which something must go, and why.
MUST_CHANGE: dict[str, str] = {}


PROVIDERS = sorted({file.parts[-3] for file in SHARED.glob("recordings*/*/*/*.json")})


def recordings(shared: Path, provider: str) -> Iterator[tuple[str, Exchange]]:
    for file in sorted(shared.glob(f"recordings*/{provider}/*/*.json")):
        held = json.loads(file.read_text())
        asked, answer = held.get("request") or {}, held["response"]
        # With keys that open nothing, as are used where none is needed.
        given = [("Authorization", f"Bearer {own}") for own in DUMMIES]
        request = {k: asked[k] for k in ("method", "url") if asked.get(k)}
        request["headers"] = [*(tuple(pair) for pair in asked.get("headers") or ()), *given]
        request |= {k: asked[k] for k in ("json", "text") if asked.get(k) is not None}
        headers = tuple((name, value) for name, value in answer.get("headers") or ())
        steps = tuple(sse.parse(answer["body"].encode()))
        script = Script(Head(answer["status"], headers), steps)
        yield file.stem, Exchange(script, {"request": request})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_recording_is_changed_without_need(shared: Path, provider: str) -> None:
    for name, exchange in recordings(shared, provider):
        made = without_secrets(exchange, Redactor())
        asked = exchange.about["request"]
        said = made.about["request"]
        said["headers"][-len(DUMMIES) :] = asked["headers"][-len(DUMMIES) :]
        body = sse.body(exchange.script.steps)
        stream = Redactor().stream(asked["headers"])
        read = read_in(stream, *(body[at : at + 997] for at in range(0, len(body), 997)))
        same = (made.script, said, read) == (exchange.script, asked, body)
        assert same == (name not in MUST_CHANGE), name


def test_all_recordings_were_looked_at(shared: Path) -> None:
    assert sum(1 for provider in PROVIDERS for _ in recordings(shared, provider)) == 224


# Every pattern is linear

LONG = 50_000
HOSTILE = [
    *("eyJ", "-", ".", "a", "A1", "sk-", ".sk-", "eyJaaaaaaaaaaa.", "/eyJaaaaaaaaaaa.aaaaaaaaaaa"),
    *("ya29.", "Bearer ", "Bearer a", "\\/", "\\n", "\\nsk-", "\\u0022", "%20", "%20sk-a"),
    *("whsec_/", "://", "://a:", "://a:b", "?a=", "&sig", "?sig=a1b2c3", "\\u0026sig=", '"a":'),
    *('"password":"', '\\"', '"', "=", "#", "AKIA", "xoxb-", "hf_", "Z", "é"),
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_texts_take_no_longer_than_others(part: str) -> None:
    text = part * (LONG // len(part))
    began = time.process_time()
    list(find_keys(text))
    unfinished_key(text)
    show_path(text)
    is_secret_header(text)
    is_secret_parameter(text)
    stream = redaction("a" * 50 + "1")
    stream.text(text)
    stream.url("/" + text)
    stream.url("/?" + text)
    stream.json({text: text})
    body = text.encode()
    read_in(stream, *(body[at : at + 4000] for at in range(0, len(body), 4000)))
    assert time.process_time() - began < 0.5  # and not the square of the length
