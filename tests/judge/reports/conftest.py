"""Reports for the tests of their formats, made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openai_mockserver import Event, Head, Pause, Raw, Reply, Script, stream
from openai_mockserver.catalogue import Requests, Requirement, Stream
from openai_mockserver.judge import (
    HANG,
    Case,
    Counts,
    Mistake,
    Outcome,
    RaisedError,
    Report,
    ReportedCall,
    Result,
    SentRequest,
)

ODD = (
    "</script><script>window.hacked = 1</script>\u2028\x00\x1b\udc80|`*_@octocat_*`\n<b>&lt;\ufffe"
)
"""What could break out of a format, or be forbidden in it."""

SENT = (SentRequest(0.0, {}),)
OPTIONAL = Requirement("MAY", "Join them.", "seen at one provider")


def make_stream(name: str, *steps: Event | Raw | Pause, **options: object) -> Stream:
    base = Stream(
        Script(steps=steps),
        Reply("Hello", finish_reason="stop"),
        name=name,
        family="odd",
        description=f"About {ODD}",
        request={"model": "gpt-4o", "user": ODD},
    )
    return replace(base, **options)  # type: ignore[arg-type]


ODD_STREAM = make_stream(
    "odd",
    Event(f'{{"a": "{ODD}"}}'.replace("\udc80", "\xff")),
    Raw(b"data: \xff\xe2\x82\r\n\r\n"),
    Pause(0.5),
    Raw(b"data: [DONE]\n\n"),
    citations=("javascript:alert(1)", "https://example.com/1"),
    requirement=OPTIONAL,
)
RETRIED = make_stream(
    "retried",
    Event("[DONE]"),
    earlier=(Script(Head(429, (("Retry-After", "1"),)), (Raw(b"{}"),)),),
    requests=Requests(2, 2, gaps=(1.0,)),
    requirement=Requirement("MUST", "Wait as long as the server asks for.", "RFC 9110, 10.2.3"),
)
LONG = make_stream(
    "long-one", Raw(b"a" * 3000), Raw(b"b" * 3000), Raw(b"c" * 9000), Raw(b"d" * 30, events=0)
)


def make_results() -> tuple[Result, ...]:
    """Return a result of each grade, of streams of all kinds."""
    error = RaisedError("ValueError", ODD)
    calls = [ReportedCall("get_weather", '{"city": "Paris"}'), ReportedCall("f", "not JSON")]
    return (
        Result(Case(stream("text")), Outcome(text="Hello"), (), SENT, 0.25),
        Result(
            Case(stream("responses-keepalive-event")),
            Outcome(unsupported="no Responses API"),
            (Mistake("unsupported", "no Responses API"),),
        ),
        Result(
            Case(stream("usage")),
            Outcome(usage=Counts(9)),
            (Mistake("lossy", "usage is 9 + None tokens, not 9 + 3 tokens"),),
            SENT,
        ),
        Result(
            Case(stream("unicode"), "utf8"),
            Outcome(text=ODD, finish_reason=None),
            (Mistake("wrong", f"text is {ODD}"), Mistake("lossy", "finish_reason is None")),
            SENT,
            1.5,
        ),
        Result(
            Case(stream("reset")),
            Outcome(text="", tool_calls=calls),
            (Mistake("silent", "raises nothing"),),
            (SentRequest(0.0, {}, left=0.75),),
        ),
        Result(Case(LONG), Outcome(error=error), (Mistake("crash", f"raises {ODD}"),), SENT),
        Result(
            Case(RETRIED),
            Outcome(error=RaisedError(HANG, "nothing came for 10 s")),
            (Mistake("hang", "Hang: nothing came for 10 s"),),
            (SentRequest(0.0, {}), SentRequest(1.04, {})),
            10.0,
        ),
        Result(Case(ODD_STREAM), Outcome(text="Bye"), (Mistake("wrong", "text is 'Bye'"),), SENT),
    )


@pytest.fixture
def results() -> tuple[Result, ...]:
    """A result of each grade; the last one breaks only a MAY."""
    return make_results()


@pytest.fixture
def report(results: tuple[Result, ...]) -> Report:
    """A report without a baseline."""
    return Report(f"my app {ODD}", results, 12.5, "2026-11-27T03:27:01+00:00", {"openai": "3.57.0"})


@pytest.fixture
def compared_report(report: Report) -> Report:
    """A report in which one failure is known, and another one is mended."""
    return replace(report, baseline={"reset": "silent", "text": "wrong"})


@pytest.fixture
def good_report(results: tuple[Result, ...]) -> Report:
    """A report without failures."""
    return Report("my app", (results[0],))


@pytest.fixture
def empty_report() -> Report:
    """A report without cases."""
    return Report("my app", ())
