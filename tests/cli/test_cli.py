"""The command: what it serves, what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from commands import run_in_process
from openai_mockserver import Event, Reply, Script, __version__, catalogue, cli, sse, stream
from openai_mockserver.api import chat
from openai_mockserver.cassettes import Exchange, dump, load, loads
from openai_mockserver.cli import program
from openai_mockserver.cli.address import is_same_server
from openai_mockserver.faults import FAULTS, VARIATIONS
from openai_mockserver.server import bind
from running_server import COMMAND, TOO_LONG, RunningServer, serving

pytestmark = pytest.mark.slow


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=TOO_LONG)


@pytest.fixture(scope="module")
def another() -> Iterator[RunningServer]:
    """A server with another seed, which accepts what OpenAI refuses; its jobs take an hour."""
    options = ("--seed", "other", "--lenient", "--job-seconds", "3600")
    with serving("--pace", "none", "--quiet", *options) as server:
        yield server


@pytest.fixture(scope="module")
def anything() -> Iterator[RunningServer]:
    """A server without files, which answers every request."""
    with serving("--pace", "none", "--quiet") as server:
        yield server


# What it announces


def test_it_announces_its_address_and_what_to_export(anything: RunningServer) -> None:
    assert anything.first_lines == [
        f"openai-mockserver {__version__} answers on {anything.url}/v1 (Ctrl-C stops it)",
        "The journal keeps the last 1,000 calls, in at most 64 MiB.",
        f"The page at {anything.url}/ shows them, and steers the server.",
        f"  export OPENAI_BASE_URL={anything.url}/v1",
        "  export OPENAI_API_KEY=sk-mockserver",
    ]


def test_by_default_it_is_for_this_machine_alone(anything: RunningServer) -> None:
    url = httpx.URL(anything.url)
    assert url.host == "127.0.0.1"
    assert url.port
    # A server on all addresses would be reached by this one as well.
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", url.port), timeout=1).close()


def test_another_address_is_announced_as_written() -> None:
    with serving("--host", "localhost", "--pace", "none") as server:
        assert f"  export OPENAI_BASE_URL={server.url}/v1" in server.first_lines
        assert httpx.URL(server.url).host == "localhost"
        assert server.ask(stream=True).status_code == 200


def test_an_address_that_others_reach_is_announced_with_a_warning() -> None:
    arguments = ["--host", "0.0.0.0", "--allow-host", "*.mock.internal", "--allow-origin", "*"]
    with serving(*arguments, "--pace", "none") as server:
        assert server.url.startswith("http://127.0.0.1:"), "what a client can connect to"
        warnings = [server.line() for _ in range(4)]
        assert warnings == [
            "The server listens on every address of this machine: every client that reaches it can "
            "send requests and steer the server (--control-token). If clients use a host name "
            "instead of this address, allow it with --allow-host.",
            "",
            "Every web page open in a browser on this machine can send requests and read the "
            "responses.",
            "",
        ]
        for host, status in (("a.mock.internal", 200), ("evil.example", 403)):
            answer = httpx.get(
                f"{server.url}/v1/models", headers={"Host": host}, trust_env=False, timeout=TOO_LONG
            )
            assert answer.status_code == status
            assert f"GET /v1/models -> {status} " in server.line()


# What it answers without files


def test_the_same_request_gets_the_same_text(anything: RunningServer) -> None:
    first = anything.text()
    assert first
    assert anything.text() == first
    assert anything.text(messages=[{"role": "user", "content": "Bye"}]) != first


def test_another_seed_gives_another_text(anything: RunningServer, another: RunningServer) -> None:
    assert another.text() != anything.text()


def test_a_stream_says_what_a_body_says(anything: RunningServer) -> None:
    response = anything.ask(stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    reply = chat.read(Script(steps=sse.parse(response.content)))
    assert isinstance(reply, Reply)
    assert reply.text == anything.text()


def test_a_request_can_ask_for_a_stream_by_name(anything: RunningServer) -> None:
    response = anything.ask(model="mockserver/unicode", stream=True)
    assert response.content == sse.body(stream("unicode").script.steps)


def test_an_unknown_stream_is_a_model_that_is_not_found(anything: RunningServer) -> None:
    response = anything.ask(model="mockserver/unicde", stream=True)
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["code"] == "model_not_found"
    assert "did you mean unicode" in error["message"]


def test_an_unknown_parameter_is_refused(anything: RunningServer) -> None:
    assert anything.ask(temprature=1).status_code == 400


def test_when_lenient_an_unknown_parameter_passes(another: RunningServer) -> None:
    assert another.ask(temprature=1).status_code == 200


def test_the_jobs_of_a_server_take_real_time(another: RunningServer) -> None:
    with httpx.Client(base_url=f"{another.url}/v1", trust_env=False, timeout=TOO_LONG) as client:
        request = {"model": "gpt-4o", "input": "Hi", "background": True}
        response = client.post("/responses", json=request).json()
        for _ in range(5):
            poll = client.get(f"/responses/{response['id']}")
    assert (response["status"], poll.json()["status"]) == ("queued", "queued")
    assert poll.headers["openai-poll-after-ms"] == "900000"


def test_the_pace_option_sets_the_pace() -> None:
    with serving("--pace", "0.3,0") as server:
        assert server.ask(stream=True).elapsed.total_seconds() >= 0.3


def test_the_fault_option_puts_faults_into_every_answer() -> None:
    with serving("--pace", "none", "--fault", "drop_done", "--fault", "error_event; after=2") as it:
        body = it.ask(stream=True).text
        assert "[DONE]" not in body
        assert body.count("\n\n") == 3
        assert json.loads(body.split("data: ")[-1])["error"]["type"] == "server_error"


def test_a_request_header_names_faults_if_that_is_allowed(anything: RunningServer) -> None:
    headers = {"x-mockserver-fault": "drop_done"}
    with serving("--pace", "none", "--allow-header-faults") as allowing:
        for server in (allowing, anything):
            request = server.request(stream=True)
            answer = httpx.post(**(request | {"headers": headers}), trust_env=False)
            assert ("[DONE]" in answer.text) is (server is anything)


# What it logs

CALL = r"\d\d:\d\d:\d\d #{number} POST /v1/chat/completions gpt-4o 'Hi' -> {answer}, finished, {s}"


def test_each_call_is_one_line() -> None:
    with serving("--pace", "none", "--stream", "one-token") as server:
        events = len(stream("one-token").script.events)
        lines: dict[str, dict[str, Any]] = {
            f"200 {events} of {events} events": {"stream": True},
            r"200 \d+ bytes": {"stream": False},
            r"400 \d+ bytes": {"temprature": 1},
        }
        for number, (answer, parameters) in enumerate(lines.items(), 1):
            server.ask(**parameters)
            line = CALL.format(number=number, answer=answer, s=r"\d+\.\d\d s")
            assert re.fullmatch(line, server.line())
        assert server.stop() == "stopped\n"


def test_when_quiet_no_call_is_logged() -> None:
    with serving("--pace", "none", "--quiet") as server:
        assert server.ask().status_code == 200
        assert server.ask(model="mockserver/nosuch").status_code == 404
        assert server.stop() == "stopped\n"


def test_a_fault_that_cannot_happen_is_a_warning() -> None:
    with serving("--pace", "none", "--fault", "reset; after=5000") as server:
        assert server.ask(stream=True).status_code == 200
        assert "; warning: reset(after=5000) never happens: the stream has" in server.line()


# The key


def test_only_the_key_of_the_option_is_accepted() -> None:
    with serving("--api-key", "sk-secret", "--pace", "none") as server:
        assert "  export OPENAI_API_KEY=sk-secret" in server.first_lines
        assert server.ask().status_code == 401
        wrong = server.ask(key="sk-wrong")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
        assert server.ask(key="sk-secret").status_code == 200


# What files and options make it answer


def test_ready_made_streams_answer_in_turn_and_the_last_again() -> None:
    with serving("--pace", "none", "--stream", "text", "--stream", "tool-call") as server:
        responses = [server.ask(stream=True).content for _ in range(3)]
    assert responses == [
        sse.body(stream(name).script.steps) for name in ("text", "tool-call", "tool-call")
    ]


RECORDINGS = {
    "lf.sse": b'data: {"a":1}\n\n: comment\n\ndata: [DONE]\n\n',
    "crlf.sse": b"event: x\r\ndata:no space\r\n\r\n",
    "bytes.sse": b"\xef\xbb\xbfdata: \xff\n\nid: 1\ndata: a\ndata: b\n\n",
    "unfinished.sse": b"data: a\n\ndata: b",
}


def test_recordings_answer_in_turn_byte_for_byte(tmp_path: Path) -> None:
    for name, body in RECORDINGS.items():
        (tmp_path / name).write_bytes(body)
    with serving("--pace", "none", *(tmp_path / name for name in RECORDINGS)) as server:
        responses = [server.ask(stream=True) for _ in RECORDINGS]
    assert [response.content for response in responses] == list(RECORDINGS.values())
    assert {response.headers["content-type"] for response in responses} == {
        "text/event-stream; charset=utf-8"
    }


def test_each_exchange_of_a_stream_file_is_an_answer(tmp_path: Path) -> None:
    scripts = [stream("text").script, Script(stream("text").script.head, (Event("two"),))]
    dump(tmp_path / "two.jsonl", [Exchange(script, {}) for script in scripts])
    with serving("--pace", "none", tmp_path / "two.jsonl") as server:
        responses = [server.ask(stream=True).content for _ in scripts]
    assert responses == [sse.body(script.steps) for script in scripts]


def test_recordings_answer_requests_that_differ_in_what_is_not_compared(tmp_path: Path) -> None:
    def build_messages(day: str, word: str, name: str = "ann") -> list[dict[str, str]]:
        content = f"On {day}, ticket-{len(day)}: {word}"
        return [{"role": "user", "content": content, "name": name}]

    exchanges = []
    for word in ("cats", "dogs"):
        body = {"model": "gpt-4o", "messages": build_messages("2026-11-26", word)}
        request = {"url": "https://api.openai.com/v1/chat/completions", "json": body}
        exchanges.append(Exchange(Script(steps=(Event(word),)), {"request": request}))
    dump(tmp_path / "a.jsonl", exchanges)
    comparison = ["--match=path", "--match=json:messages", "--ignore=messages[*].name"]
    comparison += ["--normalize=dates", "--normalize-pattern=ticket-[0-9]+"]
    with serving("--pace", "none", *comparison, tmp_path) as server:
        for word in ("cats", "dogs"):
            messages = build_messages("November 27, 2026", word, "bob")
            response = server.ask(stream=True, model="gpt-4.1", messages=messages)
            assert response.text == f"data: {word}\n\n"
        message = server.ask(messages=build_messages("1/1/2027", "birds")).json()["error"][
            "message"
        ]
    assert '+      "content": "On <date>, <pattern>: birds",' in message


def test_a_scenario_says_what_answers_what(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        """
        rules:
        - user: {contains: weather}
          reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
        - user: Hi
          replies: [Hello!, Hello again!]
        """
    )
    with serving("--pace", "none", scenario) as server:
        assert [server.text(), server.text()] == ["Hello!", "Hello again!"]
        weather = server.ask(messages=[{"role": "user", "content": "How is the weather?"}]).json()
        assert weather["choices"][0]["finish_reason"] == "tool_calls"
        response = server.ask(messages=[{"role": "user", "content": "Bye"}])
        assert response.status_code == 400
        assert "no rule matches" in response.json()["error"]["message"]


# How it ends


@pytest.mark.slow
def test_a_call_that_takes_long_is_logged_while_it_goes_on() -> None:
    with serving("--pace", "none", "--fault", "stall; after=2") as server:
        with server.open_stream():
            assert re.match(
                r"\S+ #1 POST /v1/chat/completions gpt-4o 'Hi' -> 200 2 of \d+ events, "
                r"in progress, [34]\.\d\d s$",
                server.line(),
            )
        assert "client disconnected" in server.line()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_breaks_off_an_open_stream(how: signal.Signals) -> None:
    with serving("--stream", "silence", "--pace", "none") as server:
        with server.open_stream() as response:
            chunks = response.iter_raw()
            assert next(chunks)
            # The stream never ends by itself, so returning at all shows that it is broken off.
            lines = server.stop(how).splitlines()
            with pytest.raises(httpx.TransportError):
                list(chunks)
        assert server.process.returncode == 0
        assert "3 of 3 events, server stopped" in lines[0]
        assert lines[1:] == ["stopped"]


# What it refuses: one sentence, no traceback


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files with something wrong."""
    folder = tmp_path_factory.mktemp("wrong")
    contents = {
        "notes.txt": b"These are notes.",
        "empty.sse": b"",
        "broken.yaml": b"rules:\n- reply: [",
        "broken.json": b'{"rules": ]}',
        "broken.jsonl": b'{"mockserver":1}\n{"jsn":{}}\n',
        "latin.yaml": b"rules: [{reply: caf\xe9}]",
        "latin.json": b'{"rules": [{"reply": "caf\xe9"}]}',
        "empty.yaml": b"",
        "empty.jsonl": b"",
        "misspelt.yaml": b"rules: [{reply: {txt: Hello}}]",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for name in ("folder.yaml", "folder.sse", "folder.jsonl", "folder"):
        (folder / name).mkdir()
    return folder


LONG_NAME = "n" * 5000
REFUSED = [
    ("missing.yaml", "cannot read missing.yaml: "),
    ("missing.sse", "missing.sse: it cannot be read: "),
    ("missing.jsonl", "missing.jsonl: it cannot be read: "),
    ("folder.yaml", "cannot read folder.yaml: "),
    ("folder.sse", "folder.sse: it cannot be read: "),
    ("folder.jsonl", "folder.jsonl: it cannot be read: "),
    ("folder", "folder: the folder has no .sse or .jsonl files"),
    ("notes.txt", "notes.txt: its format is unknown; supported formats are stream file, "),
    ("broken.yaml", "broken.yaml:2:11: "),
    ("broken.json", "broken.json:1:11: "),
    ("broken.jsonl", "broken.jsonl:2: "),
    ("latin.yaml", "latin.yaml is not UTF-8 text"),
    ("latin.json", "latin.json is not UTF-8 text"),
    ("empty.yaml", "empty.yaml: "),
    ("empty.jsonl", "empty.jsonl: it is empty"),
    ("empty.sse", "empty.sse: it is empty"),
    ("misspelt.yaml", "misspelt.yaml: rules[0].reply.txt: "),
    ("--pace=warp", "unknown pace 'warp'"),
    ("--pace=-1,0", "unknown pace '-1,0'"),
    ("--engine=h200", "unknown engine 'h200': use one of h100-8b"),
    ("--engine=nowhere.yaml", "cannot read nowhere.yaml"),
    ("--engine=slots=0", "Engine(slots=0): must be a whole number, 1 or more"),
    ("--stream=txt", "no stream is called 'txt'; did you mean text"),
    ("--fault=rest", "unknown fault 'rest': did you mean 'reset'?"),
    ("--fault=reset; aftr=1", "'aftr'"),
    ("--fault=reset; after", "reset: argument 'after' must have the form name=value"),
    ("--fault=reset; after=x", "reset(after='x'): after must be a count of events, 0 or more"),
    ("--allow-host=mock:8000", "a name or an address without scheme and port"),
    ("--allow-origin=app.example.com", "an allowed origin must be a scheme and a host"),
    (
        "--match=mehtod",
        "match='mehtod': unknown criterion; choose from method, path, query,",
    ),
    ("--match=json:a..b", "the path 'a..b' has a syntax error at character 2"),
    ("--ignore=a]", "the path 'a]' has a syntax error at character 2"),
    ("--ignore=user", "there is nothing to match: none of the files contains a request"),
    ("--normalize=date", "choose from key_order, ids, uuids, dates, whitespace"),
    ("--normalize-pattern=(", "the pattern '(' is not a regular expression: missing )"),
    (LONG_NAME, "nnn: "),
    (f"{LONG_NAME}.jsonl", "nnn.jsonl"),
    ("--host=192.0.2.1", "cannot listen on 192.0.2.1"),  # RFC 5737: nobody's address
]


# In one process, because starting one takes longer than refusing.
REFUSING = """
import contextlib, io, json, sys
from openai_mockserver.cli import main
for argument in sys.argv[1:]:
    sys.argv = ["openai-mockserver", "serve", "--port", "0", argument]
    code = None
    with contextlib.redirect_stdout(io.StringIO()) as output:
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            try:
                main()
            except SystemExit as result:
                code = result.code
    print(json.dumps([argument, code, output.getvalue(), errors.getvalue()]))
"""


@pytest.fixture(scope="module")
def refusals(folder: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return how `openai-mockserver serve` ends with each of these arguments."""
    command = [sys.executable, "-c", REFUSING, *(argument for argument, _ in REFUSED)]
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TOO_LONG, check=True
    )
    return {
        argument: subprocess.CompletedProcess([argument], *result)
        for argument, *result in map(json.loads, ran.stdout.splitlines())
    }


def assert_refused(result: subprocess.CompletedProcess[str], message: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(r"Error: [^\n]*\n", result.stderr)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("argument", "message"), REFUSED, ids=[argument[-40:] for argument, _ in REFUSED]
)
def test_what_cannot_be_served_is_one_sentence(
    refusals: dict[str, subprocess.CompletedProcess[str]], argument: str, message: str
) -> None:
    assert_refused(refusals[argument], message)


def test_a_port_in_use_is_one_sentence() -> None:
    # The test itself holds the port, so it cannot become free while the command starts.
    with bind("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
        result = run("serve", "--port", port)
    assert_refused(result, f"port {port} of 127.0.0.1 is in use: choose another port")


def test_an_unknown_family_is_one_sentence() -> None:
    assert_refused(run("streams", "tool-calls"), "no family is called 'tool-calls'; choose from ")


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "http"], ["--prot", "1"]])
def test_a_wrong_argument_is_explained_with_the_usage(arguments: list[str]) -> None:
    result = run("serve", *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ")
    assert "Traceback" not in result.stderr
    assert "\nError: " in result.stderr


# Help, version and lists


@pytest.mark.parametrize("name", ["serve", "streams", "generate"])
def test_the_help_of_a_command_names_every_option(name: str) -> None:
    result = run_in_process(name, "--help")
    assert result.returncode == 0
    for parameter in program.commands.commands[name].params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert re.search(rf"(^|[\s,]){re.escape(option)}\b", result.stdout), option


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_names_every_command(option: str) -> None:
    result = run_in_process(option)
    assert result.returncode == 0
    assert all(re.search(rf"^  {name} ", result.stdout, re.M) for name in program.commands.commands)


def test_the_streams_are_listed_one_a_line() -> None:
    result = run_in_process("streams")
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert lines == [[one.family, one.name, one.description] for one in catalogue.streams()]
    assert tuple(name for _, name, _ in lines) == catalogue.names()


def test_the_faults_and_variations_are_listed() -> None:
    lines = run_in_process("faults").stdout.splitlines()
    assert {line.partition("(")[0] for line in lines if line[:1].strip()} - FAULTS.keys() == {
        "The variations:"
    }
    assert "reset(after=0, byte=None, seconds=0.0)" in lines
    assert [line.strip() for line in lines[lines.index("The variations:") + 1 :]] == [*VARIATIONS]


def test_the_streams_of_a_family_are_listed() -> None:
    lines = run_in_process("streams", "transport").stdout.splitlines()
    assert [line.split()[1] for line in lines] == [
        one.name for one in catalogue.streams("transport")
    ]


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"openai-mockserver, version {__version__}\n")


def test_the_installed_command_is_the_module() -> None:
    (script,) = entry_points(group="console_scripts", name="openai-mockserver")
    assert script.load() is cli.main


# Recordings


def test_a_stream_is_shown_by_file_or_name(tmp_path: Path) -> None:
    result = run_in_process("show", "tool-call", "--width", "100")
    assert (result.returncode, result.stderr) == (0, "")
    assert 'get_weather({"city":"Paris"})' in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())
    rule = catalogue.stream("tool-call").requirement
    assert rule is not None
    assert str(rule) in " ".join(result.stdout.split())
    body = tmp_path / "some.sse"
    body.write_bytes(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
    facts = json.loads(run_in_process("show", "--json", str(body)).stdout)
    assert facts["reply"]["choices"][0]["text"] == "Hi"
    assert {odd["name"] for odd in facts["odd"]} >= {"no-done", "no-finish"}


def test_recordings_are_imported_without_their_secrets(tmp_path: Path) -> None:
    har = {
        "log": {
            "version": "1.2",
            "entries": [
                {
                    "request": {
                        "method": "POST",
                        "url": "https://api.openai.com/v1/chat/completions?key=canary-query",
                        "headers": [{"name": "Authorization", "value": "Bearer sk-canary-012345"}],
                        "postData": {"text": '{"user": "sk-canary-0123456789"}'},
                    },
                    "response": {
                        "status": 200,
                        "headers": [{"name": "content-type", "value": "text/event-stream"}],
                        "content": {"text": "data: sk-canary-0123456789\n\ndata: [DONE]\n\n"},
                    },
                }
            ],
        }
    }
    (tmp_path / "some.har").write_text(json.dumps(har))
    out = tmp_path / "out"
    result = run_in_process("import", str(tmp_path / "some.har"), "-o", str(out))
    assert result.stdout == f"{out / 'some.jsonl'}: 1 exchange\n", result.stderr
    assert b"canary" not in (out / "some.jsonl").read_bytes()
    assert_refused(
        run_in_process("import", str(tmp_path / "some.har"), "-o", str(out)), "exists already"
    )
    again = run_in_process("import", str(tmp_path / "some.har"), "-o", str(out), "--force")
    assert again.stdout == result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_only_the_user_can_read_imported_files(tmp_path: Path) -> None:
    (tmp_path / "a.sse").write_text("data: {}\n\n")
    out = tmp_path / "deep" / "out"
    command = ["import", str(tmp_path / "a.sse"), "--keep-secrets", "-o", str(out)]
    assert run(*command).returncode == 0
    paths = [tmp_path / "deep", out, out / "a.jsonl"]
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o700, 0o700, 0o600]
    # An existing file is replaced, and so is its mode; a link stays a link.
    real = tmp_path / "real.jsonl"
    real.write_text("old")
    real.chmod(0o644)
    (out / "a.jsonl").unlink()
    (out / "a.jsonl").symlink_to(real)
    assert run(*command, "--force").returncode == 0
    assert (out / "a.jsonl").is_symlink()
    assert (real.stat().st_mode & 0o777, b"mockserver" in real.read_bytes()) == (0o600, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sse", "deep", "real.jsonl"]


def test_names_that_begin_alike_are_imported_side_by_side(tmp_path: Path) -> None:
    files = [tmp_path / f"gpt-4.{n}.chunks.txt" for n in (1, 2)]
    for file in files:
        file.write_text('{"choices":[]}\n')
    out = tmp_path / "out"
    result = run_in_process("import", *map(str, files), "-o", str(out))
    assert result.returncode == 0, result.stderr
    assert sorted(file.name for file in out.iterdir()) == ["gpt-4.1.jsonl", "gpt-4.2.jsonl"]


def test_nothing_is_written_if_one_file_cannot_be(tmp_path: Path) -> None:
    for name, content in [
        ("a.sse", "data: {}\n\n"),
        ("a.ndjson", '{"choices":[]}\n'),
        ("b.sse", ""),
    ]:
        (tmp_path / name).write_text(content)
    out = tmp_path / "out"
    for second, message in [
        ("a.ndjson", "would both be written to"),
        ("b.sse", "b.sse: it is empty"),
    ]:
        files = [str(tmp_path / "a.sse"), str(tmp_path / second)]
        assert_refused(run_in_process("import", *files, "-o", str(out)), message)
        assert not out.exists()


def test_all_responses_of_a_stream_of_several_exchanges_are_shown() -> None:
    output = run_in_process("show", "429-retry-after-forms").stdout
    assert "429 application/json" in output
    assert "429-retry-after-forms, response 2 of 2\n200 text/event-stream" in output


def test_a_folder_is_imported_where_the_fixture_looks_and_shown(tmp_path: Path) -> None:
    """pytest-recording and `openai_cassette` both name a cassette after its test."""
    folder = tmp_path / "cassettes" / "test_chat"
    folder.mkdir(parents=True)
    (folder / "test_a[gpt-4.1].sse").write_text('data: {"choices":[]}\n\n')
    (folder / "README.md").write_text("No recording.")
    beside = run_in_process("import", str(tmp_path / "cassettes"))
    assert beside.stdout == f"{folder / 'test_a-gpt-4.1-.jsonl'}: 1 exchange\n", beside.stderr
    elsewhere = tmp_path / "out"
    (folder / "test_a-gpt-4.1-.jsonl").unlink()
    run_in_process("import", str(tmp_path / "cassettes"), "-o", str(elsewhere))
    assert (elsewhere / "test_chat" / "test_a-gpt-4.1-.jsonl").exists()
    result = run_in_process("show", str(tmp_path / "cassettes"))
    assert (result.returncode, result.stderr) == (0, "")
    assert "test_a[gpt-4.1]" in result.stdout
    (tmp_path / "empty").mkdir()
    for command in ("show", "import"):
        assert_refused(
            run_in_process(command, str(tmp_path / "empty")), "there is no recording in this folder"
        )


# Generated streams


def test_streams_are_generated_served_and_shown(tmp_path: Path) -> None:
    arguments = ["generate", "-o", str(tmp_path / "streams"), "--count", "11", "--seed", "7"]
    result = run_in_process(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    files = sorted((tmp_path / "streams").iterdir())
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == list(map(str, files))
    assert len(files) == 11

    assert "ends cleanly" in run_in_process("show", *map(str, files)).stdout
    with serving("--pace", "none", tmp_path / "streams") as server:
        for file in files:
            (exchange,) = load(file)
            response = server.ask(**exchange.about["request"]["json"])
            assert response.content == sse.body(exchange.script.steps)

    before = [file.read_bytes() for file in files]
    assert_refused(run_in_process(*arguments), f"{files[0]} exists already; --force overwrites it")
    assert run_in_process(*arguments, "--force").returncode == 0
    assert [file.read_bytes() for file in files] == before


def test_generated_streams_are_printed_without_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"messages": [{"role": "user", "content": "Привет"}], "n": 2}')
    options = ["--model", "o3", "--fault", "drop_done", "--pace", "0.5,0.1", "--count", "2"]
    lines = run_in_process("generate", "--request", str(file), *options)
    assert lines.stderr == ""
    exchanges = loads(lines.stdout.encode())
    assert len(exchanges) == 2
    for exchange in exchanges:
        assert exchange.about["request"]["json"]["model"] == "o3"
        assert len(exchange.about["expect"]["reply"]["choices"]) == 2
        assert exchange.script.head.delay == 0.5
        assert exchange.script.events[-1].data != "[DONE]"
    assert not loads(run_in_process("generate", "--no-stream").stdout.encode())[0].script.is_stream


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "a request must be a JSON object: "),
        ("{", "a request must be a JSON object: "),
        ('{"messages": [], "temprature": 1}', "the request is refused: "),
        ('{"a": ' + "[" * 900 + "]" * 900 + "}", "it is nested too deeply"),
        ('{"a": ' + "[" * 9000, "it is nested too deeply"),
    ],
)
def test_a_wrong_request_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "request.json"
    file.write_text(content)
    assert_refused(run_in_process("generate", "--request", str(file)), message)


def test_a_request_without_an_end_is_one_sentence() -> None:
    assert_refused(run("generate", "--request", "/dev/zero"), "/dev/zero: it is longer than 32 MiB")


@pytest.mark.parametrize("command", [["show", "--json"], ["import", "-o", "out"]])
@pytest.mark.parametrize("levels", [600, 900, 100_000])
def test_a_request_nested_deeply_is_walked_and_one_nested_more_is_one_sentence(
    tmp_path: Path, command: list[str], levels: int
) -> None:
    file = tmp_path / "deep.jsonl"
    body = "[" * levels + "]" * levels
    file.write_text(f'{{"mockserver":1,"request":{{"json":{body}}}}}\n{{"end":"finish"}}\n')
    command = [str(tmp_path / word) if word == "out" else word for word in command]
    result = run(*command, str(file))
    if levels > 1000:
        assert_refused(result, f"{file}:1: it is nested too deeply")
        return
    assert (result.returncode, result.stderr) == (0, "")
    written = tmp_path / "out" / "deep.jsonl"
    assert body in (written.read_text() if written.exists() else result.stdout)


def test_a_request_that_is_nested_too_deeply_to_be_compared_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "deep.jsonl"
    body = "[" * 900 + "]" * 900
    file.write_text(f'{{"mockserver":1,"request":{{"json":{body}}}}}\n{{"end":"finish"}}\n')
    assert_refused(run("serve", str(file)), "nested too deeply")


def test_a_name_of_thousands_of_characters_is_one_sentence() -> None:
    assert_refused(run_in_process("show", f"{LONG_NAME}.jsonl"), "nnn.jsonl")
    assert_refused(run_in_process("show", LONG_NAME), "nnn: ")


def test_what_cannot_be_imported_or_shown_is_one_sentence(tmp_path: Path) -> None:
    assert_refused(run_in_process("show", str(tmp_path / "nope.har")), "nope.har: ")
    (tmp_path / "odd.bin").write_bytes(b"\0\1\2")
    assert_refused(
        run_in_process("import", str(tmp_path / "odd.bin"), "-o", str(tmp_path)), "odd.bin: "
    )


def test_what_cannot_be_recorded_from_is_one_sentence(tmp_path: Path) -> None:
    result = run("record", "--upstream", "api.openai.com", "-o", str(tmp_path))
    assert_refused(result, "an upstream must be an http:// or https:// URL")
    port = run("record", "--upstream", "http://a:99999999", "-o", str(tmp_path))
    assert_refused(port, "its port is not a number from 1 to 65535")
    bad = run("record", "--upstream", "http://x", "-o", "y", "--redact-pattern", "(")
    assert_refused(bad, "--redact-pattern: ")


@pytest.mark.parametrize(
    ("name", "host"),
    [("localhost", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1")],
)
def test_an_upstream_that_is_the_server_itself_is_refused(
    tmp_path: Path, name: str, host: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    upstream = f"http://{name}:{port}/v1"
    command = ("record", "--upstream", upstream, "-o", str(tmp_path), "--host", host)
    result = run(*command, "--port", str(port))
    assert_refused(result, f"the upstream {upstream} is this server itself (it listens on")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8001/v1", "127.0.0.1"),
        ("http://127.0.0.2:8000/v1", "127.0.0.1"),
        ("https://127.0.0.1/v1", "127.0.0.1"),
        ("http://no-such-host.invalid:8000/v1", "0.0.0.0"),
        ("http://192.0.2.1:8000/v1", "0.0.0.0"),
    ],
)
def test_another_upstream_is_not_the_server_itself(url: str, host: str) -> None:
    assert not is_same_server(url, host, 8000)
