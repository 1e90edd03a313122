"""Applications that relay, and gateways: started by the check, or already running."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge import Address, Report, check_consumer, select_cases
from openai_mockserver.judge.application import start_application
from openai_mockserver.judge.gateway import gateway_cases, grade_gateway, open_gateway
from openai_mockserver.judge.relay import open_relay, read_template

pytestmark = pytest.mark.slow

APPLICATIONS = Path(__file__).with_name("applications.py")
pytest.importorskip("httpx")


@contextmanager
def start(kind: str) -> Iterator[tuple[str, Address]]:
    """Start an application of this kind; yield its URL and the address that it asks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(APPLICATIONS), kind, str(port)]
    url = f"http://127.0.0.1:{port}/v1"
    with start_application(command, url, Address()) as address:
        yield url, address


def check_relay(kind: str, names: Sequence[str], **options: Any) -> dict[str, str]:
    with start(kind) as (url, address):
        report = check_consumer(
            kind,
            partial(open_relay, f"{url}/chat/completions", 5.0, **options),
            select_cases(names=names, reads=["recorded"]),
            address=address,
        )
    return list_grades(report)


def list_grades(report: Report) -> dict[str, str]:
    return {str(result.case): str(result.grade) for result in report.results}


def test_an_application_that_passes_events_on_is_right() -> None:
    grades = check_relay("pass_on", ["unicode", "tool-calls-parallel", "error-mid-stream", "reset"])
    assert set(grades.values()) == {"pass"}, grades


def test_an_application_that_hides_a_broken_answer_is_found() -> None:
    grades = check_relay("buffer", ["text", "reset"])
    assert grades == {"text": "pass", "reset": "silent"}


def test_an_application_of_another_form_is_asked_and_read_by_template_and_path() -> None:
    template = {"question": "{{prompt}}", "keep": [1, "{{model}}"]}
    names = ["text", "unicode", "error-mid-stream", "azure-filter-annotation-after-finish"]
    grades = check_relay("chat", names, template=template, text_path="delta.text")
    assert grades == {
        "text": "pass",
        "unicode": "crash",  # httpx's lines also end at U+2028
        "error-mid-stream": "silent",  # it ignores the error
        "azure-filter-annotation-after-finish": "crash",  # a choice without a delta
    }


def test_plain_text_is_the_text() -> None:
    assert check_relay("plain", ["unicode"]) == {"unicode": "pass"}


def check_gateway(kind: str, names: Sequence[str]) -> dict[str, str]:
    with start(kind) as (url, address):
        report = check_consumer(
            kind,
            partial(open_gateway, url, 5.0),
            gateway_cases(select_cases(names=names, reads=["recorded"])),
            address=address,
            grade=grade_gateway,
        )
    return list_grades(report)


def test_a_gateway_that_passes_everything_on_is_right() -> None:
    grades = check_gateway(
        "pass_on", ["unicode", "tool-calls-parallel", "reset", "think-tag-never-closed"]
    )
    assert set(grades.values()) == {"pass"}, grades
    assert len(grades) == 6


def test_a_gateway_that_buffers_is_found() -> None:
    grades = check_gateway("buffer", ["text", "reset"])
    assert grades == {
        "text": "pass",
        "reset": "silent",
        "gateway-passes-events-on": "lossy",
        "gateway-passes-disconnect-on": "wrong",
    }


def test_an_application_that_ends_at_once_is_an_error() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(CheckError, match="the application ended with exit code 3"):
        with start_application(command, "http://127.0.0.1:9/", Address()):
            pytest.fail("it was started")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://localhost/", "http://"])
def test_a_url_must_be_one_of_http(url: str) -> None:
    with pytest.raises(CheckError, match="is not a URL that begins with http"):
        with open_relay(url, 1.0):
            pytest.fail("it was opened")


def test_a_template_that_is_not_json_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text("{")
    with pytest.raises(CheckError, match=r"template\.json is not JSON: .*line 1"):
        read_template(file)
    with pytest.raises(CheckError, match=r"cannot read .*: No such file"):
        read_template(tmp_path / "none.json")
