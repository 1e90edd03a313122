"""Exchanges drawn on the terminal, and the oddities that are found in them."""

from __future__ import annotations

import gzip
import json
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text as RichText

from each import each
from openai_mockserver import catalogue, sse
from openai_mockserver.api import audio, chat, completions, detect_path, errors, responses
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.cli.show import show as show_command
from openai_mockserver.http1 import to_raw
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Boundary, Comment, Event, Head, Pause, Raw, Script, Step
from openai_mockserver.show import CHECKS, as_json, draw
from properties import examples

STREAM = Head(200, (("content-type", "text/event-stream"),))


def of(*steps: Step, head: Head = STREAM, end: Any = "finish", **about: Any) -> Exchange:
    return Exchange(Script(head, steps, end), about)


def chunk(*choices: dict[str, Any], **members: Any) -> Event:
    value = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return Event(msgspec.json.encode(value | {"choices": choices} | members).decode())


def choice(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": finish}


def says(**delta: Any) -> Event:
    return chunk(choice(delta))


ROLE = says(role="assistant", content="")
HI = says(content="Hi")
STOP = chunk(choice({}, "stop"))
PLAIN = (ROLE, HI, STOP, sse.DONE)


def draw_text(exchange: Exchange, width: int = 100) -> str:
    """Return the drawing without colours."""
    return draw(exchange, width).plain


def style_of(text: str, drawing: RichText) -> str:
    """Return the style in which a text is drawn."""
    start = drawing.plain.rindex(text)
    spans = [s for s in drawing.spans if s.start <= start and start + len(text) <= s.end]
    return " ".join(str(span.style) for span in spans).strip()


def timeline(*steps: Step) -> list[str]:
    """Return the text of the rows of the timeline."""
    rows = draw_text(of(*steps)).split("\n\n")[1].splitlines()
    return [row[4:] for row in rows[:-1]]


def odd(*steps: Step, **about: Any) -> dict[str, str]:
    """Return the oddities by name."""
    return {entry["name"]: entry["fact"] for entry in as_json(of(*steps, **about))["odd"]}


# The drawing


def test_a_short_answer_without_times() -> None:
    request = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "json": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello?"}]},
    }
    drawing = draw_text(of(*PLAIN, name="greeting", description="It greets.", request=request))
    assert drawing == (
        "greeting  It greets.\n"
        'POST /v1/chat/completions  gpt-4o  "Hello?"\n'
        "200 text/event-stream\n"
        "4 events, 454 bytes; no times recorded\n"
        "\n"
        " 1  role assistant\n"
        ' 2  "Hi"\n'
        " 3  finish_reason stop\n"
        " 4  [DONE]\n"
        " ■  ends cleanly\n"
        "\n"
        "Meaning\n"
        "  text    Hi\n"
        "  finish  stop\n"
    )


def test_items_of_one_read_share_a_row_and_silence_is_drawn() -> None:
    steps = (Pause(0.4), ROLE, HI, Pause(0.1), HI, Pause(0.1), HI, Pause(1.4), STOP, sse.DONE)
    _, drawing, *_ = draw_text(of(*steps)).split("\n\n")
    assert drawing.splitlines() == [
        " #   seconds       gap  0 ················ 2.00 s",
        ' 1     0.400    400 ms   ────●                     role assistant · "Hi"',
        ' 3     0.500    100 ms        ●                    "Hi"',
        ' 4     0.600    100 ms         ●                   "Hi"',
        " 5     2.000    1.40 s          ────────────────●  finish_reason stop · [DONE]",
        " ■     2.000                                       ends cleanly",
    ]


def test_a_silence_much_longer_than_the_others_is_highlighted() -> None:
    steps = [step for _ in range(6) for step in (HI, Pause(0.1))]
    assert style_of("1.50 s", draw(of(*steps, Pause(1.4), HI))) == "bold yellow"
    assert style_of("100 ms", draw(of(*steps, HI))) == "dim"


@pytest.mark.parametrize(
    ("steps", "rows"),
    [
        ([says(reasoning_content="Hm")], ['reasoning "Hm"']),
        ([says(reasoning="Hm")], ['reasoning "Hm"']),
        ([says(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}])],
         ['reasoning "Hm"']),
        ([says(refusal="No")], ['refusal "No"']),
        ([says(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": '{"ci'}}])],
         ['tool_call[0] f {"ci']),
        ([says(function_call={"name": "f", "arguments": "{"})], ["function_call f {"]),
        ([says(audio={"transcript": "Hi"}), says(audio={"data": "AAAA"})],
         ['audio "Hi"', "audio, 3 bytes"]),
        ([says(content="")], ['""']),
        ([says()], ["empty delta"]),
        ([chunk(choice({"content": "a"}, index=1))], ['[1] "a"']),
        ([chunk(usage={"prompt_tokens": 3, "completion_tokens": 4})], ["usage 3 + 4"]),
        ([chunk(prompt_filter_results=[])], ["no choices, but filter results"]),
        ([Event('{"error":{"message":"Oh no"}}')], ['error "Oh no"']),
        ([Comment("ping")], [": ping"]),
        ([Raw(b": a\r\n: b\r\n\r\n")], [": a", ": b"]),
        ([Event("[1,2]"), Event('{"a":1}')], ["[1,2]", '{"a":1}']),
        ([Event('{"a')], ['not JSON: {"a']),
        ([Raw(b"nonsense\n\n")], ["nonsense\\n\\n"]),
        ([Raw(b"\xff\n\n")], ["\\xff\\n\\n"]),
        ([Event('{"type":"response.output_text.delta","delta":"Hi"}')],
         ['response.output_text.delta "Hi"']),
        ([Event('{"type":"response.output_item.added","item":{"type":"message"}}')],
         ["response.output_item.added message"]),
        ([Event('{"type":"speech.audio.delta","audio":"AAAA"}')],
         ["speech.audio.delta 3 bytes"]),
        ([Event('{"delta":{"content":[{"text":{"value":"Hi"}}]}}', event="thread.message.delta")],
         ['thread.message.delta "Hi"']),
    ],
)  # fmt: skip
def test_events_are_described(steps: list[Step], rows: list[str]) -> None:
    assert timeline(*steps) == rows


def test_the_bytes_of_an_unfinished_event_are_shown_and_then_the_event() -> None:
    data = sse.encode(HI)
    cut = of(Raw(data[:12]), Pause(1), Raw(data[12:]))
    assert [event["kind"] for event in as_json(cut)["events"]] == ["bytes", "text"]


def test_many_similar_events_share_a_row() -> None:
    steps = [step for n in range(300) for step in (says(content=f" w{n}"), Pause(0.016))]
    drawing = draw_text(of(ROLE, *steps, Pause(0.4), HI, STOP, sse.DONE))
    assert "… 275 more, 16 ms apart (p50), longest gap 16 ms" in drawing
    assert '" w0"' in drawing
    assert '" w299"' in drawing
    assert len(drawing.split("\n\n")[1].splitlines()) < 42


def test_if_nothing_is_similar_the_middle_is_left_out() -> None:
    steps = [says(**{name: "a"}) for _ in range(100) for name in ("content", "refusal")]
    assert len(timeline(*steps)) == 37
    assert "… 164 more" in timeline(*steps)[24]


def test_pieces_are_joined_if_only_text_is_understood() -> None:
    deltas = ("Hel", "lo")
    events = [Event(json.dumps({"type": "response.output_text.delta", "delta": d})) for d in deltas]
    drawing = draw_text(of(*events))
    assert "looks like the Responses API" in drawing
    assert "  text    Hello\n" in drawing


def test_an_error_instead_of_a_stream() -> None:
    script = errors.render(ApiError(429))
    drawing = draw_text(Exchange(script, {}))
    assert "429 application/json" in drawing
    assert "  error  Rate limit reached. Please try again later.\n  type   requests\n" in drawing
    assert as_json(Exchange(script, {}))["error"]["status"] == 429


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("finish", "ends cleanly"),
        ("truncate", "body unfinished"),
        ("reset", "connection reset"),
        ("hold", "silence, until the client leaves"),
    ],
)
def test_how_it_ended(end: str, words: str) -> None:
    assert words in draw_text(of(*PLAIN, end=end))


def test_a_file_that_holds_only_the_beginning() -> None:
    exchange = Exchange(Script(STREAM, PLAIN), {}, complete=False)
    assert "the recording ends here, before the end of the response\n" in draw_text(exchange)
    exchange = Exchange(Script(STREAM, PLAIN), {}, complete=False, missing=12)
    assert (
        "the recording ends here, before the end of the response: 12 more bytes came"
        in draw_text(exchange)
    )


def test_several_choices_are_marked_as_in_the_timeline() -> None:
    one = catalogue.stream("n-3")
    drawing = draw_text(Exchange(one.script, {}))
    assert "  [0] text    Atlantic Ocean.\n" in drawing
    assert '  [2] "Indian"\n' in drawing


def test_control_characters_are_escaped() -> None:
    drawing = draw_text(
        of(says(content="\x1b[2J\u202e\ufeff\x07"), Comment("\x1b]0;x"), name="\x1b[1m")
    )
    assert not set(drawing) & set("\x1b\u202e\ufeff\x07")
    assert "\\x1b[2J\\u202e\\ufeff\\x07" in drawing


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("世界" * 20, '"世界世界世界世…'),
        ("🇩🇪" * 20, '"🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪🇩🇪…'),
        ("e\u0301" * 20, '"' + 14 * "e\u0301" + "…"),
    ],
)
def test_wide_and_combining_characters_count_as_their_columns(text: str, line: str) -> None:
    row = draw_text(of(says(content=text)), 20).split("\n\n")[1].splitlines()[0]
    assert row.removeprefix(" 1  ").replace(" ", "") == line


def test_colours_go_to_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(**environment: str) -> str:
        monkeypatch.delenv("NO_COLOR", raising=False)
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return CliRunner().invoke(show_command, ["refusal", "--width", "80"]).stdout

    assert "\x1b[" not in run()
    assert "\x1b[35m" in run(FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[35m" not in run(FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    assert "\x1b[1m" in run(FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")


# For machines


def test_the_same_facts_as_json() -> None:
    steps = (Pause(0.4), ROLE, HI, Pause(0.1), HI, Pause(0.3), HI, STOP, sse.DONE)
    facts = as_json(of(*steps, name="greeting"))
    assert (facts["name"], facts["endpoint"], facts["end"]) == (
        "greeting", "chat completions", "finish",
    )  # fmt: skip
    assert facts["events"][1] == {
        "due": 0.4, "gap": 0.0, "read": 1, "kind": "text", "data": HI.data,
    }  # fmt: skip
    totals = facts["totals"]
    assert (totals["events"], totals["reads"], totals["ttft"]) == (6, 3, 0.4)
    assert totals["seconds"] == pytest.approx(0.8)
    assert totals["itl"]["p50"] == pytest.approx(0.1)
    assert totals["itl"]["max"] == pytest.approx(0.3)
    assert facts["reply"]["choices"][0]["text"] == "HiHiHi"
    assert facts["error"] is None
    assert facts["odd"] == []


# Oddities


CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLS = chunk(choice({}, "tool_calls"))
RESPONSE = '{"type":"response.created","sequence_number":%d}'
BODY = sse.body(PLAIN)


def json_head(*headers: tuple[str, str]) -> Head:
    return Head(200, (*headers, *STREAM.headers))


def exchanges(*numbers: int) -> list[Event]:
    return [Event(RESPONSE % number, "response.created") for number in numbers]


def pad_chunk(length: int) -> Event:
    return chunk(choice({"content": "Hi"}), obfuscation="x" * length)


RIGHT = -len(HI.data) % 16

ODDITIES: list[tuple[str, Exchange, Exchange]] = [
    # The oddity; an exchange that has it; a similar exchange that does not.
    ("withheld", Exchange(Script(), {"redacted": ["the body: it is in compress"]}),
     Exchange(Script(), {"redacted": ["a member of the body"]})),
    ("unsendable", of(Event("a\rb")), of(Event("a\nb"))),
    ("framing", Exchange(Script(json_head(("transfer-encoding", "chunked")),
                                (Raw(b"5\r\nabc"),), raw=True), {}),
     Exchange(to_raw(Script(json_head(("transfer-encoding", "chunked")), PLAIN)), {})),
    ("length", of(*PLAIN, head=json_head(("content-length", "3"))),
     of(*PLAIN, head=json_head(("content-length", str(len(BODY)))))),
    ("coding", of(*PLAIN, head=json_head(("content-encoding", "gzip"))),
     of(Raw(gzip.compress(BODY)), head=json_head(("content-encoding", "gzip")))),
    ("content-type", of(*PLAIN, head=Head(200, (("content-type", "text/plain"),))), of(*PLAIN)),
    ("bom", of(Raw(b"\xef\xbb\xbf" + BODY)), of(Raw(BODY))),
    ("line-ends", of(Raw(BODY.replace(b"\n", b"\r\n"))),
     of(Raw(b'data: {"type":"speech.audio.done"}\r\n\r\n'))),
    ("utf-8", of(Raw(b"data: \xff\n\n")), of(Raw("data: é\n\n".encode()))),
    ("fields", of(Raw(BODY + b"error: {}\n\n")), of(*PLAIN, Comment("error: {}"))),
    ("comments", of(Comment("ping"), *PLAIN), of(*PLAIN)),
    ("cut-event", of(Raw(BODY[:20]), Pause(1), Raw(BODY[20:])), of(ROLE, Pause(1), HI)),
    ("last-line", of(Raw(BODY[:-1])), of(Raw(BODY))),
    ("not-json", of(ROLE, Event('{"choices":[')), of(*PLAIN)),
    ("not-object", of(Event("[1]")), of(*PLAIN)),
    ("not-compact", of(Event('{"choices": []}')), of(Event('{"choices":[]}'))),
    ("error", of(ROLE, Event('{"error":{"message":"no"}}')), of(*PLAIN)),
    ("no-done", of(ROLE, HI, STOP), of(*PLAIN)),
    ("after-done", of(*PLAIN, HI), of(*PLAIN)),
    ("needless-done", of(*exchanges(0), sse.DONE), of(*PLAIN)),
    ("empty-first", of(chunk(), *PLAIN), of(*PLAIN[:-1], chunk(), sse.DONE)),
    ("no-choices", of(ROLE, Event('{"object":"chat.completion.chunk"}')), of(*PLAIN)),
    ("several-choices", of(chunk(choice({}), choice({}, index=1))),
     of(chunk(choice({})), chunk(choice({}, index=1)))),
    ("no-delta", of(ROLE, chunk({"index": 0, "finish_reason": "stop"})), of(*PLAIN)),
    ("no-role", of(HI), of(ROLE, HI)),
    ("role-again", of(ROLE, ROLE), of(ROLE, chunk(choice({"role": "assistant"}, index=1)))),
    ("id-changes", of(ROLE, chunk(choice({}), id="y")), of(ROLE, HI)),
    ("created-changes", of(ROLE, chunk(choice({}), created=2)), of(ROLE, HI)),
    ("model-changes", of(ROLE, chunk(choice({}), model="n")), of(ROLE, HI)),
    ("call-index", of(says(tool_calls=[{**CALL, "index": None}])), of(says(tool_calls=[CALL]))),
    ("call-id", of(says(tool_calls=[{**CALL, "id": None}])),
     of(says(tool_calls=[CALL]), says(tool_calls=[{"index": 0, "function": {}}]))),
    ("arguments", of(says(tool_calls=[{**CALL, "function": {"name": "f", "arguments": "{"}}])),
     of(says(tool_calls=[CALL]))),
    ("no-finish", of(ROLE, HI), of(*PLAIN)),
    ("finish-again", of(*PLAIN[:-1], STOP), of(*PLAIN, chunk(choice({}, "stop", 1)))),
    ("finish-reason", of(ROLE, chunk(choice({}, "eos"))), of(*PLAIN)),
    ("finish-calls", of(says(tool_calls=[CALL]), STOP), of(says(tool_calls=[CALL]), CALLS)),
    ("finish-speaks", of(chunk(choice({"content": "a"}, "stop"))), of(*PLAIN)),
    ("usage-beside", of(chunk(choice({}), usage={"prompt_tokens": 1})),
     of(ROLE, chunk(usage={"prompt_tokens": 1}))),
    ("event-name", of(Event(HI.data, event="message")), of(HI)),
    ("event-type", of(Event(RESPONSE % 0, "other")), of(*exchanges(0))),
    ("sequence", of(*exchanges(0, 2)), of(*exchanges(0, 1, 2))),
    ("obfuscation", of(pad_chunk(RIGHT + 1)), of(pad_chunk(RIGHT))),
]  # fmt: skip


def names(exchange: Exchange) -> set[str]:
    return {entry["name"] for entry in as_json(exchange)["odd"]}


@pytest.mark.parametrize(("name", "has_it", "has_not"), ODDITIES, ids=[o[0] for o in ODDITIES])
def test_each_oddity_is_found(name: str, has_it: Exchange, has_not: Exchange) -> None:
    assert name in names(has_it)
    assert f"  {name} " in draw_text(has_it)
    assert name not in names(has_not)


def test_every_check_is_tried_here() -> None:
    assert [name for name, _ in CHECKS] == [name for name, *_ in ODDITIES]


def test_the_fact_says_where() -> None:
    oddities = odd(ROLE, *[ROLE] * 3, HI, Event("{"))
    assert oddities["role-again"] == "events 2 to 4: the role is repeated"
    assert oddities["not-json"] == "event 6 is not JSON"


def test_our_own_plain_streams_are_not_odd() -> None:
    for name in ("text", "tool-call", "tool-calls-parallel", "n-3", "usage", "logprobs", "refusal"):
        assert odd(*catalogue.stream(name).script.steps) == {}, name


# Any exchange


def check(exchange: Exchange, width: int = 100) -> None:
    drawing = draw_text(exchange, width)
    assert all(cell_len(line) <= width for line in drawing.split("\n"))
    categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    strange = {char for char in drawing if unicodedata.category(char) in categories}
    assert strange <= set("\n\u200c\u200d")
    facts = as_json(exchange)
    assert msgspec.json.decode(msgspec.json.encode(facts))["totals"] == facts["totals"]


@pytest.mark.slow
@each(catalogue.streams(), [40, 100])
def test_every_stream_of_the_catalogue_can_be_drawn(one: catalogue.Stream, width: int) -> None:
    pace = Pace(ttft=0.4, itl=0.02, jitter=0.3, distribution="lognormal", seed=1)
    for script in (one.script, pace(one.script)):
        about = {"name": one.name, "description": one.description, "request": one.request}
        check(Exchange(script, about), width)


@pytest.mark.slow
def test_every_recording_can_be_drawn(shared: Path) -> None:
    bodies = {f.name: f.read_bytes() for f in (shared / "wire" / "examples").glob("*.sse")}
    for file in (shared / "recordings").rglob("*.json"):
        bodies[file.name] = json.loads(file.read_text())["response"]["body"].encode()
    for name, body in bodies.items():
        check(of(*sse.parse(body), name=name))
    assert len(bodies) >= 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "index", "content", "tool_calls", "function", "arguments",
                 "name", "id", "finish_reason", "usage", "error", "message", "type", "object",
                 "role", "obfuscation", "reasoning", "text", "audio", "sequence_number", "item"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)  # fmt: skip
CHUNKS = st.builds(
    lambda delta, extra, members: chunk({"index": 0, "delta": delta} | extra, **members),
    VALUES,
    st.dictionaries(st.sampled_from(["index", "finish_reason", "logprobs"]), VALUES),
    st.dictionaries(st.sampled_from(["usage", "error", "id", "obfuscation", "type"]), VALUES),
)
STEPS = st.one_of(
    st.builds(Event, st.text() | VALUES.map(lambda v: msgspec.json.encode(v).decode())),
    st.builds(Event, st.text(), st.text(max_size=5) | st.none(), st.text(max_size=5)),
    CHUNKS,
    st.builds(Comment, st.text()),
    st.builds(Raw, st.binary(max_size=30), st.none() | st.integers(0, 3)),
    st.builds(Pause, st.floats(0, 1e6)),
    st.just(Boundary()),
    st.sampled_from(PLAIN),
)
HEADS = st.builds(
    Head,
    st.sampled_from([200, 404, 500]),
    st.lists(
        st.sampled_from(
            [("content-type", "text/event-stream"), ("content-type", "x"),
             ("transfer-encoding", "chunked"), ("content-encoding", "gzip"),
             ("content-length", "5")]
        )
    ).map(tuple),
    st.floats(0, 10),
)  # fmt: skip


@settings(deadline=None, max_examples=examples(300))
@given(
    script=st.builds(
        Script,
        HEADS,
        st.lists(STEPS, max_size=60).map(tuple),
        st.sampled_from(["finish", "truncate", "hold", "cut"]),
        st.booleans(),
    ),
    about=st.dictionaries(st.sampled_from(["name", "description", "request"]), VALUES),
    width=st.integers(1, 130),
)
def test_every_script_can_be_drawn(script: Script, about: dict[str, Any], width: int) -> None:
    check(Exchange(script, about), width)


def test_a_body_of_the_responses_api_is_shown_with_its_reply() -> None:
    script = responses.render(Reply("Hello"), {"model": "gpt-4o", "input": "Hi"})
    drawing = draw_text(Exchange(script, {}))
    assert "looks like the Responses API" in drawing
    assert "  text    Hello\n" in drawing
    assert as_json(Exchange(script, {}))["reply"]["choices"][0]["text"] == "Hello"


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (chat, "chat completions"),
        (responses, "the Responses API"),
        (completions, "legacy completions"),
        (audio, "audio transcriptions"),
    ],
)
def test_the_endpoint_in_the_drawing_is_the_one_that_reads_it(endpoint: Any, name: str) -> None:
    """One table says which endpoint a response is of."""
    script = endpoint.render(Reply("Hello"))
    facts = as_json(Exchange(script, {}))
    assert facts["endpoint"] == name
    assert detect_path(script) == (getattr(endpoint, "PATH", None) or "/v1/audio/transcriptions")
    assert facts["reply"]["choices"][0]["text"] == "Hello"


# The Responses API, and other providers


def event(kind: str, **members: Any) -> Event:
    value = {"type": f"response.{kind}", "output_index": 0, **members}
    return Event(json.dumps(value, separators=(",", ":")), event=value["type"])


RESULT = {"type": "function_call_output", "call_id": "c", "output": "21 degrees"}
QUESTION = {"role": "user", "content": [{"type": "input_text", "text": "What is it?"}]}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"role": "user", "content": "First"}, QUESTION, RESULT], '"What is it?"'),
        ([RESULT], '"21 degrees"'),
        ("Hi", '"Hi"'),
    ],
)
def test_the_last_user_message_stands_for_the_input(items: object, words: str) -> None:
    request = {"method": "POST", "json": {"model": "gpt-5", "input": items}}
    assert draw_text(of(*PLAIN, request=request)).splitlines()[0] == f"POST  gpt-5  {words}"


def test_a_response_is_drawn_with_its_calls_id_status_and_usage() -> None:
    call = {"type": "function_call", "name": "go", "call_id": "call_1", "arguments": "{}"}
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    about = {"id": "resp_1", "model": "gpt-5"}
    steps = [
        event("created", response={**about, "status": "in_progress", "output": []}),
        event("output_item.added", item=call | {"arguments": ""}),
        event("function_call_arguments.delta", delta="{}"),
        event("output_item.done", item=call),
        event("completed", response={**about, "status": "completed", "usage": usage, "output": []}),
    ]
    whole, cut = draw_text(of(*steps)), draw_text(of(*steps[:3], end="reset"))
    assert "response.output_item.added function_call go call_1" in whole
    assert "response.completed usage 3 + 4" in whole
    assert "resp_1  gpt-5  completed" in whole
    assert "3 prompt + 4 completion = 7 tokens" in whole
    assert "resp_1  gpt-5  in_progress" in cut
    for drawing in (whole, cut):
        assert "go({})  call_1" in drawing


def test_a_failed_response_is_drawn_with_the_reason() -> None:
    response = {"status": "failed", "error": {"code": "server_error", "message": "Overheated"}}
    drawing = draw_text(of(event("failed", response=response)))
    assert 'response.failed error "Overheated"' in drawing
    assert "error within the stream" in drawing
    reason = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert "response.incomplete max_output_tokens" in draw_text(
        of(event("incomplete", response=reason))
    )


def test_events_without_names_are_one_oddity() -> None:
    bare = [Event(one.data) for one in (event("created"), event("completed"))]
    assert odd(*bare)["event-type"].startswith("no event has a name")
    assert "event 2: the event's name" in odd(event("created"), bare[1])["event-type"]


def test_azures_first_chunk_is_one_oddity() -> None:
    filter_results = {"id": "", "model": "", "created": 0, "prompt_filter_results": []}
    assert list(odd(chunk(**filter_results), *PLAIN)) == ["empty-first"]
    assert "Azure" in odd(chunk(**filter_results), *PLAIN)["empty-first"]
    later = chunk(choice({"content": "b"}), id="other")
    assert "id-changes" in odd(chunk(**filter_results), ROLE, later, STOP, sse.DONE)


def test_a_forced_function_may_end_with_stop() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    steps = (says(role="assistant", content=None, tool_calls=[call]), STOP, sse.DONE)
    forced_choice = {"json": {"tool_choice": {"type": "function", "function": {"name": "f"}}}}
    assert "finish-calls" in odd(*steps)
    assert "finish-calls" in odd(*steps, request={"json": {"tool_choice": "auto"}})
    assert "finish-calls" not in odd(*steps, request=forced_choice)


def test_a_request_that_is_nested_too_deeply_is_shown_as_text() -> None:
    value: Any = "x"
    for _ in range(700):
        value = {"a": value}
    facts = as_json(of(request={"method": "POST", "url": "/v1/x", "json": value}))
    text = '{"a":' * 700 + '"x"' + "}" * 700
    assert facts["request"] == {"method": "POST", "url": "/v1/x", "text": text}
    shallow = {"method": "POST", "url": "/v1/x", "json": {"a": 1}}
    assert as_json(of(request=shallow))["request"] == shallow
