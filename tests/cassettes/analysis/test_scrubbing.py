"""Secrets in recordings: each is found by its line and kind, and nothing else changes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import Comment, Event, Raw, Script, StreamFileError, sse
from openai_mockserver.cassettes import Exchange, dumps, loads
from openai_mockserver.cassettes.analysis.scrubbing import Finding, scrub_stream_file
from openai_mockserver.cassettes.analysis.secret_files import search_file
from openai_mockserver.cassettes.exporters.formats import FORMATS, export_exchanges
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.script import STREAM_HEAD, Head

KEY = "sk-proj-canary0123456789abcdefghij"
MASKED = "X" * len(KEY)
LOOKS = "what looks like a key"


def make_head(headers: Any = (), response_headers: Any = (), **request: Any) -> bytes:
    request = {"method": "POST", "url": "/v1/x", "headers": list(headers), **request}
    response = {"status": 200, "headers": list(response_headers)}
    head = {"mockserver": 1, "request": request, "response": response, "name": "a"}
    return json.dumps(head).encode() + b"\n"


def scrub(content: bytes, **options: Any) -> tuple[bytes, tuple[Finding, ...]]:
    """Scrub a stream file; check that it is then clean, and that no canary is left."""
    scrubbed = scrub_stream_file(content, "x.jsonl", Redactor(**options))
    assert b"canary" not in scrubbed.content
    again = scrub_stream_file(scrubbed.content, "x.jsonl", Redactor(**options))
    assert (again.content, again.findings) == (scrubbed.content, ())
    return scrubbed.content, scrubbed.findings


@pytest.mark.slow
def test_no_recording_is_changed_without_need(shared: Path) -> None:
    """Of 224 files: no byte, neither of a head nor of a body."""
    files = sorted(shared.glob("recordings*/*/*/*.json"))
    assert len(files) == 224
    for file in files:
        content = b"".join(dumps(one.script, one.about) for one in import_file(file))
        scrubbed = scrub_stream_file(content, file.name, Redactor())
        assert (scrubbed.content, scrubbed.findings) == (content, ()), file


def test_only_the_lines_with_a_secret_change() -> None:
    lines = [
        make_head(),
        b'{ "t": 0.125, "json": {"a": 1.0, "key": "%b"}, "event": "e" }\n' % KEY.encode(),
        b'{"t":0.25,  "json": {"a": 1e3}}\n',
        b"\n",
        b'{"held": 3, "t": 0.3}\n',
        b'{"pause": 0.50}\n',
        b'{"comment": "%b"}\n' % KEY.encode(),
        b'{"t": 2, "end": "reset"}\n',
    ]
    content, findings = scrub(b"".join(lines))
    assert findings == (Finding(2, LOOKS), Finding(7, LOOKS))
    new_lines = content.splitlines(keepends=True)
    assert json.loads(new_lines[0])["redacted"] == [LOOKS]
    assert json.loads(new_lines[1]) == {
        "t": 0.125,
        "json": {"a": 1.0, "key": MASKED},
        "event": "e",
    }
    assert [new_lines[n] for n in (2, 3, 4, 5, 7)] == [lines[n] for n in (2, 3, 4, 5, 7)]
    old, new = loads(b"".join(lines))[0].script, loads(content)[0].script
    assert (new.seconds, new.end) == (old.seconds, old.end)


def test_each_kind_of_secret_in_a_head_is_named() -> None:
    head = make_head(
        [["Authorization", f"Bearer {KEY}"], ["X-A", "b"]],
        [["Set-Cookie", "id=canary"], ["openai-organization", "canary"]],
        url=f"/v1/x?api_key={KEY}",
        json={"password": "canary", "messages": [{"content": f"use {KEY}, please"}]},
    )
    content, findings = scrub(head + b'{"end":"finish"}\n')
    assert {finding.line for finding in findings} == {1}
    kinds = {finding.kind for finding in findings}
    assert {"authorization", "set-cookie", "openai-organization", "password"} <= kinds
    about = json.loads(content.splitlines()[0])
    assert kinds <= {*about["redacted"], "api_key"}
    assert about["request"]["headers"][1] == ["X-A", "b"]
    assert about["name"] == "a"


def test_what_was_redacted_before_stays_listed() -> None:
    head = json.loads(make_head([["Authorization", "XXXX"]]))
    head["redacted"] = ["authorization", "the request's body: it was too long"]
    lines = [json.dumps(head).encode(), b'{"data":"%b"}' % KEY.encode(), b'{"end":"finish"}', b""]
    content, _ = scrub(b"\n".join(lines))
    assert json.loads(content.splitlines()[0])["redacted"] == [
        "authorization",
        "the request's body: it was too long",
        LOOKS,
    ]


def test_a_secret_of_the_request_is_found_in_the_response_and_across_lines() -> None:
    first, second = KEY[:14], KEY[14:]
    content, findings = scrub(
        make_head([["Authorization", "Bearer canary-Words-Only-Here"]])
        + b'{"data":"canary-Words-Only-Here"}\n'
        + b'{"text":"data: %b"}\n{"text":"%b\\n\\n"}\n' % (first.encode(), second.encode())
        + b'{"end":"finish"}\n'
    )
    assert [finding.line for finding in findings] == [1, 2, 3, 4]
    (exchange,) = loads(content)
    assert sse.body(exchange.script.steps).endswith(b"data: " + MASKED.encode() + b"\n\n")


def test_several_exchanges_and_a_line_that_is_cut_off() -> None:
    whole = make_head() + b'{"data":"a"}\n{"end":"finish"}\n'
    part = make_head() + b'{"data":"b"}\n'
    content, findings = scrub(whole + part + whole + part + b'{"data":"' + KEY.encode())
    assert findings == (Finding(11, LOOKS),)
    assert content.startswith(whole + part + whole + part)


@pytest.mark.parametrize("is_secret", [True, False])
def test_a_compressed_body_is_searched(is_secret: bool) -> None:
    plain = f"data: {KEY}\n\n" if is_secret else "data: sk-not-a-key\n\n"
    coded = gzip.compress(plain.encode(), mtime=0)
    headers = (*STREAM_HEAD.headers, ("Content-Encoding", "gzip"))
    steps = (Raw(coded[:9]), Raw(coded[9:20]), Raw(coded[20:]))
    before = dumps(Script(Head(200, headers), steps), {"name": "a"})
    content, findings = scrub(before)
    if not is_secret:
        assert content == before
        return
    assert [finding.line for finding in findings] == [2]
    (exchange,) = loads(content)
    assert gzip.decompress(sse.body(exchange.script.steps)).decode() == f"data: {MASKED}\n\n"
    assert exchange.about["redacted"] == [LOOKS]


def test_a_body_that_cannot_be_decoded_stays() -> None:
    headers = (*STREAM_HEAD.headers, ("Content-Encoding", "compress"))
    script = Script(Head(200, headers), (Raw(b"\x1f\x9d\x90a\x04"),))
    content = dumps(script, {"request": {"url": "/v1/x", "json": {"user": KEY}}})
    scrubbed = scrub_stream_file(content, "x", Redactor())
    (note,) = scrubbed.notes
    assert "compress" in note
    (exchange,) = loads(scrubbed.content)
    assert exchange.script == script
    assert exchange.about["redacted"] == [LOOKS]
    assert exchange.about["request"] == {"url": "/v1/x", "json": {"user": MASKED}}


def test_own_rules() -> None:
    content = make_head([["X-Team", "canary"]], json={"user": "canary"}) + b'{"end":"finish"}\n'
    _, findings = scrub(content, headers=["x-team"], paths=["user"])
    assert findings == (Finding(1, "user"), Finding(1, "x-team"))


def test_an_invalid_line_is_named() -> None:
    with pytest.raises(StreamFileError, match=r"x\.jsonl:2: "):
        scrub_stream_file(make_head() + b'{"dada": ""}\n', "x.jsonl", Redactor())


# Recordings of other tools


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("curl", "wiremock")])
def test_secrets_in_other_formats_have_their_lines(tmp_path: Path, name: str) -> None:
    request = {
        "method": "POST",
        "url": "https://a.org/v1/x",
        "headers": [["Authorization", "Bearer canary"]],
        "json": {"user": "me"},
    }
    script = Script(STREAM_HEAD, (Event('{"choices":[]}'), Comment("a"), Event(f'"{KEY}"')))
    files = export_exchanges([Exchange(script, {"request": request})], name, "x").files
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
        lines = content.decode().splitlines()
        findings = search_file(tmp_path / file, Redactor()).findings
        # Each line with a canary, and no other.
        canaries = {n for n, line in enumerate(lines, 1) if "canary" in line}
        assert {finding.line for finding in findings} == canaries
        kinds = {LOOKS} if name in ("sse", "jsonl") else {LOOKS, "authorization"}
        assert kinds <= {finding.kind for finding in findings}


def test_a_file_that_is_no_recording_is_searched_as_text(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(f"a\nkey {KEY}\n")
    assert search_file(file, Redactor()).findings == (Finding(2, LOOKS),)
