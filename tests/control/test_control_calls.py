"""The calls over the control API: pages, one call, HAR, verdict, and following them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from openai_mockserver import ApiError, Call, cassettes
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.control import har
from openai_mockserver.faults import stall
from steered import Steered


def test_pages_stay_the_same_while_calls_arrive(steered: Steered) -> None:
    steered.mock.reply("Hello")
    for n in range(5):
        steered.ask(f"{n}")
    numbers, after = [], 0
    while after is not None:
        page = steered.http.get("/_mock/calls", params={"limit": 2, "after": after}).json()
        numbers += [call["number"] for call in page["calls"]]
        after = page["next"]
        if len(numbers) == 2:
            steered.ask("new")
    assert numbers == [1, 2, 3, 4, 5, 6]
    newest = steered.http.get("/_mock/calls", params={"limit": 2, "order": "newest"}).json()
    assert [call["number"] for call in newest["calls"]] == [6, 5]
    steered.ask("newer")
    older = {"limit": 2, "order": "newest", "after": newest["next"]}
    page = steered.http.get("/_mock/calls", params=older).json()
    assert [call["number"] for call in page["calls"]] == [4, 3]


def test_calls_are_filtered(steered: Steered) -> None:
    steered.mock.on(user="Hi").reply("Hello")
    steered.ask("Hi")
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask("Ho")
    steered.http.get("/v1/models")

    def find(**conditions: Any) -> list[int]:
        page = steered.http.get("/_mock/calls", params=conditions).json()
        return [call["number"] for call in page["calls"]]

    assert find(problem=True) == [2]
    assert find(endpoint="chat/completions") == [1, 2]
    assert find(path="/v1/models") == [3]
    assert find(rule=steered.mock.rules[0].number) == [1]
    assert find(model="gpt-4o", problem=False) == [1]
    assert find(since=steered.mock.calls[2].started) == [3]
    response = steered.http.get("/_mock/calls", params={"problems": True})
    assert (response.status_code, response.json()["place"]) == (400, "query.problems")


def test_one_call(steered: Steered) -> None:
    steered.mock.reply("Hello", pace="0,0.01")
    key = {"authorization": "Bearer sk-1234567890abcdefABCDEF123456"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    answer = steered.http.post("/v1/chat/completions", json=body, headers=key)
    call = steered.http.get("/_mock/calls/1").json()
    assert call["request"]["json"] == body
    assert "sk-1234" not in json.dumps(call)
    assert (call["state"], call["status"]) == ("finished", 200)
    assert call["delivered"] == {"events": 4, "bytes": len(answer.content), "exact": True}
    assert sum(part["events"] for part in call["deliveries"]) == call["events"] == 4
    assert steered.http.get("/_mock/calls/2").status_code == 404
    assert steered.http.get("/_mock/calls/x").status_code == 404


def test_a_response_is_a_stream_file(steered: Steered) -> None:
    steered.mock.reply("Hello")
    steered.ask(stream=True)
    response = steered.http.get("/_mock/calls/1/response")
    (exchange,) = cassettes.loads(response.content)
    assert exchange.script.steps == steered.mock.calls[0].script.steps
    assert exchange.about["request"]["json"]["messages"][0]["content"] == "Hi"


def test_calls_as_har(steered: Steered, tmp_path: Any) -> None:
    steered.mock.reply("Hello", ApiError(429))
    steered.ask(stream=True)
    with pytest.raises(Exception, match="429"):
        steered.ask()
    file = tmp_path / "calls.har"
    file.write_bytes(steered.http.get("/_mock/calls/har").content)
    first, second = import_file(file)
    assert first.about["request"]["url"].endswith("/v1/chat/completions")
    assert first.as_reply().text == "Hello"  # type: ignore[union-attr]
    assert second.script.head.status == 429


def test_the_har_of_a_sandbox_names_it(steered: Steered) -> None:
    steered.http.post("/_mock/sandboxes", json={"id": "w1", "rules": [{"reply": "Hello"}]})
    steered.ask(sandbox="/s/w1")
    (entry,) = steered.http.get("/s/w1/_mock/calls/har").json()["log"]["entries"]
    assert entry["request"]["url"] == f"{steered.url}/s/w1/v1/chat/completions"


def test_the_verdict_is_that_of_the_fixture(steered: Steered) -> None:
    assert steered.http.get("/_mock/verify").json()["passed"]
    steered.mock.on(user="Hi").reply("Hello", "again")
    steered.ask("Hi")
    assert steered.http.get("/_mock/verify").json()["passed"]
    verdict = steered.http.get("/_mock/verify", params={"unused": True}).json()
    assert not verdict["passed"]
    assert "1 of its 2 replies" in verdict["message"]
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask("Ho")
    verdict = steered.http.get("/_mock/verify").json()
    assert not verdict["passed"]
    assert [call["number"] for call in verdict["problems"]] == [2]
    problems = steered.http.get("/_mock/problems").json()
    assert [call["problem"] for call in problems] == [
        call["problem"] for call in verdict["problems"]
    ]


# Following


Event = dict[str, Any]


class Follower:
    """Follows the calls, and reconnects."""

    def __init__(self, steered: Steered) -> None:
        self.steered = steered
        self.last_id: str | None = None

    @contextmanager
    def follow(self, **query: str) -> Iterator[Iterator[Event]]:
        """Follow, after the last event that was received."""
        headers = {} if self.last_id is None else {"last-event-id": self.last_id}
        url = f"{self.steered.url}/_mock/calls/follow"
        with (
            httpx.Client(trust_env=False) as http,
            http.stream("GET", url, headers=headers, params=query) as response,
        ):
            assert response.headers["content-type"] == "text/event-stream"
            yield self._read(response.iter_lines())

    def _read(self, lines: Iterator[str]) -> Iterator[Event]:
        event: Event = {}
        for line in lines:
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "event" in event:
                self.last_id = event.get("id", self.last_id)
                yield {**event, "data": json.loads(event["data"])}
                event = {}


def test_a_call_is_announced_when_it_starts_and_when_it_ends(steered: Steered) -> None:
    steered.mock.reply("a b", pace="0,0.3")
    follower = Follower(steered)
    with follower.follow() as events:
        thread = threading.Thread(target=steered.ask, args=("Hi", "", True))
        thread.start()
        start = next(events)
        assert (start["event"], start["data"]["user"]) == ("start", "Hi")
        assert start["data"]["state"] != "finished"
        rest = []
        for event in events:
            rest.append(event)
            if event["event"] == "end":
                break
        thread.join()
    assert rest[-1]["data"]["state"] == "finished"
    progress = [event["data"]["calls"][0] for event in rest[:-1]]
    assert progress, "what was delivered so far is told while it is silent"
    assert all("id" not in event for event in rest[:-1])
    assert progress[-1]["events"] < rest[-1]["data"]["delivered"]["events"]


def test_a_growing_stall_is_seen(steered: Steered) -> None:
    steered.http.post("/_mock/rules", json={"reply": "a b", "faults": [{"stall": {"after": 2}}]})
    with Follower(steered).follow() as events:
        with steered.http.stream(
            "POST",
            "/v1/chat/completions",
            json={
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": "Hi"}],
                "stream": True,
            },
        ):
            progress = (e["data"]["calls"][0] for e in events if e["event"] == "progress")
            first, second = next(progress), next(progress)
    assert (first["events"], second["events"]) == (2, 2)
    assert second["silent"] > first["silent"] > 0


@pytest.mark.parametrize("begin", ["now", "last"])
def test_the_progress_of_a_call_that_began_before(steered: Steered, begin: str) -> None:
    """As for a page that is reloaded while a stream runs."""
    steered.mock.reply("a b", faults=[stall(after=2)])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with steered.http.stream("POST", "/v1/chat/completions", json=body):
        last = steered.http.get("/_mock/calls").json()["last_event"]
        query = {"begin": "now"} if begin == "now" else {"last_event_id": last}
        with Follower(steered).follow(**query) as events:
            event = next(events)
    assert event["event"] == "progress"
    assert [call["number"] for call in event["data"]["calls"]] == [1]


@pytest.mark.slow
def test_nothing_is_missed_or_repeated_over_reconnects(steered: Steered) -> None:
    """Calls arrive all the time; the client reconnects with the last id that it has received."""
    steered.mock.reply("Hello")
    count = 40
    follower = Follower(steered)
    asking = threading.Thread(target=lambda: [steered.ask(f"{n}") for n in range(count)])
    asking.start()
    seen: list[tuple[str, int]] = []
    ids: list[str] = []
    while len(seen) < 2 * count:
        with follower.follow() as events:
            for event in events:
                if event["event"] in ("start", "end"):
                    seen.append((event["event"], event["data"]["number"]))
                    ids.append(event["id"])
                    if len(seen) % 7 == 0 or len(seen) == 2 * count:
                        break
                else:
                    assert event["event"] == "progress"
    asking.join()
    assert [n for kind, n in seen if kind == "start"] == list(range(1, count + 1))
    assert sorted(n for kind, n in seen if kind == "end") == list(range(1, count + 1))
    numbers = [int(one.partition("-")[2]) for one in ids]
    assert numbers == list(range(1, 2 * count + 1))


def test_a_list_says_where_to_follow_on(steered: Steered) -> None:
    steered.mock.reply("Hello")
    steered.ask("before")
    page = steered.http.get("/_mock/calls").json()
    steered.ask("after")
    with Follower(steered).follow(last_event_id=page["last_event"]) as events:
        assert next(events)["data"]["user"] == "after"
    with Follower(steered).follow(begin="now") as events:
        steered.ask("now")
        assert next(events)["data"]["user"] == "now"


def test_a_cleared_journal_and_another_server_are_told(steered: Steered) -> None:
    steered.mock.reply("Hello")
    steered.ask()
    follower = Follower(steered)
    with follower.follow() as events:
        assert [next(events)["event"] for _ in range(2)] == ["start", "end"]
        steered.mock.calls.clear()
        assert next(events)["event"] == "reset"
    follower.last_id = "00000000-7"
    steered.ask()
    with follower.follow() as events:
        assert [next(events)["event"] for _ in range(3)] == ["reset", "reset", "start"]


def test_a_client_that_leaves_a_long_list_gets_no_more_of_it(
    steered: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []

    def build_entry(call: Call, origin: str) -> dict[str, str]:
        built.append(call.number)
        return {"text": "x" * 1_000_000}

    monkeypatch.setattr(har, "_build_entry", build_entry)
    steered.mock.reply("Hello")
    for _ in range(30):
        steered.ask()
    url = httpx.URL(steered.url)
    with socket.create_connection((url.host, url.port or 80)) as client:
        head = f"GET /_mock/calls/har HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert steered.http.get("/_mock/verify").status_code == 200, "others are answered meanwhile"
    assert steered.http.get("/_mock/verify").status_code == 200
    assert 0 < len(built) < 30
    assert len(steered.http.get("/_mock/calls/har").json()["log"]["entries"]) == 30
