"""An exchange as a person reads it: drawn against time, what it means, what is odd about it.

Rules of this package: it returns text and facts, prints nothing and uses no clock. No stream is so
odd that a function here raises; what cannot be understood is shown as it came. A module imports
only from those before it: format, summaries, decode, lint, terminal.
"""

from __future__ import annotations

from typing import Any

import msgspec.json
from rich.text import Text

from openai_mockserver.bounded_input import is_deeper
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.show.decode import Item, ReceivedResponse, measure_times, receive
from openai_mockserver.show.format import as_plain
from openai_mockserver.show.lint import CHECKS, find_oddities
from openai_mockserver.show.terminal import draw_blocks

__all__ = ["CHECKS", "ReceivedResponse", "as_json", "draw"]


def draw(exchange: Exchange, width: int = 100) -> Text:
    """Draw an exchange for a terminal, as rich's styled text.

    Args:
        exchange: the exchange.
        width: the most columns that a line may have.
    """
    drawing = Text()
    for block in draw_blocks(receive(exchange), max(width, 1)):
        drawing.append("\n" if drawing else "")
        for line in block:
            drawing.append_text(line).append("\n")
    return drawing


def as_json(exchange: Exchange) -> dict[str, Any]:
    """Return the facts of an exchange as a value that JSON can hold.

    Args:
        exchange: the exchange.

    Raises:
        StreamFileError: if the exchange is nested too deeply.
    """
    try:
        return _collect_facts(exchange)
    except RecursionError:
        name = exchange.about.get("name") or "the exchange"
        raise StreamFileError(f"{name}: it is nested too deeply") from None


def _collect_facts(exchange: Exchange) -> dict[str, Any]:
    response = receive(exchange)
    times, reply, about = measure_times(response), response.reply, exchange.about
    facts: dict[str, Any] = {
        "name": about.get("name"),
        "description": about.get("description"),
        "requirement": about.get("requirement"),
        "request": _describe_request(about.get("request")),
        "status": response.head.status,
        "headers": response.head.headers,
        "endpoint": response.endpoint,
        "events": [_describe_item(item) for item in response.items],
        "totals": {
            "events": len(response.events),
            "reads": len({item.read for item in response.items}),
            "bytes": len(response.body),
            "seconds": response.seconds,
            "ttft": times.ttft,
            "itl": {"p50": times.p50, "p95": times.p95, "max": times.longest},
        },
        "reply": reply if response.is_understood and isinstance(reply, Reply) else None,
        "error": reply if isinstance(reply, ApiError) else getattr(reply, "error", None),
        "end": exchange.script.end,
        "complete": exchange.complete,
        "missing": exchange.missing,
        "withheld": exchange.withheld,
        "odd": [{"name": name, "fact": fact} for name, fact in find_oddities(response)],
    }
    plain: dict[str, Any] = as_plain(facts)
    return plain


def _describe_request(request: Any) -> Any:
    """Return the request; a body that is nested too deeply becomes text."""
    if not isinstance(request, dict) or not is_deeper(request.get("json")):
        return request
    rest = {name: value for name, value in request.items() if name != "json"}
    return {**rest, "text": msgspec.json.encode(request["json"]).decode()}


def _describe_item(item: Item) -> dict[str, Any]:
    """Return the facts of an item, with the name of the event if it has one."""
    facts = {"due": item.at, "gap": item.gap, "read": item.read, "kind": item.kind}
    has_name = item.event is not None and item.event.event is not None
    name = {"event": item.event.event} if item.event and has_name else {}
    return {**facts, **name, "data": item.data}
