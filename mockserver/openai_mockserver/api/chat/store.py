"""Stores chat completions, with the messages of their requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.chat.reader import read
from openai_mockserver.api.chat.renderer import PATH, render
from openai_mockserver.api.decode import DECODE_ERRORS
from openai_mockserver.api.endpoint import EndpointRequest, Rendered
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.json_body import decode_json
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Script


def keep(request: EndpointRequest, result: Rendered, store: Store) -> Script:
    """Store a completion and its request's messages, if the request asks for that."""
    script, make_object = result.script, result.make_object
    if not request.parameters.get("store") or script.head.status != 200:
        return script
    try:
        completion = make_object() if make_object else _read_completion(request.parameters, script)
        metadata = request.parameters.get("metadata") or {}
        completion |= {"id": completion["id"], "metadata": metadata}
    except (*DECODE_ERRORS, ReplyError, StopIteration):
        return script  # the rule's response is not a completion
    id = completion["id"]
    messages = [
        {"id": f"{id}-{index}"} | message
        for index, message in enumerate(request.parameters["messages"])
    ]
    kind = f"{PATH}/{id}/messages"
    store.put_all(
        [
            (CREATED, id, PATH),
            (PATH, id, completion),
            *((kind, message["id"], message) for message in messages),
        ]
    )
    return script


def _read_completion(request: Mapping[str, Any], script: Script) -> dict[str, Any]:
    """Return the completion of a ready-made response as one object."""
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
