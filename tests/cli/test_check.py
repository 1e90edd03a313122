"""``openai-mockserver check``: its verdict, its reports, its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from openai_mockserver.cli.program import commands

ADAPTER = """
import json, sys, urllib.request

for line in sys.stdin:
    task = json.loads(line)
    request = urllib.request.Request(
        task["base_url"] + task["path"],
        json.dumps(task["request"]).encode(),
        {"Content-Type": "application/json"},
    )
    text, error = "", None
    try:
        with urllib.request.urlopen(request, timeout=2) as response:
            for line in response:
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:]).get("choices") or ():
                        text += choice["delta"].get("content") or ""
    except Exception as problem:
        error = str(problem)
    print(json.dumps({"text": text, "error": error}), flush=True)
"""


@pytest.fixture
def adapter(tmp_path: Path) -> list[str]:
    """The command of a simple program that misses errors in the stream, and the end."""
    file = tmp_path / "adapter.py"
    file.write_text(ADAPTER, "utf-8")
    return ["--", sys.executable, str(file)]


def check(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["check", *arguments])


def test_a_consumer_that_is_right_passes(adapter: list[str]) -> None:
    result = check("--case", "text", "--case", "unicode", "--reads", "recorded", *adapter)
    assert result.exit_code == 0, result.output
    assert "2 of 2 cases right" in result.output


def test_a_mistake_fails_the_check_and_is_explained(adapter: list[str]) -> None:
    result = check("--case", "error-mid-stream", *adapter)
    assert result.exit_code == 1
    assert "silent error-mid-stream" in result.output
    assert "raises nothing, though the stream breaks off with an error (api)" in result.output
    assert "MUST: " in result.output


def test_known_failures_do_not_fail_but_mended_ones_do(adapter: list[str], tmp_path: Path) -> None:
    first, known = tmp_path / "first.json", tmp_path / "known.json"
    cases = "--case", "error-mid-stream", "--case", "text"
    assert check(*cases, "--json", str(first), *adapter).exit_code == 1
    again = check(*cases, "--baseline", str(first), *adapter)
    assert (again.exit_code, "1 known" in again.output) == (0, True)
    known.write_text('{"text": "wrong", "error-mid-stream": "silent"}')
    mended = check(*cases, "--baseline", str(known), *adapter)
    assert mended.exit_code == 1
    assert "mended text: remove it from the baseline" in mended.output


def test_the_json_report_says_everything(adapter: list[str], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    check("--case", "error-mid-stream", "--json", str(file), *adapter)
    report = json.loads(file.read_text("utf-8"))
    assert report["counts"]["silent"] == 1
    assert report["failures"] == ["error-mid-stream"]
    (result,) = report["results"]
    assert result["requirement"]["level"] == "MUST"
    assert result["expected"]["error"] == "api"
    assert result["got"]["error"] is None
    assert len(result["requests"]) == 1


def test_drawn_streams_are_reduced_to_the_smallest(adapter: list[str], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = ("--case", "text", "--draw", "60", "--seed", "1", "--json", str(file))
    result = check(*options, *adapter)
    assert result.exit_code == 1
    report = json.loads(file.read_text("utf-8"))
    drawn = [one for one in report["results"] if one["family"] == "drawn"]
    assert drawn
    assert {one["grade"] for one in drawn} <= {"wrong", "silent", "crash", "hang"}
    assert "and 60 drawn" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the consumer: -- COMMAND, --client NAME, --url URL or --gateway URL"),
        (["--url", "http://localhost/"], "--url and --gateway need a port in --listen"),
        (["--url", "http://a/", "--gateway", "http://b/"], "exclude each other"),
        (["--per-case"], "--per-case needs a COMMAND"),
        (["--text-path", "a", "--", "true"], "need --url"),
        (["--listen", "8000", "--", "true"], "--listen '8000': must be HOST:PORT"),
        (["--header", "no colon", "--url", "http://a/"], "must be NAME: VALUE"),
        (["--header", "a: b", "--", "true"], "--header needs --url or --gateway"),
        (["--case", "txet", "--", "true"], "did you mean text"),
        (["--reads", "bits", "--", "true"], "no way to read is called 'bits'"),
        (["--baseline", "/no/such.json", "--", "true"], "cannot read /no/such.json"),
        (["--json", "/no/such/report.json", "--", "true"], "cannot write /no/such/report.json"),
        (["--case", "text", "--", "/no/such/program"], "cannot start '/no/such/program'"),
        (["--case", "text", "--", "echo", "Hello"], "a line of the program is not JSON"),
    ],
)
def test_a_consumer_that_cannot_be_checked_is_one_error(arguments: list[str], message: str) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")


def test_a_consumer_that_uses_another_server_is_an_error() -> None:
    result = check("--family", "text", "--", "sh", "-c", "while read line; do echo '{}'; done")
    assert result.exit_code == 2
    assert "sent no request to the mock in 3 cases" in result.output


def test_a_program_for_each_case(tmp_path: Path) -> None:
    code = (
        "import sys, json, urllib.request as u\n"
        "body = {'model': sys.argv[2], 'stream': True,"
        " 'messages': [{'role': 'user', 'content': sys.stdin.read()}]}\n"
        "request = u.Request(sys.argv[1] + '/chat/completions', json.dumps(body).encode(),"
        " {'Content-Type': 'application/json'})\n"
        "for line in u.urlopen(request):\n"
        "    if line.startswith(b'data: {'):\n"
        "        for choice in json.loads(line[6:])['choices']:\n"
        "            print(choice['delta'].get('content') or '', end='')\n"
    )
    command = [sys.executable, "-c", code, "{base_url}", "{model}"]
    result = check("--per-case", "--case", "text", "--case", "length", "--", *command)
    assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_a_check_that_is_interrupted_leaves_no_program(tmp_path: Path) -> None:
    # The program of a check is in a process group of its own, which Ctrl-C does not reach.
    pid = tmp_path / "pid"
    program = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = [sys.executable, "-m", "openai_mockserver", "check", "--case", "text", "--"]
    check = subprocess.Popen([*command, sys.executable, "-c", program], stderr=subprocess.PIPE)
    with check:
        while not pid.exists() or not pid.read_text():
            assert check.poll() is None
        check.send_signal(2)
        assert check.wait(10) == 130
    assert not Path(f"/proc/{pid.read_text()}/cwd").exists()
