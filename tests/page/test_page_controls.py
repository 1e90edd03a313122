"""The controls of the page in real Chromium: what is chosen there reaches the next call."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pytest

from chromium import needs_chromium
from openai_mockserver import MockOpenAI, contains
from openai_mockserver.engine import Engine, Limits
from openai_mockserver.faults import truncate
from page_view import PageView
from steered import Steered

pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def choose(view: PageView, kind: str) -> None:
    view.click("radio", kind)


def add_fault(view: PageView, name: str) -> None:
    view.wait(f"document.querySelector('[name=fault] option[value={name}]')")
    view.fill("combobox", "Add a fault", name)


def answer_next(view: PageView, name: str = "Answer next request") -> None:
    view.click("button", name)
    said = "gets this reply" if "next" in name else "get this reply"
    view.wait(f"document.querySelector('#next .message').innerText.includes('{said}')")


def test_a_fault_reaches_the_next_call(steered: Steered, view: PageView) -> None:
    view.fill("textbox", "Text of the reply", "Hello, world")
    add_fault(view, "truncate")
    view.fill("textbox", "after of truncate", "2")
    answer_next(view)
    with pytest.raises(httpx.RemoteProtocolError):
        steered.http.post("/v1/chat/completions", json=BODY)
    (call,) = steered.mock.calls
    assert repr(call.faults) == "(truncate(after=2),)"
    assert call.delivered.events == 2
    assert steered.http.post("/v1/chat/completions", json=BODY).status_code == 400
    view.wait("document.querySelectorAll('#list a')[1]?.innerText.includes('truncate(after=2)')")


def test_a_mistake_is_shown_and_changes_nothing(steered: Steered, view: PageView) -> None:
    add_fault(view, "truncate")
    view.fill("textbox", "after of truncate", "many")
    view.click("button", "Answer next request")
    view.wait("document.querySelector('#next .message.bad')")
    message = view.evaluate("document.querySelector('#next .message').innerText")
    assert message.startswith("faults[0].truncate")
    assert len(steered.mock.rules) == 0
    view.click("button", "Remove truncate")
    answer_next(view)
    assert steered.mock.rules[0].answers[0].faults == ()


def test_errors_and_ready_made_streams(steered: Steered, view: PageView) -> None:
    choose(view, "Error")
    view.fill("spinbutton", "Status", "503")
    answer_next(view, "Answer all")
    assert steered.http.post("/v1/chat/completions", json=BODY).status_code == 503
    choose(view, "Ready-made")
    view.fill("searchbox", "Filter the streams", "tool-calls parallel")
    view.wait("document.querySelector('[name=stream]').options.length === 2")
    view.fill("listbox", "Ready-made stream", "tool-calls-parallel")
    answer_next(view)
    answer = steered.http.post("/v1/chat/completions", json=BODY)
    assert '"tool_calls"' in answer.text
    view.fill("searchbox", "Filter the streams", "no such stream")
    view.wait("document.getElementById('stream-about').innerText === 'No stream matches.'")


def test_a_rule_for_some_questions(steered: Steered, view: PageView) -> None:
    view.fill("textbox", "Text of the reply", "Sunny")
    view.fill("textbox", "Only for a user message that contains", "weather")
    answer_next(view, "Answer all")
    assert steered.ask("the weather in Paris") == "Sunny"
    view.wait("document.getElementById('rules').innerText.includes('answered 1 request')")
    view.click("button", "Delete rule 1")
    view.wait("document.getElementById('rules').innerText.includes('No rules')")
    assert len(steered.mock.rules) == 0


def test_near_misses(steered: Steered, view: PageView) -> None:
    steered.mock.on(user=contains("weather")).reply("Sunny")
    steered.mock.on(model="o3").reply("Deep")
    steered.http.post("/v1/chat/completions", json=BODY)
    view.wait("document.getElementById('miss').innerText.includes('No rule answered call #1')")
    assert "not #1: user is 'Hi', not contains('weather')" in view.read("listitem", "Rule 1")
    assert "not #1: model is 'gpt-4o', not 'o3'" in view.read("listitem", "Rule 2")


def test_settings(steered: Steered, view: PageView) -> None:
    view.wait("document.querySelector('[name=dialect]').options.length > 5")
    view.fill("combobox", "Pace", "groq-70b")
    view.fill("combobox", "Dialect", "groq")
    view.wait("document.querySelector('[name=dialect]').value === 'groq'")
    settings = steered.http.get("/_mock/settings").json()
    assert (settings["pace"], settings["dialect"]) == ("groq-70b", "groq")
    add_fault(view, "drop_done")
    view.click("button", "Put the chosen faults into every reply")
    view.wait("document.getElementById('shared-faults').innerText.includes('drop_done')")
    assert steered.http.get("/_mock/settings").json()["faults"] == ["drop_done"]
    view.click("button", "Remove drop_done from every reply")
    view.wait("document.getElementById('shared-faults').innerText === ''")
    assert steered.http.get("/_mock/settings").json()["faults"] == []


def test_capacity(steered: Steered, view: PageView) -> None:
    view.wait("document.querySelector('[name=engine]').options.length > 4")
    assert "Slots" not in view.read("form", "Capacity")
    view.fill("combobox", "Engine", "h100-8b")
    view.wait("document.getElementById('engine').innerText.includes('0 of 256')")
    assert steered.http.get("/_mock/engine").json()["engine"] == "h100-8b"
    steered.mock.engine = Engine(slots=4, queue=2, decode=(10, 0), limits=Limits(rpm=2))
    steered.mock.reply("word " * 100)
    with suppress(httpx.ReadTimeout):
        steered.http.post("/v1/chat/completions", json={**BODY, "stream": False}, timeout=0.1)
    with steered.http.stream("POST", "/v1/chat/completions", json=BODY):
        view.wait("document.getElementById('engine').innerText.includes('1 of 4')")
        view.wait("document.getElementById('engine').innerText.includes('1 · 10.0 s a token')")
    view.wait("document.getElementById('engine').innerText.includes('2 of 2 · gpt-4o · reset')")
    view.wait("document.querySelector('#engine .gauge.warn')")
    view.wait("document.getElementById('engine').innerText.includes('0 of 4')")
    view.fill("combobox", "Engine", "")
    view.wait("document.getElementById('engine').hidden")
    assert steered.mock.engine is None


def test_reset(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    steered.ask()
    view.wait("document.querySelectorAll('#list a').length === 1")
    view.click("button", "Clear the calls")
    view.find("heading", "No call yet")
    assert len(steered.mock.rules) == 1
    view.click("button", "Reset")
    view.wait("document.getElementById('rules').innerText.includes('No rules')")


def test_record_and_replay(steered: Steered, view: PageView) -> None:
    with MockOpenAI(fail_on_unmatched=False) as upstream:
        upstream.reply("Recorded")
        view.fill("textbox", "Upstream", upstream.base_url)
        view.click("button", "Start recording")
        view.find("button", "Stop recording")
        assert "Recorded" in steered.http.post("/v1/chat/completions", json=BODY).text
        view.wait("document.querySelector('#recordings button')")
        view.click("button", "Stop recording")
        view.find("button", "Start recording")
    view.evaluate("document.querySelector('#recordings button').click()")
    view.wait("document.querySelector('#record .message').innerText.includes('All requests get')")
    assert "Recorded" in steered.http.post("/v1/chat/completions", json=BODY).text
    assert steered.mock.rules[0].use_count == 1


def test_on_a_phone_the_controls_are_a_drawer(steered: Steered, view: PageView) -> None:
    view.resize(390, 844)
    assert "Next reply" not in view.names("heading")
    view.click("button", "Controls")
    view.find("heading", "Next reply")
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not view.evaluate(wide)
    view.click("button", "Controls")
    assert "Next reply" not in view.names("heading")
    steered.mock.reply("Hello " * 50)
    steered.ask("a question " * 20, stream=True)
    view.wait("document.querySelector('#list a')")
    view.evaluate("document.querySelector('#list a').click()")
    view.wait("document.querySelector('#panel .answer')")
    assert not view.evaluate(wide)


def test_a_sandbox_has_its_own_page(steered: Steered, view: PageView) -> None:
    steered.http.post("/_mock/sandboxes", json={"id": "w1"})
    view.open(f"{steered.url}/s/w1/_mock/")
    assert view.evaluate("document.getElementById('base-url').innerText").endswith("/s/w1/v1")
    view.fill("textbox", "Text of the reply", "in the sandbox")
    answer_next(view, "Answer all")
    assert steered.ask(sandbox="/s/w1") == "in the sandbox"
    view.wait("document.querySelectorAll('#list a').length === 1")
    assert len(steered.mock.rules) == len(steered.mock.calls) == 0


def test_the_theme(view: PageView) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = view.evaluate(background)
    view.click("button", "Dark theme")
    dark = view.evaluate(background)
    assert dark != light
    view.click("button", "Dark theme")
    assert view.evaluate(background) == light


def test_everything_has_a_name(steered: Steered, view: PageView) -> None:
    steered.mock.reply("Hello")
    steered.ask("Hi", stream=True)
    view.wait("document.querySelector('#list a')")
    view.evaluate("document.querySelector('#list a').click()")
    view.wait("document.querySelector('#panel .answer')")
    for role in ("button", "textbox", "searchbox", "combobox", "tab", "link", "radio", "dialog"):
        names = view.names(role)
        assert all(names), role
    for role, name in (
        ("main", ""),
        ("banner", ""),
        ("complementary", "Controls"),
        ("region", "Calls"),
        ("article", "Call"),
    ):
        assert name in view.names(role), role


CONTRAST = """
    (() => {
        const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
            .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
        const ground = (element) => {
            for (let one = element; one; one = one.parentElement) {
                const color = parse(getComputedStyle(one).backgroundColor);
                if (color.length === 3) return color;
            }
            return [255, 255, 255];
        };
        const low = [];
        for (const element of document.querySelectorAll("body *")) {
            const texts = [...element.childNodes].filter((one) => one.nodeType === 3);
            if (!texts.some((one) => one.data.trim()) || !element.checkVisibility()) continue;
            const style = getComputedStyle(element);
            const color = element.matches("svg *") ? style.fill : style.color;
            const [a, b] = [light(parse(color)), light(ground(element))].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < 4.5) low.push(`${element.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
        }
        return low.join("; ");
    })()
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(steered: Steered, view: PageView, theme: str) -> None:
    """WCAG 2.2, 1.4.3: text has a contrast of 4.5 to 1."""
    if theme == "dark":
        view.click("button", "Dark theme")
    steered.mock.on(user="Hi").reply("Hello, world", faults=[truncate(after=2)])
    steered.mock.engine = Engine(slots=4, cache_blocks=8, limits=Limits(rpm=9))
    add_fault(view, "reset")
    for question in ("Ho", "Hi"):
        with suppress(httpx.HTTPError):
            body = {**BODY, "messages": [{"role": "user", "content": question}]}
            steered.http.post("/v1/chat/completions", json=body)
    view.wait("document.querySelectorAll('#list a').length === 2")
    view.wait("document.getElementById('miss').innerText.includes('No rule')")
    view.evaluate("document.querySelector('#list a').click()")
    view.wait("document.querySelector('#panel .answer')")
    for tab in ("Conversation", "Events 2", "Request"):
        view.click("tab", tab)
        assert view.evaluate(CONTRAST) == "", tab
