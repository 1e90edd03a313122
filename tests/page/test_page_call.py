"""An opened call in real Chromium: what was asked, what was answered, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from chromium import needs_chromium
from openai_mockserver import Reply, ToolCall
from openai_mockserver.faults import bom, reset, stall
from page_view import PageView
from steered import Steered

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
PANEL = "document.getElementById('panel')"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def send(steered: Steered, messages: list[Any], **members: Any) -> None:
    body = {"model": "gpt-4o", "messages": messages, **members}
    with suppress(httpx.HTTPError):
        steered.http.post("/v1/chat/completions", json=body, timeout=30)


def open_call(view: PageView, question: str) -> None:
    view.wait(f"document.querySelector('#list a')?.innerText.includes({json.dumps(question)})")
    view.evaluate("document.querySelector('#list a').click()")
    view.find("heading", question)


def test_the_beginning_is_shown_before_the_end(
    steered: Steered, view: PageView, threads: ThreadPoolExecutor
) -> None:
    steered.mock.reply("Hello, world", pace="0,0.4")
    threads.submit(send, steered, [{"role": "user", "content": "Hi"}], stream=True)
    open_call(view, "Hi")
    view.wait(f"{PANEL}.innerText.includes('Hello') && !{PANEL}.innerText.includes('world')")
    assert view.evaluate(f"{PANEL}.innerText.includes('so far')")
    view.wait(f"{PANEL}.innerText.includes('Hello, world')")
    view.wait("document.querySelector('#call .tag').innerText === 'stop'")
    assert not view.evaluate(f"{PANEL}.innerText.includes('so far')")


def test_a_page_that_is_loaded_while_a_stream_runs(
    steered: Steered, view: PageView, threads: ThreadPoolExecutor
) -> None:
    steered.mock.reply("Hello, world", pace="0,0.4")
    threads.submit(send, steered, [{"role": "user", "content": "Hi"}], stream=True)
    said = "document.querySelector('#list .events')?.textContent"
    view.wait(f"{said}?.endsWith(' of 6')")
    view.open(f"{steered.url}/_mock/")
    before = view.wait(f"{said}?.endsWith(' of 6') && {said}")
    view.wait(f"{said}.endsWith(' of 6') && {said} !== {before!r}")
    view.wait("document.querySelector('#list .state').textContent === 'stop'")


def test_both_sides_of_a_websocket(steered: Steered, view: PageView) -> None:
    steered.mock.reply("It is sunny.")
    url = steered.mock.base_url.replace("http", "ws", 1) + "/responses"
    with connect(url, proxy=None) as client:
        client.send('{"type":"response.create","model":"gpt-5","input":"Weather?"}')
        while json.loads(client.recv(timeout=10))["type"] != "response.completed":
            pass
    view.wait("document.querySelectorAll('#list a').length === 2")
    view.evaluate("document.querySelectorAll('#list a')[1].click()")
    view.find("heading", "GET /v1/responses")
    view.wait(f"{PANEL}.innerText.includes('response.completed')")
    senders = f"[...{PANEL}.querySelectorAll('.role')].map((one) => one.innerText).join()"
    assert view.evaluate(senders) == "client,server"
    assert view.evaluate(
        f"{PANEL}.innerText.includes('response.output_text.delta × 4 It is sunny.')"
    )


def test_a_conversation(steered: Steered, view: PageView) -> None:
    steered.mock.reply(Reply("It is sunny.", tool_calls=[ToolCall("note", {"text": "sun"})]))
    picture = "data:image/png;base64," + "A" * 400
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "look", "arguments": '{"a":1}'},
    }
    send(
        steered,
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": picture}},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "blue sky"},
        ],
        temperature=0.5,
    )
    open_call(view, "What is this?")
    view.wait(f"{PANEL}.innerText.includes('It is sunny.')")
    text = view.evaluate(f"{PANEL}.innerText")
    parts = [
        "Be brief.",
        "What is this?",
        "image: image/png, 300 bytes",
        "look",
        "blue sky",
        "note",
    ]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "AAAA" not in text
    view.click("tab", "Request")
    view.wait(f"{PANEL}.innerText.includes('temperature')")
    assert "0.5" in view.evaluate(f"{PANEL}.innerText")


def test_the_timeline_and_the_events(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello, world", faults=[stall(after=3, seconds=0.4), reset(after=4), bom()])
    send(steered, [{"role": "user", "content": "Hi"}], stream=True)
    open_call(view, "Hi")
    view.wait("document.querySelectorAll('#call circle').length >= 2")
    (label,) = (name for name in view.names("image") if name.startswith("Timeline"))
    assert "4 events, 4 sent" in label
    assert "then reset" in label
    assert re.search(r"a gap of [34]\d\d ms", label)
    notes = view.evaluate("document.querySelector('#call .notes').innerText")
    assert "The connection was reset after 4 of 4 events" in notes
    assert "The body begins with a BOM. A parser that does not skip the BOM" in notes
    view.click("tab", "Events 4")
    view.wait(f"{PANEL}.querySelectorAll('.row').length === 4")
    assert "gap " in view.evaluate(f"{PANEL}.querySelectorAll('.row')[3].innerText")
    view.evaluate(f"{PANEL}.querySelector('.row button').click()")
    event = json.loads(view.read("region", "The event"))
    assert event["choices"][0]["delta"]["role"] == "assistant"
    view.evaluate(f"{PANEL}.querySelector('.row button').focus()")
    view.press("ArrowDown")
    event = json.loads(view.read("region", "The event"))
    assert event["choices"][0]["delta"]["content"] == "Hello"


def test_where_a_client_left(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello, world", faults=[stall(after=3)])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with pytest.raises(httpx.ReadTimeout):
        steered.http.post("/v1/chat/completions", json=body, timeout=0.3)
    open_call(view, "Hi")
    view.wait("document.querySelector('#call .notes').innerText.includes('The client left after')")
    assert "client left" in view.evaluate("document.querySelector('#call figure').textContent")


def test_what_models_say_is_text(steered: Steered, view: PageView) -> None:
    """In a question, an answer, an event, a rule, a fault, a problem and a header."""
    nasty = (
        "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    )
    steered.mock.on(user=nasty).reply(Reply(nasty, tool_calls=[ToolCall(nasty, {"a": nasty})]))
    send(steered, [{"role": "user", "content": nasty}], stream=True)
    open_call(view, nasty)
    view.wait(f"{PANEL}.innerText.split({json.dumps(nasty)}).length > 3")
    view.click("tab", "Request")
    view.find("region", "Parameters")
    view.click("tab", view.evaluate("document.getElementById('tab-events').textContent"))
    view.wait(f"{PANEL}.querySelector('.row')")
    view.wait("document.getElementById('rules').innerText.includes('hacked')")
    send(steered, [{"role": "user", "content": nasty + "!"}])
    open_call(view, nasty + "!")
    view.wait("document.getElementById('miss').innerText.includes('No rule answered')")
    assert view.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert view.evaluate("document.title") == "Call 2 · openai-mockserver"


def test_the_address_names_the_call_and_back_works(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    steered.ask("first")
    steered.ask("second")
    view.wait("document.querySelectorAll('#list a').length === 2")
    view.evaluate("document.querySelector('#list a').click()")
    view.find("heading", "second")
    view.evaluate("document.querySelectorAll('#list a')[1].click()")
    view.find("heading", "first")
    view.evaluate("history.back()")
    view.find("heading", "second")
    view.evaluate("history.back()")
    view.wait("document.getElementById('call').hidden")
    view.open(f"{steered.url}/_mock/#call/1")
    view.find("heading", "first")
    view.open(f"{steered.url}/#call/99")
    view.wait("document.getElementById('call').innerText.includes('has no call 99')")


def test_what_is_copied_is_what_the_server_writes(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    steered.ask("Hi", stream=True)
    open_call(view, "Hi")
    view.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: {"
        " writeText: async (text) => { document.body.dataset.copied = text; } } })"
    )
    for name, kind in (
        ("curl", "curl"),
        ("pytest test", "test"),
        ("Scenario rule", "rule"),
        ("Stream file", "response"),
    ):
        view.click("button", name)
        written = steered.http.get(f"/_mock/calls/1/{kind}").text
        view.wait(f"document.body.dataset.copied === {json.dumps(written)}")
