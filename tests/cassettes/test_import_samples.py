"""Real files of seven tools: each body arrives byte for byte, whatever reads it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from imported import body_of
from openai_mockserver import Reply, StreamFileError
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.importers.recording import HAS_SESSION
from openai_mockserver.cassettes.stream_file import dumps, loads


def read_httprr_bodies(text: str) -> list[str]:
    _, _, rest = text.partition("HTTP/2.0 200 OK\r\n")
    return [rest.partition("\r\n\r\n")[2]]


# The bodies of a file, read as its tool's own documentation says.
BODIES: dict[str, Callable[[str], list[str]]] = {
    "braintrust-sdk-javascript--openrouter-agent-v0.cassette.json": lambda text: [
        "".join(chunk + "\n\n" for chunk in entry["response"]["body"]["chunks"])
        for entry in json.loads(text)["entries"]
    ],
    "chatlas--test_mistral_simple_streaming_request.yaml": lambda text: [
        yaml.safe_load(text)["interactions"][0]["response"]["body"]["string"]
    ],
    "cline--headless-model-flag.json": lambda text: [json.loads(text)[0]["response"]],
    "langchaingo--TestOpenRouterWithHTTPRR.httprr": read_httprr_bodies,
    "openai-dotnet--StreamingStructuredRefusalWorks.json": lambda text: [
        "".join(json.loads(text)["Entries"][0]["ResponseBody"])
    ],
    "prism--stream-with-tools-responses-2.json": lambda text: [text],
    "req_llm--streaming.json": lambda text: [
        b"".join(base64.b64decode(chunk["b64"]) for chunk in json.loads(text)["chunks"]).decode()
    ],
    "rig--streaming_ministral_3b_tiny_plain_one.yaml": lambda text: [
        yaml.safe_load(text)["then"]["body"]
    ],
}


def test_there_is_a_reader_for_each_sample(shared: Path) -> None:
    assert {file.name for file in (shared / "import-formats").iterdir()} == set(BODIES)


@pytest.mark.parametrize("name", BODIES)
def test_the_bodies_of_a_real_file_arrive_unchanged(shared: Path, name: str) -> None:
    file = shared / "import-formats" / name
    exchanges = import_file(file)
    bodies = [body.encode() for body in BODIES[name](file.read_bytes().decode())]
    assert [body_of(exchange) for exchange in exchanges] == bodies
    for exchange in exchanges:
        assert exchange.script.is_stream
        assert isinstance(exchange.as_reply(), Reply)
        assert loads(dumps(exchange.script, exchange.about)) == [exchange]
        request = exchange.about.get("request", {"json": {"stream": True}})
        assert request.get("json", {"stream": True})["stream"] is True


def test_a_session_over_a_websocket_is_refused_in_a_sentence(shared: Path) -> None:
    files = sorted((shared / "recordings-ws").glob("test_*.yaml"))
    refused = []
    for file in files:
        try:
            assert import_file(file)
        except StreamFileError as error:
            refused.append(str(error).partition(", but ")[2])
    assert refused == [HAS_SESSION] * 9
    assert len(files) == 12  # the others are HTTP exchanges that prepare a session
