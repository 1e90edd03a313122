"""Export into other tools' formats: those tools play the files, and every byte comes back."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import openai
import pytest
import vcr

from openai_mockserver import Comment, Event, Head, MockOpenAI, Pause, Raw, Script, sse
from openai_mockserver.cassettes.exporters.formats import FORMATS, export_exchanges
from openai_mockserver.cassettes.exporters.recording import find_url
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.script import STREAM_HEAD

URL = "https://api.example.org/v1/chat/completions"
ASKED: dict[str, Any] = {
    "model": "m",
    "stream": True,
    "messages": [{"role": "user", "content": 'It\'s "$HOME"\n\\o/ ünï'}],
}
CHUNK = '{"choices":[{"index":0,"delta":{"content":"Olá"}}]}'
BODY = Event(CHUNK), Comment("keep-alive"), Raw(b"data: {}\r\n\r\n"), sse.DONE


def exchange(*steps: Any, url: str = URL, head: Head = STREAM_HEAD, **about: Any) -> Exchange:
    request = {"method": "POST", "url": url, "headers": [["X-A", "1"], ["X-A", "2"]], "json": ASKED}
    return Exchange(Script(head, steps or BODY), {"request": request, **about})


def export(name: str, *exchanges: Exchange) -> dict[str, bytes]:
    return dict(export_exchanges(exchanges, name, "x").files)


def back(folder: Path, files: dict[str, bytes]) -> list[Exchange]:
    """Import exported files, except the commands."""
    imported: list[Exchange] = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        imported += import_file(folder / name) if not name.endswith(".sh") else []
    return imported


def body_of(one: Exchange) -> bytes:
    return sse.body(one.script.steps)


SAMPLE = ["openai/chat", "openai/responses", "mistral/chat", "ai21/chat", "openrouter/chat"]
IMPORTED = [name for name in FORMATS if name != "wiremock"]


@pytest.mark.parametrize("name", IMPORTED)
def test_recordings_come_back_with_every_byte(shared: Path, tmp_path: Path, name: str) -> None:
    for provider in SAMPLE:
        file = sorted((shared / "recordings" / provider).glob("*.json"))[0]
        (recorded,) = import_file(file)
        (imported,) = back(tmp_path, export(name, recorded))
        assert body_of(imported) == body_of(recorded), provider
        if name in ("vcrpy", "har"):
            assert imported.about["request"] == recorded.about["request"]
            assert imported.script.head.status == recorded.script.head.status


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPORTED)
def test_all_recordings_come_back_with_every_byte(shared: Path, tmp_path: Path, name: str) -> None:
    for file in sorted(shared.glob("recordings*/*/*/*.json")):
        (recorded,) = import_file(file)
        converted = export_exchanges([recorded], name, "x")
        if converted.files and not any("cannot express" in note for note in converted.notes):
            (imported,) = back(tmp_path, dict(converted.files))
            assert body_of(imported) == body_of(recorded), file


@pytest.mark.parametrize("name", IMPORTED)
def test_several_exchanges_stay_several(tmp_path: Path, name: str) -> None:
    other = exchange(Event('{"choices":[]}'), sse.DONE)
    imported = back(tmp_path, export(name, exchange(), other))
    assert [body_of(one) for one in imported] == [body_of(exchange()), body_of(other)]


@pytest.mark.parametrize("name", ["vcrpy", "har", "sse", "jsonl", "curl"])
def test_a_compressed_body_comes_back_without_its_coding(tmp_path: Path, name: str) -> None:
    coded = Raw(gzip.compress(sse.body(BODY)))
    headers = (*STREAM_HEAD.headers, ("Content-Encoding", "gzip"))
    (imported,) = back(tmp_path, export(name, exchange(coded, head=Head(200, headers))))
    assert body_of(imported) == sse.body(BODY)
    assert imported.script.head.header("content-encoding") is None


@pytest.mark.parametrize("name", ["vcrpy", "har", "curl"])
def test_a_binary_body_comes_back(tmp_path: Path, name: str) -> None:
    sound = Head(200, (("Content-Type", "audio/mpeg"),))
    (imported,) = back(tmp_path, export(name, exchange(Raw(b"\xff\xfb\x90\n"), head=sound)))
    assert body_of(imported) == b"\xff\xfb\x90\n"


# vcrpy


@pytest.mark.parametrize("provider", ["openai/chat", "groq/chat"])
def test_vcrpy_plays_a_cassette_to_the_sdk(shared: Path, tmp_path: Path, provider: str) -> None:
    """The SDK makes the same of it as of the recording that our server plays."""
    file = sorted((shared / "recordings" / provider).glob("*.json"))[0]
    (recorded,) = import_file(file)
    (content,) = export("vcrpy", recorded).values()
    cassette = tmp_path / "x.yaml"
    cassette.write_bytes(content)
    asked = recorded.about["request"]["json"]

    def ask(base_url: str) -> list[Any]:
        client = openai.DefaultHttpxClient(trust_env=False)
        with client, openai.OpenAI(base_url=base_url, api_key="k", http_client=client) as sdk:
            return list(sdk.chat.completions.create(**asked))

    with vcr.use_cassette(str(cassette), record_mode="none") as played:
        chunks = ask(find_url(recorded).removesuffix("/chat/completions"))
    assert played.play_count == 1
    with MockOpenAI() as mock:
        mock.reply(recorded.script)
        assert chunks == ask(mock.base_url)
    assert len(chunks) > 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a\r\nb\n",
        b" \n\n x \n",
        "☃\x85\u2028😀\n".encode(),
        b"\xff\x00\n",
        b"yes",
        b"1",
        b"~",
    ],
)
def test_vcrpy_reads_any_body(tmp_path: Path, body: bytes) -> None:
    plain = Head(418, (("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")))
    (content,) = export("vcrpy", exchange(Raw(body), head=plain)).values()
    (tmp_path / "x.yaml").write_bytes(content)
    with vcr.use_cassette(str(tmp_path / "x.yaml"), record_mode="none"):
        response = httpx.post(URL, json=ASKED, trust_env=False)
    assert (response.status_code, response.content) == (418, body)
    assert response.headers.get_list("set-cookie") == ["a=b", "c=d"]


def test_a_person_can_read_a_stream_in_a_cassette() -> None:
    (content,) = export("vcrpy", exchange(Event(CHUNK), sse.DONE)).values()
    assert f"string: |+\n        data: {CHUNK}\n\n        data: [DONE]\n\n".encode() in content


# HAR


def test_har_has_the_times_and_the_time_of_the_recording() -> None:
    steps = (Pause(0.25), Event(CHUNK), Pause(0.5), sse.DONE)
    paced = exchange(*steps, head=Head(200, STREAM_HEAD.headers, 1.0))
    paced.about["recorded"] = {"at": "2026-11-27T10:00:00.000+00:00"}
    (content,) = export("har", paced).values()
    (entry,) = json.loads(content)["log"]["entries"]
    assert entry["startedDateTime"] == "2026-11-27T10:00:00.000+00:00"
    assert entry["timings"] == {"send": 0, "wait": 1250, "receive": 500}
    assert entry["time"] == 1750
    assert entry["request"]["postData"]["text"] == json.dumps(
        ASKED, ensure_ascii=False, separators=(",", ":")
    )


# JSON lines


def test_jsonl_is_a_chunk_on_each_line() -> None:
    named = Event('{"type":"response.created","sequence_number":0}', "response.created")
    other = Event('{"error":{"message":"no"}}', "error")
    (content,) = export("jsonl", exchange(Event(CHUNK), Comment("ping"), named, other)).values()
    assert content.decode().splitlines() == [
        CHUNK,
        '": ping\\n\\n"',
        '{"type":"response.created","sequence_number":0}',
        '{"event":"error","data":{"error":{"message":"no"}}}',
    ]


@pytest.mark.parametrize(
    "steps",
    [
        (Event('{"object":"list","data":[1]}'),),  # would be read as a wrapper
        (Event('{"a":1}'), Event(CHUNK)),  # its first line would not be recognized
        (Raw(b"\n\n"), Event(CHUNK)),
        (Event(CHUNK, id="7"), Event(CHUNK, retry=10)),
        (Event("a\nb"), Event(""), Event("null"), Event(" {} ")),
        (Event(CHUNK, "response.created"), Event("plain", "error")),
        (Raw(b"\xef\xbb\xbfdata: {}\r\rdata: {}\r\r"),),
        (Event(CHUNK), Raw(b"data\n\n"), Event(CHUNK), Raw(b"<html>\n\n"), sse.DONE),
    ],
)
def test_jsonl_keeps_the_bytes_of_any_event(tmp_path: Path, steps: tuple[Any, ...]) -> None:
    (imported,) = back(tmp_path, export("jsonl", exchange(*steps)))
    assert body_of(imported) == sse.body(steps)


@pytest.mark.parametrize(
    "steps",
    [
        (Event(CHUNK), Raw(b'data: {"choi')),
        (Raw(b"error: no\n\n"), Event(CHUNK)),  # no field that the import would recognize
    ],
)
def test_jsonl_leaves_out_what_it_cannot_express(steps: tuple[Any, ...]) -> None:
    converted = export_exchanges([exchange(*steps)], "jsonl", "x")
    assert converted.files == {"x.chunks.jsonl": f"{CHUNK}\n".encode()}
    (note,) = converted.notes
    assert note == "exchange 1 has bytes that JSON lines cannot express; they are left out"


# curl


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_command_for_curl_repeats_the_request(tmp_path: Path) -> None:
    with MockOpenAI(lenient=True) as mock:
        mock.reply("Hello")
        url = f"{mock.base_url}/chat/completions"
        files = export("curl", exchange(url=url))
        assert sorted(files) == ["x.sh", "x.txt"]
        (tmp_path / "x.sh").write_bytes(files["x.sh"])
        environment = {"OPENAI_API_KEY": "sk-mine", "PATH": "/usr/bin:/bin"}
        ran = subprocess.run(
            ["sh", tmp_path / "x.sh"], capture_output=True, env=environment, timeout=30
        )
        assert ran.returncode == 0, ran.stderr
        (call,) = mock.calls
    assert call.json == ASKED
    assert call.headers["authorization"] == "Bearer sk-mine"
    assert ran.stdout.startswith(b"HTTP/1.1 200 OK\r\n")
    # What curl prints is what is exported of the recorded response.
    (tmp_path / "printed.txt").write_bytes(ran.stdout)
    assert import_file(tmp_path / "printed.txt")[0].as_reply().text == "Hello"  # type: ignore[union-attr]


def test_a_key_of_azure_stands_in_its_own_header() -> None:
    azure = exchange()
    azure.about["request"]["headers"] = [["api-key", "XXXX"], ["OpenAI-Organization", "XXX"]]
    command = export("curl", azure)["x.sh"].decode()
    assert '-H "api-key: $OPENAI_API_KEY"' in command
    assert "XXX" not in command


# WireMock

# As in "Stubbing", "Request Matching" and "Simulating Faults" of WireMock's documentation.
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": ["string", "array"]}}
MAPPINGS: dict[str, Any] = {
    "required": ["mappings"],
    "properties": {"mappings": {"type": "array", "items": {"$ref": "#/$defs/stub"}}},
    "additionalProperties": False,
    "$defs": {
        "stub": {
            "required": ["request", "response"],
            "properties": {
                "name": {"type": "string"},
                "scenarioName": {"type": "string"},
                "requiredScenarioState": {"type": "string"},
                "newScenarioState": {"type": "string"},
                "request": {
                    "required": ["method", "url"],
                    "properties": {
                        "method": {"pattern": "^[A-Z]+$"},
                        "url": {"pattern": "^/"},
                        "bodyPatterns": {
                            "type": "array",
                            "items": {
                                "propertyNames": {
                                    "enum": ["equalToJson", "equalTo", "binaryEqualTo"]
                                }
                            },
                        },
                    },
                    "additionalProperties": False,
                },
                "response": {
                    "required": ["status", "headers"],
                    "oneOf": [{"required": ["body"]}, {"required": ["base64Body"]}],
                    "properties": {
                        "status": {"type": "integer"},
                        "headers": _TEXTS,
                        "body": {"type": "string"},
                        "base64Body": {"type": "string"},
                        "fixedDelayMilliseconds": {"type": "integer"},
                        "chunkedDribbleDelay": {
                            "required": ["numberOfChunks", "totalDuration"],
                            "properties": {
                                "numberOfChunks": {"type": "integer", "minimum": 1},
                                "totalDuration": {"type": "integer", "minimum": 1},
                            },
                            "additionalProperties": False,
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        }
    },
}


def test_stub_mappings_of_wiremock() -> None:
    paced = exchange(
        Event(CHUNK), Pause(0.2), sse.DONE, head=Head(200, STREAM_HEAD.headers, 0.3), name="hello"
    )
    sound = exchange(Raw(b"\xff"), head=Head(200, (("Content-Length", "1"), ("A", "b"))))
    sound.about["request"] = {"method": "GET", "url": "https://a.org/v1/x?q=1"}
    (content,) = export("wiremock", paced, sound, exchange()).values()
    document = json.loads(content)
    jsonschema.validate(document, MAPPINGS)
    first, second, third = document["mappings"]
    assert first["response"] == {
        "status": 200,
        "headers": {"Content-Type": "text/event-stream; charset=utf-8"},
        "body": f"data: {CHUNK}\n\ndata: [DONE]\n\n",
        "fixedDelayMilliseconds": 300,
        "chunkedDribbleDelay": {"numberOfChunks": 2, "totalDuration": 200},
    }
    assert first["request"]["bodyPatterns"] == [{"equalToJson": ASKED}]
    assert second["request"] == {"method": "GET", "url": "/v1/x?q=1"}
    assert second["response"] == {"status": 200, "headers": {"A": "b"}, "base64Body": "/w=="}
    # The same request again is the next state of a scenario.
    assert first["scenarioName"] == third["scenarioName"]
    assert first["newScenarioState"] == third["requiredScenarioState"]


def test_the_mappings_of_recordings_have_the_documented_shape(shared: Path) -> None:
    for provider in SAMPLE:
        recorded = import_file(sorted((shared / "recordings" / provider).glob("*.json"))[0])
        (content,) = export("wiremock", *recorded).values()
        jsonschema.validate(json.loads(content), MAPPINGS)
        (mapping,) = json.loads(content)["mappings"]
        assert mapping["response"]["body"].encode() == body_of(recorded[0])


# Requests


@pytest.mark.parametrize(
    ("url", "upstream", "full"),
    [
        ("/v1/models?limit=1", None, "https://api.openai.com/v1/models?limit=1"),
        ("/chat/completions", None, "https://api.openai.com/v1/chat/completions"),
        ("<API_BASE>/chat/completions", None, "https://api.openai.com/v1/chat/completions"),
        ("/v1/x", "https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/x"),
        ("/v1/x", "nonsense", "https://api.openai.com/v1/x"),
        ("http://localhost:1/a", "https://b.org", "http://localhost:1/a"),
    ],
)
def test_the_url_of_a_request_is_completed(url: str, upstream: str | None, full: str) -> None:
    recorded: dict[str, Any] = {} if upstream is None else {"recorded": {"upstream": upstream}}
    assert find_url(exchange(url=url, **recorded)) == full


@pytest.mark.parametrize("name", FORMATS)
def test_a_response_without_its_request_is_exported_too(name: str) -> None:
    alone = Exchange(Script(STREAM_HEAD, BODY), {})
    converted = export_exchanges([alone], name, "x")
    assert len(converted.files) == 1
    assert len(converted.notes) == (name not in ("sse", "jsonl"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_loss_is_noted(name: str) -> None:
    broken = Exchange(Script(STREAM_HEAD, BODY, "reset"), exchange().about)
    notes = export_exchanges([broken], name, "x").notes
    assert notes == ("exchange 1 ends with reset, which only a stream file can express",)


def test_a_client_that_leaves_at_done_is_no_loss() -> None:
    left = Exchange(Script(STREAM_HEAD, BODY, "truncate"), exchange().about, client_left=True)
    assert export_exchanges([left], "sse", "x").notes == ()
    early = Exchange(Script(STREAM_HEAD, BODY[:1], "truncate"), {}, client_left=True)
    (note,) = export_exchanges([early], "sse", "x").notes
    assert note == "exchange 1 ends with client left, which only a stream file can express"


def test_what_is_no_stream_is_left_out_of_formats_of_streams() -> None:
    plain = exchange(Raw(b"{}"), head=Head(200, (("Content-Type", "application/json"),)))
    converted = export_exchanges([plain, exchange()], "sse", "x")
    assert list(converted.files) == ["x-2.sse"]
    assert converted.notes == ("exchange 1 is not an event stream, and is left out",)


def test_bytes_of_http_are_refused() -> None:
    raw = Exchange(Script(STREAM_HEAD, (Raw(b"HTTP/1.1 200 OK\r\n\r\n"),), raw=True), {})
    with pytest.raises(StreamFileError, match="only a stream file"):
        export_exchanges([raw], "vcrpy", "x")
