"""Import of damaged files in each format: whatever a member is replaced with, an error is clear."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imported import PAYLOAD, STREAM, URL
from openai_mockserver import StreamFileError
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.cassettes.importers.formats import find_format
from openai_mockserver.cassettes.stream_file import dumps

REQUEST = {"method": "POST", "url": URL, "headers": {"a": "b"}}
HEADERS = {"content-type": "text/event-stream"}

# A document in each format, whose name begins the key.
DOCUMENTS: dict[str, Any] = {
    "req_llm fixture": {
        "captured_at": "x",
        "request": {**REQUEST, "canonical_json": PAYLOAD, "body": {"b64": "e30="}},
        "response": {"status": 200, "headers": HEADERS, "body": None},
        "chunks": [{"b64": "ZGF0YTogYQoK", "decoded": "data: a\n\n"}],
    },
    "req_llm fixture with events": {
        "captured_at": "x",
        "request": REQUEST,
        "response": {},
        "events": [{"type": "status", "value": 200}, {"type": "headers", "value": [["a", "b"]]}],
    },
    "Braintrust cassette": {
        "entries": [
            {
                "request": {**REQUEST, "body": {"kind": "json", "value": PAYLOAD}},
                "response": {"status": 200, "body": {"kind": "sse", "chunks": ["data: a"]}},
            }
        ]
    },
    "Azure test-proxy session": {
        "Entries": [
            {
                "RequestUri": URL,
                "RequestHeaders": {"Content-Type": "application/json"},
                "RequestBody": PAYLOAD,
                "StatusCode": 200,
                "ResponseHeaders": {"Content-Type": "text/event-stream"},
                "ResponseBody": ["data: a\n\n"],
            }
        ]
    },
    "nock file": [
        {
            "scope": "https://a.b:443",
            "path": "/",
            "body": PAYLOAD,
            "status": 200,
            "response": ["1f8b"],
            "rawHeaders": ["content-encoding", "gzip"],
            "reqheaders": {"a": ["b"]},
            "responseIsBinary": False,
        }
    ],
    "WireMock mapping": {
        "mappings": [
            {
                "request": {
                    "method": "POST",
                    "urlPath": "/a",
                    "queryParameters": {"a": {"equalTo": "b"}},
                    "bodyPatterns": [{"equalToJson": "{}"}],
                },
                "response": {"status": 200, "jsonBody": {}, "fixedDelayMilliseconds": 5},
            }
        ]
    },
    "Postman collection": {
        "info": {},
        "item": [
            {
                "request": {"method": "POST", "url": {"raw": URL}, "header": []},
                "response": [{"code": 200, "header": [{"key": "a", "value": "b"}], "body": STREAM}],
            }
        ],
    },
    "Mockoon environment": {
        "uuid": "u",
        "latency": 5,
        "routes": [
            {
                "method": "post",
                "endpoint": "a",
                "responses": [
                    {"body": "a", "headers": [{"key": "a", "value": "b"}], "statusCode": 200}
                ],
            }
        ],
        "data": [{"id": "a", "value": "b"}],
    },
    "Datadog cassette": {
        "request": {**REQUEST, "body": "{}"},
        "response": {"status": {"code": 200}, "headers": HEADERS, "body": "base64:e30="},
    },
    "llmock cassette": {
        "endpoint": "openai.chat",
        "match": {},
        "response": {
            "status": 200,
            "content_type": "text/event-stream",
            "frames": [{"delay_ms": 5, "data": "data: a\n\n"}],
        },
    },
    "aimock file": {
        "fixtures": [
            {
                "match": {"userMessage": "a", "model": "m"},
                "response": {
                    "content": "a",
                    "toolCalls": [{"name": "f", "arguments": {}, "id": "c"}],
                    "usage": {"prompt_tokens": 1},
                    "created": 1,
                },
                "chunkSize": 2,
                "recordedTimings": {"ttftMs": 5, "totalDurationMs": 9},
            },
            {"response": {"error": {"message": "a"}, "status": 429, "retryAfter": 1}},
            {"response": {"embedding": [0.5]}},
        ]
    },
    "list of AI SDK stream parts": {
        "initialDelayInMs": 5,
        "chunks": [
            {"type": "response-metadata", "id": "a", "modelId": "b"},
            {"type": "text-delta", "id": "a", "delta": "b"},
            {"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": "{}"},
            {"type": "finish", "finishReason": "stop", "usage": {"inputTokens": {"total": 1}}},
        ],
    },
    "httpmock file.yaml": {
        "when": {"path": "/", "method": "POST", "header": [{"name": "a", "value": "b"}]},
        "then": {"status": 200, "header": [{"name": "a", "value": "b"}], "body": "a", "delay": 5},
    },
}


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in a value with each of its keys."""
    if not isinstance(value, dict | list):
        return
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        yield from list_places(child)


junk: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 7, 2**70, 1.5, 1e308, "", "a", "base64", "\u0000", "é", [], [1], ["a"],
     [["a"]], {}, {"a": 1}, {"key": 1}, {"b64": 1}, [None], [{}]]
)  # fmt: skip


def import_document(name: str, document: Any) -> str | None:
    """Import a document; return the name of its format."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        is_yaml = name.endswith(".yaml")
        text = yaml.dump(document) if is_yaml else json.dumps(document)
        file.write_text(text, encoding="utf-8")
        for exchange in import_file(file):
            assert dumps(exchange.script, exchange.about)
        return find_format(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
@given(data=st.data())
def test_any_member_may_be_damaged(name: str, data: st.DataObject) -> None:
    document = copy.deepcopy(DOCUMENTS[name])
    places = list(list_places(document))
    container, key = places[data.draw(st.integers(0, len(places) - 1), "place")]
    if data.draw(st.booleans(), "remove"):
        del container[key]
    else:
        container[key] = data.draw(junk, "junk")
    with suppress(StreamFileError):
        import_document(name, document)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_the_format_of_its_tool(name: str) -> None:
    found = import_document(name, DOCUMENTS[name])
    assert found is not None
    assert name.startswith(found)
