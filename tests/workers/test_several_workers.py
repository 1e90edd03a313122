"""Several workers on one port: what one learns through the control API, all know."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import openai_mockserver
from openai_mockserver import sse
from openai_mockserver.script import Event
from running_server import TOO_LONG, RunningServer, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked"),
]

COUNT = 3


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningServer]:
    with serving("--workers", COUNT, "--pace", "none") as server:
        yield server


@pytest.fixture
def server(shared_server: RunningServer) -> RunningServer:
    control(shared_server, "POST", "/reset", json={"settings": True}).raise_for_status()
    return shared_server


def control(server: RunningServer, method: str, path: str, **options: Any) -> httpx.Response:
    """Send a request to the control API, over a connection of its own."""
    url = f"{server.url}/_mock{path}"
    return httpx.request(method, url, trust_env=False, timeout=TOO_LONG, **options)


def list_workers(server: RunningServer) -> list[int]:
    """Return the processes of the workers."""
    pid = server.process.pid
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def wait_for(condition: Any) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + TOO_LONG
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def say(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


# All share the port


def test_there_are_as_many_processes(server: RunningServer) -> None:
    assert len(list_workers(server)) == COUNT


def test_requests_at_the_same_time_are_answered(server: RunningServer) -> None:
    control(server, "POST", "/rules", json={"reply": "Hello"}).raise_for_status()
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(server.text())) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TOO_LONG)
    assert texts == ["Hello"] * 30
    calls = control(server, "GET", "/calls").json()
    assert calls["total"] == len({call["number"] for call in calls["calls"]}) == 30
    starts = [call["started"] for call in calls["calls"]]
    assert sorted(starts) == pytest.approx(starts, abs=0.05)  # numbered as they arrive
    (rule,) = control(server, "GET", "/rules").json()["rules"]
    assert (rule["use_count"], rule["unused"]) == (30, None)


def test_the_port_is_free_after_a_stop() -> None:
    with serving("--workers", 2) as server:
        workers = list_workers(server)
        last_lines = server.stop(signal.SIGTERM)
    assert last_lines == "stopped\n"
    assert server.process.returncode == 0
    for worker in workers:
        assert not Path(f"/proc/{worker}").exists()
    with pytest.raises(httpx.ConnectError):
        server.ask()


@pytest.mark.slow
def test_a_stop_breaks_streams_and_waits_for_none() -> None:
    with serving("--workers", 2, "--pace", "0,5") as server, server.open_stream() as response:
        lines = response.iter_lines()
        assert next(lines)
        server.stop()  # within seconds
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)


# The control API


def test_a_change_reaches_all(server: RunningServer) -> None:
    for number in range(5):
        control(server, "PUT", "/rules", json=[{"reply": f"Reply {number}"}]).raise_for_status()
        assert {server.text() for _ in range(6)} == {f"Reply {number}"}


def test_settings_reach_all(server: RunningServer) -> None:
    control(server, "PATCH", "/settings", json={"api_key": "secret"}).raise_for_status()
    assert {server.ask("other").status_code for _ in range(6)} == {401}
    assert {server.ask("secret").status_code for _ in range(6)} == {200}


def test_the_engines_are_shown_together(server: RunningServer) -> None:
    engine = {"slots": 2, "queue": 5, "limits": {"rpm": 600}}
    state = control(server, "PUT", "/engine", json={"engine": engine}).json()
    assert (state["engine"], state["engines"], state["slots"]) == (engine, COUNT, 2 * COUNT)
    assert {server.ask("key").status_code for _ in range(6)} == {200}
    state = control(server, "GET", "/engine").json()
    assert (state["slots"], state["queue"], state["admitted"]) == (2 * COUNT, 5 * COUNT, 6)
    (limit,) = state["limits"]  # which is one of all, since they share their state
    assert (limit["limit"], limit["used"]) == (600, 6)
    answer = control(server, "PUT", "/engine", json={"engine": {"slots": "many"}})
    assert answer.status_code == 422
    assert control(server, "PUT", "/engine", json={"engine": None}).json()["slots"] is None


def test_a_mistake_changes_nothing(server: RunningServer) -> None:
    answer = control(server, "POST", "/rules", json={"reply": "Hi", "usr": "x"})
    assert answer.status_code == 422
    assert answer.json()["place"] == "usr"
    assert control(server, "GET", "/rules").json() == {"rules": []}


def test_calls_are_listed_page_by_page(server: RunningServer) -> None:
    for number in range(7):
        server.ask(**say(f"Question {number}"))
    after, seen = None, []
    for _ in range(4):
        query = {"limit": 2} | ({} if after is None else {"after": after})
        page = control(server, "GET", "/calls", params=query).json()
        seen += [call["user"] for call in page["calls"]]
        after = page["next"]
    assert (seen, after) == ([f"Question {number}" for number in range(7)], None)
    newest = control(server, "GET", "/calls", params={"order": "newest", "limit": 3}).json()
    assert [call["user"] for call in newest["calls"]] == [f"Question {n}" for n in (6, 5, 4)]


def test_each_call_is_found(server: RunningServer) -> None:
    for number in range(6):
        server.ask(**say(f"Question {number}"))
    for call in control(server, "GET", "/calls").json()["calls"]:
        detail = control(server, "GET", f"/calls/{call['number']}").json()
        assert detail["user"] == call["user"]
        curl = control(server, "GET", f"/calls/{call['number']}/curl")
        assert call["user"] in curl.text
    missing = control(server, "GET", "/calls/999999999")
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        "the journal has no call 999999999",
    )


def test_the_har_file_has_all_calls(server: RunningServer) -> None:
    for _ in range(6):
        server.ask()
    entries = control(server, "GET", "/calls/har").json()["log"]["entries"]
    assert len(entries) == 6
    assert entries == sorted(entries, key=lambda entry: entry["startedDateTime"])


def test_the_verdict_is_about_all(server: RunningServer) -> None:
    rules = [{"user": "Hi", "reply": "Hello"}, {"user": "Bye", "reply": "Bye"}]
    control(server, "POST", "/rules", json=rules).raise_for_status()
    assert all(server.text() == "Hello" for _ in range(6))
    assert control(server, "GET", "/verify").json()["passed"] is True
    verdict = control(server, "GET", "/verify", params={"unused": "true"}).json()
    assert verdict["passed"] is False
    assert verdict["unused"] == ["on(user='Bye') answered no request"]
    assert verdict["message"].endswith("on(user='Bye') answered no request")


def test_sandboxes_exist_everywhere(server: RunningServer) -> None:
    with openai_mockserver.connect(server.url).sandbox() as sandbox:
        sandbox.reply("In the sandbox")
        for _ in range(6):
            with httpx.Client(trust_env=False, timeout=TOO_LONG) as client:
                body = {"model": "gpt-4o", **say("Hi")}
                answer = client.post(f"{sandbox.base_url}/chat/completions", json=body).json()
            assert answer["choices"][0]["message"]["content"] == "In the sandbox"
        assert len(sandbox.calls) == 6
        (listed,) = control(server, "GET", "/sandboxes").json()["sandboxes"]
        assert listed["calls"] == 6
    assert control(server, "GET", "/sandboxes").json()["sandboxes"] == []
    assert control(server, "GET", "/calls").json()["total"] == 0


def test_the_metrics_are_those_of_all(server: RunningServer) -> None:
    def count(name: str) -> float:
        text = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=TOO_LONG).text
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    before = count("vllm:request_success_total")
    for _ in range(9):
        server.ask()
    wait_for(lambda: count("vllm:request_success_total") == before + 9)
    assert count("openai_mockserver_info") == 1
    headers = {"accept": "application/openmetrics-text; version=1.0.0"}
    url = f"{server.url}/metrics"
    page = httpx.get(url, headers=headers, trust_env=False, timeout=TOO_LONG).text
    assert page.count("# EOF") == 1
    assert page.endswith("# EOF\n")
    read: Any = text_string_to_metric_families
    families = {family.name for family in read(page)}
    assert "vllm:time_to_first_token_seconds" in families


def test_recording_needs_one_worker(server: RunningServer) -> None:
    body = {"upstream": "http://127.0.0.1:9/v1"}
    answer = control(server, "POST", "/recordings/start", json=body)
    assert answer.status_code == 409
    assert "several workers" in answer.json()["detail"]


@pytest.mark.slow
def test_the_token_is_needed() -> None:
    with serving("--workers", 2, "--control-token", "secret") as server:
        refused = control(server, "POST", "/rules", json={"reply": "Hi"})
        assert refused.status_code == 401
        headers = {"authorization": "Bearer secret"}
        accepted = control(server, "POST", "/rules", json={"reply": "Hi"}, headers=headers)
        assert accepted.status_code == 201
        assert {server.text() for _ in range(4)} == {"Hi"}


# Objects


def test_objects_are_those_of_all(server: RunningServer) -> None:
    control(server, "POST", "/rules", json={"reply": "Hello"}).raise_for_status()

    def make_client() -> openai.OpenAI:  # each has a connection, and perhaps a worker, of its own
        return openai.OpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0)

    with make_client() as client:
        response = client.responses.create(model="gpt-4o", input="Hi")
        file = client.files.create(file=("a.txt", b"Some bytes"), purpose="user_data")
        conversation = client.conversations.create().id
    for _ in range(6):
        with make_client() as client:
            assert client.responses.retrieve(response.id).output_text == "Hello"
            assert client.files.content(file.id).content == b"Some bytes"
            client.responses.create(model="gpt-4o", input="Hi", conversation=conversation)
    with make_client() as client:
        assert len(client.conversations.items.list(conversation).data) == 12
        client.responses.delete(response.id)
    for _ in range(6):
        with make_client() as client, pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response.id)


# Following


def read_events(server: RunningServer, count: int, last: str = "") -> list[Event]:
    """Return the next events about calls."""
    decoder, events = sse.Decoder(), []
    query = f"?last_event_id={last}" if last else "?begin=start"
    url = f"{server.url}/_mock/calls/follow{query}"
    with (
        httpx.Client(trust_env=False, timeout=TOO_LONG) as client,
        client.stream("GET", url) as response,
    ):
        for block in response.iter_bytes():
            events += [one for one in decoder.feed(block) if one.event != "progress"]
            if len(events) >= count:
                return events
    raise AssertionError("the stream has ended")


def test_the_calls_of_all_are_followed(server: RunningServer) -> None:
    for _ in range(6):
        server.ask()
    events = read_events(server, 13)
    # Everything begins with the reset before this test.
    assert [event.event for event in events[:1]] == ["reset"]
    kinds = [event.event for event in events[1:]]
    assert (kinds.count("start"), kinds.count("end")) == (6, 6)


def test_following_goes_on_after_the_last_event(server: RunningServer) -> None:
    server.ask()
    last = control(server, "GET", "/calls").json()["last_event"]
    for number in range(4):
        server.ask(**say(f"Later {number}"))
    events = read_events(server, 4, last)
    rest = read_events(server, 4, str(events[3].id))
    seen = [(event.event, event.data) for event in [*events[:4], *rest]]
    assert len(set(seen)) == 8
    assert {kind for kind, _ in seen} == {"start", "end"}
    assert all("Later" in data for _, data in seen)


# Death


def test_a_worker_that_dies_is_replaced() -> None:
    with serving("--workers", 2, "--pace", "0,0.1") as server, ExitStack() as stack:
        rule = {"user": "Hi", "reply": {"text": ["a"] * 20}}
        control(server, "POST", "/rules", json=rule).raise_for_status()
        control(server, "POST", "/sandboxes", json={"id": "mine"}).raise_for_status()
        streams = [stack.enter_context(server.open_stream()).iter_lines() for _ in range(6)]
        seen = [[next(lines)] for lines in streams]
        first, second = list_workers(server)
        os.kill(first, signal.SIGKILL)
        assert "was ended by signal 9; another takes its place" in server.line()
        # The rules, the sandboxes and the port are those of before.
        assert {server.text() for _ in range(6)} == {"a" * 20}
        assert len(control(server, "GET", "/rules").json()["rules"]) == 1
        assert control(server, "GET", "/sandboxes/mine").status_code == 200
        assert second in list_workers(server)
        # The streams of the dead worker are broken, and those of the other go on.
        calls = control(server, "GET", "/calls").json()["calls"]
        left = sum(call["stream"] for call in calls)
        for lines, before in zip(streams, seen, strict=True):
            with suppress(httpx.RemoteProtocolError):
                before += lines
        assert sum("data: [DONE]" in lines for lines in seen) == left


@pytest.mark.slow
def test_a_worker_that_hangs_does_not_stop_the_others() -> None:
    with serving("--workers", 2) as server:
        hanging = list_workers(server)[0]
        os.kill(hanging, signal.SIGSTOP)
        try:  # only the other one accepts clients now, and waits for some seconds
            answer = control(server, "POST", "/rules", json={"reply": "Hello"})
        finally:
            os.kill(hanging, signal.SIGCONT)
        assert answer.status_code == 201
        wait_for(lambda: len(control(server, "GET", "/rules").json()["rules"]) == 1)
        assert {server.text() for _ in range(8)} == {"Hello"}


def test_changes_from_all_sides_have_one_order(server: RunningServer) -> None:
    def change(number: int) -> None:
        control(server, "POST", "/rules", json={"reply": f"Reply {number}"}).raise_for_status()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TOO_LONG)
    assert len(control(server, "GET", "/rules").json()["rules"]) == 20
    assert len({server.text() for _ in range(9)}) == 1  # the newest is the same everywhere


def test_a_large_change_reaches_all(server: RunningServer) -> None:
    text = "A long text. " * 40_000  # more than a socket holds
    control(server, "POST", "/rules", json={"reply": text}).raise_for_status()
    assert {len(server.text()) for _ in range(6)} == {len(text)}


@pytest.mark.slow
def test_a_follower_learns_of_a_death() -> None:
    with serving("--workers", 2) as server:
        for _ in range(6):
            server.ask()
        last = control(server, "GET", "/calls").json()["last_event"]
        os.kill(list_workers(server)[0], signal.SIGKILL)
        while "takes its place" not in server.line():
            pass  # lines about the calls
        left = control(server, "GET", "/calls").json()["total"]
        events = read_events(server, 1 + 2 * left, last)
        assert [event.event for event in events[:1]] == ["reset"]
        assert [event.event for event in events].count("start") == left


@pytest.mark.slow
def test_workers_end_if_their_supervisor_is_killed() -> None:
    with serving("--workers", 2) as server:
        workers = list_workers(server)
        server.process.kill()
        for worker in workers:
            wait_for(lambda worker=worker: not Path(f"/proc/{worker}").exists())


# Files


@pytest.mark.slow
def test_files_are_reloaded_by_all(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("rules: [{reply: before}]")
    with serving(scenario, "--workers", 2) as server:
        assert {server.text() for _ in range(4)} == {"before"}
        scenario.write_text("rules: [{reply: after}]")
        lines = [server.line() for _ in range(6)]
        assert sum("reloaded" in line for line in lines) == 2
        assert {server.text() for _ in range(4)} == {"after"}
        # So does one that takes the place of another.
        os.kill(list_workers(server)[0], signal.SIGKILL)
        while "takes its place" not in server.line():
            pass
        assert {server.text() for _ in range(6)} == {"after"}
        os.kill(server.process.pid, signal.SIGHUP)
        while "reloaded" not in server.line():
            pass
