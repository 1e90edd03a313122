"""Chat completions that are stored, with what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.chat.reader import read
from openai_mockserver.api.chat.renderer import PATH, render
from openai_mockserver.api.decode import DECODE_ERRORS
from openai_mockserver.api.endpoint import Asked, Rendered
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.json_body import decode_json
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Script

# Storing


def keep(asked: Asked, rendered: Rendered, store: Store) -> Script:
    """Remember a completion that is to be stored, and what it was asked."""
    script, _, make_object = rendered
    if not asked.parameters.get("store") or script.head.status != 200:
        return script
    try:
        kept = make_object() if make_object else _read_completion(asked.parameters, script)
        kept |= {"id": kept["id"], "metadata": asked.parameters.get("metadata") or {}}
    except (*DECODE_ERRORS, ReplyError, StopIteration):
        return script  # what a rule sent is no completion
    store.put(CREATED, kept["id"], PATH)
    store.put(PATH, kept["id"], kept)
    for index, message in enumerate(asked.parameters["messages"]):
        said = {"id": f"{kept['id']}-{index}"} | message
        store.put(f"{PATH}/{kept['id']}/messages", said["id"], said)
    return script


def _read_completion(request: Mapping[str, Any], script: Script) -> dict[str, Any]:
    """The completion that a ready-made response holds, as one object."""
    body = sse.body(script.steps)
    if script.is_stream:
        chunk = msgspec.json.decode(next(iter(sse.decode(body))).data)
        envelope = Envelope(
            chunk["id"],
            chunk["created"],
            chunk["model"],
            chunk.get("system_fingerprint"),
            chunk.get("service_tier"),
        )
        options = dict(request) | {"stream": False}
        body = sse.body(render(read(script), options, envelope=envelope).steps)
    whole: dict[str, Any] = decode_json(body)
    return whole
