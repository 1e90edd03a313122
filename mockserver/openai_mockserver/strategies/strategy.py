"""The strategies: values drawn from a few bytes each.

Rules of this file: a strategy draws bytes and leaves what they mean to `reply_bytes`, `variations`,
`splits` and `failures`; names that are not known are an error when a strategy is made, not when it
draws.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from openai_mockserver import api
from openai_mockserver.api.context import context_of
from openai_mockserver.dialects import dialects
from openai_mockserver.exceptions import MockServerError, ReplyError
from openai_mockserver.reply import ApiError, Reply, ToolCall, as_reply
from openai_mockserver.script import Script
from openai_mockserver.seed import Seeded
from openai_mockserver.strategies import chunk_changes, failures, reply_bytes, splits, variations
from openai_mockserver.strategies.conversation import TOOLS, Conversation, Turn
from openai_mockserver.stream_value import Stream

__all__ = [
    "api_errors",
    "conversations",
    "faulty",
    "partitions",
    "plain",
    "replies",
    "scripts",
    "streams",
    "tool_calls",
]

SAYABLE = {
    "chat/completions": frozenset(reply_bytes.KINDS),
    "responses": frozenset(reply_bytes.KINDS) - {"choices", "function_call"},
    "completions": frozenset({"text", "empty", "choices"}),
}
"""The endpoints, and the kinds of replies that can be said there."""

CHAT = "chat/completions"
OPENAI = "openai"
MANNERS = (OPENAI, *dialects())
"""Whose bytes a stream may have."""

IMITATED = 250  # of 256: values from here on choose a dialect


def _bytes(size: int) -> SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def _chosen(what: str, names: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """The names. Raises MockServerError for one that is not known."""
    chosen = frozenset([names] if isinstance(names, str) else names)
    if unknown := sorted(chosen - set(known)):
        raise MockServerError(f"no {what} is called {unknown[0]!r}; there are {', '.join(known)}")
    return chosen


# What is said


def replies(kinds: Iterable[str] = reply_bytes.KINDS) -> SearchStrategy[Reply]:
    """Replies of every kind that ends, which shrink towards ``Reply("a")``.

    Args:
        kinds: only of these: names of `openai_mockserver.strategies.reply_bytes.KINDS`, as in
            ``["text", "tool_calls"]``.

    Raises:
        MockServerError: for a kind that there is not.

    >>> from hypothesis import find
    >>> find(replies(), lambda reply: True)
    Reply('a', finish_reason='stop')
    """
    made_of = reply_bytes.kinds(
        _chosen("kind of reply", kinds, reply_bytes.KINDS) or reply_bytes.KINDS
    )
    return _bytes(reply_bytes.REPLY).map(lambda data: reply_bytes.reply(data, made_of))


def tool_calls(tools: Sequence[Mapping[str, Any]] | None = None) -> SearchStrategy[ToolCall]:
    """Calls of tools, in whole and in pieces.

    Args:
        tools: as a request offers them: then a call is of one of these, and its arguments conform.
            By default of tools that nobody offered, with arguments that are known for trouble.

    Raises:
        MockServerError: for tools that are no functions, and for none.

    >>> from hypothesis import find
    >>> find(tool_calls(), lambda call: True)
    ToolCall('f', '{}', id='call_1')
    """
    if tools is None:
        return _bytes(reply_bytes.CALL).map(reply_bytes.call)
    offered = reply_bytes.offered(tools)
    return _bytes(reply_bytes.CALL + reply_bytes.CHANCE).map(
        lambda data: reply_bytes.conforming_call(data, offered)
    )


def api_errors(statuses: Iterable[int] | None = None) -> SearchStrategy[ApiError]:
    """Errors that the API answers instead of a stream, or sends within one.

    Args:
        statuses: only of these.
    """
    drawn = _bytes(reply_bytes.ERROR).map(reply_bytes.error)
    if statuses is None:
        return drawn
    wanted = frozenset(statuses)
    known = tuple(error for error in reply_bytes.ERRORS if error.status in wanted)
    own = [ApiError(status) for status in sorted(wanted - {error.status for error in known})]
    return st.sampled_from([*known, *own])


# How it is sent


def scripts(
    reply: object = None,
    *,
    endpoint: str = "chat/completions",
    quirks: bool = True,
    without: Iterable[str] = (),
) -> SearchStrategy[Stream]:
    """Streams that say a reply in all the ways in which streams are sent, each in a read an event.

    Roles again and again, empty deltas, usage here or there, comments, line ends, a byte order
    mark, several events in a read; and the dialects. None of it changes the answer.

    Args:
        reply: what is said: a `Reply`, text, a `ToolCall`, a list of these, or a strategy of any of
            them; by default anything that can be said.
        endpoint: whose streams: ``chat/completions``, ``responses`` or ``completions``.
        quirks: also what neither OpenAI's schema nor the event-stream format allows, but others
            send, and a tolerant reader bears.
        without: names of habits and dialects that are not wanted: those that streams have in their
            ``description``; all are in docs/how-to/property-tests.md.

    Raises:
        MockServerError: for an endpoint or a habit that there is not.

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
    """What `scripts` draws, in any partition of its bytes. The arguments are the same.

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
    size, made = _sending(_path(endpoint), quirks, without, partition)
    drawn = _bytes(size)
    if reply is None:
        return drawn.map(made)
    if isinstance(reply, SearchStrategy):
        return st.builds(made, drawn, reply)
    return drawn.map(partial(made, given=_replied(reply)))


def _path(endpoint: str) -> str:
    (path,) = _chosen("endpoint", [endpoint.removeprefix("/v1/")], SAYABLE)
    return path


def _sending(
    path: str, quirks: bool, without: Iterable[str], partition: int
) -> tuple[int, Callable[..., Stream]]:
    """How many bytes a stream takes, and what makes it of them, and of what it says if given."""
    unwanted = _chosen("habit or dialect", without, (*variations.NAMES, *MANNERS))
    manners = [m for m in MANNERS if m not in unwanted and (quirks or m == OPENAI)]
    aspects = variations.aspects(quirks, unwanted)
    made_of = reply_bytes.kinds(SAYABLE[path])
    told = reply_bytes.REPLY
    at = told + 2
    end = at + variations.size(aspects)

    def made(data: bytes, given: object = None) -> Stream:
        reply = reply_bytes.reply(data, made_of) if given is None else _replied(given)
        manner = None
        if path != CHAT or (given is not None and not chunk_changes.is_plain(reply)):
            manner = OPENAI
        elif data[told] >= IMITATED and manners:
            manner = reply_bytes.pick(manners, data[told + 1])
        sent = _sent(reply, path, manner, variations.taken(aspects, data[at:end]))
        return splits.cut(sent, data[end:]) if partition else sent

    return end + partition, made


def _replied(value: object) -> Reply:
    """A reply from what people write. Raises ReplyError for what is none."""
    reply = as_reply(value)
    if isinstance(reply, ApiError):
        raise ReplyError("an API error is no stream; faulty(stream, http=True) draws such answers")
    return reply


def plain(reply: Reply, endpoint: str = CHAT) -> Stream:
    """The stream that says a reply without any habit."""
    path = endpoint.removeprefix("/v1/")
    return _sent(
        reply, path, None if path == CHAT and chunk_changes.is_plain(reply) else OPENAI, []
    )


def _sent(reply: Reply, path: str, manner: str | None, taken: variations.Taken) -> Stream:
    """A stream that says a reply: with habits, or as a provider renders it."""
    if manner is None:
        script, names = variations.chat(reply, taken), [habit.name for _, habit, _ in taken]
    else:
        script, reply = _rendered(reply, path, manner)
        names = [habit.name for of, habit, _ in taken if of == "framing"]
        names[:0] = [] if path != CHAT else [manner]
    return Stream(variations.framed(script, taken), reply, description="; ".join(names))


def _rendered(reply: Reply, path: str, manner: str) -> tuple[Script, Reply]:
    """The stream as a provider sends it, always the same, and what it says there."""
    methods, _ = api.ENDPOINTS.find(f"/v1/{path}", "POST")
    endpoint = methods["POST"]
    assert endpoint.render is not None
    assert endpoint.read is not None
    dialect = None if manner == OPENAI else manner
    script = endpoint.render(reply, context_of(dialect=dialect, rng=Seeded(0))).script
    read = endpoint.read(script)
    return replace(script, head=variations.HEAD), read if isinstance(read, Reply) else reply


def partitions(script: Script | Stream) -> SearchStrategy[Stream]:
    """The same bytes in other reads.

    Args:
        script: a script, or a stream that was drawn or is ready-made.
    """
    stream = _stream(script)
    return _bytes(splits.SIZE).map(lambda data: splits.cut(stream, data))


def faulty(script: Script | Stream, *, http: bool = False) -> SearchStrategy[Stream]:
    """A stream with one fault or more, and what a right consumer then ends up with.

    Its ``reply`` is what had been said, its ``error`` the kind of error that is to surface, or None
    where the faults do no harm.

    Args:
        script: a script, or a stream that was drawn or is ready-made.
        http: also faults of HTTP, which a client meets and a parser of event streams does not; and
            errors of the API instead of the stream.
    """
    stream = _stream(script)
    return _bytes(failures.SIZE).map(lambda data: failures.broken(stream, data, http))


# Several turns


def conversations(
    tools: Sequence[Mapping[str, Any]] | None = None,
    *,
    turns: int = 3,
    rounds: int = 3,
    endpoint: str = "chat/completions",
    quirks: bool = True,
    without: Iterable[str] = (),
) -> SearchStrategy[Conversation]:
    """Conversations of several turns, in which the model calls tools and then answers.

    Args:
        tools: as a request offers them, whose schemas the arguments conform to; some by default.
        turns: at most so many.
        rounds: at most so many replies that call tools in a turn.
        endpoint, quirks, without: as of `streams`.

    >>> from hypothesis import find
    >>> talk = find(conversations(), lambda talk: talk.turns[0].results)
    >>> [message["role"] for message in talk.messages]
    ['user', 'assistant', 'tool', 'assistant']
    """
    path = _path(endpoint)
    if "tool_calls" not in SAYABLE[path]:
        raise MockServerError(f"a model calls no tools at {path}")
    offered = tuple(TOOLS if tools is None else tools)
    # Made once: making and checking a strategy takes longer than drawing from it.
    size, sent = _sending(path, quirks, without, splits.SIZE)
    sending, called = _bytes(size), _bytes(reply_bytes.CALLING)
    functions = reply_bytes.offered(offered)
    answered = replies(SAYABLE[path] & {"text", "reasoning", "refusal"})

    @st.composite
    def conversation(draw: st.DrawFn) -> Conversation:
        made: list[Turn] = []
        first = 1
        for user in draw(
            st.lists(st.sampled_from(reply_bytes.PROMPTS), min_size=1, max_size=turns)
        ):
            rest: list[Reply] = []
            for data in draw(st.lists(called, max_size=rounds)):
                rest.append(reply_bytes.calling(data, functions, first))
                first += len(rest[-1].tool_calls)
            given = {call.id: draw(_RESULTS) for one in rest for call in one.tool_calls}
            told = tuple(sent(draw(sending), one) for one in (*rest, draw(answered)))
            made.append(Turn(user, told, given))
        return Conversation(tuple(made), offered)

    return conversation()


_RESULTS = st.sampled_from(reply_bytes.RESULTS)


def _stream(script: Script | Stream) -> Stream:
    if isinstance(script, Stream):
        return script
    said = api.read(script)
    if isinstance(said, ApiError):
        return Stream(script, Reply(error=said), "api")
    return Stream(script, said, None if reply_bytes.error is None else "api")
