"""Files that say what a server answers: each stream to the request that it was made of."""

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
    """A folder of streams, each in a file of its own."""
    folder = tmp_path / "streams"
    folder.mkdir()
    made = {folder / f"{one.about['name']}.jsonl": one for one in corpus(12, 5)}
    for path, exchange in made.items():
        dump(path, [exchange])
    (folder / "README.md").write_text("These are streams.")
    return made


def answer(mock: MockOpenAI, asked: dict[str, Any]) -> Script:
    call = mock.respond(Request("POST", chat.PATH, body=json.dumps(asked).encode()))
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


def test_others_get_the_streams_in_turn_if_that_is_wanted(streams: dict[Path, Exchange]) -> None:
    mock = MockOpenAI()
    add_files(mock, streams, in_turn=True)
    first = next(iter(streams.values()))
    for exchange in streams.values():
        assert body(answer(mock, first.about["request"]["json"])) == body(first.script)
        if not {"n", "logprobs"} & exchange.about["request"]["json"].keys():
            assert body(answer(mock, OTHER | {"stream": True})) == body(exchange.script)
        else:
            answer(mock, OTHER | {"stream": True})


def test_who_wants_no_stream_gets_what_it_says(streams: dict[Path, Exchange]) -> None:
    mock = MockOpenAI()
    add_files(mock, streams)
    for exchange in streams.values():
        asked = {
            name: value
            for name, value in exchange.about["request"]["json"].items()
            if name not in ("stream", "stream_options")
        }
        made = json.loads(body(answer(mock, asked)))
        told = decode_reply(exchange.about["expect"]["reply"])
        assert [choice["message"]["content"] for choice in made["choices"]] == [
            choice.text for choice in told.choices
        ]


def test_the_same_request_gets_its_streams_in_turn(tmp_path: Path) -> None:
    made = list(corpus(3, request={"messages": [{"role": "user", "content": "Hi"}]}))
    dump(tmp_path / "three.jsonl", made)
    mock = MockOpenAI()
    add_files(mock, [tmp_path / "three.jsonl"])
    asked = made[0].about["request"]["json"]
    answers = [body(answer(mock, asked)) for _ in range(4)]
    assert answers == [body(made[at].script) for at in (0, 1, 2, 2)]


def test_a_folder_answers_in_the_order_of_its_names(tmp_path: Path) -> None:
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
def test_what_import_knows_is_served(tmp_path: Path, name: str) -> None:
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


def test_a_stream_without_a_head_gets_that_of_openai(tmp_path: Path) -> None:
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
def test_serve_says_what_import_says(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StreamFileError) as imported:
        import_file(tmp_path / name)
    with pytest.raises(StreamFileError) as served:
        add_files(MockOpenAI(), [tmp_path / name])
    assert str(served.value) == str(imported.value)
    assert str(served.value).startswith(str(tmp_path / name))


@pytest.mark.slow
def test_a_recording_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    (tmp_path / "endless.sse").symlink_to("/dev/zero")
    with pytest.raises(StreamFileError, match="it is longer than 256 MiB"):
        add_files(MockOpenAI(), [tmp_path / "endless.sse"])


def test_ready_made_streams_come_first_and_faults_are_of_all(streams: dict[Path, Exchange]) -> None:
    mock = MockOpenAI()
    add_files(mock, streams, ["text"], [reset(after=1)])
    assert answer(mock, OTHER | {"stream": True}).steps[0] == stream("text").script.steps[0]
    exchange = next(iter(streams.values()))
    assert answer(mock, exchange.about["request"]["json"]).end == "reset"


def test_a_folder_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MockServerError, match=r"a folder without \.sse and \.jsonl files"):
        add_files(MockOpenAI(), [tmp_path])


def test_a_right_answer_that_is_none_is_an_error(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {"expect": {"reply": {"txt": "Hi"}}})])
    with pytest.raises(
        MockServerError, match=r"a\.jsonl: expect\.reply\.txt: there is no such key"
    ):
        add_files(MockOpenAI(), [tmp_path / "a.jsonl"])


# What was recorded, to the request it was recorded of


def recorded(method: str, url: str, asked: Any, answer: bytes) -> Exchange:
    """An exchange of a JSON body with an answer."""
    head = Head(200, (("content-type", "application/json"), ("content-length", str(len(answer)))))
    request = {"method": method, "url": url} | ({} if asked is None else {"json": asked})
    return Exchange(Script(head, (Raw(answer),)), {"request": request})


def serving(tmp_path: Path, *exchanges: Exchange) -> MockOpenAI:
    dump(tmp_path / "recorded.jsonl", exchanges)
    mock = MockOpenAI()
    add_files(mock, [tmp_path])
    return mock


def send(mock: MockOpenAI, method: str, path: str, asked: Any = None) -> Call:
    return mock.respond(
        Request(method, path, body=b"" if asked is None else json.dumps(asked).encode())
    )


def test_another_request_is_told_what_differs(tmp_path: Path) -> None:
    cats = {"model": "gpt-4o", "messages": [{"role": "user", "content": "about cats"}]}
    mock = serving(
        tmp_path, recorded("POST", "https://api.openai.com/v1/chat/completions", cats, b"{}")
    )
    assert body(send(mock, "POST", chat.PATH, cats).script) == b"{}"
    dogs = {"model": "gpt-4o", "messages": [{"role": "user", "content": "about dogs"}]}
    call = send(mock, "POST", chat.PATH, dogs)
    assert call.script.head.status == 404
    assert '-        "content": "about cats"' in str(call.problem)
    assert '+        "content": "about dogs"' in str(call.problem)


@pytest.mark.parametrize(
    ("method", "url", "asked"),
    [
        ("POST", "https://api.anthropic.com/v1/messages", {"model": "claude", "messages": []}),
        ("POST", "https://api.openai.com/v1/chat/completions", {"model": 3, "nonsense": True}),
        ("GET", "https://api.openai.com/v1/models#stream", None),
        ("POST", "https://openrouter.ai/api/v1/chat/completions", {"model": "m", "top_k": 3}),
    ],
)
def test_what_was_recorded_is_answered_whatever_we_know_of_it(
    tmp_path: Path, method: str, url: str, asked: Any
) -> None:
    """Also at a path that OpenAI has not, and for a request that it would refuse."""
    mock = serving(tmp_path, recorded(method, url, asked, b'{"recorded": true}'))
    call = send(mock, method, urlsplit(url).path, asked)
    assert (body(call.script), call.problem) == (b'{"recorded": true}', None)


def test_the_same_request_streamed_and_not_has_two_answers(tmp_path: Path) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    plain = recorded("POST", url, OTHER, b'{"whole": true}')
    streamed = Exchange(
        Script(steps=(Event("[DONE]"),)),
        {"request": {"method": "POST", "url": url, "json": OTHER | {"stream": True}}},
    )
    mock = serving(tmp_path, plain, streamed)
    for _ in range(2):
        assert body(send(mock, "POST", chat.PATH, OTHER).script) == b'{"whole": true}'
        asked = OTHER | {"stream": True}
        assert body(send(mock, "POST", chat.PATH, asked).script) == b"data: [DONE]\n\n"


def test_every_recording_answers_its_own_request(shared: Path, tmp_path: Path) -> None:
    """The bytes and the status of all of them, whether OpenAI would take the request or not."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    played = 0
    for file in sorted(files):
        for exchange in import_file(file):
            if (request := exchange.about.get("request")) is None:
                continue
            mock = serving(tmp_path, exchange)
            asked = request.get("json")
            sent = json.dumps(asked).encode() if asked else request.get("text", "").encode()
            headers = [(name, value) for name, value in request["headers"]]
            path = urlsplit(request["url"]).path
            call = mock.respond(Request(request["method"], path, headers, sent))
            assert body(call.script) == body(exchange.script), file
            assert call.script.head.status == exchange.script.head.status
            played += 1
    assert played >= 220


UNFINISHED = b'{"mockserver":1,"request":{"json":{"model":"m"}}}\n{"data":"a"}\n{"data":"b"}\n'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (UNFINISHED, "a recording that is not finished; it breaks off after 2 events"),
        (UNFINISHED + b'{"data":"c', "it breaks off after 2 events"),
        (
            UNFINISHED + b'{"t":1.0,"held":12}\n',
            "it breaks off after 2 events, and lacks 12 bytes that had come",
        ),
        (UNFINISHED + b'{"end":"finish"}\n', "was not given its final name; it is whole"),
        (b"", "a recording that ended before the response began; it answers nothing"),
    ],
    ids=["between lines", "within a line", "held back", "whole", "empty"],
)
def test_recordings_that_are_not_finished_are_played_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, told: str
) -> None:
    """A recorder that was killed has left them."""
    dump(tmp_path / "whole.jsonl", [Exchange(Script(steps=(Event("other"),)), {})])
    part = tmp_path / "chat-completions-0001.jsonl.part"
    part.write_bytes(content)
    for files in ([tmp_path], [part, tmp_path / "whole.jsonl"]):
        mock = MockOpenAI(lenient=True)
        caplog.clear()
        add_files(mock, files, in_turn=True)
        (message,) = caplog.messages
        assert message.startswith(f"{part}: ")
        assert message.endswith(told)
        said = [body(answer(mock, OTHER | {"stream": True})) for _ in range(2)]
        assert (b"data: a\n\ndata: b\n\n" in said) is bool(content)


# How requests are compared


def test_criteria_normalizations_and_what_is_ignored(tmp_path: Path) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    cats = {"model": "m", "messages": [{"role": "user", "content": "2026-11-26: cats"}]}
    dogs = {"model": "m", "messages": [{"role": "user", "content": "2026-11-26: dogs"}]}
    dump(
        tmp_path / "recorded.jsonl",
        [recorded("POST", url, cats, b"cats"), recorded("POST", url, dogs, b"dogs")],
    )
    mock = MockOpenAI()
    matching = Matching(["path", "json:messages", "json:tools[*]"], "messages[*].name", ["dates"])
    add_files(mock, [tmp_path], matching=matching)
    asked = {"model": "o", "messages": [{"role": "user", "content": "1/2/2027: dogs", "name": "a"}]}
    for streamed in (False, True):
        assert body(send(mock, "POST", chat.PATH, asked | {"stream": streamed}).script) == b"dogs"
    birds = {"messages": [{"role": "user", "content": "2026-11-27: birds"}], "model": "m"}
    problem = str(send(mock, "POST", chat.PATH, birds).problem)
    assert '+      "content": "<date>: birds"' in problem
    assert "model" not in problem.partition("\n")[2]


def test_a_stream_is_rather_answered_by_a_stream(tmp_path: Path) -> None:
    """Also where the body is not compared; whoever wants the other gets what there is."""
    url = "https://api.openai.com/v1/chat/completions"
    plain = recorded("POST", url, OTHER, b'{"whole": true}')
    streamed = recorded("POST", url, OTHER | {"stream": True}, b"data: [DONE]\n\n")
    for exchanges in ([plain, streamed], [streamed, plain], [plain]):
        dump(tmp_path / "a.jsonl", exchanges)
        served = MockOpenAI()
        add_files(served, [tmp_path], matching=Matching("path"))
        for mock in (served, MockOpenAI(cassette=Cassette(tmp_path / "a.jsonl", match="path"))):
            for one in (plain, streamed, plain, streamed):
                asked = one.about["request"]["json"] | {"model": "o"}
                right = one if one in exchanges else plain
                assert body(send(mock, "POST", chat.PATH, asked).script) == body(right.script)


def test_what_names_nothing_is_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dump(tmp_path / "a.jsonl", [recorded("POST", "/v1/chat/completions", OTHER, b"{}")])
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
    ("matching", "told"),
    [
        (Matching(ignore="user"), "nothing to match: no file here states the request"),
        (Matching([lambda recorded, asked: True]), "for the fixture openai_cassette only"),
    ],
)
def test_what_cannot_be_compared_is_an_error(tmp_path: Path, matching: Matching, told: str) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {})])
    with pytest.raises(MockServerError, match=told):
        add_files(MockOpenAI(), [tmp_path], matching=matching)


def test_beside_recordings_nothing_is_made_up(tmp_path: Path) -> None:
    """An endpoint that is answered without a rule, as that of embeddings, is so where none is."""
    asked = {"model": "text-embedding-3-small", "input": "Hi"}
    mock = serving(tmp_path, recorded("POST", "/v1/embeddings", asked, b"[1]"))
    assert body(send(mock, "POST", "/v1/embeddings", asked).script) == b"[1]"
    call = send(mock, "POST", "/v1/embeddings", asked | {"input": "Bye"})
    assert call.script.head.status == 404
    assert '+    "input": "Bye",' in str(call.problem)
    assert send(mock, "GET", "/v1/models").script.head.status == 200


@pytest.mark.parametrize(
    ("path", "asked", "refused"),
    [
        ("/v1/messages", {"model": "claude", "text": "Hi"}, "Invalid URL (POST /v1/messages)"),
        (chat.PATH, {**OTHER, "top_k": 3}, "Unrecognized request argument supplied: top_k"),
    ],
)
def test_what_differs_is_told_of_requests_that_openai_refuses_too(
    tmp_path: Path, path: str, asked: dict[str, Any], refused: str
) -> None:
    mock = serving(tmp_path, recorded("POST", path, asked, b"{}"))
    assert body(send(mock, "POST", path, asked).script) == b"{}"
    call = send(mock, "POST", path, asked | {"model": "other"})
    assert call.script.head.status == 404
    assert '+    "model": "other"' in str(call.problem)
    assert str(call.problem).endswith(f"\n  and OpenAI refuses it: {refused}")
    for elsewhere in ("/v1/nothing", "/v1/completions"):
        assert "recording" not in body(send(mock, "POST", elsewhere, {"x": 1}).script).decode()


@pytest.mark.parametrize("key", ["sk-wrong", None])
@pytest.mark.parametrize(("path", "status"), [(chat.PATH, 401), ("/v1/messages", 404)])
def test_recordings_are_for_those_who_have_the_key(
    tmp_path: Path, path: str, status: int, key: str | None
) -> None:
    file = tmp_path / "a.jsonl"
    dump(file, [recorded("POST", path, OTHER, b"hush")])

    def ask(mock: MockOpenAI, key: str | None, asked: dict[str, Any]) -> Call:
        headers = [] if key is None else [("Authorization", f"Bearer {key}")]
        return mock.respond(Request("POST", path, headers, json.dumps(asked).encode()))

    served = MockOpenAI(api_key="sk-right")
    add_files(served, [file])
    for mock in (served, MockOpenAI(api_key="sk-right", cassette=Cassette(file))):
        assert body(ask(mock, "sk-right", OTHER).script) == b"hush"
        for asked in (OTHER, {"model": "other"}):
            call = ask(mock, key, asked)
            assert call.script.head.status == status
            assert "hush" not in body(call.script).decode()
            assert call.problem is None, "nor what differs"
