"""An exchange as a person reads it: drawn against time, what it means, what is odd about it.

Rules of this package: text out, nothing printed, no clock. No stream is so odd that this raises:
what cannot be understood is shown as it came. A module imports only from those before it: format,
summaries, decode, lint, terminal.
"""

from __future__ import annotations

from typing import Any

import msgspec.json

from openai_mockserver.bounded_input import is_deeper
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.show.decode import Item, Received, receive, times_of
from openai_mockserver.show.format import as_plain
from openai_mockserver.show.lint import CHECKS, find_oddities
from openai_mockserver.show.terminal import blocks

__all__ = ["CHECKS", "Received", "as_json", "draw"]


def draw(exchange: Exchange, width: int = 100) -> str:
    """An exchange as text for a terminal, with colours, in lines of at most so many columns.

    Args:
        exchange: the exchange.
        width: the terminal's columns.
    """
    got = receive(exchange)
    return "\n\n".join("\n".join(block) for block in blocks(got, max(width, 1))) + "\n"


def as_json(exchange: Exchange) -> dict[str, Any]:
    """The same facts for machines: a value that JSON can hold.

    Args:
        exchange: the exchange.

    Raises:
        StreamFileError: where its request is nested too deeply for this.
    """
    try:
        return _facts(exchange)
    except RecursionError:
        name = exchange.about.get("name") or "the exchange"
        raise StreamFileError(f"{name}: what it holds is nested too deeply") from None


def _facts(exchange: Exchange) -> dict[str, Any]:
    got = receive(exchange)
    times, reply, about = times_of(got), got.reply, exchange.about
    found: dict[str, Any] = {
        "name": about.get("name"),
        "description": about.get("description"),
        "request": _request_facts(about.get("request")),
        "status": got.head.status,
        "headers": got.head.headers,
        "endpoint": got.endpoint,
        "events": [_event_facts(item) for item in got.items],
        "totals": {
            "events": len(got.events),
            "reads": len({item.read for item in got.items}),
            "bytes": len(got.body),
            "seconds": got.seconds,
            "ttft": times.ttft,
            "itl": {"p50": times.p50, "p95": times.p95, "max": times.longest},
        },
        "reply": reply if got.is_understood and isinstance(reply, Reply) else None,
        "error": reply if isinstance(reply, ApiError) else getattr(reply, "error", None),
        "end": exchange.script.end,
        "complete": exchange.complete,
        "missing": exchange.missing,
        "withheld": exchange.withheld,
        "odd": [{"name": name, "fact": fact} for name, fact in find_oddities(got)],
    }
    plain: dict[str, Any] = as_plain(found)
    return plain


def _request_facts(request: Any) -> Any:
    """The request; a body that is nested as none should be is text."""
    if not isinstance(request, dict) or not is_deeper(request.get("json")):
        return request
    rest = {name: value for name, value in request.items() if name != "json"}
    return {**rest, "text": msgspec.json.encode(request["json"]).decode()}


def _event_facts(item: Item) -> dict[str, Any]:
    """What came, with the name of the event where it has one."""
    facts = {"due": item.at, "gap": item.gap, "read": item.read, "kind": item.kind}
    named = {"event": item.event.event} if item.event and item.event.event is not None else {}
    return {**facts, **named, "data": item.data}
