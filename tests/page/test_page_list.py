"""The list of calls in real Chromium."""

from __future__ import annotations

from functools import partial

import httpx
import pytest

from chromium import needs_chromium
from openai_mockserver import ApiError, MockOpenAI
from openai_mockserver.faults import stall
from page_view import PageView
from steered import Steered

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
ROW = "document.querySelector('#list a')"


def rows(view: PageView) -> list[str]:
    """Return the questions in the rows, newest first."""
    text: str = view.evaluate(
        "[...document.querySelectorAll('#list .question')].map((e) => e.textContent).join('\\n')"
    )
    return text.split("\n") if text else []


def test_an_empty_page_says_what_to_do_and_becomes_alive(steered: Steered, view: PageView) -> None:
    view.find("heading", "No call yet")
    first = view.read("region", "A first call to try")
    assert f"{steered.mock.base_url}/chat/completions" in first
    steered.mock.reply("Hello")
    view.click("button", "Send a call")
    view.wait(f"{ROW}?.innerText.includes('stop')")
    assert "Tell me a story" in rows(view)[0]
    assert "No call yet" not in view.names("heading")


def test_a_call_appears_while_it_runs(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello, world", faults=[stall(after=2, seconds=60)])
    view.find("button", "Send a call")
    view.click("button", "Send a call")
    view.wait(f"{ROW}?.innerText.includes('2 of 6')")
    assert view.wait(f"{ROW}.innerText.match(/silent (\\d+\\.\\d) s/)?.[1]")
    grown = f"parseFloat({ROW}.innerText.match(/silent (\\d+\\.\\d) s/)?.[1]) > 2"
    assert view.wait(grown)


def test_what_a_row_says(steered: Steered, view: PageView) -> None:
    steered.mock.reply(ApiError(429))
    with pytest.raises(Exception, match="429"):
        steered.ask("Slow down")
    steered.mock.rules.clear()
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask("Nobody answers this")
    view.wait("document.querySelectorAll('#list a').length === 2")
    unmatched, refused = view.evaluate(
        "[...document.querySelectorAll('#list a')].map((e) => e.innerText.replace(/\\s+/g, ' '))"
        ".join('|')"
    ).split("|")
    assert "no rule" in unmatched
    assert "gpt-4o" in unmatched
    assert "429" in refused
    assert "rule 1" in refused


def test_filter(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    for text in ("one fish", "two fish", "red bird"):
        steered.ask(text)
    view.wait("document.querySelectorAll('#list a').length === 3")
    view.fill("searchbox", "Filter the calls", "fish TWO")
    view.wait("document.querySelectorAll('#list a').length === 1")
    assert rows(view) == ["two fish"]
    view.fill("searchbox", "Filter the calls", "nothing like it")
    view.wait("document.body.innerText.includes('No call matches')")
    view.fill("searchbox", "Filter the calls", "")
    view.wait("document.querySelectorAll('#list a').length === 3")


def test_keys(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    for text in ("first", "second", "third"):
        steered.ask(text)
    view.wait("document.querySelectorAll('#list a').length === 3")
    focused = "document.activeElement.querySelector('.question')?.textContent"
    for key, question in (("j", "third"), ("j", "second"), ("ArrowDown", "first"), ("k", "second")):
        view.press(key)
        assert view.evaluate(focused) == question
    view.press("Enter")
    view.wait("location.hash === '#call/2'")
    view.press("ArrowUp")
    view.wait("location.hash === '#call/3'")
    view.press("Escape")
    view.wait("location.hash === ''")
    assert view.evaluate(focused) == "third"
    view.press("/")
    assert view.evaluate("document.activeElement.id") == "filter"
    view.press("Escape")
    view.press("?")
    assert "Keys" in view.names("dialog")
    view.press("Escape")
    assert "Keys" not in view.names("dialog")


def test_many_calls_are_few_elements(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for _ in range(400):
        steered.http.post("/v1/chat/completions", json=body)
    view.wait("document.querySelector('#list a')?.hash === '#call/400'")
    view.evaluate("document.getElementById('list').scrollTop = 1e9")
    view.wait("document.querySelector('#list a[href=\"#call/1\"]')")
    assert view.evaluate("document.querySelectorAll('#list a').length") < 60


@pytest.mark.slow
def test_ten_thousand_calls(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    url = "http://mock/v1/chat/completions"
    with httpx.Client(transport=steered.mock.transport()) as http:
        for number in range(10_000):
            messages = [{"role": "user", "content": f"number {number}"}]
            http.post(url, json={"model": "m", "messages": messages})
    view.open(f"{steered.url}/_mock/")
    view.wait("document.getElementById('counts').innerText.includes('10,000')")
    view.evaluate("document.getElementById('list').scrollTop = 200_000")
    view.wait("document.querySelector('#list a')?.hash !== '#call/10000'")
    assert view.evaluate("document.querySelectorAll('#list a').length") < 60
    view.fill("searchbox", "Filter the calls", "number 7777")
    view.wait("document.querySelectorAll('#list a').length === 2")


@pytest.fixture
def port() -> int:
    with MockOpenAI() as mock:
        return int(mock.start().url.rpartition(":")[2])


def test_a_cut_connection_leaves_no_gap_and_no_double(chromium_page: PageView, port: int) -> None:
    view = chromium_page
    with MockOpenAI(control=True, port=port) as mock:
        mock.reply("Hello")
        client = mock.client()  # needs no connection
        ask = partial(client.chat.completions.create, model="m")
        ask(messages=[{"role": "user", "content": "before"}])
        view.open(f"http://127.0.0.1:{port}/")
        view.wait("document.querySelectorAll('#list a').length === 1")
        mock.stop()
        view.wait("document.getElementById('banner').innerText.includes('does not answer')")
        for number in range(3):
            ask(messages=[{"role": "user", "content": f"meanwhile {number}"}])
        mock.start()
        view.wait("document.querySelectorAll('#list a').length === 4")
        assert rows(view) == ["meanwhile 2", "meanwhile 1", "meanwhile 0", "before"]
        view.wait("document.getElementById('banner').hidden")


def test_another_server_at_the_same_address(chromium_page: PageView, port: int) -> None:
    view = chromium_page
    with MockOpenAI(control=True, port=port) as mock:
        mock.reply("Hello")
        Steered(mock).ask("to the first server")
        view.open(f"http://127.0.0.1:{port}/")
        view.wait("document.querySelectorAll('#list a').length === 1")
    view.wait("!document.getElementById('banner').hidden")
    with MockOpenAI(control=True, port=port) as mock:
        mock.reply("Hello")
        Steered(mock).ask("to the second server")
        view.wait(f"{ROW}?.innerText.includes('to the second server')")
        assert rows(view) == ["to the second server"]


def test_the_token_is_asked_for_once(chromium_page: PageView) -> None:
    view = chromium_page
    with MockOpenAI(control=True, control_token="right") as mock:
        mock.reply("Hello")
        Steered(mock).ask("secret question")
        url = mock.base_url.removesuffix("/v1")
        view.open(f"{url}/")
        view.find("dialog", "Control token")
        assert "secret question" not in view.evaluate("document.body.innerText")
        view.fill("textbox", "Token", "wrong")
        view.click("button", "Continue")
        view.wait("document.body.innerText.includes('refused this token')")
        view.fill("textbox", "Token", "right")
        view.click("button", "Continue")
        view.wait(f"{ROW}?.innerText.includes('secret question')")
        view.open(f"{url}/_mock/")
        view.wait(f"{ROW}?.innerText.includes('secret question')")
        assert "Control token" not in view.names("dialog")
