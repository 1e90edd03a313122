"""Each Python example prints what it should, whatever the stream does."""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import sys
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path

import pytest

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, Text, ToolCall, Usage
from openai_mockserver.faults import malformed, reset, stall, truncate

pytestmark = pytest.mark.slow

openai = pytest.importorskip("openai")

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[[str], str]


def test_basic_stream(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world")
    assert run("basic_stream.py") == "Hello, world\n"
    assert mock_openai.calls[0].json == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Greet the world."}],
        "stream": True,
    }


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_collect_message(mock_openai: MockOpenAI, run: Run, reason: str) -> None:
    mock_openai.reply(Reply("Hello, world", finish_reason=reason))
    expected_output = (
        f"Message(role='assistant', content='Hello, world', finish_reason='{reason}')\n"
    )
    assert run("collect_message.py") == expected_output


def test_collect_message_of_a_stream_that_never_finishes(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(Reply("Hello, world", finish_reason=None))
    expected_output = "Message(role='assistant', content='Hello, world', finish_reason=None)\n"
    assert run("collect_message.py") == expected_output


def test_count_tokens(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(
        Reply("Hello, world", usage=Usage(prompt_tokens=5, completion_tokens=3)),
        pace=Pace(ttft=0.1, itl=0.05),
    )
    *lines, speed = run("count_tokens.py").splitlines()
    assert lines == ["Hello, world", "prompt: 5 tokens", "answer: 3 tokens"]
    rate = re.fullmatch(r"speed: (\d+\.\d) tokens a second", speed)
    assert rate
    assert 0 < float(rate[1]) <= 15  # three tokens, paced to take at least 0.2 s
    assert mock_openai.calls[0].json["stream_options"] == {"include_usage": True}


def test_function_calling(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(ToolCall("get_weather", {"city": "Paris"}), "It is sunny.")
    assert run("function_calling.py") == 'get_weather({"city":"Paris"})\nIt is sunny.\n'
    question, call, result = mock_openai.calls[1].messages
    assert question == {"role": "user", "content": "What is the weather in Paris?"}
    assert call["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": '{"city":"Paris"}',
    }
    assert result == {
        "role": "tool",
        "tool_call_id": call["tool_calls"][0]["id"],
        "content": "sunny, 21 degrees in Paris",
    }


def test_function_calling_twice_at_once(mock_openai: MockOpenAI, run: Run) -> None:
    calls = [ToolCall("get_weather", {"city": city}) for city in ("Paris", "Rome")]
    mock_openai.reply(Reply(tool_calls=calls), "Both are sunny.")
    *call_lines, answer = run("function_calling.py").splitlines()
    assert call_lines == ['get_weather({"city": "Paris"})', 'get_weather({"city": "Rome"})']
    assert answer == "Both are sunny."
    _, call, *results = mock_openai.calls[1].messages
    assert [result["content"] for result in results] == [
        "sunny, 21 degrees in Paris",
        "sunny, 21 degrees in Rome",
    ]
    ids = [tool_call["id"] for tool_call in call["tool_calls"]]
    assert [result["tool_call_id"] for result in results] == ids
    assert len(set(ids)) == 2


def test_function_calling_runs_no_tool_whose_arguments_are_cut(
    mock_openai: MockOpenAI, run: Run
) -> None:
    call = ToolCall("get_weather", '{"city": "Par')
    mock_openai.reply(Reply(tool_calls=call, finish_reason="length"))
    assert run("function_calling.py") == "\n"
    assert len(mock_openai.calls) == 1


def test_responses(mock_openai: MockOpenAI, run: Run) -> None:
    call = ToolCall("get_weather", {"city": "Paris"})
    mock_openai.reply(Reply(reasoning="Which tool?", tool_calls=call), "It is sunny.")
    assert run("responses.py") == 'get_weather({"city":"Paris"})\nIt is sunny.\n'
    first, second = mock_openai.calls
    assert second.json["previous_response_id"].startswith("resp_")
    assert [message["role"] for message in second.messages] == ["user", "assistant", "tool"]
    assert second.tool_results == [call.id]
    assert first.user == "What is the weather in Paris?"


def test_responses_run_no_tool_whose_arguments_are_cut(mock_openai: MockOpenAI, run: Run) -> None:
    call = ToolCall("get_weather", '{"city": "Par')
    mock_openai.reply(Reply(tool_calls=call, finish_reason="length"))
    assert run("responses.py") == "\n"
    assert len(mock_openai.calls) == 1


def test_async_stream(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.on(user=re.compile("largest")).reply("Jupiter.", pace=Pace(itl=0.02))
    mock_openai.on(user=re.compile("smallest")).reply("Mercury.", pace=Pace(itl=0.02))
    assert run("async_stream.py") == (
        "Which is the largest planet? Jupiter.\nWhich is the smallest planet? Mercury.\n"
    )


@pytest.mark.openai3("raises the exceptions of httpx while a stream is read")
@pytest.mark.parametrize("after", [0, 3])
def test_retry_backoff(mock_openai: MockOpenAI, run: Run, after: int) -> None:
    mock_openai.reply("Hello, world")
    mock_openai.reply("Goodbye", faults=[reset(after=after)], times=2)
    assert run("retry_backoff.py") == (
        "attempt 1: connection lost, trying again in 0.1 s\n"
        "attempt 2: connection lost, trying again in 0.2 s\n"
        "Hello, world\n"
    )
    assert [call.ended for call in mock_openai.calls] == ["reset", "reset", "finished"]


@pytest.mark.openai3("raises the exceptions of httpx while a stream is read")
def test_retry_backoff_gives_up(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world", faults=[truncate(after=3)])
    with pytest.raises(openai.APIConnectionError):
        run("retry_backoff.py")
    assert [call.ended for call in mock_openai.calls] == ["truncated"] * 4


def test_retry_backoff_without_an_answer(
    mock_openai: MockOpenAI, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = []

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            came.append(self.client_address)

    with socketserver.TCPServer(("127.0.0.1", 0), HangUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
        with pytest.raises(openai.APIConnectionError):
            run("retry_backoff.py")
        server.shutdown()
        thread.join()
    assert len(came) == 4  # the program's attempts; the client adds none


def test_skip_malformed(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world", faults=[malformed(at=2)])
    assert run("skip_malformed.py") == "Hello world\nmalformed chunks skipped: 1\n"


def test_skip_malformed_skips_nothing_else(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world")
    assert run("skip_malformed.py") == "Hello, world\nmalformed chunks skipped: 0\n"


def test_stall_timeout(mock_openai: MockOpenAI, run: Run) -> None:
    before = signal.getsignal(signal.SIGALRM)
    mock_openai.reply("Hello, world", faults=[stall(after=3)])
    assert run("stall_timeout.py") == "Hello,\nno data for 1.5 s, giving up\n"
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_stall_timeout_waits_while_data_arrives(mock_openai: MockOpenAI, run: Run) -> None:
    # 1.8 s in all, longer than the program waits in silence.
    mock_openai.reply("one two three four", pace=Pace(ttft=0.45, itl=0.45))
    assert run("stall_timeout.py") == "one two three four\n"


def test_flushing(mock_openai: MockOpenAI, first_bytes: Callable[..., bytes]) -> None:
    mock_openai.reply(
        "Hello, world", faults=[stall(after=3)]
    )  # without flushing, nothing would arrive
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    program = [sys.executable, str(EXAMPLES / "flushing.py")]
    assert first_bytes(len("Hello,"), program, env=environment) == b"Hello,"


def test_flushing_prints_the_whole_answer(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world")
    assert run("flushing.py") == "Hello, world\n"


def test_empty_deltas(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(Reply(["Hel", "", "lo"]))
    # Without text: the role chunk, the empty piece, the finish chunk and the usage chunk.
    assert run("empty_deltas.py") == "Hello\n6 chunks, 4 without text\n"


@pytest.mark.parametrize(
    ("reason", "output"),
    [
        ("stop", "Once upon a time\n"),
        ("length", "Once upon a time [cut short: the answer reached its length limit]\n"),
        ("content_filter", "Once upon a time [withheld by the content filter]\n"),
    ],
)
def test_finish_reasons(mock_openai: MockOpenAI, run: Run, reason: str, output: str) -> None:
    mock_openai.on(user=re.compile("story")).reply(Reply("Once upon a time", finish_reason=reason))
    assert run("finish_reasons.py") == output


def test_time_to_first_token(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply("Hello, world", pace=Pace(ttft=0.2, itl=0.2))
    output = run("time_to_first_token.py")
    times = re.fullmatch(r"first piece after (\S+) s, last of 3 after (\S+) s\n", output)
    assert times, output
    first, last = float(times[1]), float(times[2])
    assert first >= 0.2
    assert last >= 0.6
    assert first < last


def test_time_to_first_token_of_no_text(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(Reply([], finish_reason="content_filter"))
    assert run("time_to_first_token.py") == "no text arrived\n"


@pytest.mark.openai_mock(job_seconds=0.3)
def test_background(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.on(stream=False).reply("Hello")
    mock_openai.on(stream=True).reply("Hello, world", faults=[reset(after=6)])
    output = run("background.py")
    assert output.startswith("queued\nin_progress\ncompleted\nHello\n")
    assert output.endswith("\nHello [connection lost after event 5] , world\n")


def test_voice_agent(mock_openai: MockOpenAI, run: Run) -> None:
    question = "What's the weather in Paris?"
    mock_openai.on(endpoint="audio/transcriptions").reply(question)
    mock_openai.on(user=question).reply(ToolCall("get_weather", {"city": "Paris"}))
    mock_openai.on(tool_content="sunny in Paris").reply("It is sunny.")
    assert run("voice_agent.py").splitlines() == [
        "user has spoken until 1200 ms",
        "user: What's the weather in Paris?",
        "get_weather: sunny in Paris",
        "agent: It is sunny.",
        "0.9 seconds of sound",
    ]


@pytest.mark.openai_mock(job_seconds=3600)
def test_batch(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.on(user=re.compile("squared")).reply("A number.")
    for n in (7, 49, 100):
        error = ApiError(400, "Too hard.", code="too_hard")
        mock_openai.on(user=f"What is {n} squared?").reply(error)
    assert run("batch.py").splitlines() == [
        "validating",
        "in_progress",
        "finalizing",
        "completed",
        "97 answers, 3 failures",
        "What is 7 squared? too_hard: Too hard.",
        "What is 49 squared? too_hard: Too hard.",
        "What is 100 squared? too_hard: Too hard.",
    ]


def test_batch_of_which_all_lines_fail(mock_openai: MockOpenAI, run: Run) -> None:
    mock_openai.reply(ApiError(429))
    assert run("batch.py").splitlines()[:2] == ["completed", "0 answers, 100 failures"]


def get(address: str) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(address, timeout=20)
    return response


def sse(*events: tuple[str, str]) -> str:
    return "".join(f"event: {name}\ndata: {json.dumps(text)}\n\n" for name, text in events)


def test_relay(mock_openai: MockOpenAI, relay: str) -> None:
    answer = Text("Hello,\nworld")
    mock_openai.reply(Reply(answer))
    with get(f"{relay}/stream?question=Who%20is%20there%3F") as response:
        assert response.headers.get_content_type() == "text/event-stream"
        body = response.read().decode()
    assert body == sse(*(("text", piece) for piece in answer.pieces), ("done", ""))
    assert mock_openai.calls[0].messages == [{"role": "user", "content": "Who is there?"}]


def test_relay_sends_each_piece_at_once(mock_openai: MockOpenAI, relay: str) -> None:
    mock_openai.reply("Hello, world", faults=[stall(after=3)])
    expected_bytes = sse(("text", "Hello"), ("text", ","))
    with get(f"{relay}/stream") as response:
        assert response.read(len(expected_bytes)).decode() == expected_bytes


@pytest.mark.openai3("raises the exceptions of httpx while a stream is read")
def test_relay_reports_a_broken_upstream(mock_openai: MockOpenAI, relay: str) -> None:
    mock_openai.reply("Hello, world", faults=[truncate(after=3)])
    with get(f"{relay}/stream") as response:
        body = response.read().decode()
    assert body == sse(("text", "Hello"), ("text", ","), ("failed", "Connection error."))


def test_relay_leaves_the_upstream_when_its_reader_leaves(
    mock_openai: MockOpenAI, relay: str
) -> None:
    mock_openai.reply("word " * 500, pace=Pace(itl=0.01))
    with get(f"{relay}/stream") as response:
        response.readline()
    assert mock_openai.calls[0].wait(20)
    assert mock_openai.calls[0].ended == "client disconnected"
