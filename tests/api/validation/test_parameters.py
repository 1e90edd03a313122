"""Invalid requests get OpenAI's errors: for the body, its nested values and the query."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from openai_mockserver import MockOpenAI, Reply, Request, ToolCall, sse
from openai_mockserver.api.validation.parameters import parameters_of

CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
FORMAT = {"response_format": {"type": "object"}}
BOTH = {"max_tokens": 9, "max_completion_tokens": 9}
SPEECH = "/v1/audio/speech"
COMPLETE = {"model": "m", "prompt": "a"}
SPEAK = {"model": "tts-1", "voice": "alloy"}
EMBED = {"model": "m", "input": "a"}
REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def check_error(path: str, body: Any) -> tuple[str | None, str | None, str | None]:
    """Return message, param and code of the error for a body."""
    error = parameters_of("POST", path).check(body)
    assert error is not None
    assert error.status == 400
    return error.message, error.param, error.code


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f"} | function}


MISSING = "missing_required_parameter"
STRICT = {"type": "json_schema", "json_schema": {"name": "r", "strict": True}}

INVALID_BODIES = [
    # missing
    (RESPONSES, {"tools": [{"type": "function"}]}, "tools[0].name", MISSING),
    (CHAT, REQUEST | {"tools": [{"type": "function"}]}, "tools[0].function", MISSING),
    (CHAT, REQUEST | {"tools": [{}]}, "tools[0].type", MISSING),
    ("/v1/batches", {}, "completion_window", MISSING),
    # unknown
    (RESPONSES, {"inpt": "Hi"}, "inpt", "unknown_parameter"),
    (CHAT, REQUEST | {"tools": [tool(parms={})]}, "tools[0].function.parms", "unknown_parameter"),
    (RESPONSES, {"reasoning": {"efort": "low"}}, "reasoning.efort", "unknown_parameter"),
    # wrong type
    (RESPONSES, {"input": 7}, "input", "invalid_type"),
    (RESPONSES, {"input": [7]}, "input[0]", "invalid_type"),
    (CHAT, REQUEST | {"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
    (CHAT, REQUEST | {"tools": [tool(name=1)]}, "tools[0].function.name", "invalid_type"),
    (EMBEDDINGS, {"model": "m", "input": {}}, "input", "invalid_type"),
    # wrong value
    (RESPONSES, {"input": [{"role": "usr", "content": "Hi"}]}, "input[0].role", "invalid_value"),
    (RESPONSES, {"tools": [{"type": "functions"}]}, "tools[0].type", "invalid_value"),
    (CHAT, REQUEST | {"tool_choice": "always"}, "tool_choice", "invalid_value"),
    (CHAT, REQUEST | FORMAT, "response_format.type", "invalid_value"),
    # out of bounds
    (CHAT, REQUEST | {"stop": list("abcde")}, "stop", "array_above_max_length"),
    (CHAT, REQUEST | {"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ("/v1/completions", COMPLETE | {"stop": list("abcde")}, "stop", "array_above_max_length"),
    (CHAT, REQUEST | {"tools": [tool()] * 129}, "tools", "array_above_max_length"),
    (SPEECH, SPEAK | {"input": "a" * 4097}, "input", "string_above_max_length"),
    (EMBEDDINGS, {"model": "m", "input": ""}, "input", "empty_string"),
    (EMBEDDINGS, EMBED | {"dimensions": 0}, "dimensions", "integer_below_min_value"),
    # combinations, and inside a JSON Schema
    (CHAT, REQUEST | BOTH, "max_tokens", "invalid_parameter_combination"),
    (
        CHAT,
        REQUEST | {"tools": [tool(strict=True, parameters={"type": "object", "properties": {}})]},
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, REQUEST | {"stop": "</answer>"}),
        (CHAT, REQUEST | {"stop": ["</answer>", "</thought>"]}),
        ("/v1/completions", COMPLETE | {"stop": "</answer>"}),
        (EMBEDDINGS, EMBED | {"input": "a" * 9000}),
        (RESPONSES, {"model": "m", "input": "a" * 9000}),
    ],
)
def test_limits_of_lists_do_not_apply_to_texts(path: str, body: Any) -> None:
    assert parameters_of("POST", path).check(body) is None


@pytest.mark.parametrize("text", ["{}", "{0}", "%s", "\0", "'messages[0].role'"])
def test_errors_quote_the_value_verbatim(text: str) -> None:
    message, param, _ = check_error(CHAT, REQUEST | {"messages": [{"role": text, "content": "Hi"}]})
    assert (message or "").startswith(f"Invalid value: '{text}'. Supported values are: 'system', ")
    assert param == "messages[0].role"
    error = check_error(RESPONSES, {f"in{text}put": 1})
    assert error[:2] == (f"Unknown parameter: 'in{text}put'.", f"in{text}put")


@pytest.mark.parametrize(("path", "body", "param", "code"), INVALID_BODIES)
def test_param_and_code_of_errors(path: str, body: Any, param: str, code: str) -> None:
    message, *place = check_error(path, body)
    assert place == [param, code]
    assert param in (message or "") or code.startswith("invalid_")


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (RESPONSES, {"inpt": "Hi"}, "Unknown parameter: 'inpt'."),
        (EMBEDDINGS, EMBED | {"x": 1}, "Unrecognized request argument supplied: x"),
        (EMBEDDINGS, {"input": "a"}, "you must provide a model parameter"),
        (
            RESPONSES,
            {"input": 7},
            "Invalid type for 'input': expected one of a string or array of objects, but got an "
            "integer instead.",
        ),
        (
            EMBEDDINGS,
            {"model": "m", "input": "a", "encoding_format": "int"},
            "Invalid value: 'int'. Supported values are: 'float' and 'base64'.",
        ),
        (
            CHAT,
            REQUEST | FORMAT,
            "Invalid value: 'object'. "
            "Supported values are: 'text', 'json_schema', and 'json_object'.",
        ),
        (
            CHAT,
            REQUEST | {"tools": [{}] * 129},
            "Missing required parameter: 'tools[0].type'.",
        ),
        (
            CHAT,
            REQUEST | {"tools": [tool()] * 129},
            "Invalid 'tools': array too long. Expected an array with maximum length 128, but got "
            "an array with length 129 instead.",
        ),
        (
            CHAT,
            {"model": "m", "messages": [{"role": "user", "content": "Hi"}] * 2049},
            "Invalid 'messages': array too long. Expected an array with maximum length 2048, but "
            "got an array with length 2049 instead.",
        ),
        (
            CHAT,
            {"model": "m", "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "user", "content": [{"type": "text", "text": "Hi"}] * 16385}]},
            "Invalid 'messages[1].content': array too long. Expected an array with maximum length "
            "16384, but got an array with length 16385 instead.",
        ),
        (
            "/v1/responses",
            {"model": "m", "input": [{"role": "user", "content": "x" * 10485761}]},
            "Invalid 'input[0].content': string too long. Expected a string with maximum length "
            "10485760, but got a string with length 10485761 instead.",
        ),
        (
            "/v1/responses",
            {"model": "m", "input": "x" * 10485761},
            "Invalid 'input': string too long. Expected a string with maximum length 10485760, "
            "but got a string with length 10485761 instead.",
        ),
        (
            "/v1/moderations",
            {"input": ["Hi"] * 2049},
            "Invalid 'input': array too long. Expected an array with maximum length 2048, but got "
            "an array with length 2049 instead.",
        ),
        (
            "/v1/conversations",
            {"items": [{"role": "user", "content": "Hi"}] * 21},
            "Invalid 'items': array too long. Expected an array with maximum length 20, but got "
            "an array with length 21 instead.",
        ),
        (
            CHAT,
            REQUEST | {"response_format": {"type": "json_schema", "json_schema": {
                "name": "r", "strict": True, "schema": {
                    "type": "object", "additionalProperties": False, "required": [],
                    "properties": {"a": {"type": "string"}}}}}},
            "Invalid schema for response_format 'r': In context=(), 'required' is required to be "
            "supplied and to be an array including every key in properties. Missing 'a'.",
        ),
    ],
)  # fmt: skip
def test_messages_of_errors(path: str, body: Any, message: str) -> None:
    assert check_error(path, body)[0] == message


# Messages with members that the types of a request lack: one as received, one as clients send it.
ANSWER: dict[str, Any] = {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []}
RESULT = {"role": "tool", "tool_call_id": "call_1", "name": "get_weather", "content": "sunny"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, REQUEST | {"messages": [ANSWER, RESULT]}),
        (RESPONSES, {}),
        (RESPONSES, {"max_output_tokens": 0, "instructions": None}),
        (CHAT, REQUEST | {"max_tokens": 0, "max_completion_tokens": 0}),
        (CHAT, REQUEST | {"response_format": STRICT}),
        (CHAT, REQUEST | {"logit_bias": {"50256": -100}, "model": "any"}),
        (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_text", "text": ""}]}]}),
        (RESPONSES, {"tools": [{"type": "function", "name": "f", "parameters": {"any": [1]}}]}),
        (EMBEDDINGS, {"model": "m", "input": [[1, 2], [3]]}),
    ],
)  # fmt: skip
def test_valid_bodies_are_accepted(path: str, body: Any) -> None:
    assert parameters_of("POST", path).check(body) is None


def test_a_received_message_can_be_sent_back() -> None:
    with MockOpenAI() as mock:
        mock.reply(Reply("It is sunny.", reasoning="Look outside."), ToolCall("look"), "done")
        client = mock.client()
        messages: list[Any] = [{"role": "user", "content": "Hi"}]
        for _ in range(2):
            answer = client.chat.completions.create(model="gpt-4o", messages=messages)
            messages.append(answer.choices[0].message)
        calls = answer.choices[0].message.tool_calls
        assert calls is not None
        messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "sunny"})
        client.chat.completions.create(model="gpt-4o", messages=messages)
        mock.check()


def test_a_query() -> None:
    def send(query: str, **options: Any) -> tuple[int, Any]:
        call = MockOpenAI(**options).respond(Request("GET", "/v1/files", query=query))
        return call.status, json.loads(sse.body(call.script.steps)).get("error", {}).get("message")

    assert send("limit=20&order=asc") == (200, None)
    assert send("limit=many") == (
        400,
        "Invalid type for 'limit': expected an integer, but got a string instead.",
    )
    assert send("order=up") == (
        400,
        "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.",
    )
    assert send("limt=2") == (400, "Unknown parameter: 'limt'.")
    assert send("limt=2", lenient=True) == (200, None)


def test_a_form() -> None:
    headers = [("content-type", "application/x-www-form-urlencoded")]
    call = MockOpenAI().respond(Request("POST", "/v1/files", headers, b"purpose=batch"))
    assert json.loads(sse.body(call.script.steps))["error"]["param"] == "file"


PATHS = {"chat": CHAT, "responses": RESPONSES, "completions": "/v1/completions"}


@pytest.mark.parametrize("kind", PATHS)
def test_recorded_requests_are_accepted(kind: str, shared: Path) -> None:
    recordings = sorted((shared / "recordings" / "openai" / kind).glob("*.json"))
    assert len(recordings) >= 3
    parameters = parameters_of("POST", PATHS[kind])
    for file in recordings:
        request = json.loads(file.read_text())["request"]
        assert request["method"] == "GET" or parameters.check(request["json"]) is None, file.name


# Requests that get OpenAI's recorded errors, by code. Errors for keys and models come from rules
# and from `api_key`.
REQUESTS_BY_CODE = {
    "missing_required_parameter": (RESPONSES, {"tools": [{"type": "function", "function": {}}]}),
    "invalid_parameter_combination": (CHAT, REQUEST | BOTH),
    "invalid_json_schema": (
        RESPONSES,
        {"text": {"format": {"type": "json_schema", "name": "response", "strict": True,
                             "schema": {"type": "object", "properties": {}}}}},
    ),
}  # fmt: skip


def test_recorded_errors_are_reproduced(shared: Path) -> None:
    """Byte for byte, if the recording has OpenAI's bytes."""
    count = 0
    for line in (shared / "wire/errors_before_stream.jsonl").read_text().splitlines():
        recording = json.loads(line)
        expected_body = json.loads(recording["body"])
        code = (
            expected_body["error"].get("code")
            if isinstance(expected_body.get("error"), dict)
            else None
        )
        if recording["host"] != "api.openai.com" or code not in REQUESTS_BY_CODE:
            continue
        path, body = REQUESTS_BY_CODE[code]
        mock = MockOpenAI()
        mock.reply("Hi")
        # The schema is checked before the endpoint's rules.
        call = mock.respond(Request("POST", path, body=json.dumps(body).encode()))
        body_bytes = sse.body(call.script.steps)
        assert json.loads(body_bytes) == expected_body
        if recording["body_exact"]:
            assert body_bytes.decode() == recording["body"]
        count += 1
    assert count >= 3


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's, as it sends it
def test_a_message_from_parse_can_be_sent_back() -> None:
    class Result(BaseModel):
        n: int

    tool = openai.pydantic_function_tool(Result, name="f")
    messages: list[Any] = [{"role": "user", "content": "Hi"}]
    with MockOpenAI() as mock:
        mock.reply('{"n": 1}', ToolCall("f", {"n": 1}), "done")
        chats = mock.client().chat.completions
        first = chats.parse(model="gpt-4o", messages=messages, response_format=Result)
        messages.append(first.choices[0].message)
        second = chats.parse(model="gpt-4o", messages=messages, tools=[tool])
        messages.append(second.choices[0].message)
        calls = second.choices[0].message.tool_calls
        assert calls
        messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "1"})
        assert chats.create(model="gpt-4o", messages=messages).choices[0].message.content == "done"


INPUT_ITEMS = [
    {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]},
    {"type": "image_generation_call", "id": "ig_1"},
    {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
]


@pytest.mark.parametrize("item", INPUT_ITEMS)
def test_input_items_of_openais_guides_are_accepted(item: dict[str, Any]) -> None:
    request = {"model": "m", "input": [{"role": "user", "content": "Hi"}, item]}
    assert parameters_of("POST", RESPONSES).check(request) is None


FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        (
            CHAT,
            {
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "tool_calls": [CALL | {"index": 0}]},
                    {"role": "tool", "tool_call_id": "call_1", "content": "1"},
                ]
            },
        ),
        (
            CHAT,
            {
                "messages": [{"role": "user", "content": "Hi"}],
                "tools": [{"type": "function", "name": "f", "function": FUNCTION}],
            },
        ),
        (
            RESPONSES,
            {"input": "Hi", "tools": [{"type": "function", **FUNCTION, "function": FUNCTION}]},
        ),
    ],
)
def test_members_that_openai_ignores_are_accepted(path: str, parameters: dict[str, Any]) -> None:
    """Each was recorded with status 200."""
    assert (
        parameters_of("POST", path).check({"model": "gpt-4o", "strict": None} | parameters)
        is not None
    )
    assert parameters_of("POST", path).check({"model": "gpt-4o"} | parameters) is None


def test_valid_bodies_are_remembered_and_invalid_ones_are_not() -> None:
    chat = parameters_of("POST", "/v1/chat/completions")
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for _ in range(3):
        assert chat.check_body(b"right", body) is None
        assert (error := chat.check_body(b"new", body | {"new": 1})) is not None
        assert "new" in str(error.message)
        assert chat.check_body(b"new", body | {"new": 1}, lenient=True) is None


def test_the_memory_of_valid_bodies_is_bounded() -> None:
    chat = parameters_of("POST", "/v1/chat/completions")
    request = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for number in range(1000):
        assert chat.check_body(b"%d" % number, request) is None
        assert chat.check_body(b"%d" % number * 10_000, request) is None
    assert len(chat._valid_bodies) <= 256
    assert max(len(body) for body, _ in chat._valid_bodies) < 10_000
