"""Built-in tools and citations: from the form of the Responses API into that of assistants.

Rules of this file: pure functions. A citation is a mark in the text, such as 【4:0†notes.txt】, and
an annotation with its place. What a client must ask for with ``include`` is left out without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from openai_mockserver.reply import Annotation, Item, Text

__all__ = ["RESULT_CONTENT", "build_tool_call", "cite", "stream_tool_call"]

Json = dict[str, Any]

RESULT_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
"""The value of ``include`` that requests the texts that a search found."""

_RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0}

# Built-in tools


def stream_tool_call(item: Item, id: str) -> Iterator[Json]:
    """Yield the deltas of a built-in tool's call, without their index."""
    if item.type == "file_search_call":
        search: Json = {"ranking_options": _RANKING, "results": []}
        yield {"id": id, "type": "file_search", "file_search": search}
        return
    type_ = "code_interpreter"
    yield {"id": id, "type": type_, type_: {"input": "", "outputs": []}}
    for piece in Text(item.members.get("code") or "").pieces:
        yield {"type": type_, type_: {"input": piece}}
    for index, output in enumerate(_list_outputs(item)):
        yield {"type": type_, type_: {"outputs": [{"index": index, **output}]}}


def build_tool_call(item: Item, id: str, include: AbstractSet[str] = frozenset()) -> Json:
    """Return the finished call of a built-in tool."""
    if item.type == "file_search_call":
        results = [
            _build_result(result, RESULT_CONTENT in include)
            for result in item.members.get("results") or ()
        ]
        search = {"ranking_options": _RANKING, "results": results}
        return {"id": id, "type": "file_search", "file_search": search}
    code = str(item.members.get("code") or "")
    run = {"input": code, "outputs": list(_list_outputs(item))}
    return {"id": id, "type": "code_interpreter", "code_interpreter": run}


def _build_result(result: Mapping[str, Any], with_content: bool) -> Json:
    """Return a result of a search."""
    members: Json = {
        "file_id": result.get("file_id"),
        "file_name": result.get("filename") or result.get("file_name"),
        "score": result.get("score", 1.0),
        "attributes": result.get("attributes") or {},
    }
    if with_content:
        members["content"] = [{"type": "text", "text": result.get("text") or ""}]
    return members


def _list_outputs(item: Item) -> Iterator[Json]:
    """Yield the outputs of a run of code; an image is a file here."""
    for output in item.members.get("outputs") or ():
        if output.get("type") == "logs":
            yield {"type": "logs", "logs": output.get("logs") or ""}
        else:
            file_id = str(output.get("url") or "").rpartition("/")[2]
            yield {"type": "image", "image": {"file_id": file_id}}


# Citations


def cite(text: Text, annotations: Sequence[Annotation]) -> Iterator[tuple[str, list[Json]]]:
    """Yield the pieces of a text, each with its annotations, and with the marks of citations.

    >>> note = {"type": "file_citation", "file_id": "file-1", "filename": "a.txt", "index": 2}
    >>> [piece for piece, _ in cite(Text(["Hi", "."]), [Annotation(note, after=1)])]
    ['Hi', '【4:0†a.txt】', '.']
    """
    sources: list[str] = []
    length = 0
    for place, piece in enumerate(("", *text.pieces)):
        here = [a.members for a in annotations if (a.after or 0) == place]
        own = [dict(members) for members in here if _is_placed(members)]
        if place:
            length += len(piece)
            yield piece, own
        for members in here:
            file_id = members.get("file_id")
            if members.get("type") != "file_citation" or not isinstance(file_id, str):
                continue
            if file_id not in sources:
                sources.append(file_id)
            mark = f"【4:{sources.index(file_id)}†{members.get('filename') or 'source'}】"
            citation = {
                "type": "file_citation",
                "text": mark,
                "start_index": length,
                "end_index": length + len(mark),
                "file_citation": {"file_id": file_id},
            }
            length += len(mark)
            yield mark, [citation]


def _is_placed(members: Mapping[str, Any]) -> bool:
    """Whether an annotation has the form of assistants already, and its mark is in the text."""
    return "file_citation" in members or "file_path" in members
