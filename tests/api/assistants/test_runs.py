"""Runs answer by rules, call functions and stream: the real SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AssistantEventHandler
from openai.types.beta import AssistantStreamEvent
from openai.types.beta.threads import Run, TextContentBlock
from pydantic import TypeAdapter
from typing_extensions import override

from openai_mockserver import (
    ApiError,
    Message,
    MockOpenAI,
    Pace,
    Reply,
    Request,
    ToolCall,
    Usage,
    regex,
)
from openai_mockserver.faults import reset
from openai_mockserver.items import code_interpreter, file_search
from openai_mockserver.script import Event, Pause, Script

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI(seed=0) as mock:
        yield mock
        mock.check()


@pytest.fixture
def client(mock: MockOpenAI) -> openai.OpenAI:
    return mock.client(max_retries=0)


class Assistant:
    """An assistant, and a thread with the message "Hi"."""

    def __init__(self, client: openai.OpenAI, **parameters: Any) -> None:
        self.client, self.threads = client, client.beta.threads
        # Without instructions, those of a run are null, which the SDK's types do not know.
        parameters = {"instructions": "Be kind"} | parameters
        self.id = client.beta.assistants.create(model="gpt-4o", **parameters).id
        self.thread_id = self.threads.create(messages=[{"role": "user", "content": "Hi"}]).id

    def run(self, **parameters: Any) -> Run:
        return self.threads.runs.create_and_poll(
            thread_id=self.thread_id, assistant_id=self.id, **parameters
        )

    def stream(self, **parameters: Any) -> Handler:
        handler = Handler()
        with self.threads.runs.stream(
            thread_id=self.thread_id, assistant_id=self.id, event_handler=handler, **parameters
        ) as stream:
            stream.until_done()
        return handler

    @property
    def texts(self) -> list[str]:
        """The texts of the thread's messages, the oldest first."""
        messages = self.threads.messages.list(self.thread_id, order="asc")
        blocks = [block for message in messages for block in message.content]
        return [block.text.value for block in blocks if isinstance(block, TextContentBlock)]

    @property
    def last_run(self) -> Run:
        return self.threads.runs.list(self.thread_id).data[0]

    def list_steps(self) -> list[Any]:
        """Return the steps of the last run, the oldest first."""
        runs, id = self.threads.runs, self.last_run.id
        return list(runs.steps.list(id, thread_id=self.thread_id, order="asc"))


class Handler(AssistantEventHandler):
    """Collects what happens in a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.arguments: list[str] = []
        self.last: Any = None

    @override
    def on_event(self, event: AssistantStreamEvent) -> None:
        TypeAdapter(AssistantStreamEvent).validate_json(event.to_json(), strict=True)
        self.names.append(event.event.removeprefix("thread."))
        self.last = event.data

    @override
    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.text += delta.value

    @override
    def on_tool_call_done(self, tool_call: Any) -> None:
        if tool_call.type == "function":
            self.arguments.append(tool_call.function.arguments)


# Answers


def test_a_run_answers_by_rule(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(user="Hi", model="gpt-4o", system="Be kind").reply(Reply("Hello!", usage=Usage(9, 3)))
    mock.on(user="More").reply("Bye")
    assistant = Assistant(client, instructions="Be kind")
    run = assistant.threads.runs.create(assistant.thread_id, assistant_id=assistant.id)
    assert (run.status, run.started_at) == ("queued", None)
    run = assistant.threads.runs.poll(run_id=run.id, thread_id=assistant.thread_id)
    assert (run.status, run.expires_at) == ("completed", None)
    assert run.usage is not None
    assert run.usage.total_tokens == 12
    again = assistant.run(additional_messages=[{"role": "user", "content": "More"}])
    assert assistant.texts == ["Hi", "Hello!", "More", "Bye"]
    newest = assistant.threads.messages.list(assistant.thread_id).data[0]
    assert (newest.role, newest.run_id, newest.status) == ("assistant", again.id, "completed")
    assert [one.id for one in assistant.threads.runs.list(assistant.thread_id)] == [
        again.id,
        run.id,
    ]


def test_a_run_that_no_rule_answers_fails_loudly() -> None:
    with MockOpenAI() as mock:
        mock.on(user="Bye").reply("Bye")
        assistant = Assistant(mock.client(max_retries=0))
        with pytest.raises(openai.BadRequestError, match="Hi"):
            assistant.run()
        with pytest.raises(AssertionError, match="POST /v1/responses"):
            mock.check()


def test_the_model_sees_the_whole_run(mock: MockOpenAI, client: openai.OpenAI) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "Fine"

    mock.reply(answer)
    assistant = Assistant(client, instructions="Be kind", temperature=0.5)
    schema: Any = {"name": "a", "schema": {"type": "object"}}
    image: Any = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assistant.run(
        additional_instructions="Be brief",
        additional_messages=[{"role": "user", "content": [image]}],
        truncation_strategy={"type": "last_messages", "last_messages": 1},
        max_completion_tokens=300,
        response_format={"type": "json_schema", "json_schema": schema},
        tool_choice={"type": "function", "function": {"name": "weather"}},
        tools=[WEATHER, {"type": "file_search"}, {"type": "code_interpreter"}],
        reasoning_effort="low",
        parallel_tool_calls=False,
    )
    (request,) = seen
    part = {"type": "input_image", "image_url": image["image_url"]["url"], "detail": "auto"}
    assert request.messages == [
        {"role": "system", "content": "Be kind\nBe brief"},
        {"role": "user", "content": [part]},
    ]
    assert request.json["text"]["format"] == {"type": "json_schema", **schema}
    assert request.json["tool_choice"] == {"type": "function", "name": "weather"}
    assert [tool["type"] for tool in request.json["tools"]] == [
        *("function", "file_search", "code_interpreter"),
    ]
    names = ("max_output_tokens", "temperature", "reasoning", "parallel_tool_calls")
    assert [request.json[name] for name in names] == [300, 0.5, {"effort": "low"}, False]


def test_an_answer_that_is_too_long_is_incomplete(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply(["One", " two"], finish_reason="length"))
    assistant = Assistant(client)
    handler = assistant.stream()
    assert handler.names[-3:] == ["message.incomplete", "run.step.completed", "run.incomplete"]
    run = assistant.last_run
    assert run.incomplete_details is not None
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    (message,) = assistant.threads.messages.list(assistant.thread_id, limit=1).data
    assert message.incomplete_details is not None
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "max_tokens")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiError(429, "Too fast"), "rate_limit_exceeded"),
        (ApiError(500, "Sorry"), "server_error"),
        (ApiError(400, "No"), "invalid_prompt"),
    ],
)
def test_an_error_of_the_model_fails_the_run(
    mock: MockOpenAI, client: openai.OpenAI, error: ApiError, code: str
) -> None:
    mock.reply(error)
    assistant = Assistant(client)
    for run in (assistant.run(), assistant.stream().last):
        assert run.last_error is not None
        assert (run.status, run.last_error.code) == ("failed", code)
        assert run.last_error.message == error.message


def test_a_rule_for_the_endpoint_refuses_the_request(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.on(endpoint=regex("/threads/.*runs$")).reply(ApiError(429))
    with pytest.raises(openai.RateLimitError):
        Assistant(client).run()


def test_an_error_in_the_middle_fails_message_step_and_run(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply(Reply("Hello", error=ApiError(500, "Sorry", code="server_error")))
    assistant = Assistant(client)
    handler = assistant.stream()
    assert handler.names[-3:] == ["message.incomplete", "run.step.failed", "run.failed"]
    (step,) = assistant.list_steps()
    assert (step.status, step.last_error.message) == ("failed", "Sorry")


# Time


def test_a_run_can_take_time() -> None:
    mock = MockOpenAI(job_seconds=60)
    mock.reply("Hello")
    client = mock.client(max_retries=0)
    assistant = Assistant(client)
    runs, thread_id = assistant.threads.runs, assistant.thread_id
    run = runs.create(thread_id, assistant_id=assistant.id)
    with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active"):
        assistant.threads.messages.create(thread_id, role="user", content="More")
    assert assistant.texts == ["Hi"]
    statuses = [run.status]
    while statuses[-1] in ("queued", "in_progress"):
        statuses.append(runs.retrieve(run.id, thread_id=thread_id).status)
    assert list(dict.fromkeys(statuses)) == ["queued", "in_progress", "completed"]
    assert assistant.texts == ["Hi", "Hello"]
    assert assistant.run().status == "completed"


@pytest.mark.parametrize("end", ["cancelled", "failed", "completed"])
def test_a_run_that_takes_time_can_end_early(end: str) -> None:
    mock = MockOpenAI(job_seconds=60)
    mock.reply("Hello")
    assistant = Assistant(mock.client(max_retries=0))
    runs, thread_id = assistant.threads.runs, assistant.thread_id
    run = runs.create(thread_id, assistant_id=assistant.id)
    if end == "cancelled":
        assert runs.cancel(run.id, thread_id=thread_id).status == "cancelled"
    elif end == "failed":
        mock.jobs.fail(run.id, "Sorry")
    else:
        mock.jobs.finish(run.id)
    run = runs.retrieve(run.id, thread_id=thread_id)
    assert run.status == end
    assert run.last_error is None or run.last_error.message == "Sorry"
    assert assistant.texts == (["Hi", "Hello"] if end == "completed" else ["Hi"])
    assert bool(assistant.list_steps()) == (end == "completed")


# Messages


def test_messages_of_a_thread_have_their_content(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Yes")
    threads = client.beta.threads
    thread = threads.create(messages=[{"role": "user", "content": "Hi", "metadata": {"n": "1"}}])
    parts: Any = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    message = threads.messages.create(thread.id, role="user", content=parts)
    assert [part.to_dict() for part in message.content] == [
        {"type": "text", "text": {"value": "Look", "annotations": []}},
        parts[1],
    ]
    assert threads.messages.retrieve(message.id, thread_id=thread.id) == message
    run = threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id="asst_1",
        additional_messages=[{"role": "assistant", "content": "Done"}],
    )
    assert threads.runs.retrieve(run.id, thread_id=thread.id) == run
    messages = list(threads.messages.list(thread.id, order="asc"))
    texts = [item.content[0].text.value for item in messages if item.content[0].type == "text"]
    assert texts == ["Hi", "Look", "Done", "Yes"]
    assert [item.role for item in messages] == ["user", "user", "assistant", "assistant"]
    assert messages[0].metadata == {"n": "1"}
    assert {item.thread_id for item in messages} == {thread.id}


def test_create_and_run(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(user="Hi").reply("Yes")
    threads = client.beta.threads
    run = threads.create_and_run_poll(
        assistant_id="asst_1", thread={"messages": [{"role": "user", "content": "Hi"}]}
    )
    assert threads.runs.retrieve(run.id, thread_id=run.thread_id) == run
    assert run.assistant_id == "asst_1"
    answer, message = threads.messages.list(run.thread_id)
    assert message.content[0].type == answer.content[0].type == "text"
    assert (message.content[0].text.value, answer.content[0].text.value) == ("Hi", "Yes")


# Streams


def test_the_stream_of_a_run(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(["Hel", "lo"])
    assistant = Assistant(client)
    handler = assistant.stream()
    assert handler.names == [
        *("run.created", "run.queued", "run.in_progress"),
        *("run.step.created", "run.step.in_progress", "message.created", "message.in_progress"),
        *("message.delta", "message.delta", "message.completed"),
        *("run.step.completed", "run.completed"),
    ]
    assert (handler.text, assistant.texts) == ("Hello", ["Hi", "Hello"])
    (step,) = assistant.list_steps()
    assert (step.type, step.status) == ("message_creation", "completed")


def test_the_stream_of_a_new_thread(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(user="Hi").reply("Hello")
    thread: Any = {"messages": [{"role": "user", "content": "Hi"}], "metadata": {"a": "b"}}
    with client.beta.threads.create_and_run_stream(assistant_id="asst_1", thread=thread) as stream:
        events = list(stream)
    assert [event.event for event in events][:2] == ["thread.created", "thread.run.created"]
    run: Any = events[-1].data
    thread_of_event: Any = events[0].data
    assert thread_of_event.id == run.thread_id
    assert client.beta.threads.retrieve(run.thread_id).metadata == {"a": "b"}


def test_a_refusal(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply(refusal=["I", " can't"]))
    assistant = Assistant(client)
    assert assistant.stream().names.count("message.delta") == 2
    (message,) = assistant.threads.messages.list(assistant.thread_id, limit=1).data
    assert [part.to_dict() for part in message.content] == [
        {"type": "refusal", "refusal": "I can't"}
    ]


def play(mock: MockOpenAI, path: str, body: bytes) -> Script:
    """Return the stream that answers a request, without playing it."""
    script = mock.respond(Request("POST", path, body=body)).script
    assert script is not None
    return script


RUN = b'{"assistant_id":"asst_1","stream":true}'


def find_dues(script: Script, name: str) -> list[float]:
    """Return the seconds after which the events of this name are due."""
    dues, now = list[float](), 0.0
    for step in script.steps:
        now += step.seconds if isinstance(step, Pause) else 0.0
        if isinstance(step, Event) and step.event == name:
            dues.append(now)
    return dues


def test_a_run_has_the_pace_of_the_model(mock: MockOpenAI) -> None:
    mock.reply(["a", "b", "c"], pace=Pace(ttft=1.5, itl=0.25))
    script = play(mock, "/v1/threads/thread_1/runs", RUN)
    response = play(mock, "/v1/responses", b'{"model":"gpt-4o","input":"Hi","stream":true}')
    dues = find_dues(response, "response.output_text.delta")
    assert find_dues(script, "thread.message.delta") == dues
    assert dues[2] > dues[1] > dues[0] > 0
    assert find_dues(script, "thread.run.in_progress") == [0.0]
    assert script.head.delay == response.head.delay == 1.5


def test_a_fault_of_the_model_breaks_the_stream_of_its_run(mock: MockOpenAI) -> None:
    mock.reply(["a", "b", "c"], faults=[reset(after=6)])
    script = play(mock, "/v1/threads/thread_1/runs", RUN)
    assert script.end == "reset"
    assert len(find_dues(script, "thread.message.delta")) == 2
    assert script.events[-1].event == "thread.message.delta"
    client = mock.client()
    run = client.beta.threads.runs.list("thread_1").data[0]
    assert run.status == "completed", "only the stream breaks"


# Tools


def test_a_run_waits_for_the_outputs_of_its_tools(mock: MockOpenAI, client: openai.OpenAI) -> None:
    calls = [ToolCall("weather", {"city": city}) for city in ("Rome", "Oslo")]
    seen: list[Any] = []

    def answer(request: Request) -> Reply:
        seen[:] = request.messages
        return Reply("Fine") if seen[-1]["role"] == "tool" else Reply(tool_calls=calls)

    mock.on(tools="weather").reply(answer)
    assistant = Assistant(client, tools=[WEATHER])
    run = assistant.run()
    assert (run.status, run.usage) == ("requires_action", None)
    assert run.required_action is not None
    wanted = run.required_action.submit_tool_outputs.tool_calls
    assert [call.function.arguments for call in wanted] == ['{"city": "Rome"}', '{"city": "Oslo"}']
    (step,) = assistant.list_steps()
    assert (step.type, step.status, step.usage) == ("tool_calls", "in_progress", None)
    outputs: Any = [{"tool_call_id": call.id, "output": f"{n} °C"} for n, call in enumerate(wanted)]
    run = assistant.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=assistant.thread_id, tool_outputs=outputs
    )
    assert (run.status, run.required_action) == ("completed", None)
    assert [message["role"] for message in seen] == [
        *("system", "user", "assistant", "tool", "tool"),
    ]
    assert [message["content"] for message in seen[3:]] == ["0 °C", "1 °C"]
    assert assistant.texts == ["Hi", "Fine"]
    first, second = assistant.list_steps()
    assert [call.function.output for call in first.step_details.tool_calls] == ["0 °C", "1 °C"]
    assert run.usage is not None
    assert run.usage.total_tokens == first.usage.total_tokens + second.usage.total_tokens
    assert first.usage.total_tokens > 0


def test_the_streams_of_a_run_with_tools(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply(tool_calls=ToolCall("weather", {"city": "Rome"})), "Sunny")
    assistant = Assistant(client, tools=[WEATHER])
    handler = assistant.stream()
    assert handler.names[-1] == "run.requires_action"
    assert handler.arguments == ['{"city":"Rome"}']
    call = find_call(run := handler.last)
    handler = Handler()
    with assistant.threads.runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=assistant.thread_id,
        tool_outputs=[{"tool_call_id": call.id, "output": "20 °C"}],
        event_handler=handler,
    ) as stream:
        stream.until_done()
    assert handler.names[:4] == [
        *("run.step.completed", "run.queued", "run.in_progress", "run.step.created"),
    ]
    assert (handler.names[-1], handler.text) == ("run.completed", "Sunny")


def test_a_run_that_waits_blocks_its_thread(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(Reply(tool_calls=ToolCall("weather", {})))
    assistant = Assistant(client, tools=[WEATHER])
    run = assistant.run()
    thread_id = assistant.thread_id
    for act, message in (
        (
            lambda: assistant.threads.messages.create(thread_id, role="user", content="More"),
            f"Can't add messages to {thread_id} while a run {run.id} is active.",
        ),
        (
            lambda: assistant.run(),
            f"Thread {thread_id} already has an active run {run.id}.",
        ),
        (
            lambda: assistant.threads.runs.submit_tool_outputs(
                run.id, thread_id=thread_id, tool_outputs=[{"tool_call_id": "call_1"}]
            ),
            f"Expected tool outputs for call_ids {[find_call(run).id]}, got ['call_1']",
        ),
    ):
        with pytest.raises(openai.BadRequestError) as error_info:
            act()
        body: Any = error_info.value.body
        assert body["message"] == message
    cancelled = assistant.threads.runs.cancel(run.id, thread_id=thread_id)
    assert (cancelled.status, cancelled.required_action) == ("cancelled", None)
    assert [step.status for step in assistant.list_steps()] == ["cancelled"]
    assert assistant.threads.messages.create(thread_id, role="user", content="More").id


def find_call(run: Run) -> Any:
    assert run.required_action is not None
    return run.required_action.submit_tool_outputs.tool_calls[0]


def test_built_in_tools_are_steps(mock: MockOpenAI, client: openai.OpenAI) -> None:
    result = {"file_id": "file-1", "filename": "a.txt", "score": 0.5, "text": "A cake"}
    citation = {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 4}
    output: list[Any] = [
        file_search("food", results=[result]),
        code_interpreter(["1", "+1"], logs="2", images=["https://example.com/file-2"]),
        Message(["Cake", "."], annotations=[citation]),
    ]
    mock.reply(Reply(output=output))
    tools: Any = [{"type": "file_search"}, {"type": "code_interpreter"}]
    assistant = Assistant(client, tools=tools)
    handler = assistant.stream(
        include=["step_details.tool_calls[*].file_search.results[*].content"]
    )
    assert handler.names.count("run.step.delta") == 1 + 5
    search, run_of_code, _ = (step.step_details for step in assistant.list_steps())
    (found,) = search.tool_calls[0].file_search.results
    assert (found.file_name, found.score, found.content[0].text) == ("a.txt", 0.5, "A cake")
    interpreter = run_of_code.tool_calls[0].code_interpreter
    assert (interpreter.input, interpreter.outputs[0].logs) == ("1+1", "2")
    assert interpreter.outputs[1].image.file_id == "file-2"
    (message,) = assistant.threads.messages.list(assistant.thread_id, limit=1).data
    block: Any = message.content[0]
    assert block.text.value == handler.text == "Cake.【4:0†a.txt】"
    (note,) = block.text.annotations
    assert block.text.value[note.start_index : note.end_index] == note.text == "【4:0†a.txt】"
    assert note.file_citation.file_id == "file-1"


# Unknown and deleted objects


def test_a_run_of_a_deleted_assistant_is_refused(client: openai.OpenAI) -> None:
    assistant = Assistant(client)
    client.beta.assistants.delete(assistant.id)
    with pytest.raises(openai.NotFoundError, match=f"No assistant found with id '{assistant.id}'"):
        assistant.run()


def test_a_run_that_was_never_created_goes_on(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hello")
    run = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id="run_1",
        thread_id="thread_1",
        tool_outputs=[{"tool_call_id": "call_1", "output": "1"}],
    )
    assert (run.id, run.status) == ("run_1", "completed")
