"""Recordings over the control API."""

from __future__ import annotations

import gc

import pytest

from openai_mockserver import MockOpenAI, cassettes
from steered import Steered

pytestmark = pytest.mark.slow


def test_recording_is_started_and_stopped(steered: Steered) -> None:
    steered.mock.on(user="Ho").reply("local")
    with MockOpenAI() as upstream:
        upstream.reply("from the upstream")
        started = steered.http.post("/_mock/recordings/start", json={"upstream": upstream.base_url})
        assert started.json() == {"upstream": upstream.base_url, "recordings": []}
        assert steered.ask(stream=True) == "from the upstream"
        # The client leaves after [DONE]; the number of events is known when the upstream ends.
        assert steered.mock.calls[0].wait(10)
        call = steered.http.get("/_mock/calls/1").json()
        assert (call["events"], call["finish_reason"]) == (call["delivered"]["events"], "stop")
        events = steered.http.get("/_mock/calls/1/events").json()["events"]
        assert all(event["due"] == event["at"] > 0 for event in events)
        assert steered.ask("Ho") == "local"
        foreign = {"sec-fetch-site": "cross-site", "referer": "http://evil.example/"}
        assert steered.http.get("/v1/models", headers=foreign).status_code == 403
        stopped = steered.http.post("/_mock/recordings/stop").json()
    assert stopped["upstream"] is None
    (recording,) = stopped["recordings"]
    file = steered.http.get(f"/_mock/recordings/{recording['name']}")
    assert len(file.content) == recording["size"]
    (exchange,) = cassettes.loads(file.content)
    assert exchange.as_reply().text == "from the upstream"  # type: ignore[union-attr]
    with pytest.raises(Exception, match="no rule matches"):
        steered.ask()


def test_the_temporary_folder_goes_with_the_mock() -> None:
    with MockOpenAI(control=True) as mock, Steered(mock).http as http:
        http.post("/_mock/recordings/start", json={"upstream": "http://host/v1"})
        assert mock.options.recorder is not None
        folder = mock.options.recorder.folder.path
        assert folder.is_dir()
    del mock
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize("url", ["ftp://host", "https://user:key@host/v1", "nothing"])
def test_an_upstream_must_be_a_url(steered: Steered, url: str) -> None:
    response = steered.http.post("/_mock/recordings/start", json={"upstream": url})
    assert (response.status_code, response.json()["place"]) == (422, "upstream")


@pytest.mark.parametrize("name", ["none.jsonl", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd"])
def test_only_recordings_are_downloaded(steered: Steered, name: str) -> None:
    assert steered.http.get(f"/_mock/recordings/{name}").status_code == 404


def test_any_page_must_not_reach_an_upstream() -> None:
    with MockOpenAI(control=True, allow_origins=["*"]) as mock:
        one = Steered(mock)
        with one.http as http:
            response = http.post("/_mock/recordings/start", json={"upstream": "http://host/v1"})
        assert response.status_code == 422
        assert mock.options.upstream is None
