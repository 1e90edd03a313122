"""Output items for work that the API does before the model answers: searches, code, MCP calls.

Rules of this file: each function creates an `Item` for a reply's output, with the JSON of the
finished item in the Responses API. Omitted values are generated deterministically.
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
    """Create a web search.

    Args:
        queries: the search queries.
        sources: URLs that were consulted; the API sends them only if the request includes them.

    >>> web_search("tallest building").members["action"]["query"]
    'tallest building'
    """
    action: dict[str, Any] = {"type": "search", "queries": list(queries)}
    action["query"] = queries[0] if queries else ""
    if sources is not None:
        action["sources"] = [{"type": "url", "url": url} for url in sources]
    return Item("web_search_call", {"status": "completed", "action": action})


def file_search(*queries: str, results: Iterable[Mapping[str, Any]] | None = None) -> Item:
    """Create a search in vector stores.

    Args:
        queries: the search queries.
        results: the results as JSON; the API sends them only if the request includes them.
    """
    entries = None if results is None else [dict(result) for result in results]
    return Item(
        "file_search_call", {"status": "completed", "queries": list(queries), "results": entries}
    )


def code_interpreter(
    code: str | Iterable[str],
    *,
    logs: str | None = None,
    images: Sequence[str] = (),
    container: str | None = None,
) -> Item:
    """Create a run of the code interpreter.

    Args:
        code: the Python code, or the pieces it arrives in.
        logs: text that the code printed.
        images: URLs of images that the code created.
        container: id of the container in which the code ran.
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
    """Create the listing of an MCP server's tools.

    Args:
        server: label of the server.
        tools: JSON of each tool: ``name``, and optionally ``input_schema``, ``description`` and
            ``annotations``.
        error: message if the tools could not be listed.
    """
    full_tools = [
        {"annotations": None, "description": None, "input_schema": {"type": "object"}} | dict(tool)
        for tool in tools
    ]
    members: dict[str, Any] = {"server_label": server, "tools": full_tools}
    return Item("mcp_list_tools", members if error is None else members | {"error": error})


def mcp_call(
    server: str,
    name: str,
    arguments: Mapping[str, Any] | str | None = None,
    output: str | None = None,
    *,
    error: Mapping[str, Any] | None = None,
) -> Item:
    """Create a call of an MCP server's tool, which the API performs itself.

    Args:
        server: label of the server.
        name: name of the tool.
        arguments: arguments of the call, as an object or as JSON text.
        output: output of the tool.
        error: error of the call in the API's form, such as
            ``{"type": "http_error", "code": 500, "message": "…"}``.
    """
    if not isinstance(arguments, str):
        arguments = json.dumps(dict(arguments or {}), ensure_ascii=False, separators=(",", ":"))
    return Item(
        "mcp_call",
        {
            "approval_request_id": None,
            # Arguments arrive in one piece.
            "arguments": arguments if isinstance(arguments, Text) else Text([arguments]),
            "error": None if error is None else dict(error),
            "name": name,
            "output": output,
            "server_label": server,
        },
    )


def mcp_approval(server: str, name: str, arguments: Mapping[str, Any] | None = None) -> Item:
    """Create a request to approve a call of an MCP server's tool.

    Args:
        server: label of the server.
        name: name of the tool.
        arguments: arguments of the call, as an object.
    """
    text = json.dumps(dict(arguments or {}), ensure_ascii=False, separators=(",", ":"))
    return Item("mcp_approval_request", {"arguments": text, "name": name, "server_label": server})


def image_generation(
    result: str, *, partial: Iterable[str] = (), revised_prompt: str | None = None
) -> Item:
    """Create the generation of an image.

    Args:
        result: the final image, in base64.
        partial: the partial images, in base64.
        revised_prompt: the prompt after the model revised it.
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
