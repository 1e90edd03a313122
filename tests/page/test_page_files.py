"""How the page is served: its paths, access control, media types and content policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import httpx
import pytest

from openai_mockserver import MockOpenAI
from steered import Steered

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
STATIC = files("openai_mockserver.page").joinpath("static")
TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.mark.parametrize("path", ["/", "/_mock", "/_mock/"])
def test_where_it_is(steered: Steered, path: str) -> None:
    response = steered.http.get(path, headers=HTML)
    assert response.status_code == 200
    assert response.content == STATIC.joinpath("index.html").read_bytes()
    assert steered.http.head(path, headers=HTML).content == b""
    assert len(steered.mock.calls) == 0


def test_a_sandbox_has_it_too(steered: Steered) -> None:
    steered.http.post("/_mock/sandboxes", json={"id": "w1"})
    assert "<title>" in steered.http.get("/s/w1/_mock/", headers=HTML).text


def test_clients_other_than_browsers_still_get_the_error_of_openai(steered: Steered) -> None:
    for method, headers in (("GET", {}), ("POST", HTML), ("OPTIONS", HTML)):
        response = steered.http.request(method, "/", headers=headers)
        assert response.status_code == 404
        assert response.json()["error"]["message"] == f"Invalid URL ({method} /)"
    assert len(steered.mock.calls) == 3


@pytest.mark.parametrize("file", [file.name for file in STATIC.iterdir()])
def test_each_file_has_its_type_and_the_policy(steered: Steered, file: str) -> None:
    response = steered.http.get(f"/_mock/page/{file}")
    assert response.content == STATIC.joinpath(file).read_bytes()
    assert response.headers["content-type"].partition(";")[0] == TYPES[file.rpartition(".")[2]]
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_there_are_no_other_files(steered: Steered) -> None:
    for name in ("x.js", "..%2ffiles.py", "%2e%2e", "static"):
        assert steered.http.get(f"/_mock/page/{name}").status_code == 404


def test_nothing_of_it_needs_what_the_policy_forbids() -> None:
    """No script or style in HTML, no parsing of HTML, and no address of another host."""
    for file in STATIC.iterdir():
        text = file.read_text()
        assert not re.search(r"<style|\sstyle=|<script(?! type=.module. src=)|\son\w+=", text)
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        urls = set(re.findall(r"https?://[^\s\"'`<]+", text))
        assert urls <= {"https://api.openai.com/v1", "http://www.w3.org/2000/svg"}, file.name
        assert len(text.splitlines()) <= 300, file.name


@pytest.fixture
def guarded() -> Iterator[str]:
    """The URL of a server with a control token."""
    with MockOpenAI(control=True, control_token="secret") as mock:
        yield mock.base_url.removesuffix("/v1")


def test_the_page_needs_no_token_but_what_it_shows_does(guarded: str) -> None:
    with httpx.Client(base_url=guarded, trust_env=False) as http:
        assert http.get("/", headers=HTML).status_code == 200
        assert http.get("/_mock/page/main.js").status_code == 200
        assert http.get("/_mock/calls").status_code == 401


def test_without_control_it_is_not_there() -> None:
    with MockOpenAI(fail_on_unmatched=False) as mock:
        url = mock.base_url.removesuffix("/v1")
        with httpx.Client(base_url=url, trust_env=False, headers=HTML) as http:
            for path in ("/", "/_mock/", "/_mock/page/main.js"):
                assert http.get(path).json()["error"]["message"] == f"Invalid URL (GET {path})"


def test_foreign_hosts_do_not_get_it(steered: Steered) -> None:
    response = steered.http.get("/", headers={**HTML, "host": "evil.example"})
    assert response.status_code == 403
