"""Generated audio: every decoder accepts it, and it is as long as its text."""

from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver.api.audio import tones

TEXT = "Hello, world! This is a streaming test."
DURATION = len(TEXT) * tones.SECONDS


def decode(data: bytes) -> tuple[str, float, bool]:
    """Return the codec, the length in seconds, and whether there is anything but silence."""
    av = pytest.importorskip("av", reason="needs PyAV, which decodes all formats")
    with av.open(io.BytesIO(data)) as container:
        codec = container.streams.audio[0].codec.name
        frames = list(container.decode(audio=0))
    seconds = sum(frame.samples / frame.sample_rate for frame in frames)
    return codec, seconds, any(any(bytes(frame.planes[0])) for frame in frames)


@pytest.mark.parametrize(
    ("format", "codec", "expects_sound"),
    [
        ("mp3", "mp3float", False),
        ("opus", "opus", False),
        ("aac", "aac", False),
        ("flac", "flac", False),
        ("wav", "pcm_s16le", True),
    ],
)
def test_every_format_can_be_decoded(format: str, codec: str, expects_sound: bool) -> None:
    found_codec, seconds, has_sound = decode(tones.speak(TEXT, format))
    assert found_codec == codec
    assert seconds == pytest.approx(DURATION, abs=0.05)
    assert has_sound == expects_sound


def test_a_wav_is_pcm_with_a_header() -> None:
    data = tones.speak(TEXT, "wav")
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(file.getnframes()) == tones.speak(TEXT, "pcm")


def test_each_voice_has_different_tones_of_the_same_length() -> None:
    alloy, ash = tones.speak(TEXT, "pcm", "alloy"), tones.speak(TEXT, "pcm", "ash")
    assert alloy == tones.speak(TEXT, "pcm", "alloy") != ash
    assert len(alloy) == len(ash)


@given(st.text(max_size=40), st.sampled_from([0.25, 1.0, 4.0]))
def test_the_length_follows_the_text_and_the_speed(text: str, speed: float) -> None:
    seconds = len(text) * tones.SECONDS / speed
    assert tones.seconds(tones.speak(text, "wav", speed=speed)) == pytest.approx(seconds, abs=0.001)
    assert tones.seconds(tones.speak(text, "mp3", speed=speed)) == pytest.approx(seconds, abs=0.025)


@pytest.mark.parametrize("format", tones.FORMATS)
def test_an_empty_text_has_no_audio(format: str) -> None:
    assert len(tones.speak("", format)) < 300


def test_data_that_is_not_wav_is_measured_as_mp3() -> None:
    assert tones.seconds(bytes(16_000)) == 1
    assert tones.seconds(b"") == 0
    assert tones.seconds(b"RIFF\0\0\0\0WAVEfmt ") == pytest.approx(0.001)
