"""The strategies: each draws a few bytes and builds a value from them.

Rules of this file: a strategy draws bytes; `reply_bytes`, `variations`, `splits` and `failures`
interpret them. Unknown names are an error when a strategy is created, not when it draws.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from openai_mockserver import api
from openai_mockserver.api.context import make_context
from openai_mockserver.dialects import dialects
from openai_mockserver.exceptions import MockServerError, ReplyError
from openai_mockserver.faults.habits import HABITS
from openai_mockserver.reply import ApiError, Reply, ToolCall, as_reply
from openai_mockserver.script import Script
from openai_mockserver.seed import Seeded
from openai_mockserver.strategies import failures, plain_chunks, reply_bytes, splits, variations
from openai_mockserver.strategies.conversation import TOOLS, Conversation, Turn
from openai_mockserver.stream_value import Stream

__all__ = [
    "api_errors",
    "conversations",
    "faulty",
    "build_plain_stream",
    "partitions",
    "replies",
    "scripts",
    "streams",
    "tool_calls",
]

ENDPOINT_KINDS = {
    "chat/completions": frozenset(reply_bytes.KINDS),
    "responses": frozenset(reply_bytes.KINDS) - {"choices", "function_call"},
    "completions": frozenset({"text", "empty", "choices"}),
}
"""The kinds of replies of each endpoint."""

CHAT = "chat/completions"
OPENAI = "openai"
DIALECTS = (OPENAI, *dialects())
"""The dialects of streams that the renderers write instead of `variations`."""

DIALECT_ON = 250  # values of a byte from here on choose a dialect


def _draw_bytes(size: int) -> SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def _check_names(kind: str, names: Iterable[str], known_names: Collection[str]) -> frozenset[str]:
    """Return the names as a set. Raises MockServerError if one is unknown."""
    result = frozenset([names] if isinstance(names, str) else names)
    if unknown := sorted(result - set(known_names)):
        known = ", ".join(known_names)
        raise MockServerError(f"unknown {kind} {unknown[0]!r}: must be one of {known}")
    return result


# Content


def replies(kinds: Iterable[str] = reply_bytes.KINDS) -> SearchStrategy[Reply]:
    """Return a strategy for finished replies, which shrink towards ``Reply("a")``.

    Args:
        kinds: names of the kinds to draw, out of
            `openai_mockserver.strategies.reply_bytes.KINDS`, such as ``["text", "tool_calls"]``.

    Raises:
        MockServerError: if a kind is unknown.

    >>> from hypothesis import find
    >>> find(replies(), lambda reply: True)
    Reply('a', finish_reason='stop')
    """
    weighted_kinds = reply_bytes.weight_kinds(
        _check_names("kind of reply", kinds, reply_bytes.KINDS) or reply_bytes.KINDS
    )
    return _draw_bytes(reply_bytes.REPLY_SIZE).map(
        lambda data: reply_bytes.build_reply(data, weighted_kinds)
    )


def tool_calls(tools: Sequence[Mapping[str, Any]] | None = None) -> SearchStrategy[ToolCall]:
    """Return a strategy for tool calls, whose arguments come whole or in pieces.

    Args:
        tools: tools in the form of a request: each call is of one of these, and its arguments
            conform to the schema. If None, calls are of arbitrary tools, with arguments that often
            cause trouble.

    Raises:
        MockServerError: if ``tools`` is empty or contains something other than functions.

    >>> from hypothesis import find
    >>> find(tool_calls(), lambda call: True)
    ToolCall('f', '{}', id='call_1')
    """
    if tools is None:
        return _draw_bytes(reply_bytes.CALL_SIZE).map(reply_bytes.build_call)
    functions = reply_bytes.list_functions(tools)
    return _draw_bytes(reply_bytes.CALL_SIZE + reply_bytes.ARGUMENTS_SIZE).map(
        lambda data: reply_bytes.build_conforming_call(data, functions)
    )


def api_errors(statuses: Iterable[int] | None = None) -> SearchStrategy[ApiError]:
    """Return a strategy for errors that the API sends instead of a stream or within one.

    Args:
        statuses: HTTP statuses to draw; all by default.
    """
    if statuses is None:
        return _draw_bytes(reply_bytes.ERROR_SIZE).map(reply_bytes.build_error)
    allowed_statuses = frozenset(statuses)
    errors = [error for error in reply_bytes.ERRORS if error.status in allowed_statuses]
    other_statuses = sorted(allowed_statuses - {error.status for error in errors})
    return st.sampled_from([*errors, *map(ApiError, other_statuses)])


# Streams


def scripts(
    reply: object = None,
    *,
    endpoint: str = "chat/completions",
    quirks: bool = True,
    without: Iterable[str] = (),
) -> SearchStrategy[Stream]:
    """Return a strategy for streams of a reply with all habits of servers, one event in each read.

    Habits include repeated roles, empty deltas, usage in different places, comments, line ends, a
    byte order mark and several events in a read; streams may also be of any dialect. None of these
    changes the answer.

    Args:
        reply: content of the streams: a `Reply`, text, a `ToolCall`, a list of these, or a strategy
            for any of them; by default any reply of the endpoint.
        endpoint: ``chat/completions``, ``responses`` or ``completions``.
        quirks: whether to include streams that OpenAI's schema or the event-stream format does not
            allow, but that other providers send and a tolerant reader accepts.
        without: names of habits and dialects to exclude, as in a stream's ``description``;
            docs/how-to/property-tests.md lists all.

    Raises:
        MockServerError: if the endpoint, a habit or a dialect is unknown.

    >>> from hypothesis import find
    >>> stream = find(scripts(), lambda stream: stream.bytes().startswith(b"\\xef\\xbb\\xbf"))
    >>> stream.reply, len(stream.script.steps), stream.description
    (Reply('a', finish_reason='stop'), 3, 'bom')
    """
    return _streams(reply, endpoint, quirks, without, 0)


def streams(
    reply: object = None,
    *,
    endpoint: str = "chat/completions",
    quirks: bool = True,
    without: Iterable[str] = (),
) -> SearchStrategy[Stream]:
    """Return a strategy for the streams of `scripts`, split into reads anywhere in their bytes.

    The arguments are those of `scripts`.

    >>> from hypothesis import find
    >>> stream = find(streams("Hi"), lambda stream: len(stream.reads()) == 5)
    >>> stream.reply.text, b"".join(stream.reads()) == stream.bytes()
    ('Hi', True)
    """
    return _streams(reply, endpoint, quirks, without, splits.SIZE)


def _streams(
    reply: object,
    endpoint: str,
    quirks: bool,
    without: Iterable[str],
    partition: int,
) -> SearchStrategy[Stream]:
    size, build = _prepare_streams(_check_endpoint(endpoint), quirks, without, partition)
    data = _draw_bytes(size)
    if reply is None:
        return data.map(build)
    if isinstance(reply, SearchStrategy):
        return st.builds(build, data, reply)
    return data.map(partial(build, content=_convert_reply(reply)))


def _check_endpoint(endpoint: str) -> str:
    (path,) = _check_names("endpoint", [endpoint.removeprefix("/v1/")], ENDPOINT_KINDS)
    return path


def _prepare_streams(
    path: str, quirks: bool, without: Iterable[str], partition: int
) -> tuple[int, Callable[..., Stream]]:
    """Return the number of bytes for a stream, and the function that builds it.

    The function takes the bytes and, if the content is fixed, a reply. The package's docstring has
    the positions of the bytes.
    """
    excluded_names = _check_names("habit or dialect", without, (*HABITS, *DIALECTS))
    allowed_dialects = [
        name for name in DIALECTS if name not in excluded_names and (quirks or name == OPENAI)
    ]
    aspects = variations.select_aspects(quirks, excluded_names)
    kinds = reply_bytes.weight_kinds(ENDPOINT_KINDS[path])
    dialect_at = reply_bytes.REPLY_SIZE
    habits_at = dialect_at + 2
    end = habits_at + variations.count_bytes(aspects)

    def build(data: bytes, content: object = None) -> Stream:
        is_fixed = content is not None
        reply = _convert_reply(content) if is_fixed else reply_bytes.build_reply(data, kinds)
        dialect = None
        if path != CHAT or (is_fixed and not plain_chunks.is_plain(reply)):
            dialect = OPENAI
        elif data[dialect_at] >= DIALECT_ON and allowed_dialects:
            dialect = reply_bytes.pick(allowed_dialects, data[dialect_at + 1])
        selected_habits = variations.select_habits(aspects, data[habits_at:end])
        stream = _build_stream(reply, path, dialect, selected_habits)
        return splits.split_stream(stream, data[end:]) if partition else stream

    return end + partition, build


def _convert_reply(value: object) -> Reply:
    """Convert a value that users may pass as a reply. Raises ReplyError if it is none."""
    reply = as_reply(value)
    if isinstance(reply, ApiError):
        raise ReplyError(
            "an API error is not a stream: use faulty(stream, http=True) to draw such responses"
        )
    return reply


def build_plain_stream(reply: Reply, endpoint: str = CHAT) -> Stream:
    """Return the stream of a reply without any habit."""
    path = endpoint.removeprefix("/v1/")
    dialect = None if path == CHAT and plain_chunks.is_plain(reply) else OPENAI
    return _build_stream(reply, path, dialect, [])


def _build_stream(
    reply: Reply, path: str, dialect: str | None, selected_habits: variations.SelectedHabits
) -> Stream:
    """Return the stream of a reply: of a dialect, or of none and then with all habits."""
    if dialect is None:
        script = variations.build_chat_script(reply, selected_habits)
        names = [habit.name for _, habit, _ in selected_habits]
    else:
        script, reply = _render(reply, path, dialect)
        names = [habit.name for level, habit, _ in selected_habits if level == "framing"]
        names[:0] = [] if path != CHAT else [dialect]
    script = variations.apply_framing(script, selected_habits)
    return Stream(script, reply, description="; ".join(names))


def _render(reply: Reply, path: str, dialect: str) -> tuple[Script, Reply]:
    """Return the stream of a dialect, which is deterministic, and the reply that it expresses."""
    methods, _ = api.ENDPOINTS.find(f"/v1/{path}", "POST")
    endpoint = methods["POST"]
    assert endpoint.render is not None
    assert endpoint.read is not None
    context = make_context(dialect=None if dialect == OPENAI else dialect, rng=Seeded(0))
    script = endpoint.render(reply, context).script
    read = endpoint.read(script)
    return replace(script, head=variations.HEAD), read if isinstance(read, Reply) else reply


def partitions(script: Script | Stream) -> SearchStrategy[Stream]:
    """Return a strategy for streams with the same bytes, split into other reads.

    Args:
        script: a script, or a stream that was drawn or is ready-made.
    """
    stream = _convert_stream(script)
    return _draw_bytes(splits.SIZE).map(lambda data: splits.split_stream(stream, data))


def faulty(script: Script | Stream, *, http: bool = False) -> SearchStrategy[Stream]:
    """Return a strategy for the stream with one or more faults, and the result to expect.

    The ``reply`` of a drawn stream is what a correct consumer reads of it, and ``error`` the kind
    of error that must surface, or None if the faults are harmless.

    Args:
        script: a script, or a stream that was drawn or is ready-made.
        http: whether to include faults of HTTP, which a client sees but a parser of event streams
            does not, and errors of the API instead of the stream.
    """
    stream = _convert_stream(script)
    return _draw_bytes(failures.SIZE).map(lambda data: failures.break_stream(stream, data, http))


# Conversations


def conversations(
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    turns: int = 3,
    rounds: int = 3,
    endpoint: str = "chat/completions",
    quirks: bool = True,
    without: Iterable[str] = (),
) -> SearchStrategy[Conversation]:
    """Return a strategy for conversations in which the model calls tools and then answers.

    Args:
        tools: tools in the form of a request; arguments conform to their schemas. If None, a few
            default tools.
        turns: maximum number of turns.
        rounds: maximum number of replies with tool calls in a turn.
        endpoint, quirks, without: see `scripts`.

    >>> from hypothesis import find
    >>> talk = find(conversations(), lambda talk: talk.turns[0].results)
    >>> [message["role"] for message in talk.messages]
    ['user', 'assistant', 'tool', 'assistant']
    """
    path = _check_endpoint(endpoint)
    if "tool_calls" not in ENDPOINT_KINDS[path]:
        raise MockServerError(f"endpoint={path!r}: this endpoint has no tool calls")
    tool_list = tuple(TOOLS if tools is None else tools)
    # Created once: creating and checking a strategy takes longer than drawing from it.
    size, build = _prepare_streams(path, quirks, without, splits.SIZE)
    stream_bytes, call_bytes = _draw_bytes(size), _draw_bytes(reply_bytes.CALLING_SIZE)
    functions = reply_bytes.list_functions(tool_list)
    answers = replies(ENDPOINT_KINDS[path] & {"text", "reasoning", "refusal"})

    @st.composite
    def build_conversation(draw: st.DrawFn) -> Conversation:
        drawn_turns: list[Turn] = []
        first = 1
        for user in draw(
            st.lists(st.sampled_from(reply_bytes.PROMPTS), min_size=1, max_size=turns)
        ):
            turn_replies: list[Reply] = []
            for data in draw(st.lists(call_bytes, max_size=rounds)):
                turn_replies.append(reply_bytes.build_calling_reply(data, functions, first))
                first += len(turn_replies[-1].tool_calls)
            results = {call.id: draw(_RESULTS) for r in turn_replies for call in r.tool_calls}
            turn_replies.append(draw(answers))
            turn_streams = tuple(build(draw(stream_bytes), reply) for reply in turn_replies)
            drawn_turns.append(Turn(user, turn_streams, results))
        return Conversation(tuple(drawn_turns), tool_list)

    return build_conversation()


_RESULTS = st.sampled_from(reply_bytes.RESULTS)


def _convert_stream(script: Script | Stream) -> Stream:
    """Return a stream as it is, a script with the reply that it expresses."""
    if isinstance(script, Stream):
        return script
    reply = api.read(script)
    if isinstance(reply, ApiError):
        return Stream(script, Reply(error=reply), "api")
    return Stream(script, reply, None if reply.error is None else "api")
