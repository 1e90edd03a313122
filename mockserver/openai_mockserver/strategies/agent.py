"""A state machine for agent loops: the model's side is drawn, the user's loop is judged.

Rules of this file: what the model does is queued by rules, and played while the loop runs; judged
is what the loop asked, which tools it ran, and what it gave back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from openai_mockserver.mock import MockOpenAI
from openai_mockserver.reply import ApiError, Reply, ToolCall
from openai_mockserver.request import Request, text_of
from openai_mockserver.script import Script
from openai_mockserver.strategies import failures, reply_bytes
from openai_mockserver.strategies.conversation import TOOLS
from openai_mockserver.strategies.strategy import api_errors, plain, replies, streams
from openai_mockserver.stream_value import Stream

if TYPE_CHECKING:
    import openai

__all__ = ["AgentMachine", "Endless"]


class Endless(BaseException):
    """The loop goes on asking when the model has answered; no loop may take this for an error."""


@dataclass(frozen=True)
class _Ran:
    """A tool that was run: its name, its arguments, what it gave."""

    name: str
    arguments: Mapping[str, Any]
    result: str


class _Played(NamedTuple):
    """A request, and what the model did then."""

    request: Request
    did: Stream | ApiError

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls that are to be run."""
        return () if self.went_wrong else self.reply.tool_calls

    @property
    def whole(self) -> tuple[ToolCall, ...]:
        """The calls that may be run: they came whole, and the reply did not break off."""
        ended = self.reply.finish_reason is not None
        return tuple(call for call in self.reply.tool_calls if ended and _is_whole(call))

    @property
    def went_wrong(self) -> bool:
        """Whether it was an error, or broke off."""
        return isinstance(self.did, ApiError) or self.did.error is not None

    @property
    def may_raise(self) -> bool:
        """Whether the loop may tell its caller by an exception."""
        return self.went_wrong or self.reply.finish_reason in ("length", "content_filter")

    @property
    def reply(self) -> Reply:
        """What was said, as far as it came."""
        return Reply() if isinstance(self.did, ApiError) else self.did.reply


def _is_whole(call: ToolCall) -> bool:
    try:
        return isinstance(call.parsed, dict)
    except ValueError:
        return False


class _Down(NamedTuple):
    """The model answers this error to whatever is asked."""

    error: ApiError


def _own(name: str) -> st.SearchStrategy[Any]:
    """What the machine's own class draws."""
    return st.runner().flatmap(lambda machine: _drawn(machine.__class__, name))


@cache
def _drawn(machine: Hashable, name: str) -> st.SearchStrategy[Any]:
    # Made once: making and checking a strategy takes longer than drawing from it.
    drawn: st.SearchStrategy[Any] = getattr(machine, name)()
    return drawn


class AgentMachine(RuleBasedStateMachine):
    """An agent loop against a model that nobody wrote.

    Make a subclass that says how your loop is run, and let pytest collect its ``TestCase``::

        class Agent(AgentMachine):
            def answer(self, user):
                return my_agent.ask(user, client=self.client, tools=self.tools)

        TestAgent = Agent.TestCase

    The model says text, calls tools, answers errors, breaks off, or goes down for good; when all
    that was drawn is over, it says ``done``. Whatever it does, the loop has to end: to give the
    model's last text, or to raise what went wrong. It may run a tool only for a call that has come
    whole, in a reply that has ended, with its arguments, and once. What was said, and what tools
    gave, is in every later request.

    Attributes:
        mock: answers the loop's requests; ``mock.base_url`` is its address.
        client: an `openai.OpenAI` of the mock, in process, which does not try again by itself.
        tools: runs the tools, by name: functions that take arguments by name and give a text.
        offered: the tools as a request offers them. A class may have its own: calls are of these.
        endpoint: what the loop asks: ``chat/completions`` or ``responses``.
        remembers: whether each answer goes on with the conversation so far.
        spare: how many requests one answer may take when the model has said all that was drawn.
        habits: whether streams come in all the ways that `streams` draws; by default they come in
            the plainest, so that it is the loop that fails, not its client.
    """

    offered: ClassVar[Sequence[Mapping[str, Any]]] = TOOLS
    endpoint: ClassVar[str] = "chat/completions"
    remembers: ClassVar[bool] = False
    spare: ClassVar[int] = 20
    habits: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.mock = MockOpenAI(default=self._next, lenient=True, fail_on_unmatched=False)
        self.client: openai.OpenAI = self.mock.client(max_retries=0)
        self.tools: dict[str, Callable[..., str]] = {
            name: partial(self.run_tool, name) for name, _ in reply_bytes.offered(self.offered)
        }
        self._thread = threading.get_ident()
        self._queue: list[Stream | ApiError | _Down] = []
        self._played: list[_Played] = []
        self._ran: list[_Ran] = []
        self._results = 0
        self._numbers = count(1)
        self._remembered: list[_Message] = []

    def answer(self, user: str) -> str | None:
        """Run the loop for what the user says, and give its answer; None is not judged."""
        raise NotImplementedError(f"{type(self).__name__}.answer(user) is to run your loop")

    def run_tool(self, name: str, /, **arguments: Any) -> str:
        """Run a tool. It gives a text that no other run gives."""
        self._results += 1
        self._ran.append(_Ran(name, arguments, f"result {self._results}"))
        return self._ran[-1].result

    # What the model does

    @classmethod
    def texts(cls) -> st.SearchStrategy[Stream]:
        """Streams that end an answer."""
        return cls._streams(replies(["text", "reasoning"]))

    @classmethod
    def calls(cls) -> st.SearchStrategy[Stream]:
        """Streams that call tools."""
        return cls._streams(cls._calling())

    @classmethod
    def broken(cls) -> st.SearchStrategy[Stream]:
        """Streams that break off, or are cut off by their length within a call."""
        size = 1 + failures.SIZE
        drawn = st.tuples(st.binary(min_size=size, max_size=size), cls._calling())
        return drawn.map(lambda pair: _broken(*pair, cls.endpoint))

    @classmethod
    def _calling(cls) -> st.SearchStrategy[Reply]:
        functions = reply_bytes.offered(cls.offered)
        drawn = st.tuples(
            st.runner(), st.binary(min_size=reply_bytes.CALLING, max_size=reply_bytes.CALLING)
        )
        return drawn.map(lambda pair: pair[0]._numbered(reply_bytes.calling(pair[1], functions)))

    @classmethod
    def _streams(cls, reply: st.SearchStrategy[Reply]) -> st.SearchStrategy[Stream]:
        if cls.habits:
            return streams(reply, endpoint=cls.endpoint)
        return reply.map(lambda one: plain(one, cls.endpoint))

    def _numbered(self, reply: Reply) -> Reply:
        """The reply with ids that the conversation has not seen."""
        calls = [replace(call, id=f"call_{next(self._numbers)}") for call in reply.tool_calls]
        return Reply(reply.text, tool_calls=calls)

    @rule(stream=_own("texts"))
    def model_answers(self, stream: Stream) -> None:
        """Next it says this."""
        self._queue.append(stream)

    @rule(stream=_own("calls"))
    def model_calls(self, stream: Stream) -> None:
        """Next it calls tools."""
        self._queue.append(stream)

    @rule(error=api_errors())
    def model_errs(self, error: ApiError) -> None:
        """Next it answers an error."""
        self._queue.append(error)

    @rule(stream=_own("broken"))
    def model_fails(self, stream: Stream) -> None:
        """Next it breaks off."""
        self._queue.append(stream)

    @rule(error=api_errors())
    def model_goes_down(self, error: ApiError) -> None:
        """From here on it answers this error to all that is asked for an answer."""
        self._queue.append(_Down(error))

    def _next(self, request: Request) -> Stream | ApiError | str:
        if len(self._played) >= self._most:
            if threading.get_ident() == self._thread:
                raise Endless(f"the loop asked {len(self._played)} times, and asks again")
            return ApiError(400, "the loop asks again and again")
        did = self._queue[0] if self._queue else None
        if isinstance(did, _Down):
            did = did.error
        elif did is not None:
            del self._queue[0]
        if isinstance(did, Stream) and did.reply.finish_reason is None and not request.stream:
            did = ApiError(502)  # what is no stream cannot break off and still be JSON
        self._played.append(_Played(request, did or _DONE))
        return did or "done"

    # What the loop does

    @rule(user=st.sampled_from(reply_bytes.PROMPTS))
    def loop_runs(self, user: str) -> None:
        """Now the loop is run."""
        self._played, self._ran = [], []
        self._most = len(self._queue) + self.spare
        answer: str | None = None
        raised: Exception | None = None
        try:
            answer = self.answer(user)
        except NotImplementedError:
            raise
        except Endless as endless:
            raise AssertionError(str(endless)) from None
        except Exception as error:
            raised = error
        self._queue.clear()
        self._judge(user, answer, raised)

    def teardown(self) -> None:
        """Close what was opened."""
        self.client.close()
        self.mock.stop()

    def _judge(self, user: str, answer: str | None, raised: Exception | None) -> None:
        if not self._played and raised is None:
            _blame("the loop gave an answer and asked nothing")
        self._judge_runs()
        told = self._judge_requests(user)
        if raised is not None:
            if not any(played.may_raise for played in self._played):
                raise raised
            return
        last = self._played[-1]
        if last.went_wrong:
            so_far = str(last.reply.text or "")
            if answer and answer == so_far and last.reply.finish_reason is None:
                _blame(
                    f"the stream broke off ({_why(last.did)}), and what it had said, {so_far!r}, "
                    "was taken for the answer"
                )
            return
        self._judge_all_ran(last)
        text = str(last.reply.text or "")
        if answer is not None and answer != text:
            _blame(f"the model said {text!r}, the loop {answer!r}")
        if self.remembers:
            self._remembered = [*told, _Message("assistant", text)]

    def _judge_runs(self) -> None:
        """No tool was run but for a call that has come whole, and once."""
        left = [call for played in self._played for call in played.whole]
        for ran in self._ran:
            call = next((call for call in left if _is_of(ran, call)), None)
            if call is None:
                _blame(
                    f"{ran.name} was run with {dict(ran.arguments)!r}, and no call for that has "
                    f"come whole, or as often: {_shown(self._played)}"
                )
            left.remove(call)

    def _judge_all_ran(self, last: _Played) -> None:
        """All that was called for was run, and the model was told."""
        for gave in self._gave():
            for call, result in gave:
                if result is None:
                    _blame(f"the model called {call!r}, which was not run")
        if last.calls:
            _blame(f"the model called {last.calls[0]!r}, and was not told what it gave")

    def _judge_requests(self, user: str) -> list[_Message]:
        """Each request holds, in order, what was said and given before it."""
        right = [*self._remembered, _Message("user", user)]
        for n, (played, gave) in enumerate(zip(self._played, self._gave(), strict=True), 1):
            lost = _lost(right, played.request.messages)
            if lost is not None:
                _blame(f"request {n} has lost {lost}; it holds {played.request.messages}")
            if played.calls and played.reply.text:
                right.append(_Message("assistant", str(played.reply.text)))
            for call, result in gave:
                arguments = json.dumps(call.parsed, sort_keys=True)
                right.append(_Message("assistant", call=(call.id, call.name, arguments)))
                if result is not None:
                    right.append(_Message("tool", result, id=call.id))
        return right

    def _gave(self) -> list[list[tuple[ToolCall, str | None]]]:
        """The calls of each reply that are to be run, each with what it gave, if it was run."""
        left = list(self._ran)

        def gave(call: ToolCall) -> str | None:
            ran = next((ran for ran in left if _is_of(ran, call)), None)
            if ran is None:
                return None
            left.remove(ran)
            return ran.result

        return [[(call, gave(call)) for call in played.calls] for played in self._played]


def _blame(told: str) -> NoReturn:
    raise AssertionError(told)


def _why(did: Stream | ApiError) -> str:
    return f"error {did.status}" if isinstance(did, ApiError) else str(did.error)


def _shown(played: Iterable[_Played]) -> str:
    return "; ".join(
        f"{_why(one.did)}: {one.reply!r}" if one.went_wrong else repr(one.reply) for one in played
    )


def _is_of(ran: _Ran, call: ToolCall) -> bool:
    return ran.name == call.name and dict(ran.arguments) == call.parsed


_DONE = Stream(Script(), Reply("done"))
"""What the model has said when it said ``done``."""


_PIECES = Reply(["a", " b", " c"])
"""What may be said in part."""


def _broken(data: bytes, reply: Reply, endpoint: str) -> Stream:
    """A stream that says or calls something, and breaks off or is cut off by its length."""
    if data[0] >= 200:
        *whole, last = reply.tool_calls
        cut = ToolCall(last.name, str(last.arguments)[: len(last.arguments) // 2], last.id)
        cut_off = Reply(reply.text, tool_calls=[*whole, cut], finish_reason="length")
        return replace(plain(cut_off, endpoint), error="incomplete", description="cut off")
    said = _PIECES if data[0] < 120 else reply
    return failures.broken(plain(said, endpoint), data[1:], http=False)


class _Message(NamedTuple):
    """A message, or one of the calls in it: what is looked for in a request."""

    role: str
    text: str = ""
    call: tuple[str, str, str] | None = None
    id: str | None = None

    def is_in(self, message: Mapping[str, Any]) -> bool:
        """Whether a message of a request says this."""
        if message.get("role") != self.role or message.get("tool_call_id") != self.id:
            return False
        calls = [_called(call) for call in message.get("tool_calls") or ()]
        return self.text in text_of(message.get("content")) and self.call in (None, *calls)

    def __str__(self) -> str:
        if self.call is not None:
            return "the call {1}({2}), {0!r}".format(*self.call)
        of = "" if self.id is None else f" for {self.id!r}"
        return f"what the {self.role} said{of}: {self.text!r}"


def _called(call: Mapping[str, Any]) -> tuple[str, str, str]:
    """A call's id, name and arguments, as they are compared."""
    function = call.get("function") or {}
    try:
        arguments = json.dumps(json.loads(function.get("arguments") or ""), sort_keys=True)
    except ValueError:
        arguments = str(function.get("arguments"))
    return str(call.get("id")), str(function.get("name")), arguments


def _lost(right: Sequence[_Message], messages: Sequence[Mapping[str, Any]]) -> _Message | None:
    """What of this the messages do not hold, or not as often."""
    return next((m for m in right if right.count(m) > sum(map(m.is_in, messages))), None)
