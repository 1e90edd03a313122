"""What a Live session hears, and the time of what is said in it."""

from __future__ import annotations

import pytest

from openai_mockserver.api.realtime.sound import PCM, make_silence
from openai_mockserver.sessions.live.hearing import Ear, Edge
from realtime_player import encode, make_tone


@pytest.fixture
def ear() -> Ear:
    return Ear(PCM)


def listen(ear: Ear, *parts: tuple[int, float]) -> list[Edge]:
    """Append tones and silence: pairs of an amplitude and a length in seconds."""
    events = [{"audio": encode(make_tone(amplitude, seconds))} for amplitude, seconds in parts]
    return [edge for event in events for edge in ear.append(event)]


def test_speech_ends_with_a_pause(ear: Ear) -> None:
    started, stopped = listen(ear, (0, 1.0), (9000, 0.5), (0, 0.6))
    assert (started.kind, stopped.kind) == ("started", "stopped")
    assert (stopped.start_ms, stopped.end_ms) == (700, 1500)  # with 300 ms before the speech
    assert ear.ms == 2100


def test_speech_that_has_not_ended_is_not_told(ear: Ear) -> None:
    (started,) = listen(ear, (9000, 0.5), (0, 0.4))
    assert started.kind == "started"
    (stopped,) = listen(ear, (0, 0.1))
    assert stopped.end_ms == 500


def test_what_follows_the_model_comes_after_it(ear: Ear) -> None:
    ear.advance(5000)
    _, stopped = listen(ear, (9000, 0.5), (0, 0.6))
    assert (stopped.start_ms, stopped.end_ms) == (5000, 5500)


def test_silence_catches_up_with_the_model(ear: Ear) -> None:
    ear.advance(1000)
    assert listen(ear, (0, 0.5)) == []
    assert ear.ms == 1000
    assert listen(ear, (0, 1.0)) == []
    assert ear.ms == 1500


def test_who_is_muted_falls_silent(ear: Ear) -> None:
    listen(ear, (9000, 0.5))
    ear.is_muted = True
    (stopped,) = listen(ear, (9000, 0.6))
    assert stopped.kind == "stopped"


@pytest.mark.parametrize("type", ["audio/pcm", "audio/pcmu", "audio/pcma"])
def test_silence_is_silent_in_every_format(type: str) -> None:
    format = {"type": type}
    ear = Ear(format)
    assert list(ear.append({"audio": encode(make_silence(16_000, format))})) == []
