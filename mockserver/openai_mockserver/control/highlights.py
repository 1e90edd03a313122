"""What a list of calls shows of a response: its first event and its end.

Rules of this file: a response is searched, not parsed, because lists have many of them. Nothing is
kept.
"""

from __future__ import annotations

import inspect
import re

from openai_mockserver.faults import FAULTS, Fault
from openai_mockserver.journal import Call
from openai_mockserver.sse import body

__all__ = ["find_finish_reason", "find_ttft", "show_fault"]

_MOST = 1 << 20  # bytes of a response that is searched
_IN_EVENTS = re.compile(
    rb'"finish_reason": ?"(\w{1,40})"|"type": ?"response\.(completed|incomplete|failed|cancelled)"'
)
_IN_OBJECT = re.compile(rb'"finish_reason": ?"(\w{1,40})"|"status": ?"(\w{1,40})"')
"""Within a text, each of these quotation marks would follow a backslash."""


def find_ttft(call: Call) -> float | None:
    """Return when the first event was written, in seconds after the request; None if none was."""
    return next((part.at for part in call.times if part.events), None)


def find_finish_reason(call: Call) -> str | None:
    """Return why the response ended, if the client received that; else None."""
    script = call.script
    is_coming = call.upstream is not None and call.outcome is None
    if is_coming or script.head.status >= 400 or script.raw:
        return None
    kind = (script.head.header("content-type") or "").lower()
    if not kind.startswith(("text/event-stream", "application/json")):
        return None
    if script.lazy is not None:
        size = script.lazy.size
    else:
        size = sum(len(getattr(step, "data", "")) for step in script.steps)
    if size > _MOST:
        return None
    received = body(script.steps)[: call.sent.bytes]
    # An object begins with its own status, and a stream ends with it.
    pattern = _IN_EVENTS if script.is_stream else _IN_OBJECT
    reasons = [next(filter(None, match)) for match in pattern.findall(received)]
    return reasons[-1 if script.is_stream else 0].decode() if reasons else None


def show_fault(fault: object) -> str:
    """Return a fault as it is in Python, without arguments that have their default values.

    >>> from openai_mockserver.faults import truncate
    >>> show_fault(truncate(after=2))
    'truncate(after=2)'
    """
    if not isinstance(fault, Fault) or fault.name not in FAULTS:
        return repr(fault)
    parameters = inspect.signature(FAULTS[fault.name]).parameters
    arguments = [
        f"{name}={value!r}"
        for name, value in fault.arguments.items()
        if name not in parameters or value != parameters[name].default
    ]
    return f"{fault.name}({', '.join(arguments)})"
