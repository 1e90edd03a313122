"""Real Chromium: pages show a relayed answer as it arrives, and foreign pages are refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from chromium import Chromium, Page, needs_chromium
from openai_mockserver import MockOpenAI
from openai_mockserver.faults import stall, truncate

BROWSER = Path(__file__).parents[2] / "examples" / "browser"
REACT = BROWSER / "react"
pytestmark = [pytest.mark.slow, pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    page = Page(chromium)
    yield page
    page.close()


@pytest.fixture(params=["fetch.html", "eventsource.html", "react/build/index.html"])
def path(request: pytest.FixtureRequest) -> str:
    """The path of a page that shows the relayed answer."""
    path: str = request.param
    if path.startswith("react/"):
        build_react()
    return path


def build_react() -> None:
    if not (REACT / "node_modules").is_dir():
        pytest.skip("examples/browser/react/node_modules is missing: run scripts/install")
    bundle = REACT / "build" / "main.js"
    sources = [*REACT.glob("*.ts*"), *REACT.glob("*.html"), *REACT.glob("package*.json")]
    newest = max(source.stat().st_mtime for source in sources)
    if not bundle.exists() or bundle.stat().st_mtime < newest:
        subprocess.run(["npm", "run", "build"], cwd=REACT, check=True, capture_output=True)


def test_whole_answer(mock_openai: MockOpenAI, relay: str, page: Page, path: str) -> None:
    mock_openai.reply("Hello,\n<b>world</b>")
    page.open(f"{relay}/{path}?{urlencode({'question': 'Who is there?'})}")
    page.wait_for("#status", "done")
    assert page.text("#answer") == "Hello,\n<b>world</b>"
    assert [call.messages for call in mock_openai.calls] == [
        [{"role": "user", "content": "Who is there?"}]
    ]


def test_the_first_part_is_shown_before_the_rest_arrives(
    mock_openai: MockOpenAI, relay: str, page: Page, path: str
) -> None:
    mock_openai.reply("Hello, world", faults=[stall(after=3)])  # the rest never arrives
    page.open(f"{relay}/{path}")
    page.wait_for("#answer", "Hello,")
    assert page.text("#status") == "streaming"


def test_broken_answer(mock_openai: MockOpenAI, relay: str, page: Page, path: str) -> None:
    mock_openai.reply("Hello, world", faults=[truncate(after=3)])
    page.open(f"{relay}/{path}")
    page.wait_for("#status", "failed: Connection error.")
    assert page.text("#answer") == "Hello,"


# Foreign pages


@pytest.fixture
def pages() -> Iterator[int]:
    """The port of a server with pages of any origin that resolves to this machine."""
    with MockOpenAI(allow_hosts=["evil.example"]) as mock:
        yield int(mock.start().url.rpartition(":")[2])


BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})


def ask(page: Page, base_url: str, options: str) -> str:
    """Return what a page reads when it requests a chat completion, or the name of its exception."""
    read: str = page.evaluate(f"""
        fetch({base_url + "/chat/completions"!r}, {{ body: {json.dumps(BODY)}, {options} }})
            .then((answer) => answer.text(), (error) => error.name)
    """)
    return read


PLAIN = 'method: "POST", headers: {"content-type": "text/plain"}'
JSON = '"content-type": "application/json"'
WITH_KEY = f'method: "POST", headers: {{ {JSON}, authorization: "Bearer k" }}'


@pytest.mark.parametrize("options", [PLAIN, WITH_KEY, f'{PLAIN}, mode: "no-cors"'])
def test_a_foreign_page_reaches_neither_mock_nor_upstream(
    mock_openai: MockOpenAI, page: Page, pages: int, options: str, tmp_path: Path
) -> None:
    mock_openai.reply("Hello")
    mock_openai.fail_on_unmatched = False
    page.open(f"http://evil.example:{pages}/")
    assert "Hello" not in ask(page, mock_openai.base_url, options)
    assert [call.status for call in mock_openai.calls] == [403]
    upstream = mock_openai.base_url
    with MockOpenAI(upstream=upstream, record=tmp_path) as recorder:
        assert "Hello" not in ask(page, recorder.base_url, options)
        assert [call.status for call in recorder.calls] == [403]
    assert len(mock_openai.calls) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_name_for_this_machine_reaches_no_upstream(
    mock_openai: MockOpenAI, page: Page, tmp_path: Path
) -> None:
    """DNS rebinding: for the browser, the page and the recorder have the same origin."""
    with MockOpenAI(upstream=mock_openai.base_url, record=tmp_path) as recorder:
        rebound = recorder.base_url.replace("127.0.0.1", "evil.example")
        page.open(f"{rebound}/models")
        assert "the host 'evil.example:" in page.text("body")
        assert "is not allowed" in ask(page, rebound, WITH_KEY)
    assert len(mock_openai.calls) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_image_of_a_foreign_page_reaches_no_upstream(
    mock_openai: MockOpenAI, page: Page, pages: int, tmp_path: Path
) -> None:
    """It is requested without an Origin header."""
    with MockOpenAI(upstream=mock_openai.base_url, record=tmp_path) as recorder:
        page.open(f"http://evil.example:{pages}/")
        result = page.evaluate(f"""
            new Promise((resolve) => {{
                const image = new Image();
                image.onload = () => resolve("loaded");
                image.onerror = () => resolve("failed");
                image.src = {recorder.base_url + "/models"!r};
            }})
        """)
        assert result == "failed"
        assert [call.status for call in recorder.calls] == [403]
    assert len(mock_openai.calls) == 0


@pytest.mark.parametrize("options", [PLAIN, WITH_KEY])
def test_pages_of_this_machine_and_allowed_ones_read_the_answer(
    mock_openai: MockOpenAI, page: Page, pages: int, options: str, tmp_path: Path
) -> None:
    mock_openai.reply("Hello")
    page.open(f"http://127.0.0.1:{pages}/")
    assert "Hello" in ask(page, mock_openai.base_url, options)
    with MockOpenAI(upstream=mock_openai.base_url, record=tmp_path) as recorder:
        assert "Hello" in ask(page, recorder.base_url, options)
    page.open(f"http://evil.example:{pages}/")
    with MockOpenAI(allow_origins=[f"http://evil.example:{pages}"]) as open_mock:
        open_mock.reply("Hello, page")
        assert "Hello, page" in ask(page, open_mock.base_url, options)
