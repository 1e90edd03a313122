"""Cassettes: modes, matching, and the messages if nothing matches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from openai_mockserver import MockOpenAI, MockServerError, Raw, Script, sse
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.cassettes.cassette import Cassette, replay_exchange
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.script import Boundary, Head, Pause

HEAD = Head(200, (("Transfer-Encoding", "chunked"),), 0.5)


def exchange(answer: str, text: str = "Hi", **body: Any) -> Exchange:
    """Build a recording."""
    payload = {"model": "m", "messages": [{"role": "user", "content": text}]} | body
    url = "https://api.openai.com/v1/chat/completions"
    request = {"method": "POST", "url": url, "json": payload}
    return Exchange(Script(HEAD, (Raw(answer.encode()), Pause(1), Raw(b"!"))), {"request": request})


def find(
    cassette: Cassette, text: str = "Hi", path: str = "/v1/chat/completions", **more: Any
) -> Any:
    """Find a cassette's answer to a request."""
    body = {"messages": [{"role": "user", "content": text}], "model": "m"} | more
    return cassette.find("POST", path, (), json.dumps(body).encode())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cassette of three recordings, two of the same request."""
    path = tmp_path / "some.jsonl"
    dump(path, [exchange("first"), exchange("second"), exchange("other", "Bye")])
    return path


def test_a_repeated_request_gets_its_recordings_in_turn_and_then_the_last_again(file: Path) -> None:
    cassette = Cassette(file)
    answers = [find(cassette).steps[0].data for _ in range(3)]
    assert answers == [b"first", b"second", b"second"]
    assert find(cassette, "Bye").steps[0].data == b"other"


def test_the_message_for_no_match_shows_a_short_difference(file: Path) -> None:
    message = find(Cassette(file), "Hi there")
    assert message.startswith(f"{file} has no recording of this request; the nearest one differs:")
    assert '-        "content": "Hi",' in message
    assert '+        "content": "Hi there",' in message
    assert "of this request" in find(Cassette(file), path="/v1/embeddings")


def test_members_can_be_ignored(file: Path) -> None:
    cassette = Cassette(file, ignore=["user", "messages[*].content"])
    assert isinstance(find(cassette, "anything", user="ann"), Script)
    assert isinstance(find(Cassette(file), user="ann"), str)


def test_a_request_is_redacted_before_it_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    dump(path, [exchange("hush", f"My key is {'X' * 20}")])
    assert isinstance(find(Cassette(path), "My key is sk-0123456789abcdefg"), Script)


@pytest.mark.parametrize(
    ("speed", "delay", "pauses"), [(1.0, 0.5, [1.0]), (2.0, 0.25, [0.5]), (0, 0.0, [])]
)
def test_speed(speed: float, delay: float, pauses: list[float]) -> None:
    script = replay_exchange(exchange("a"), speed)
    assert script.head.delay == delay
    assert [s.seconds for s in script.steps if isinstance(s, Pause)] == pauses
    assert Boundary() in script.steps or pauses, "the reads stay separate"


@pytest.mark.parametrize(
    ("mode", "replays", "records", "exists"),
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
    file: Path, tmp_path: Path, mode: str, replays: bool, records: bool, exists: bool
) -> None:
    """Every mode but ``all`` replays recordings; the mode decides whether it records."""
    path = file if exists else tmp_path / "new.jsonl"
    cassette = Cassette(path, mode)
    assert isinstance(find(cassette), Script) is replays
    assert cassette.records is records


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MockServerError, match="must be one of none, once, new_episodes, all"):
        Cassette(tmp_path / "x.jsonl", "sometimes")


@pytest.mark.parametrize("speed", [-1, float("nan"), "fast", True])
def test_an_invalid_speed_is_refused(tmp_path: Path, speed: Any) -> None:
    with pytest.raises(MockServerError, match="speed must be a number, 0 or more"):
        Cassette(tmp_path / "x.jsonl", speed=speed)


def test_rules_go_before_recordings(file: Path) -> None:
    mock = MockOpenAI(cassette=Cassette(file))
    mock.on(user="Hi").reply("from a rule", times=1)
    client = mock.client()
    payload: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    completion = client.chat.completions.create(**payload)
    assert completion.choices[0].message.content == "from a rule"


SUITE = """
import openai

def ask(text):
    with openai.OpenAI(max_retries=0) as client:
        stream = client.chat.completions.create(
            model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

def test_story(openai_cassette):
    assert ask("Tell a story") == "Once upon a time"
    assert ask("Tell a story") == "Twice upon a time"
"""


@pytest.fixture
def suite(
    imported_server: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A test suite of a user."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    pytester.makepyfile(test_it=SUITE)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the suite."""
    return suite.runpytest_inprocess(
        "-p", "openai_mockserver.pytest_plugin", "-p", "no:cacheprovider", *arguments
    )


def test_record_once_and_replay_without_the_network(suite: pytest.Pytester) -> None:
    cassette = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        result = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
        result.assert_outcomes(passed=1)
        assert len(upstream.calls) == 2
        assert upstream.calls[0].headers["authorization"].endswith("abcdef")
    assert b"canary" not in cassette.read_bytes()
    assert [entry.name for entry in cassette.parent.iterdir()] == [cassette.name]
    run(suite).assert_outcomes(passed=1)
    run(suite, "--openai-record=once", "--openai-upstream=http://127.0.0.1:1").assert_outcomes(
        passed=1
    )


def test_the_name_of_a_test_may_be_long(suite: pytest.Pytester) -> None:
    """Most file systems allow 255 bytes for a name."""
    head, _, story = SUITE.rpartition("def ")
    marker = '@pytest.mark.parametrize("x", ["x" * 300 + "a", "x" * 300 + "b"])\n'
    suite.makepyfile(test_it=f"import pytest{head}{marker}def {story.replace('(open', '(x, open')}")
    with MockOpenAI() as upstream:
        upstream.reply(*["Once upon a time", "Twice upon a time"] * 2)
        result = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
        result.assert_outcomes(passed=2)
    run(suite).assert_outcomes(passed=2)
    assert len(list((suite.path / "cassettes" / "test_it").iterdir())) == 2


def test_a_cassette_that_cannot_be_written_fails_the_test(suite: pytest.Pytester) -> None:
    (suite.path / "cassettes").touch()
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        result = run(suite, "--openai-record=once", f"--openai-upstream={upstream.base_url}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*could not record 2 responses*", "*Not a directory*"])


def test_a_request_without_a_recording_fails_with_the_difference(
    suite: pytest.Pytester,
) -> None:
    with MockOpenAI() as upstream:
        upstream.reply("Once upon a time", "Twice upon a time")
        run(suite, "--openai-record=all", f"--openai-upstream={upstream.base_url}")
    suite.makepyfile(test_it=SUITE.replace("Tell a story", "Tell two stories"))
    result = run(suite)
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ['*-*"content": "Tell a story",', '*+*"content": "Tell two stories",']
    )


def test_the_message_for_a_missing_cassette_says_how_to_record_it(suite: pytest.Pytester) -> None:
    result = run(suite)
    result.assert_outcomes(failed=1, errors=1)
    path = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    result.stdout.fnmatch_lines(
        [f"*the cassette {path} does not exist: record it with pytest --openai-record=once*"]
    )


def test_an_empty_cassette_is_not_a_missing_one(suite: pytest.Pytester) -> None:
    path = suite.path / "cassettes" / "test_it" / "test_story.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()
    result = run(suite)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [f"*the cassette {path} is empty: record it again with pytest --openai-record=all*"]
    )


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_the_message_for_a_cassette_that_is_not_imported_yet(tmp_path: Path, suffix: str) -> None:
    other = (tmp_path / "some").with_suffix(suffix)
    other.touch()
    message = find(Cassette(tmp_path / "some.jsonl"))
    assert message.startswith(f"the cassette {tmp_path}/some.jsonl does not exist: ")
    assert message.endswith(f"openai-mockserver import {other}")


def test_the_message_for_recordings_without_a_request(tmp_path: Path) -> None:
    dump(tmp_path / "a.jsonl", [Exchange(Script(), {})])
    message = find(Cassette(tmp_path / "a.jsonl"))
    assert "none of its 1 recording contains the request that it answers" in message


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_recording_needs_an_upstream(tmp_path: Path, mode: str) -> None:
    message = find(Cassette(tmp_path / "a.jsonl", mode))
    assert f"{tmp_path}/a.jsonl" in message
    assert "no upstream is set" in message


MARKED_SUITE = """
import os, httpx, pytest

pytestmark = pytest.mark.openai_cassette(path="story.jsonl", speed=0, normalize="uuids")

def ask(text, status=200, **more):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]} | more
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    assert httpx.post(url, json=body, verify=False, trust_env=False).status_code == status

def same_question(recorded, request):
    return recorded.user == request.user

def first_word(recorded, request):
    return recorded.user.split()[0] == request.missing

def test_normalized(openai_cassette):
    ask("Hi from 12345678-9abc-def0-1234-56789abcdef0")

@pytest.mark.openai_cassette(ignore=["user"])
def test_ignored(openai_cassette):
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


def test_markers_say_how_requests_are_compared(suite: pytest.Pytester) -> None:
    recording = exchange("{}", "Hi from 87654321-9abc-def0-1234-56789abcdef0", model="gpt-4o")
    dump(suite.path / "story.jsonl", [recording])
    suite.makepyfile(test_it=MARKED_SUITE)
    result = run(suite)
    result.assert_outcomes(passed=5, errors=4)
    line = MARKED_SUITE[: MARKED_SUITE.index("def first_word")].count("\n")
    result.stdout.fnmatch_lines(
        [
            f"*the function first_word (*test_it.py:{line}) in match raised AttributeError(*"
            f"test_it.py:{line + 1}",
            "*openai_cassette(): match='mehtod': unknown criterion; choose from method, *",
            "*openai_cassette() takes ignore, match, mode, *, not normalise",
            "*openai_cassette() takes a path and keyword arguments, not ('story.jsonl', 'once')",
        ]
    )


def test_every_recording_answers_its_own_request(shared: Path, tmp_path: Path) -> None:
    """As it does for a served file; see tests/test_files.py."""
    files = [*shared.glob("recordings/**/*.json"), *shared.glob("recordings-2/**/*.json")]
    replay_count = 0
    for file in sorted(files):
        recordings = [one for one in import_file(file) if "request" in one.about]
        dump(tmp_path / "a.jsonl", recordings)
        cassette = Cassette(tmp_path / "a.jsonl", speed=0)
        for one in recordings:
            request = one.about["request"]
            body = json.dumps(request["json"]).encode() if "json" in request else b""
            body = body or request.get("text", "").encode()
            path = urlsplit(request["url"]).path
            answer = cassette.find(request["method"], path, request["headers"], body)
            assert isinstance(answer, Script), f"{file}: {answer}"
            assert sse.body(answer.steps) == sse.body(one.script.steps)
            replay_count += 1
    assert replay_count == 224
