"""Replies that other tools describe, as the streams that a server would send for them.

Rules of this file: the same file always becomes the same bytes, with the same ids and times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver import sse
from openai_mockserver.api import chat
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.cassettes.importers.recording import (
    STREAM_HEAD,
    ImportProblem,
    RecordedExchange,
)
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import Reply
from openai_mockserver.seed import Seeded

RENDERED = "rendered as a stream of a chat completion"
"""The note of what was no recording of bytes."""


def render_stream(
    reply: Reply, request: Mapping[str, Any], envelope: Mapping[str, Any]
) -> RecordedExchange:
    """Render a reply as the stream that answers a chat completion.

    Args:
        reply: what the model says.
        request: the members of the request that are known.
        envelope: the members of the chunks that are known, such as ``id`` and ``model``.

    Raises:
        ImportProblem: if the reply cannot be served.
    """
    parameters = {"model": "gpt-4o", "messages": [], "stream": True, **request}
    if reply.usage is not None:
        parameters["stream_options"] = {"include_usage": True}
    rng = Seeded(repr(reply))
    known = {name: value for name, value in envelope.items() if value is not None}
    try:
        fresh = replace(Envelope.fresh(parameters, rng), **known)
        script = chat.render(reply, parameters, envelope=fresh, rng=rng)
    except (ReplyError, TypeError) as error:
        raise ImportProblem(f"it cannot be rendered: {error}") from None
    return RecordedExchange(sse.body(script.steps), STREAM_HEAD, note=RENDERED)
