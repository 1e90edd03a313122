"""Replies for property tests, every part of them."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

from openai_mockserver import items
from openai_mockserver.reply import (
    FINISH_REASONS,
    ApiError,
    Choice,
    FunctionCall,
    Logprob,
    Message,
    Output,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PIECES = TEXT | st.lists(TEXT, max_size=5)
NAMES = st.from_regex("[a-z_]{1,9}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXT, values, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3) | PIECES
TOKENS = st.integers(0, 10**6)
LOGPROBS = st.floats(-100, 0)


@st.composite
def tool_calls(draw: st.DrawFn) -> list[ToolCall]:
    """One call or several, as they go together."""
    made = draw(st.lists(st.tuples(NAMES, ARGUMENTS), min_size=1, max_size=3))
    given = draw(st.booleans())
    return [ToolCall(n, a, f"call_{i}" if given else None) for i, (n, a) in enumerate(made)]


@st.composite
def choices(draw: st.DrawFn, with_logprobs: bool = False, finished: bool = True) -> Choice:
    """One choice that can be served."""
    said: dict[str, object] = {}
    kind = draw(st.sampled_from(["text", "refusal", "calls", "text and calls", "function"]))
    if "text" in kind:
        said["text"] = Text(draw(PIECES))
    if kind == "refusal":
        said["refusal"] = Text(draw(PIECES))
    if "calls" in kind:
        said["tool_calls"] = draw(tool_calls())
    if kind == "function":
        said["function_call"] = FunctionCall(draw(NAMES), draw(ARGUMENTS))
    if draw(st.booleans()):
        said["reasoning"] = Text(draw(PIECES))
    if with_logprobs:
        spoken = said.get("text", said.get("refusal", Text("")))
        assert isinstance(spoken, Text)
        said["logprobs"] = [draw(logprobs(piece)) for piece in spoken.pieces]
    if not finished:
        said["finish_reason"] = None
    elif draw(st.booleans()):
        said["finish_reason"] = draw(st.sampled_from(FINISH_REASONS))
    return Choice(**said)  # type: ignore[arg-type]


@st.composite
def logprobs(draw: st.DrawFn, piece: str) -> tuple[Logprob, ...]:
    """A piece's log probabilities."""
    top = draw(st.lists(st.builds(Logprob, TEXT, LOGPROBS), max_size=2))
    return (Logprob(piece, draw(LOGPROBS), None, tuple(top)),)


USAGES = st.builds(Usage, TOKENS, TOKENS, st.integers(-1, 10**6), TOKENS, TOKENS, TOKENS, TOKENS)
ERRORS = st.builds(
    ApiError, st.sampled_from([400, 429, 500, 503]), message=st.none() | TEXT.filter(bool)
)


@st.composite
def replies(draw: st.DrawFn, finished: bool = False) -> Reply:
    """Any reply that can be served; with ``finished``, one that also fits a JSON body."""
    error = None if finished else draw(st.none() | ERRORS)
    ends = finished or (error is None and draw(st.integers(0, 9)) > 0)
    one = choices(with_logprobs=draw(st.booleans()), finished=ends)
    return Reply(
        choices=draw(st.lists(one, min_size=1, max_size=3)),
        usage=None if error is not None else draw(st.none() | USAGES),
        error=error,
    )


CITATIONS = st.fixed_dictionaries(
    {
        "type": st.just("url_citation"),
        "end_index": st.integers(0, 99),
        "start_index": st.integers(0, 99),
        "title": TEXT,
        "url": TEXT,
    }
)
IMAGES = st.binary(min_size=1, max_size=6).map(lambda data: base64.b64encode(data).decode())


@st.composite
def messages(draw: st.DrawFn, with_logprobs: bool) -> Message:
    """A message of text, with citations."""
    text = Text(draw(PIECES))
    return Message(
        text,
        annotations=draw(st.lists(CITATIONS, max_size=2)),
        phase=draw(st.sampled_from([None, "commentary", "final_answer"])),
        logprobs=([draw(logprobs(p)) for p in text.pieces] or None) if with_logprobs else None,
    )


ITEMS = st.one_of(
    st.lists(TEXT, min_size=1, max_size=2).map(lambda queries: items.web_search(*queries)),
    TEXT.map(items.file_search),
    st.builds(items.code_interpreter, PIECES, logs=st.none() | TEXT),
    st.builds(items.mcp_call, NAMES, NAMES, st.dictionaries(TEXT, JSON, max_size=2), TEXT),
    NAMES.map(lambda name: items.mcp_list_tools(name, [{"name": "tool"}])),
    st.builds(items.image_generation, IMAGES, partial=st.lists(IMAGES, max_size=2)),
)
REASONING = st.builds(
    Reasoning,
    st.lists(PIECES, max_size=2),
    content=st.lists(PIECES, max_size=1),
    encrypted=st.none() | TEXT,
)


@st.composite
def outputs(draw: st.DrawFn) -> list[Output]:
    """The output of a response: all that may stand in it, in any order; or a refusal."""
    if draw(st.integers(0, 5)) == 0:
        return [*draw(st.lists(REASONING, max_size=1)), Message(refusal=draw(PIECES))]
    call = st.builds(ToolCall, NAMES, ARGUMENTS)
    custom = st.builds(lambda name, said: ToolCall(name, said, custom=True), NAMES, PIECES)
    message = messages(draw(st.booleans()))
    return draw(st.lists(message | REASONING | ITEMS | call | custom, max_size=4))
