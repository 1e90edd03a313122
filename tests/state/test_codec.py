"""Values of a store as bytes, and back."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from openai_mockserver.api.agents.live import Counts, LoggedEvent
from openai_mockserver.api.assistants.pending import Outcome
from openai_mockserver.api.jobs import Ending, Job
from openai_mockserver.api.live.sessions import LiveRecord
from openai_mockserver.api.multipart import File
from openai_mockserver.api.resources import evals, fine_tuning, vector_stores, videos
from openai_mockserver.api.resources.batches import BatchEnd, BatchRun
from openai_mockserver.api.resources.timed import Phases, Timed
from openai_mockserver.api.responses.background import ResponseEnd
from openai_mockserver.api.responses.history import Writer
from openai_mockserver.api.responses.stored import ResponseText, StoredResponse
from openai_mockserver.exceptions import StateError
from openai_mockserver.script import Event, Head, Raw, Script
from openai_mockserver.state.codec import decode, encode

JSON = [
    {"id": "a", "list": [1, 2.5, None, True, "é\n"], "empty": {}},
    "/v1/files",
    [],
    [{"call_id": "c"}],
    2**70,
    "half of a pair: \ud800",
    {"deep": [[[["\udfff", 10**30]]]]},
]

VALUES: list[Any] = [
    *JSON,
    ({"role": "user", "content": "Hi"},),
    (),
    b"\xff\n",
    Job(1.5, 60.0),
    Job(1.5, 60.0, Ending("failed", 2.0, "code", "why"), 3.25, "a", ResponseEnd("failed"), 4.0),
    Job(0.0, 60.0, id="batch_1", find_end=BatchEnd(True)),
    BatchRun({"id": "b"}, [{"id": "r"}], [], ("f1", "f2"), {"seconds": 3600}),
    Outcome({"id": "run"}, [{"id": "step"}], [{"id": "msg"}], None),
    LiveRecord({"model": "m"}, "webrtc", 99, [{"type": "message"}], [b"\0\xff", b"1"]),
    Writer("resp_1", "1234", 2**47, 5.5),
    Counts(3, 2),
    LoggedEvent(Event('{"a": 1}', "agent.turn"), 0.5, True),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:40])
def test_a_value_comes_back(value: Any) -> None:
    again = decode(encode(value))
    assert again == value
    assert type(again) is type(value)


def test_mappings_become_objects() -> None:
    value = {"config": MappingProxyType({"a": MappingProxyType({"b": 1})})}
    assert decode(encode(value)) == {"config": {"a": {"b": 1}}}


def test_a_file_keeps_its_name() -> None:
    file = decode(encode(File(b"1\n2", "a.csv", "text/csv")))
    assert (file, file.name, file.content_type) == (b"1\n2", "a.csv", "text/csv")


def test_bytes_with_nuls_come_back() -> None:
    assert decode(encode(b"\0a\0")) == b"\0a\0"


# Responses

RESPONSE = {"id": "resp_1", "output": [], "status": "completed", "created_at": 1}
EVENTS = (Event('{"n":1}', "response.created"), Event('{"n":2}', "response.completed"))


@pytest.mark.parametrize(
    ("script", "response", "events"),
    [
        (None, RESPONSE, ()),
        (Script(Head(200), (Raw(b"{}"),)), RESPONSE, ()),
        (Script(steps=EVENTS), RESPONSE | {"background": True}, EVENTS),
        (Script(steps=EVENTS), RESPONSE, EVENTS),
    ],
    ids=["never sent", "as JSON", "as a stream that can be resumed", "as a handmade stream"],
)
def test_a_response_comes_back(
    script: Script | None, response: dict[str, Any], events: tuple[Event, ...]
) -> None:
    history = ({"role": "user", "content": "Hi"},)
    value = StoredResponse(lambda: response, script, "How are you?", history, True, 12.5)
    again = decode(encode(value))
    assert isinstance(again, StoredResponse)
    assert again.response == response
    assert (again.input, again.history) == ("How are you?", history)
    assert (again.was_retrieved, again.stored_at) == (True, 12.5)
    assert again.events == events
    assert again.messages == value.messages


@pytest.mark.parametrize("input_", ["Hi", [{"n": 10**30}]])
def test_the_text_of_a_response_is_stored_as_it_is(input_: Any) -> None:
    text = b'{\n  "id": "resp_1",\n  "output": [],\n  "number": 100000000000000000000000000\n}\n'
    value = StoredResponse(ResponseText(text), Script(Head(200), ()), input_)
    again = decode(encode(value))
    assert again.response == {"id": "resp_1", "output": [], "number": 10**26}
    assert again.input == input_
    was_streamed = [one.script is not None and one.script.is_stream for one in (value, again)]
    assert was_streamed[0] == was_streamed[1]


# Objects that take time

FINAL = {"id": "x", "created_at": 100, "usage_bytes": 7, "hyperparameters": {}}

TIMED = [
    videos.make_timed(FINAL, "x", "/v1/videos"),
    evals.make_timed(FINAL, "x", "/v1/evals/e/runs", ([{"item": {}}, {}], [{"name": "c"}])),
    fine_tuning.make_timed(FINAL, "x", "/v1/fine_tuning/jobs", (2, 99, "ft:gpt")),
    vector_stores.make_timed_file(FINAL, "x", "/v1/vector_stores/v/files", "batch"),
    vector_stores.make_timed_batch(FINAL, "x", "/v1/vector_stores/v/file_batches"),
]


@pytest.mark.parametrize("value", TIMED, ids=lambda value: value.kind)
def test_an_object_that_takes_time_comes_back(value: Timed) -> None:
    again = decode(encode(value))
    assert isinstance(again, Timed)
    assert (again.kind, again.job_id, again.collection) == (value.kind, "x", value.collection)
    assert (again.finish is None) == (value.finish is None)
    job = Job(0.0, 60.0)
    for elapsed in (0.0, 20.0, 59.0, 60.0):
        moments = [one.lifecycle.find_moment(one.final, job, elapsed) for one in (value, again)]
        assert moments[0] == moments[1]
        shown = [one.lifecycle.show(moments[0]) for one in (value, again)]
        assert shown[0] == shown[1]


@pytest.mark.parametrize("value", TIMED, ids=lambda value: value.kind)
@pytest.mark.parametrize("ending", [None, Ending("cancelled", 5.0), Ending("failed", 5.0)])
def test_the_end_of_its_job_comes_back(value: Timed, ending: Ending | None) -> None:
    job = Job(0.0, 60.0, ending, find_end=value.lifecycle)
    again = decode(encode(job))
    assert isinstance(again.find_end, Phases)
    assert again.find_end(again) == value.lifecycle(job)


# What cannot be stored or read


def test_a_function_cannot_be_stored() -> None:
    with pytest.raises(StateError, match="the end of a job cannot be stored"):
        encode(Job(0.0, 1.0, find_end=lambda job: BatchEnd(False)(job)))
    with pytest.raises(StateError, match="a value of the type object cannot be stored"):
        encode({"a": object()})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b'["json"',
        b'["a newer type", {}]',
        b'["job", {"started": "yesterday"}]',
        b'["job", [0, 1, null, null, "a", ["lambda", {}], null]]',
        b'["file", 5]\nabc',
        b' ["json", nonsense]',
        b"\x80\x04K\x01.",  # a pickle
    ],
)
def test_damaged_bytes_are_one_clear_error(data: bytes) -> None:
    with pytest.raises(StateError, match="a stored value is damaged: b"):
        decode(data)
