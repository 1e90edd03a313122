"""Answers from files: each stream answers its own request."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from openai_mockserver import (
    Call,
    Event,
    Head,
    MockOpenAI,
    MockServerError,
    Raw,
    Script,
    StreamFileError,
    sse,
    stream,
)
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.cassettes.cassette import Cassette
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.matching import Matching
from openai_mockserver.corpus import corpus
from openai_mockserver.faults import reset
from openai_mockserver.files import add_files
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.request import Request

OTHER = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Something else"}]}


@pytest.fixture
def streams(tmp_path: Path) -> dict[Path, Exchange]:
    """A folder of streams, each in a separate file."""
    folder = tmp_path / "streams"
    folder.mkdir()
    exchanges = {folder / f"{one.about['name']}.jsonl": one for one in corpus(12, 5)}
    for path, exchange in exchanges.items():
        dump(path, [exchange])
    (folder / "README.md").write_text("These are streams.")
    return exchanges


def answer(mock: MockOpenAI, payload: dict[str, Any]) -> Script:
    call = mock.respond(Request("POST", chat.PATH, body=json.dumps(payload).encode()))
    assert call.problem is None
    return call.script


def body(script: Script) -> bytes:
    return sse.body(script.steps)


def test_a_request_gets_the_stream_that_answers_it(streams: dict[Path, Exchange]) -> None:
    mock = MockOpenAI()
    (folder,) = {path.parent for path in streams}
    add_files(mock, [folder])
    for exchange in [*streams.values(), *streams.values()]:
        assert body(answer(mock, exchange.about["request"]["json"])) == body(exchange.script)


def test_with_in_turn_other_requests_get_the_streams_in_turn(streams: dict[Path, Exchange]) -> None:
    mock = MockOpenAI()
    add_files(mock, streams, in_turn=True)
    first = next(iter(streams.values()))
    for exchange in streams.values():
        assert body(answer(mock, first.about["request"]["json"])) == body(first.script)
        if not {"n", "logprobs"} & exchange.about["request"]["json"].keys():
            assert body(answer(mock, OTHER | {"stream": True})) == body(exchange.script)
        else:
            answer(mock, OTHER | {"stream": True})


def test_a_request_without_streaming_gets_the_content_as_a_body(
    streams: dict[Path, Exchange],
) -> None:
    mock = MockOpenAI()
    add_files(mock, streams)
    for exchange in streams.values():
        payload = {
            name: value
            for name, value in exchange.about["request"]["json"].items()
            if name not in ("stream", "stream_options")
        }
        completion = json.loads(body(answer(mock, payload)))
        reply = decode_reply(exchange.about["expect"]["reply"])
        assert [choice["message"]["content"] for choice in completion["choices"]] == [
            choice.text for choice in reply.choices
        ]


def test_the_same_request_gets_its_streams_in_turn(tmp_path: Path) -> None:
    exchanges = list(corpus(3, request={"messages": [{"role": "user", "content": "Hi"}]}))
    dump(tmp_path / "three.jsonl", exchanges)
    mock = MockOpenAI()
    add_files(mock, [tmp_path / "three.jsonl"])
    payload = exchanges[0].about["request"]["json"]
    answers = [body(answer(mock, payload)) for _ in range(4)]
    assert answers == [body(exchanges[at].script) for at in (0, 1, 2, 2)]


def test_a_folder_answers_in_the_order_of_its_file_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl"):
        dump(tmp_path / name, [Exchange(Script(steps=(Event(name),)), {})])
    (tmp_path / "c.sse").write_bytes(b"data: c.sse\n\n")
    mock = MockOpenAI()
    add_files(mock, [tmp_path])
    answers = [answer(mock, OTHER | {"stream": True}).steps for _ in range(3)]
    assert answers == [(Event("a.jsonl"),), (Event("b.jsonl"),), (Event("c.sse"),)]


CHUNKS: list[dict[str, Any]] = [
    {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": piece}}]}
    for piece in ("He", "llo")
]
EVENTS = "".join(f"data: {json.dumps(one, separators=(',', ':'))}\n\n" for one in CHUNKS)
HEAD = "HTTP/2 201 \r\nx-a: b\r\ncontent-type: text/event-stream\r\n\r\n"
ENTRY: dict[str, Any] = {
    "request": {"method": "POST", "url": "https://a.example/v1/chat/completions"},
    "response": {
        "status": 200,
        "headers": [{"name": "content-type", "value": "text/event-stream"}],
        "content": {"text": EVENTS},
    },
}
VCR = {
    "request": {"method": "POST", "uri": ENTRY["request"]["url"], "body": None},
    "response": {"status": {"code": 200}, "headers": {}, "body": {"string": EVENTS}},
}
LINES = [json.dumps(one, separators=(",", ":")) for one in CHUNKS]

RECORDED: dict[str, str | bytes] = {
    "curl.sse": HEAD + EVENTS,
    "curl.txt": HEAD + EVENTS,
    "array.json": f"[{','.join(LINES)}]",
    "lines.jsonl": "\n".join(LINES),
    "lines.ndjson": "\n".join(LINES),
    "page.har": json.dumps({"log": {"entries": [ENTRY]}}),
    "vcr.yaml": json.dumps({"interactions": [VCR]}),
    "vcr.json": json.dumps({"interactions": [VCR]}),
    "packed.sse.gz": gzip.compress(EVENTS.encode()),
    "noname": EVENTS,
    "head.jsonl": '{"name":"x","mockserver":1}\n'
    + "".join(f'{{"json":{line}}}\n' for line in LINES),
}


@pytest.mark.parametrize("name", RECORDED)
def test_every_format_of_import_is_served(tmp_path: Path, name: str) -> None:
    content = RECORDED[name]
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    mock = MockOpenAI()
    add_files(mock, [file], in_turn=True)
    script = answer(mock, OTHER | {"stream": True})
    assert body(script) == EVENTS.encode()
    assert script.steps == import_file(file)[0].script.steps
    status, value = (201, "b") if name.startswith("curl") else (200, None)
    assert (script.head.status, script.head.header("x-a")) == (status, value)


def test_one_line_of_data_is_served(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(f"data: {LINES[0]}")
    mock = MockOpenAI()
    add_files(mock, [tmp_path / "one.txt"])
    assert body(answer(mock, OTHER | {"stream": True})) == f"data: {LINES[0]}\n\n".encode()


def test_a_stream_without_a_head_gets_the_head_of_openai(tmp_path: Path) -> None:
    (tmp_path / "a.sse").write_text(EVENTS)
    mock = MockOpenAI()
    add_files(mock, [tmp_path / "a.sse"])
    head = answer(mock, OTHER | {"stream": True}).head
    assert head.header("openai-version") == "2020-10-01"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.sse", b"Hello"),
        ("a.sse", b""),
        ("a.har", b'{"log": {"entries": 1}}'),
        ("a.yaml", b"interactions: 1"),
        ("a.jsonl", b'{"mockserver": 1}\n{"jsn": 1}\n'),
        ("a.jsonl", b"Hello"),
        ("a.sse.gz", b"\x1f\x8b\x08"),
        ("a.txt", b"caf\xe9"),
    ],
)
def test_serve_and_import_raise_the_same_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StreamFileError) as import_error:
        import_file(tmp_path / name)
    with pytest.raises(StreamFileError) as serve_error:
        add_files(MockOpenAI(), [tmp_path / name])
    assert str(serve_error.value) == str(import_error.value)
    assert str(serve_error.value).startswith(str(tmp_path / name))


@pytest.mark.slow
def test_an_endless_recording_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "endless.sse").symlink_to("/dev/zero")
    with pytest.raises(StreamFileError, match="it is longer than 256 MiB"):
        add_files(MockOpenAI(), [tmp_path / "endless.sse"])


def test_ready_made_streams_come_first_and_faults_apply_to_all(
    streams: dict[Path, Exchange],
) -> None:
    mock = MockOpenAI()
    add_files(mock, streams, ["text"], [reset(after=1)])
    assert answer(mock, OTHER | {"stream": True}).steps[0] == stream("text").script.steps[0]
    exchange = next(iter(streams.values()))
    assert answer(mock, exchange.about["request"]["json"]).end == "reset"


def test_a_folder_without_streams_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MockServerError, match=r"the folder has no \.sse or \.jsonl files"):
        add_files(MockOpenAI(), [tmp_path])


def test_an_invalid_right_answer_is_an_error(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"expect": {"reply": {"txt": "Hi"}}})])
    with pytest.raises(
        MockServerError, match=r"a\.jsonl: expect\.reply\.txt: there is no such key"
    ):
        add_files(MockOpenAI(), [tmp_path / "a.jsonl"])


# Recordings and their requests


def record(method: str, url: str, payload: Any, answer: bytes) -> Exchange:
    """Build an exchange from a JSON payload and an answer."""
    head = Head(200, (("content-type", "application/json"), ("content-length", str(len(answer)))))
    request = {"method": method, "url": url} | ({} if payload is None else {"json": payload})
    return Exchange(Script(head, (Raw(answer),)), {"request": request})


def serve(tmp_path: Path, *exchanges: Exchange) -> MockOpenAI:
    dump(tmp_path / "recorded.jsonl", exchanges)
    mock = MockOpenAI()
    add_files(mock, [tmp_path])
    return mock


def send(mock: MockOpenAI, method: str, path: str, payload: Any = None) -> Call:
    return mock.respond(
        Request(method, path, body=b"" if payload is None else json.dumps(payload).encode())
    )


def test_the_problem_of_another_request_shows_the_difference(tmp_path: Path) -> None:
    cats = {"model": "gpt-4o", "messages": [{"role": "user", "content": "about cats"}]}
    mock = serve(
        tmp_path, record("POST", "https://api.openai.com/v1/chat/completions", cats, b"{}")
    )
    assert body(send(mock, "POST", chat.PATH, cats).script) == b"{}"
    dogs = {"model": "gpt-4o", "messages": [{"role": "user", "content": "about dogs"}]}
    call = send(mock, "POST", chat.PATH, dogs)
    assert call.script.head.status == 404
    assert '-        "content": "about cats"' in str(call.problem)
    assert '+        "content": "about dogs"' in str(call.problem)


@pytest.mark.parametrize(
    ("method", "url", "payload"),
    [
        ("POST", "https://api.anthropic.com/v1/messages", {"model": "claude", "messages": []}),
        ("POST", "https://api.openai.com/v1/chat/completions", {"model": 3, "nonsense": True}),
        ("GET", "https://api.openai.com/v1/models#stream", None),
        ("POST", "https://openrouter.ai/api/v1/chat/completions", {"model": "m", "top_k": 3}),
    ],
)
def test_a_recording_answers_any_request_that_equals_its_own(
    tmp_path: Path, method: str, url: str, payload: Any
) -> None:
    """Also at a path that OpenAI does not have, and for a request that it would refuse."""
    mock = serve(tmp_path, record(method, url, payload, b'{"recorded": true}'))
    call = send(mock, method, urlsplit(url).path, payload)
    assert (body(call.script), call.problem) == (b'{"recorded": true}', None)


def test_a_request_has_one_answer_with_streaming_and_one_without(tmp_path: Path) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    plain = record("POST", url, OTHER, b'{"whole": true}')
    stream_exchange = Exchange(
        Script(steps=(Event("[DONE]"),)),
        {"request": {"method": "POST", "url": url, "json": OTHER | {"stream": True}}},
    )
    mock = serve(tmp_path, plain, stream_exchange)
    for _ in range(2):
        assert body(send(mock, "POST", chat.PATH, OTHER).script) == b'{"whole": true}'
        payload = OTHER | {"stream": True}
        assert body(send(mock, "POST", chat.PATH, payload).script) == b"data: [DONE]\n\n"


def test_every_recording_answers_its_own_request(shared: Path, tmp_path: Path) -> None:
    """With its bytes and status, whether OpenAI would accept the request or not."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    replay_count = 0
    for file in sorted(files):
        for exchange in import_file(file):
            if (request := exchange.about.get("request")) is None:
                continue
            mock = serve(tmp_path, exchange)
            payload = request.get("json")
            request_body = (
                json.dumps(payload).encode() if payload else request.get("text", "").encode()
            )
            headers = [(name, value) for name, value in request["headers"]]
            path = urlsplit(request["url"]).path
            call = mock.respond(Request(request["method"], path, headers, request_body))
            assert body(call.script) == body(exchange.script), file
            assert call.script.head.status == exchange.script.head.status
            replay_count += 1
    assert replay_count >= 220


UNFINISHED = b'{"mockserver":1,"request":{"json":{"model":"m"}}}\n{"data":"a"}\n{"data":"b"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (UNFINISHED, "the recording is unfinished: it ends after 2 events"),
        (UNFINISHED + b'{"data":"c', "it ends after 2 events"),
        (
            UNFINISHED + b'{"t":1.0,"held":12}\n',
            "it ends after 2 events and lacks the last 12 bytes that arrived",
        ),
        (
            UNFINISHED + b'{"end":"finish"}\n',
            "the recording is complete, but its file was not renamed from .part",
        ),
        (b"", "the recording ended before the response began, so it cannot answer"),
    ],
    ids=["between lines", "within a line", "held back", "complete", "empty"],
)
def test_unfinished_recordings_are_played_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, message: str
) -> None:
    """A recorder that was killed leaves them."""
    dump(tmp_path / "whole.jsonl", [Exchange(Script(steps=(Event("other"),)), {})])
    part = tmp_path / "chat-completions-0001.jsonl.part"
    part.write_bytes(content)
    for files in ([tmp_path], [part, tmp_path / "whole.jsonl"]):
        mock = MockOpenAI(lenient=True)
        caplog.clear()
        add_files(mock, files, in_turn=True)
        (warning,) = caplog.messages
        assert warning.startswith(f"{part}: ")
        assert warning.endswith(message)
        answers = [body(answer(mock, OTHER | {"stream": True})) for _ in range(2)]
        assert (b"data: a\n\ndata: b\n\n" in answers) is bool(content)


# How requests are compared


def test_criteria_normalizations_and_ignored_members(tmp_path: Path) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    cats = {"model": "m", "messages": [{"role": "user", "content": "2026-11-26: cats"}]}
    dogs = {"model": "m", "messages": [{"role": "user", "content": "2026-11-26: dogs"}]}
    dump(
        tmp_path / "recorded.jsonl",
        [record("POST", url, cats, b"cats"), record("POST", url, dogs, b"dogs")],
    )
    mock = MockOpenAI()
    matching = Matching(["path", "json:messages", "json:tools[*]"], "messages[*].name", ["dates"])
    add_files(mock, [tmp_path], matching=matching)
    payload = {
        "model": "o",
        "messages": [{"role": "user", "content": "1/2/2027: dogs", "name": "a"}],
    }
    for is_stream in (False, True):
        assert (
            body(send(mock, "POST", chat.PATH, payload | {"stream": is_stream}).script) == b"dogs"
        )
    birds = {"messages": [{"role": "user", "content": "2026-11-27: birds"}], "model": "m"}
    problem = str(send(mock, "POST", chat.PATH, birds).problem)
    assert '+      "content": "<date>: birds"' in problem
    assert "model" not in problem.partition("\n")[2]


def test_a_request_for_a_stream_prefers_a_recorded_stream(tmp_path: Path) -> None:
    """Also if the body is not compared; without one, it gets the other recording."""
    url = "https://api.openai.com/v1/chat/completions"
    plain = record("POST", url, OTHER, b'{"whole": true}')
    stream_exchange = record("POST", url, OTHER | {"stream": True}, b"data: [DONE]\n\n")
    for exchanges in ([plain, stream_exchange], [stream_exchange, plain], [plain]):
        dump(tmp_path / "a.jsonl", exchanges)
        file_mock = MockOpenAI()
        add_files(file_mock, [tmp_path], matching=Matching("path"))
        for mock in (file_mock, MockOpenAI(cassette=Cassette(tmp_path / "a.jsonl", match="path"))):
            for one in (plain, stream_exchange, plain, stream_exchange):
                payload = one.about["request"]["json"] | {"model": "o"}
                right = one if one in exchanges else plain
                assert body(send(mock, "POST", chat.PATH, payload).script) == body(right.script)


def test_criteria_that_no_recording_has_cause_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dump(tmp_path / "a.jsonl", [record("POST", "/v1/chat/completions", OTHER, b"{}")])
    add_files(
        MockOpenAI(),
        [tmp_path],
        matching=Matching(["json:mesages", "json:model"], ["usr", "*.role"]),
    )
    assert caplog.messages == [
        "match='json:mesages': no recorded request has this member",
        "ignore='usr': no recorded request has this member",
        "ignore='*.role': no recorded request has this member",
    ]


@pytest.mark.parametrize(
    ("matching", "message"),
    [
        (Matching(ignore="user"), "nothing to match: none of the files contains a request"),
        (Matching([lambda one, other: True]), "only the fixture openai_cassette can compare"),
    ],
)
def test_an_impossible_comparison_is_an_error(
    tmp_path: Path, matching: Matching, message: str
) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {})])
    with pytest.raises(MockServerError, match=message):
        add_files(MockOpenAI(), [tmp_path], matching=matching)


def test_no_answer_is_generated_at_the_endpoint_of_a_recording(tmp_path: Path) -> None:
    """Without recordings, an endpoint such as embeddings answers without a rule."""
    payload = {"model": "text-embedding-3-small", "input": "Hi"}
    mock = serve(tmp_path, record("POST", "/v1/embeddings", payload, b"[1]"))
    assert body(send(mock, "POST", "/v1/embeddings", payload).script) == b"[1]"
    call = send(mock, "POST", "/v1/embeddings", payload | {"input": "Bye"})
    assert call.script.head.status == 404
    assert '+    "input": "Bye",' in str(call.problem)
    assert send(mock, "GET", "/v1/models").script.head.status == 200


@pytest.mark.parametrize(
    ("path", "payload", "reason"),
    [
        ("/v1/messages", {"model": "claude", "text": "Hi"}, "Invalid URL (POST /v1/messages)"),
        (chat.PATH, {**OTHER, "top_k": 3}, "Unrecognized request argument supplied: top_k"),
    ],
)
def test_the_difference_is_shown_for_requests_that_openai_refuses_too(
    tmp_path: Path, path: str, payload: dict[str, Any], reason: str
) -> None:
    mock = serve(tmp_path, record("POST", path, payload, b"{}"))
    assert body(send(mock, "POST", path, payload).script) == b"{}"
    call = send(mock, "POST", path, payload | {"model": "other"})
    assert call.script.head.status == 404
    assert '+    "model": "other"' in str(call.problem)
    assert str(call.problem).endswith(f"\n  and OpenAI refuses it: {reason}")
    for elsewhere in ("/v1/nothing", "/v1/completions"):
        assert "recording" not in body(send(mock, "POST", elsewhere, {"x": 1}).script).decode()


@pytest.mark.parametrize("key", ["sk-wrong", None])
@pytest.mark.parametrize(("path", "status"), [(chat.PATH, 401), ("/v1/messages", 404)])
def test_recordings_answer_only_requests_with_the_key(
    tmp_path: Path, path: str, status: int, key: str | None
) -> None:
    file = tmp_path / "a.jsonl"
    dump(file, [record("POST", path, OTHER, b"hush")])

    def ask(mock: MockOpenAI, key: str | None, payload: dict[str, Any]) -> Call:
        headers = [] if key is None else [("Authorization", f"Bearer {key}")]
        return mock.respond(Request("POST", path, headers, json.dumps(payload).encode()))

    file_mock = MockOpenAI(api_key="sk-right")
    add_files(file_mock, [file])
    for mock in (file_mock, MockOpenAI(api_key="sk-right", cassette=Cassette(file))):
        assert body(ask(mock, "sk-right", OTHER).script) == b"hush"
        for payload in (OTHER, {"model": "other"}):
            call = ask(mock, key, payload)
            assert call.script.head.status == status
            assert "hush" not in body(call.script).decode()
            assert call.problem is None, "it shows no difference either"
