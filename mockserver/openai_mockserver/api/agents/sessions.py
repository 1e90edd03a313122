"""``/v1/agents/sessions``: a session keeps items, and its turns ask the model.

Rules of this file: no I/O; `operations` does what sessions share with other objects. A turn asks
the mock itself for a response, so that the same rules answer. A client hears of the turn in the
stream of the session (`live`), whether it has subscribed before or subscribes later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import errors, headers, ids, responses
from openai_mockserver.api.agents.live import LiveSteps, SessionLog
from openai_mockserver.api.agents.turn import TurnWriter
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.json_body import binary_response, json_response
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Head, Script

__all__ = ["ANSWERS"]

Json = dict[str, Any]

_SESSIONS = "/v1/agents/sessions"
_SESSION = Resource("POST", _SESSIONS)
_RETRIEVE = Resource("GET", f"{_SESSIONS}/{{session_id}}")
_AGENT = Resource("GET", "/v1/agents/{agent_id}")
_EVENTS = f"{_SESSIONS}/{{session_id}}/events"
_INPUT = "agent.session.input."

_CALLS = "open calls of an agent session"


# Endpoints


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a session; its input begins a turn."""
    parameters = dict(request.parameters)
    if isinstance(agent_id := parameters.get("agent_id"), str):
        agent_request = EndpointRequest("GET", f"/v1/agents/{agent_id}", {"agent_id": agent_id})
        agent = _AGENT.find(agent_request, store, rng)[2]
        parameters["agent"] = agent | (parameters.get("agent") or {}) | {"id": agent_id}
    session = _SESSION.create_object(replace(request, parameters=parameters), store, rng)
    session["required_actions"] = []
    log = SessionLog(store, session["id"])
    writer = _make_writer(session, request, store, rng)
    writer.announce()
    if input_ := parameters.get("input"):
        parts = [{"type": "input_text", "text": input_}]
        messages = [{"role": "user", "content": parts}] if isinstance(input_, str) else input_
        _take_turn(writer, messages, request, store, rng)
    if parameters.get("stream"):
        return _stream(log, rng)
    return json_response(session, rng)


def _add_events(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Take what the client says or does."""
    session = _find_session(request, store, rng)
    for event in request.parameters["events"]:
        kind = str(event.get("type")).removeprefix(_INPUT)
        writer = _make_writer(session, request, store, rng)
        if kind == "message":
            _take_turn(writer, event["input"], request, store, rng)
        elif kind == "tool_result":
            error = _take_result(writer, event, request, store, rng)
            if error is not None:
                return errors.render(error, rng)
        elif kind == "cancel" and store.get(_CALLS, session["id"]):
            store.drop(_CALLS, session["id"])
            writer.end("cancelled")
            _store(writer, store)
    answer = binary_response(b"", rng)
    return replace(answer, head=replace(answer.head, status=202))


def _stream_events(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Stream the events of the session that no other stream has sent."""
    session = _find_session(request, store, rng)
    return _stream(SessionLog(store, session["id"]), rng)


def _stream(log: SessionLog, rng: Random) -> Script:
    return Script.of_lazy(Head(200, headers.response_headers(rng)), LiveSteps(log))


# Sessions and turns


def _find_session(request: EndpointRequest, store: Store, rng: Random) -> Json:
    """Return a session; one that was never created is generated, and stored."""
    id = request.ids["session_id"]
    found: Json | None = store.get(_SESSIONS, id)
    if found is None:
        bare_request = EndpointRequest("GET", f"{_SESSIONS}/{id}", request.ids)
        found = dict(_RETRIEVE.find(bare_request, store, rng)[2])
        found |= {"status": "idle", "required_actions": []}
        store.put(_SESSIONS, id, found)
        _make_writer(found, request, store, rng).announce()
    return found


def _make_writer(
    session: Json, request: EndpointRequest, store: Store, rng: Random, turn: Json | None = None
) -> TurnWriter:
    """Return the writer of the session's open turn, or of a new one."""
    path = f"{_SESSIONS}/{session['id']}"
    if turn is None and store.get(_CALLS, session["id"]):
        turn = store.all(f"{path}/turns")[-1]
    if turn is None:
        turn = {
            "id": f"turn_{ids.letters(24, rng)}",
            "object": "agent.session.turn",
            "agent_id": session["agent"]["id"],
            "session_id": session["id"],
            "subagent_id": None,
            "status": "queued",
            "created_at": seed.now(rng),
            "started_at": None,
            "completed_at": None,
            "error": None,
            "usage": None,
            "prompt_cache_options": None,
        }
    add_item = partial(_add_item, path, str(turn["id"]), store)
    return TurnWriter(session, dict(turn), SessionLog(store, session["id"]), add_item, rng)


def _add_item(path: str, turn_id: str, store: Store, item: Json) -> None:
    for collection in (f"{path}/items", f"{path}/turns/{turn_id}/items"):
        store.put(collection, item["id"], item)


def _store(writer: TurnWriter, store: Store) -> None:
    path = f"{_SESSIONS}/{writer.session['id']}"
    store.put(_SESSIONS, writer.session["id"], writer.session)
    store.put(f"{path}/turns", writer.turn["id"], writer.turn)


def _take_turn(
    writer: TurnWriter, messages: Any, request: EndpointRequest, store: Store, rng: Random
) -> None:
    """Begin a turn with messages of the user, and let the model answer."""
    writer.begin()
    for message in messages:
        id = f"msg_{rng.getrandbits(192):048x}"
        content = [_convert_part(part) for part in message["content"]]
        writer.add_input({"id": id, "type": "message", "role": "user", "content": content})
    _ask_model(writer, request, store)


def _convert_part(part: Mapping[str, Any]) -> Json:
    """Return a part of a message without members that are not shown."""
    name = "image_url" if part.get("type") == "input_image" else "text"
    return {"type": part.get("type"), name: part.get(name) or ""}


def _take_result(
    writer: TurnWriter,
    event: Mapping[str, Any],
    request: EndpointRequest,
    store: Store,
    rng: Random,
) -> ApiError | None:
    """Take the result of a function, and go on when there are no other open calls."""
    session_id = writer.session["id"]
    calls: list[Json] = store.get(_CALLS, session_id) or []
    call = next((one for one in calls if one["call_id"] == event["call_id"]), None)
    if call is None and store.get(CREATED, session_id) is None:
        return None  # in a session that the server has not created, a function may have been called
    if call is None:
        return ApiError(400, f"No pending tool call found for call_id '{event['call_id']}'.")
    writer.finish_call(call)
    output = event.get("output") if event.get("success") else event.get("error")
    writer.add_input(
        {
            "id": f"fco_{rng.getrandbits(192):048x}",
            "type": "function_call_output",
            "call_id": event["call_id"],
            "output": event.get("output"),
            "error": None if event.get("success") else str(output or ""),
        }
    )
    rest = [one for one in calls if one is not call]
    store.put(_CALLS, session_id, rest)
    if not rest:
        writer.change_session("in_progress", required_actions=[])
        writer.change_turn("in_progress")
        _ask_model(writer, request, store)
    return None


def _ask_model(writer: TurnWriter, request: EndpointRequest, store: Store) -> None:
    """Let the model answer, and note what it says."""
    session, calls = writer.session, list[Json]()
    _store(writer, store)
    items = store.all(f"{_SESSIONS}/{session['id']}/items")
    agent = session["agent"]
    tools = [tool for tool in agent.get("tools") or () if tool.get("type") == "function"]
    body = {
        "model": agent["model"],
        "instructions": agent.get("instructions"),
        "input": [one for item in items for one in _convert_item(item)],
        "tools": [{"strict": None, "parameters": None} | tool for tool in tools],
        "store": False,
        "stream": True,
    }
    body = {name: value for name, value in body.items() if value or name in ("input", "store")}
    if request.ask is not None:
        script = request.ask("POST", responses.PATH, msgspec.json.encode(body))
        answer = responses.read(script)
        writer.add(script, answer if isinstance(answer, ApiError) else None, calls)
    store.put(_CALLS, session["id"], calls)
    _store(writer, store)


def _convert_item(item: Mapping[str, Any]) -> list[Json]:
    """Return an item of a session in the form of the Responses API."""
    kind = item["type"]
    if kind == "message":
        parts = item["content"]
        is_plain = len(parts) == 1 and "text" in parts[0]
        return [{"role": item["role"], "content": parts[0]["text"] if is_plain else parts}]
    if kind == "function_call":
        arguments = msgspec.json.encode(item["arguments"]).decode()
        names = {"call_id": item["call_id"], "name": item["name"], "arguments": arguments}
        return [{"type": "function_call", **names}]
    if kind == "function_call_output":
        output = item.get("output") or item.get("error") or ""
        return [{"type": kind, "call_id": item["call_id"], "output": output}]
    return []


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _SESSIONS): _create,
    ("GET", _EVENTS): _stream_events,
    ("POST", _EVENTS): _add_events,
}
