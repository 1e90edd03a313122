"""The turns that a Live session asks the mock: what has been said, and what the model says.

Rules of this file: no I/O. A rule for ``audio/transcriptions`` says what the user has said; without
one, the transcript is generated from the audio. Any rule says what the model answers, and only one
for ``live/commentary`` how it words what it has been told to say; without one, it says just that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api.audio.transcriptions import generate_transcript
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest, Rendered
from openai_mockserver.api.live.config import find_format, find_target, find_voice
from openai_mockserver.api.live.events import SpeechPlan, compose_speech, compose_transcript
from openai_mockserver.api.realtime.sound import PCM
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Script
from openai_mockserver.sessions.live.delegation import make_message
from openai_mockserver.sessions.live.hearing import Edge
from openai_mockserver.sessions.session import Turn

__all__ = ["make_hearing_turn", "make_speech_turn"]

TRANSCRIPTIONS, ANSWERS = "/v1/audio/transcriptions", "/v1/live"
COMMENTARY = "/v1/live/commentary"


def make_hearing_turn(model: str, edge: Edge) -> Turn:
    """Return the turn that asks what the user has said.

    Args:
        model: the session's model.
        edge: the end of what has been said.
    """
    seconds = (edge.end_ms - edge.start_ms) / 1000

    def render(reply: Reply | ApiError, context: Context) -> Rendered:
        return compose_transcript(reply, context.rng, edge.start_ms, edge.end_ms)

    def answer(request: EndpointRequest, store: Store, rng: Random) -> Script:
        reply = Reply(generate_transcript(edge.audio, seconds))
        return compose_transcript(reply, rng, edge.start_ms, edge.end_ms).script

    body = msgspec.json.encode({"model": model, "seconds": round(seconds, 3)})
    endpoint = Endpoint(path=TRANSCRIPTIONS, answer=answer)
    return Turn(body, path=TRANSCRIPTIONS, endpoint=endpoint, render=render)


def make_speech_turn(
    config: Mapping[str, Any],
    items: Iterable[Mapping[str, Any]],
    is_sideband: bool,
    commentary: str | None = None,
) -> Turn:
    """Return the turn that asks what the model says.

    Args:
        config: the configuration of the session.
        items: what has been said, as the input of a request.
        is_sideband: whether it is said on a sideband, in PCM and with its times.
        commentary: what it has been told to say; None if it answers.
    """
    format = PCM if is_sideband else find_format(config)
    plan = SpeechPlan(format, find_voice(config), find_target(config), is_sideband)
    body: dict[str, Any] = {"model": config["model"], "input": list(items), "stream": True}
    if config.get("instructions") is not None:
        body["instructions"] = config["instructions"]
    render = partial(compose_speech, plan=plan)
    if commentary is None:
        endpoint = Endpoint(path=ANSWERS, render=render)
        return Turn(msgspec.json.encode(body), path=ANSWERS, endpoint=endpoint)

    def answer(request: EndpointRequest, store: Store, rng: Random) -> Script:
        context = Context(request.parameters, None, (), rng)
        return render(Reply(commentary), context).script

    body["input"].append(make_message("developer", commentary))
    endpoint = Endpoint(path=COMMENTARY, answer=answer)
    return Turn(msgspec.json.encode(body), path=COMMENTARY, endpoint=endpoint, render=render)
