"""Handlers about the sandboxes."""

from __future__ import annotations

from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.rules import read
from openai_mockserver.control.shapes import NewSandbox, SandboxList, SandboxSummary
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.state.sandboxes import Entry

__all__ = ["create", "delete", "find", "list_all"]


def _summarize(entry: Entry[Steerable], origin: str) -> SandboxSummary:
    prefix = f"{origin}/s/{entry.id}"
    calls = entry.sandbox.calls
    return SandboxSummary(
        entry.id,
        f"{prefix}/v1",
        f"{prefix}/_mock",
        entry.created,
        entry.idle,
        len(calls),
        calls.problem_counts.calls,
    )


def list_all(mock: Steerable, request: ControlRequest) -> SandboxList:
    """Return all sandboxes."""
    entries = mock.sandboxes.list()
    return SandboxList([_summarize(one, request.origin) for one in entries], mock.sandboxes.idle)


def create(mock: Steerable, request: ControlRequest) -> SandboxSummary:
    """Create a sandbox with the server's settings, and the rules that the server started with."""
    wanted: NewSandbox = request.body
    rules = read(mock, wanted.rules)
    try:
        sandbox = mock.sandbox(wanted.id)
    except MockServerError as error:
        raise Problem(409, str(error)) from None
    for rule in rules:
        sandbox.rules.add(rule)
    entry = next(one for one in mock.sandboxes.list() if one.sandbox is sandbox)
    return _summarize(entry, request.origin)


def find(mock: Steerable, request: ControlRequest) -> SandboxSummary:
    """Return a sandbox; looking at it does not count as use."""
    id = request.variables["id"]
    for entry in mock.sandboxes.list():
        if entry.id == id:
            return _summarize(entry, request.origin)
    raise Problem(404, f"there is no sandbox {id!r:.80}")


def delete(mock: Steerable, request: ControlRequest) -> None:
    """Delete a sandbox."""
    id = request.variables["id"]
    if not mock.sandboxes.remove(id):
        raise Problem(404, f"there is no sandbox {id!r:.80}")
