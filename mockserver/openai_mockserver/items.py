"""What a model does by itself before it answers: searches, code, MCP calls, pictures.

Rules of this file: each function makes an `Item` of a reply's output, as the Responses API has it
when it is done. What is not given is made up, the same each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openai_mockserver.reply import Item, Text

__all__ = [
    "code_interpreter",
    "file_search",
    "image_generation",
    "mcp_approval",
    "mcp_call",
    "mcp_list_tools",
    "web_search",
]


def web_search(*queries: str, sources: Iterable[str] | None = None) -> Item:
    """A search of the web.

    Args:
        queries: what was searched for.
        sources: URLs that were looked at, which the API tells only to those who ask.

    >>> web_search("tallest building").members["action"]["query"]
    'tallest building'
    """
    action: dict[str, Any] = {"type": "search", "queries": list(queries)}
    action["query"] = queries[0] if queries else ""
    if sources is not None:
        action["sources"] = [{"type": "url", "url": url} for url in sources]
    return Item("web_search_call", {"status": "completed", "action": action})


def file_search(*queries: str, results: Iterable[Mapping[str, Any]] | None = None) -> Item:
    """A search in vector stores; the results are told only to those who ask."""
    found = None if results is None else [dict(result) for result in results]
    return Item(
        "file_search_call", {"status": "completed", "queries": list(queries), "results": found}
    )


def code_interpreter(
    code: str | Iterable[str],
    *,
    logs: str | None = None,
    images: Sequence[str] = (),
    container: str | None = None,
) -> Item:
    """A run of code.

    Args:
        code: the Python that is run, or the pieces it arrives in.
        logs: what it printed.
        images: URLs of the pictures it made.
        container: the id of the container it ran in.
    """
    outputs: list[dict[str, Any]] = [] if logs is None else [{"type": "logs", "logs": logs}]
    outputs += [{"type": "image", "url": url} for url in images]
    text = Text(code)
    return Item(
        "code_interpreter_call",
        {
            "status": "completed",
            "code": text,
            "container_id": container or f"cntr_{_digest(text, 48)}",
            "outputs": outputs or None,
        },
    )


def mcp_list_tools(
    server: str, tools: Iterable[Mapping[str, Any]] = (), *, error: str | None = None
) -> Item:
    """The tools of an MCP server being looked up.

    Args:
        server: the server's label.
        tools: each with ``name``, and ``input_schema``, ``description``, ``annotations``.
        error: why they could not be listed.
    """
    listed = [
        {"annotations": None, "description": None, "input_schema": {"type": "object"}} | dict(tool)
        for tool in tools
    ]
    members: dict[str, Any] = {"server_label": server, "tools": listed}
    return Item("mcp_list_tools", members if error is None else members | {"error": error})


def mcp_call(
    server: str,
    name: str,
    arguments: Mapping[str, Any] | str | None = None,
    output: str | None = None,
    *,
    error: Mapping[str, Any] | None = None,
) -> Item:
    """A call of a tool of an MCP server, made by the API itself.

    Args:
        server: the server's label.
        name, arguments: the tool and its arguments, an object or its JSON.
        output: what it gave.
        error: why it failed, in the API's form, as in
            ``{"type": "http_error", "code": 500, "message": "…"}``.
    """
    if not isinstance(arguments, str):
        arguments = json.dumps(dict(arguments or {}), ensure_ascii=False, separators=(",", ":"))
    return Item(
        "mcp_call",
        {
            "approval_request_id": None,
            # They come in one piece.
            "arguments": arguments if isinstance(arguments, Text) else Text([arguments]),
            "error": None if error is None else dict(error),
            "name": name,
            "output": output,
            "server_label": server,
        },
    )


def mcp_approval(server: str, name: str, arguments: Mapping[str, Any] | None = None) -> Item:
    """A request to approve a call of a tool of an MCP server."""
    text = json.dumps(dict(arguments or {}), ensure_ascii=False, separators=(",", ":"))
    return Item("mcp_approval_request", {"arguments": text, "name": name, "server_label": server})


def image_generation(
    result: str, *, partial: Iterable[str] = (), revised_prompt: str | None = None
) -> Item:
    """A picture being made.

    Args:
        result: the picture, in base64.
        partial: how it looked on the way, in base64.
        revised_prompt: what was drawn in the end.
    """
    members: dict[str, Any] = {
        "status": "completed",
        "background": "opaque",
        "output_format": "png",
        "quality": "medium",
        "result": result,
        "revised_prompt": revised_prompt,
        "size": "1024x1024",
    }
    if partial := list(partial):
        members["partial_images"] = partial
    return Item("image_generation_call", members)


def _digest(text: str, n: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:n]
