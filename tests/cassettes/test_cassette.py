"""Cassettes: modes, matching, and what is said where nothing matches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from openai_mockserver import MockOpenAI, MockServerError, Raw, Script, sse
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.cassettes.cassette import Cassette, replayed
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.script import Boundary, Head, Pause

HEAD = Head(200, (("Transfer-Encoding", "chunked"),), 0.5)


def exchange(said: str, text: str = "Hi", **body: Any) -> Exchange:
    """A recording."""
    asked = {"model": "m", "messages": [{"role": "user", "content": text}]} | body
    request = {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "json": asked}
    return Exchange(Script(HEAD, (Raw(said.encode()), Pause(1), Raw(b"!"))), {"request": request})


def find(
    cassette: Cassette, text: str = "Hi", path: str = "/v1/chat/completions", **more: Any
) -> Any:
    """What a cassette has for a request."""
    body = {"messages": [{"role": "user", "content": text}], "model": "m"} | more
    return cassette.find("POST", path, (), json.dumps(body).encode())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cassette of three recordings, two of the same request."""
    path = tmp_path / "some.jsonl"
    dump(path, [exchange("first"), exchange("second"), exchange("other", "Bye")])
    return path


def test_the_same_request_gives_its_first_then_its_second_then_its_last(file: Path) -> None:
    cassette = Cassette(file)
    said = [find(cassette).steps[0].data for _ in range(3)]
    assert said == [b"first", b"second", b"second"]
    assert find(cassette, "Bye").steps[0].data == b"other"


def test_what_matches_none_is_told_with_a_short_difference(file: Path) -> None:
    told = find(Cassette(file), "Hi there")
    assert told.startswith(f"{file} holds no recording of this request; the nearest differs:")
    assert '-        "content": "Hi",' in told
    assert '+        "content": "Hi there",' in told
    assert "of this request" in find(Cassette(file), path="/v1/embeddings")


def test_members_may_be_ignored(file: Path) -> None:
    cassette = Cassette(file, ignore=["user", "messages[*].content"])
    assert isinstance(find(cassette, "anything", user="ann"), Script)
    assert isinstance(find(Cassette(file), user="ann"), str)


def test_a_request_is_compared_as_it_would_have_been_recorded(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    dump(path, [exchange("hush", f"My key is {'X' * 20}")])
    assert isinstance(find(Cassette(path), "My key is sk-0123456789abcdefg"), Script)


@pytest.mark.parametrize(
    ("speed", "delay", "pauses"), [(1.0, 0.5, [1.0]), (2.0, 0.25, [0.5]), (0, 0.0, [])]
)
def test_speed(speed: float, delay: float, pauses: list[float]) -> None:
    script = replayed(exchange("a"), speed)
    assert script.head.delay == delay
    assert [s.seconds for s in script.steps if isinstance(s, Pause)] == pauses
    assert Boundary() in script.steps or pauses, "the reads stay apart"


@pytest.mark.parametrize(
    ("mode", "there", "missing", "was_there"),
    [
        ("none", True, False, True),
        ("none", False, False, False),
        ("once", True, False, True),
        ("once", False, True, False),
        ("new_episodes", True, True, True),
        ("all", False, True, True),
    ],
)
def test_modes(
    file: Path, tmp_path: Path, mode: str, there: bool, missing: bool, was_there: bool
) -> None:
    """What is there is replayed, but in ``all``; what is missing is recorded as the mode says."""
    path = file if was_there else tmp_path / "new.jsonl"
    cassette = Cassette(path, mode)
    assert isinstance(find(cassette), Script) is there
    assert cassette.records is missing


def test_an_unknown_mode_is_told(tmp_path: Path) -> None:
    with pytest.raises(MockServerError, match="one of none, once, new_episodes, all"):
        Cassette(tmp_path / "x.jsonl", "sometimes")


@pytest.mark.parametrize("speed", [-1, float("nan"), "fast", True])
def test_a_speed_that_is_none_is_told(tmp_path: Path, speed: Any) -> None:
    with pytest.raises(MockServerError, match="a number, 0 or more"):
        Cassette(tmp_path / "x.jsonl", speed=speed)


def test_rules_go_before_recordings(file: Path) -> None:
    mock = MockOpenAI(cassette=Cassette(file))
    mock.on(user="Hi").reply("from a rule", times=1)
    client = mock.client()
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    made = client.chat.completions.create(**asked)
    assert made.choices[0].message.content == "from a rule"


SUITE = """
import openai

def ask(text):
    with openai.OpenAI(max_retries=0) as client:
        made = client.chat.completions.create(
            model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
        return "".join(c.choices[0].delta.content or "" for c in made if c.choices)

def test_story(openai_cassette):
    assert ask("Tell a story") == "Once upon a time"
    assert ask("Tell a story") == "Twice upon a time"
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's suite."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    pytester.makepyfile(test_it=SUITE)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run it."""
    return suite.runpytest_inprocess(
        "-p", "openai_mockserver.pytest_plugin", "-p", "no:cacheprovider", *arguments
    )


def test_record_once_and_replay_without_the_network(suite: pytest.Pytester) -> None:
    cassette = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        recorded = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
        recorded.assert_outcomes(passed=1)
        assert len(upstream.calls) == 2
        assert upstream.calls[0].headers["authorization"].endswith("abcdef")
    assert b"canary" not in cassette.read_bytes()
    assert [entry.name for entry in cassette.parent.iterdir()] == [cassette.name]
    run(suite).assert_outcomes(passed=1)
    run(suite, "--openai-record=once", "--openai-upstream=http://127.0.0.1:1").assert_outcomes(
        passed=1
    )


def test_the_name_of_a_test_may_be_long(suite: pytest.Pytester) -> None:
    """The file systems of most allow 255 bytes."""
    head, _, story = SUITE.rpartition("def ")
    many = '@pytest.mark.parametrize("x", ["x" * 300 + "a", "x" * 300 + "b"])\n'
    suite.makepyfile(test_it=f"import pytest{head}{many}def {story.replace('(open', '(x, open')}")
    with MockOpenAI() as upstream:
        upstream.reply(*["Once upon a time", "Twice upon a time"] * 2)
        recorded = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
        recorded.assert_outcomes(passed=2)
    run(suite).assert_outcomes(passed=2)
    assert len(list((suite.path / "cassettes" / "test_it").iterdir())) == 2


def test_a_cassette_that_cannot_be_written_fails_the_test(suite: pytest.Pytester) -> None:
    (suite.path / "cassettes").touch()
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        result = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*could not record 2 responses*", "*Not a directory*"])


def test_what_was_not_recorded_fails_and_says_what_differs(suite: pytest.Pytester) -> None:
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        run(suite, "--openai-record=all", f"--openai-upstream={upstream.base_url}")
    suite.makepyfile(test_it=SUITE.replace("Tell a story", "Tell two stories"))
    result = run(suite)
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ['*-*"content": "Tell a story",', '*+*"content": "Tell two stories",']
    )


def test_without_a_cassette_it_says_which_and_how_to_record_it(suite: pytest.Pytester) -> None:
    result = run(suite)
    result.assert_outcomes(failed=1, errors=1)
    path = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    result.stdout.fnmatch_lines(
        [f"*there is no cassette {path}: record it with pytest --openai-record=once*"]
    )


def test_an_empty_cassette_is_not_a_missing_one(suite: pytest.Pytester) -> None:
    path = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()
    result = run(suite)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [f"*the cassette {path} is empty, * record it anew with pytest --openai-record=all*"]
    )


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_cassette_that_is_not_imported_yet_is_told(tmp_path: Path, suffix: str) -> None:
    other = (tmp_path / "some").with_suffix(suffix)
    other.touch()
    told = find(Cassette(tmp_path / "some.jsonl"))
    assert told.startswith(f"there is no cassette {tmp_path}/some.jsonl: ")
    assert told.endswith(f"openai-mockserver import {other}")


def test_recordings_that_state_no_request_are_told(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {})])
    told = find(Cassette(tmp_path / "a.jsonl"))
    assert "of its 1 recording none states the request that it answers" in told


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_what_is_to_be_recorded_needs_an_upstream(tmp_path: Path, mode: str) -> None:
    told = find(Cassette(tmp_path / "a.jsonl", mode))
    assert f"{tmp_path}/a.jsonl" in told
    assert "there is no upstream to ask" in told


COMPARED = """
import os, httpx, pytest

pytestmark = pytest.mark.openai_cassette(path="story.jsonl", speed=0, normalize="uuids")

def ask(text, status=200, **more):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]} | more
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    assert httpx.post(url, json=body, verify=False, trust_env=False).status_code == status

def same_question(recorded, asked):
    return recorded.user == asked.user

def first_word(recorded, asked):
    return recorded.user.split()[0] == asked.missing

def test_evened_out(openai_cassette):
    ask("Hi from 12345678-9abc-def0-1234-56789abcdef0")

@pytest.mark.openai_cassette(ignore=["user"])
def test_left_out(openai_cassette):
    ask("Hi from 12345678-9abc-def0-1234-56789abcdef0", user="ann")

@pytest.mark.openai_cassette(match=["path", "json:model"])
def test_member(openai_cassette):
    ask("Something else")

@pytest.mark.openai_cassette(match=["path", same_question], normalize=[])
def test_function(openai_cassette):
    ask("Hi from 87654321-9abc-def0-1234-56789abcdef0", temperature=1)

@pytest.mark.openai_cassette(match=["path", first_word])
def test_wrong_function(openai_cassette):
    ask("Hi", status=400)

@pytest.mark.openai_cassette(match=["mehtod"])
def test_wrong_name(openai_cassette):
    pass

@pytest.mark.openai_cassette(normalise=["dates"])
def test_wrong_argument(openai_cassette):
    pass

@pytest.mark.openai_cassette("story.jsonl", "once")
def test_wrong_arguments(openai_cassette):
    pass
"""


def test_how_requests_are_compared_is_said_by_markers(suite: pytest.Pytester) -> None:
    asked = exchange("{}", "Hi from 87654321-9abc-def0-1234-56789abcdef0", model="gpt-4o")
    dump(suite.path / "story.jsonl", [asked])
    suite.makepyfile(test_it=COMPARED)
    result = run(suite)
    result.assert_outcomes(passed=5, errors=4)
    line = COMPARED[: COMPARED.index("def first_word")].count("\n")
    result.stdout.fnmatch_lines(
        [
            f"*the function first_word (*test_it.py:{line}) in match raised AttributeError(*"
            f"test_it.py:{line + 1}",
            "*openai_cassette(): match='mehtod': there is no such criterion; known are method, *",
            "*openai_cassette() takes ignore, match, mode, *, not normalise",
            "*openai_cassette() takes a path and keywords, not ('story.jsonl', 'once')",
        ]
    )


def test_every_recording_answers_its_own_request(shared: Path, tmp_path: Path) -> None:
    """As it does if it is served: see tests/test_files.py."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    played = 0
    for file in sorted(files):
        stated = [one for one in import_file(file) if "request" in one.about]
        dump(tmp_path / "a.jsonl", stated)
        cassette = Cassette(tmp_path / "a.jsonl", speed=0)
        for one in stated:
            request = one.about["request"]
            sent = json.dumps(request["json"]).encode() if "json" in request else b""
            sent = sent or request.get("text", "").encode()
            path = urlsplit(request["url"]).path
            found = cassette.find(request["method"], path, request["headers"], sent)
            assert isinstance(found, Script), f"{file}: {found}"
            assert sse.body(found.steps) == sse.body(one.script.steps)
            played += 1
    assert played == 224
