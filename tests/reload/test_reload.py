"""Reloading: what changes on disk changes the answers, all at once, and nothing that is running."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from openai_mockserver import MockOpenAI, Request, Script, sse
from openai_mockserver.api import chat
from openai_mockserver.files import add_files
from openai_mockserver.reload import Reloader, Watcher, watch
from openai_mockserver.rules import Rule
from openai_mockserver.sources import Sources

pytestmark = pytest.mark.slow

LONG = 20.0  # seconds after which a report that does not come is missed


def body(user: str = "Hi", **parameters: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": user}]
    return {"model": "gpt-4o", "messages": messages, "stream": True} | parameters


def ask(mock: MockOpenAI, user: str = "Hi") -> str | None:
    """Return the text of the answer, or the status of an error as text."""
    content = json.dumps(body(user)).encode()
    call = mock.respond(Request("POST", "/v1/chat/completions", (), content))
    if call.status != 200:
        return str(call.status)
    reply = chat.read(Script(steps=call.script.steps))
    return getattr(reply, "text", None)


class Served:
    """A mock whose rules come from files, and the sentences about its reloads."""

    def __init__(self, *files: Path) -> None:
        self.mock = MockOpenAI()
        self.reloader = Reloader(self.mock, MockOpenAI, self._read)
        self._files = files
        self._reports: queue.Queue[tuple[str, bool]] = queue.Queue()
        self.watcher = Watcher(self.reloader, lambda *report: self._reports.put(report))
        self.reloader.load()

    def _read(self, mock: MockOpenAI, sources: Sources) -> None:
        add_files(mock, self._files, sources=sources)

    def report(self) -> tuple[str, bool]:
        """Return the next sentence about a reload, and whether it succeeded."""
        return self._reports.get(timeout=LONG)

    @property
    def has_reports(self) -> bool:
        return not self._reports.empty()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "scenario.yaml", "one")


def write(file: Path, text: str, more: str = "") -> Path:
    file.write_text(f"{more}\nrules: [{{reply: {text}}}]\n", "utf-8")
    return file


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Return a function that serves files and watches them."""
    watchers = []

    def serve(*files: Path) -> Served:
        served = Served(*files)
        served.watcher.start()
        watchers.append(served.watcher)
        return served

    yield serve
    for watcher in watchers:
        watcher.stop()


# What a reload changes


def test_what_does_not_come_from_the_files_stays(file: Path) -> None:
    served = Served(file)
    mock = served.mock
    mock.on(user="mine").reply("mine")
    mock.lenient = True
    write(file, "two", "{seed: 7, api_key: sk-a}".strip("{}").replace(", ", "\n"))
    assert served.reloader.reload() == f"reloaded {file}"
    assert ask(mock) == "401"
    assert (mock.seed, mock.lenient) == (7, True)
    write(file, "three")
    served.reloader.reload()
    assert (mock.seed, mock.api_key, mock.lenient) == (None, None, True)
    assert [ask(mock), ask(mock, "mine")] == ["three", "mine"]
    assert len(mock.calls) == 3


def test_a_rule_that_is_added_later_is_newer_than_those_of_the_files(file: Path) -> None:
    served = Served(file)
    builder = served.mock.on(user="Hi")  # without a reply until the files are reloaded
    write(file, "two")
    served.reloader.reload()
    assert ask(served.mock) == "two"
    builder.reply("mine")
    assert ask(served.mock) == "mine"
    served.mock.reset()
    assert ask(served.mock) == "400"


def test_no_rule_is_lost_that_is_added_during_a_reload(file: Path) -> None:
    served = Served(file)
    is_over = threading.Event()
    added: list[Rule] = []

    def add() -> None:
        while not is_over.is_set():
            added.append(served.mock.on(user=f"user {len(added)}").reply("mine"))

    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(add)
        for _ in range(20):
            served.reloader.reload()
        is_over.set()
        adding.result()
    (from_file, *others) = served.mock.version.rules
    assert others == added
    assert from_file not in added


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: [{reply: {txt: Hello}}]", "rules[0].reply.txt: there is no such key"),
        ("rules: [", "scenario.yaml:1:"),
        ("", "a scenario must be a mapping with rules, not nothing"),
    ],
)
def test_after_a_mistake_the_old_rules_stay(file: Path, text: str, problem: str) -> None:
    served = Served(file)
    file.write_text(text, "utf-8")
    sentence = served.reloader.reload()
    assert sentence.startswith("not reloaded, so the rules stay as they were: ")
    assert problem in sentence
    assert "\n" not in sentence
    assert ask(served.mock) == "one"
    write(file, "two")
    assert served.reloader.reload() == f"reloaded {file}"
    assert ask(served.mock) == "two"


# What is noticed


def test_a_file_written_in_place_or_by_renaming_is_noticed(
    file: Path, serve: Callable[..., Served]
) -> None:
    served = serve(file)
    write(file, "two")
    assert served.report() == (f"reloaded {file}", True)
    assert ask(served.mock) == "two"
    for text in ("three", "four"):  # the second time, the first file is no longer there
        write(file.with_name("temporary"), text).replace(file)
        assert served.report() == (f"reloaded {file}", True)
        assert ask(served.mock) == text


def test_a_file_that_is_deleted_may_come_back(file: Path, serve: Callable[..., Served]) -> None:
    served = serve(file)
    file.unlink()
    sentence, is_reloaded = served.report()
    assert "cannot read" in sentence
    assert not is_reloaded
    assert ask(served.mock) == "one"
    write(file, "two")
    assert served.report() == (f"reloaded {file}", True)
    assert ask(served.mock) == "two"


def test_a_half_written_file_is_no_mistake(file: Path, serve: Callable[..., Served]) -> None:
    served = serve(file)
    loads = count_loads(served)
    with file.open("w", encoding="utf-8") as half:
        half.write("rules: [{reply: ")
        half.flush()
        assert loads.get(timeout=LONG) is False
        half.write("two}]")
    assert served.report() == (f"reloaded {file}", True)
    assert ask(served.mock) == "two"
    assert not served.has_reports


def count_loads(served: Served) -> queue.Queue[bool]:
    """Return a queue that says of each attempt to load whether it succeeded."""
    loads: queue.Queue[bool] = queue.Queue()
    reload = served.reloader.reload

    def reload_and_tell() -> str:
        sentence = reload()
        loads.put(served.reloader.is_up_to_date)
        return sentence

    served.reloader.reload = reload_and_tell  # type: ignore[method-assign]
    return loads


def test_a_folder_may_get_and_lose_files(tmp_path: Path, serve: Callable[..., Served]) -> None:
    folder = tmp_path / "streams"
    folder.mkdir()
    first = record(folder / "b.sse", "first")
    served = serve(folder)
    assert ask(served.mock) == "first"
    (folder / "notes.txt").write_text("this is not played", "utf-8")
    record(folder / "a.sse", "before it")
    assert served.report() == (f"reloaded {folder}", True)
    assert [ask(served.mock), ask(served.mock)] == ["before it", "first"]
    first.unlink()
    assert served.report()[1]
    assert [ask(served.mock), ask(served.mock)] == ["before it"] * 2


def test_a_folder_that_is_deleted_may_come_back(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    folder = tmp_path / "outer" / "streams"
    folder.mkdir(parents=True)
    record(folder / "a.sse", "first").rename(folder / "b.sse")
    served = serve(folder)
    (folder / "b.sse").unlink()
    folder.rmdir()
    folder.parent.rmdir()
    assert not served.report()[1]
    folder.mkdir(parents=True)
    record(folder / "a.sse", "again")
    while not (report := served.report())[1]:
        assert "no .sse or .jsonl files" in report[0]
    assert ask(served.mock) == "again"


def test_a_file_that_a_scenario_names_is_noticed(
    file: Path, tmp_path: Path, serve: Callable[..., Served]
) -> None:
    (tmp_path / "inner").mkdir()
    named = record(tmp_path / "inner" / "named.sse", "first")
    file.write_text("rules: [{reply: {file: inner/named.sse}}]", "utf-8")
    served = serve(file)
    record(named, "second")
    assert served.report() == (f"reloaded {named}", True)
    assert ask(served.mock) == "second"


def test_the_target_of_a_link_is_noticed(tmp_path: Path, serve: Callable[..., Served]) -> None:
    """A mounted configuration of Kubernetes is a link to a link to a folder."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        write(tmp_path / version / "scenario.yaml", version)
    (tmp_path / "data").symlink_to("one")
    link = tmp_path / "scenario.yaml"
    link.symlink_to("data/scenario.yaml")
    served = serve(link)
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "data")
    assert served.report() == (f"reloaded {link}", True)
    assert ask(served.mock) == "two"
    write(tmp_path / "two" / "scenario.yaml", "three")
    assert served.report()[1]
    assert ask(served.mock) == "three"


def test_a_reload_can_be_asked_for(file: Path) -> None:
    served = Served(file)
    watcher = Watcher(served.reloader, lambda *report: served._reports.put(report), watches=False)
    watcher.start()
    write(file, "two")
    watcher.ask()
    assert served.report() == (f"reloaded {file}", True)
    watcher.ask()
    assert served.report() == ("reloaded all files", True)
    watcher.stop()
    assert ask(served.mock) == "two"


def test_without_watchfiles_it_looks_again_and_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Served]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    monkeypatch.setattr(watch, "_INTERVAL", 0.01)
    served = serve(file)
    write(file, "two")
    assert served.report() == (f"reloaded {file}", True)


def record(file: Path, text: str) -> Path:
    """Write a recorded stream that says a text, at once."""
    with MockOpenAI() as mock:
        mock.reply(text)
        content = json.dumps(body()).encode()
        script = mock.respond(Request("POST", "/v1/chat/completions", (), content)).script
    temporary = file.with_suffix(".temporary")
    temporary.write_bytes(sse.body(script.steps))
    return temporary.replace(file)


# Under load

VERSIONS = 100
STREAMS = 50


def write_version(file: Path, version: int) -> None:
    """Write a scenario whose options and rules all depend on its version."""
    rules = [{"user": "slow", "pace": {"itl": 0.1}, "reply": f"{version} " * 30}]
    rules += [{"user": f"user {n}", "reply": f"{version}"} for n in range(20)]
    temporary = file.with_suffix(".temporary")
    temporary.write_text(json.dumps({"seed": version, "rules": rules}), "utf-8")
    temporary.replace(file)


@pytest.mark.parametrize("is_watched", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_each_request_is_answered_by_one_version_while_streams_run(
    tmp_path: Path, serve: Callable[..., Served], is_watched: bool
) -> None:
    """The id of an answer depends on the seed, so it shows from which version the options are."""
    file = tmp_path / "scenario.json"
    write_version(file, 0)
    served = serve(file) if is_watched else Served(file)
    ids = [find_id(tmp_path, version) for version in range(VERSIONS + 1)]
    is_over = threading.Event()
    begun = threading.Semaphore(0)
    answers: queue.Queue[tuple[str, str]] = queue.Queue()
    seen: list[tuple[str, str]] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with (
        served.mock,
        ThreadPoolExecutor(STREAMS + 2) as threads,
        httpx.Client(trust_env=False, timeout=LONG, limits=limits) as client,
    ):
        url = f"{served.mock.base_url}/chat/completions"

        def stream() -> str:
            with client.stream("POST", url, json=body("slow")) as response:
                begun.release()
                return read_text([line for line in response.iter_lines() if line])

        def answer() -> None:
            while not is_over.is_set():
                reply = client.post(url, json=body("user 3", stream=False)).json()
                answers.put((reply["id"], reply["choices"][0]["message"]["content"]))

        streams = [threads.submit(stream) for _ in range(STREAMS)]
        for _ in range(STREAMS):
            assert begun.acquire(timeout=LONG)
        askers = [threads.submit(answer) for _ in range(2)]
        for version in range(1, VERSIONS + 1):
            write_version(file, version)
            sentence = served.report()[0] if is_watched else served.reloader.reload()
            assert sentence == f"reloaded {file}"
            seen.append(answers.get(timeout=LONG))
            assert version > 10 or not any(future.done() for future in streams)
        is_over.set()
        for future in askers:
            future.result()
        for one in streams:
            assert one.result() == "0 " * 30
    while not answers.empty():
        seen.append(answers.get())
    assert len({version for _, version in seen}) > VERSIONS / 3
    assert all(ids[int(version)] == id for id, version in seen)
    assert all(call.ended == "finished" for call in served.mock.calls)


def find_id(folder: Path, version: int) -> str:
    file = folder / "other.json"
    write_version(file, version)
    content = json.dumps(body("user 3", stream=False)).encode()
    served = Served(file)
    call = served.mock.respond(Request("POST", "/v1/chat/completions", (), content))
    found: str = json.loads(sse.body(call.script.steps))["id"]
    return found


def read_text(lines: list[str]) -> str:
    """Return the text of a stream that must be complete."""
    payloads = [line.removeprefix("data: ") for line in lines]
    assert payloads.pop() == "[DONE]"
    deltas = [json.loads(payload)["choices"][0]["delta"] for payload in payloads]
    return "".join(delta.get("content") or "" for delta in deltas)
