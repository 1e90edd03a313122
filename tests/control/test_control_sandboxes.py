"""Sandboxes: parts of a server with rules, calls, objects and settings of their own."""

from __future__ import annotations

import threading
import tracemalloc

import httpx
import openai
import pytest

from openai_mockserver import MockOpenAI, MockServerError, Request, UnmatchedRequest
from steered import Steered

pytestmark = pytest.mark.slow


def test_a_sandbox_has_everything_of_its_own(steered: Steered) -> None:
    steered.mock.reply("server")
    first, second = (
        steered.http.post("/_mock/sandboxes", json={"rules": [{"reply": name}]}).json()
        for name in ("first", "second")
    )
    assert first["base_url"] == f"{steered.url}/s/{first['id']}/v1"
    answers = [steered.ask(sandbox=f"/s/{one['id']}") for one in (first, second)]
    assert [*answers, steered.ask()] == ["first", "second", "server"]
    control = f"/s/{first['id']}/_mock"
    (call,) = steered.http.get(f"{control}/calls").json()["calls"]
    assert call["path"] == "/v1/chat/completions"
    assert len(steered.mock.calls) == 1
    steered.http.patch(f"{control}/settings", json={"dialect": "groq"})
    assert steered.http.get("/_mock/settings").json()["dialect"] is None
    with pytest.raises(openai.BadRequestError):
        steered.http.put(f"{control}/rules", json=[])
        steered.ask(sandbox=f"/s/{first['id']}")
    assert not steered.http.get(f"{control}/verify").json()["passed"]
    assert steered.http.get("/_mock/verify").json()["passed"]
    listed = steered.http.get("/_mock/sandboxes").json()["sandboxes"]
    assert [(one["id"], one["problems"]) for one in listed] == [(first["id"], 1), (second["id"], 0)]


def test_a_sandbox_stores_its_own_objects(steered: Steered) -> None:
    steered.http.post("/_mock/sandboxes", json={"id": "w1"})
    files = {"file": ("a.txt", b"text")}
    form = {"purpose": "assistants"}
    created = steered.http.post("/s/w1/v1/files", files=files, data=form).json()
    listed = [steered.http.get(f"{part}/v1/files").json()["data"] for part in ("/s/w1", "")]
    assert listed == [[created], []]


def test_a_deleted_sandbox_is_explained(steered: Steered) -> None:
    steered.http.post("/_mock/sandboxes", json={"id": "w1", "rules": [{"reply": "x"}]})
    assert steered.http.post("/_mock/sandboxes", json={"id": "w1"}).status_code == 409
    assert steered.http.delete("/_mock/sandboxes/w1").status_code == 204
    assert steered.http.delete("/_mock/sandboxes/w1").status_code == 404
    assert steered.http.get("/s/w1/_mock/rules").status_code == 404
    with pytest.raises(openai.NotFoundError, match="there is no sandbox 'w1'"):
        steered.ask(sandbox="/s/w1")


def test_a_sandbox_begins_with_the_rules_of_the_server(steered: Steered) -> None:
    steered.mock.reply("one", "two")
    steered.mock.rules.pin()
    assert steered.ask() == "one"
    steered.http.post("/_mock/sandboxes", json={"id": "w1"})
    assert steered.ask(sandbox="/s/w1") == "one"
    steered.http.post("/s/w1/_mock/reset")
    assert steered.ask(sandbox="/s/w1") == "one"


def test_in_python() -> None:
    with MockOpenAI() as mock:
        with mock.sandbox("box") as box:
            box.reply("boxed")
            assert box.base_url == f"{mock.base_url.removesuffix('/v1')}/s/box/v1"
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
            with httpx.Client(trust_env=False) as http:
                url = f"{box.base_url}/chat/completions"
                assert "boxed" in http.post(url, json=body).text
                assert not mock.calls
                assert http.get(f"{box.base_url}/nothing").status_code == 404
            assert "boxed" in str(box.client().chat.completions.create(**body))  # type: ignore[call-overload]
            with pytest.raises(MockServerError, match="already a sandbox"):
                mock.sandbox("box")
        assert not len(mock.sandboxes)
        with pytest.raises(MockServerError, match="cannot be called"):
            mock.sandbox("a/b")
        with mock.sandbox() as box, httpx.Client(trust_env=False) as http:
            http.post(f"{box.base_url}/chat/completions", json=body)
            with pytest.raises(UnmatchedRequest):
                box.check()
            mock.check()


def test_an_idle_sandbox_is_removed() -> None:
    with MockOpenAI(control=True, sandbox_idle=0.05) as mock:
        mock.sandbox("idle")
        busy = mock.sandbox("busy")
        call = busy.calls.add(Request("POST", "/v1/chat/completions"))
        threading.Event().wait(0.1)
        assert [entry.id for entry in mock.sandboxes.list()] == ["busy"]
        call.end("finished")
        threading.Event().wait(0.1)
        assert mock.sandboxes.find("busy") is None


def test_thousands_of_idle_sandboxes_are_cheap() -> None:
    with MockOpenAI() as mock:
        mock.sandbox()
        tracemalloc.start()
        for _ in range(1000):
            mock.sandbox()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size < 15_000 * 1000
