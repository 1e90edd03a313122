"""A state machine for agent loops: it draws the model's behaviour and checks the user's loop.

Rules of this file: rules queue the model's responses, which the mock plays while the loop runs.
Then the machine checks the loop's requests, the tools that it ran, and its answer.
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
from openai_mockserver.request import Request, join_text
from openai_mockserver.rules import ReplyFunction
from openai_mockserver.script import Script
from openai_mockserver.strategies import failures, reply_bytes
from openai_mockserver.strategies.conversation import TOOLS
from openai_mockserver.strategies.strategy import api_errors, build_plain_stream, replies, streams
from openai_mockserver.stream_value import Stream

if TYPE_CHECKING:
    import openai

__all__ = ["AgentMachine", "EndlessLoop"]


class EndlessLoop(BaseException):
    """The loop sends too many requests. Not an Exception, so that the loop does not catch it."""


@dataclass(frozen=True)
class _ToolRun:
    """One run of a tool."""

    name: str
    arguments: Mapping[str, Any]
    result: str


class _Exchange(NamedTuple):
    """A request of the loop, and the model's response."""

    request: Request
    response: Stream | ApiError

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls that the loop must run."""
        return () if self.has_failed else self.reply.tool_calls

    @property
    def complete_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the loop may run: they are complete, and so is the reply."""
        has_ended = self.reply.finish_reason is not None
        return tuple(call for call in self.reply.tool_calls if has_ended and _is_complete(call))

    @property
    def has_failed(self) -> bool:
        """Whether the response was an error or broke off."""
        return isinstance(self.response, ApiError) or self.response.error is not None

    @property
    def may_raise(self) -> bool:
        """Whether the loop may raise an exception for this response."""
        return self.has_failed or self.reply.finish_reason in ("length", "content_filter")

    @property
    def reply(self) -> Reply:
        """The reply, as far as it arrived."""
        return Reply() if isinstance(self.response, ApiError) else self.response.reply


def _is_complete(call: ToolCall) -> bool:
    try:
        return isinstance(call.parsed, dict)
    except ValueError:
        return False


class _Down(NamedTuple):
    """From here on, every response is this error."""

    error: ApiError


def _draw_from_class(name: str) -> st.SearchStrategy[Any]:
    """Return the strategy of a class method, called on the class of the running machine."""
    return st.runner().flatmap(lambda machine: _get_strategy(machine.__class__, name))


@cache
def _get_strategy(machine: Hashable, name: str) -> st.SearchStrategy[Any]:
    # Created once: creating and checking a strategy takes longer than drawing from it.
    strategy: st.SearchStrategy[Any] = getattr(machine, name)()
    return strategy


class AgentMachine(RuleBasedStateMachine):
    """A test of an agent loop against a model with generated behaviour.

    Write a subclass that runs your loop, and let pytest collect its ``TestCase``::

        class Agent(AgentMachine):
            def answer(self, user):
                return my_agent.ask(user, client=self.client, tools=self.tools)

        TestAgent = Agent.TestCase

    The model answers with text, tool calls or errors, breaks off, or fails permanently; after all
    drawn responses it answers ``done``. In every case the loop must end: it returns the model's
    last text, or raises an exception if something went wrong. It may run a tool only for a complete
    call in a finished reply, with the call's arguments, and once. Every later request must contain
    the earlier messages and tool results.

    Attributes:
        mock: the mock that answers the loop's requests at ``mock.base_url``.
        client: an `openai.OpenAI` client of the mock, in process, without retries.
        tools: functions that run the tools, by name; they take keyword arguments and return text.
        offered: tools in the form of a request; a class may replace them. Calls are of these.
        endpoint: endpoint of the loop's requests: ``chat/completions`` or ``responses``.
        remembers: whether each answer continues the conversation so far.
        spare: number of requests that one answer may take after the drawn responses.
        habits: whether streams have all habits of `streams`; by default they are plain, so that a
            failure is the loop's, not the client's.
    """

    offered: ClassVar[Sequence[Mapping[str, Any]]] = TOOLS
    endpoint: ClassVar[str] = "chat/completions"
    remembers: ClassVar[bool] = False
    spare: ClassVar[int] = 20
    habits: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        respond = ReplyFunction(self._respond, is_quick=True)
        self.mock = MockOpenAI(default=respond, lenient=True, fail_on_unmatched=False)
        self.client: openai.OpenAI = self.mock.client(max_retries=0)
        self.tools: dict[str, Callable[..., str]] = {
            name: partial(self.run_tool, name)
            for name, _ in reply_bytes.list_functions(self.offered)
        }
        self._thread = threading.get_ident()
        self._responses: list[Stream | ApiError | _Down] = []
        self._exchanges: list[_Exchange] = []
        self._tool_runs: list[_ToolRun] = []
        self._result_count = 0
        self._call_numbers = count(1)
        self._history: list[_Message] = []

    def answer(self, user: str) -> str | None:
        """Run the loop for a user's text and return its answer; None skips the answer's check."""
        raise NotImplementedError(f"{type(self).__name__}.answer(user) must run your loop")

    def run_tool(self, name: str, /, **arguments: Any) -> str:
        """Run a tool, and return a text that no other run returns."""
        self._result_count += 1
        self._tool_runs.append(_ToolRun(name, arguments, f"result {self._result_count}"))
        return self._tool_runs[-1].result

    # The model

    @classmethod
    def texts(cls) -> st.SearchStrategy[Stream]:
        """Return a strategy for streams that end an answer."""
        return cls._streams(replies(["text", "reasoning"]))

    @classmethod
    def calls(cls) -> st.SearchStrategy[Stream]:
        """Return a strategy for streams that call tools."""
        return cls._streams(cls._calling_replies())

    @classmethod
    def broken(cls) -> st.SearchStrategy[Stream]:
        """Return a strategy for streams that break off, or reach the length limit in a call."""
        size = 1 + failures.SIZE
        pairs = st.tuples(st.binary(min_size=size, max_size=size), cls._calling_replies())
        return pairs.map(lambda pair: _build_broken_stream(*pair, cls.endpoint))

    @classmethod
    def _calling_replies(cls) -> st.SearchStrategy[Reply]:
        functions = reply_bytes.list_functions(cls.offered)
        size = reply_bytes.CALLING_SIZE
        pairs = st.tuples(st.runner(), st.binary(min_size=size, max_size=size))
        return pairs.map(
            lambda pair: pair[0]._number_calls(reply_bytes.build_calling_reply(pair[1], functions))
        )

    @classmethod
    def _streams(cls, reply: st.SearchStrategy[Reply]) -> st.SearchStrategy[Stream]:
        if cls.habits:
            return streams(reply, endpoint=cls.endpoint)
        return reply.map(lambda value: build_plain_stream(value, cls.endpoint))

    def _number_calls(self, reply: Reply) -> Reply:
        """Return the reply with call ids that are new in the conversation."""
        calls = [replace(call, id=f"call_{next(self._call_numbers)}") for call in reply.tool_calls]
        return Reply(reply.text, tool_calls=calls)

    @rule(stream=_draw_from_class("texts"))
    def model_answers(self, stream: Stream) -> None:
        """Queue a text."""
        self._responses.append(stream)

    @rule(stream=_draw_from_class("calls"))
    def model_calls(self, stream: Stream) -> None:
        """Queue tool calls."""
        self._responses.append(stream)

    @rule(error=api_errors())
    def model_errs(self, error: ApiError) -> None:
        """Queue an error."""
        self._responses.append(error)

    @rule(stream=_draw_from_class("broken"))
    def model_fails(self, stream: Stream) -> None:
        """Queue a stream that breaks off."""
        self._responses.append(stream)

    @rule(error=api_errors())
    def model_goes_down(self, error: ApiError) -> None:
        """Queue an error for all further requests of the answer."""
        self._responses.append(_Down(error))

    def _respond(self, request: Request) -> Stream | ApiError | str:
        if len(self._exchanges) >= self._request_limit:
            if threading.get_ident() == self._thread:
                raise EndlessLoop(
                    f"the loop does not end: it has sent {len(self._exchanges)} requests and sends "
                    "another"
                )
            return ApiError(400, "the loop does not end")
        response = self._responses[0] if self._responses else None
        if isinstance(response, _Down):
            response = response.error
        elif response is not None:
            del self._responses[0]
        if (
            isinstance(response, Stream)
            and response.reply.finish_reason is None
            and not request.stream
        ):
            response = ApiError(502)  # a JSON body cannot break off and still be JSON
        self._exchanges.append(_Exchange(request, response or _DONE))
        return response or "done"

    # The loop

    @rule(user=st.sampled_from(reply_bytes.PROMPTS))
    def loop_runs(self, user: str) -> None:
        """Run the loop and check what it does."""
        self._exchanges, self._tool_runs = [], []
        self._request_limit = len(self._responses) + self.spare
        answer: str | None = None
        exception: Exception | None = None
        try:
            answer = self.answer(user)
        except NotImplementedError:
            raise
        except EndlessLoop as endless:
            raise AssertionError(str(endless)) from None
        except Exception as error:
            exception = error
        self._responses.clear()
        self._check_loop(user, answer, exception)

    def teardown(self) -> None:
        """Close the client and stop the mock."""
        self.client.close()
        self.mock.stop()

    def _check_loop(self, user: str, answer: str | None, exception: Exception | None) -> None:
        if not self._exchanges and exception is None:
            _fail("the loop returned an answer without sending a request")
        self._check_tool_runs()
        messages = self._check_requests(user)
        if exception is not None:
            if not any(exchange.may_raise for exchange in self._exchanges):
                raise exception
            return
        last = self._exchanges[-1]
        if last.has_failed:
            so_far = str(last.reply.text or "")
            if answer and answer == so_far and last.reply.finish_reason is None:
                _fail(
                    f"the stream broke off ({_describe_failure(last.response)}), but the loop "
                    f"returned the text so far, {so_far!r}, as the answer"
                )
            return
        self._check_all_calls_ran(last)
        text = str(last.reply.text or "")
        if answer is not None and answer != text:
            _fail(f"the model answered {text!r}, but the loop returned {answer!r}")
        if self.remembers:
            self._history = [*messages, _Message("assistant", text)]

    def _check_tool_runs(self) -> None:
        """Check that each tool run belongs to a complete call, and no two to the same."""
        calls = [call for exchange in self._exchanges for call in exchange.complete_calls]
        for run in self._tool_runs:
            call = next((call for call in calls if _is_run_of(run, call)), None)
            if call is None:
                _fail(
                    f"the loop ran {run.name} with {dict(run.arguments)!r}, but the model "
                    "completed no such call, or fewer of them: "
                    f"{_describe_exchanges(self._exchanges)}"
                )
            calls.remove(call)

    def _check_all_calls_ran(self, last: _Exchange) -> None:
        """Check that all calls were run, and that the model received the results."""
        for results in self._match_results():
            for call, result in results:
                if result is None:
                    _fail(f"the model called {call!r}, but the loop did not run it")
        if last.calls:
            _fail(f"the model called {last.calls[0]!r}, but the loop did not send the result")

    def _check_requests(self, user: str) -> list[_Message]:
        """Check that each request has all earlier messages and results, and return them."""
        expected = [*self._history, _Message("user", user)]
        pairs = zip(self._exchanges, self._match_results(), strict=True)
        for n, (exchange, results) in enumerate(pairs, 1):
            missing = _find_missing(expected, exchange.request.messages)
            if missing is not None:
                _fail(f"request {n} lacks {missing}; it has {exchange.request.messages}")
            if exchange.calls and exchange.reply.text:
                expected.append(_Message("assistant", str(exchange.reply.text)))
            for call, result in results:
                arguments = json.dumps(call.parsed, sort_keys=True)
                expected.append(_Message("assistant", call=(call.id, call.name, arguments)))
                if result is not None:
                    expected.append(_Message("tool", result, id=call.id))
        return expected

    def _match_results(self) -> list[list[tuple[ToolCall, str | None]]]:
        """Return the calls of each response, each with its result, or None if it was not run."""
        runs = list(self._tool_runs)

        def take_result(call: ToolCall) -> str | None:
            run = next((run for run in runs if _is_run_of(run, call)), None)
            if run is None:
                return None
            runs.remove(run)
            return run.result

        return [
            [(call, take_result(call)) for call in exchange.calls] for exchange in self._exchanges
        ]


def _fail(message: str) -> NoReturn:
    raise AssertionError(message)


def _describe_failure(response: Stream | ApiError) -> str:
    return f"error {response.status}" if isinstance(response, ApiError) else str(response.error)


def _describe_exchanges(exchanges: Iterable[_Exchange]) -> str:
    return "; ".join(
        f"{_describe_failure(one.response)}: {one.reply!r}" if one.has_failed else repr(one.reply)
        for one in exchanges
    )


def _is_run_of(run: _ToolRun, call: ToolCall) -> bool:
    return run.name == call.name and dict(run.arguments) == call.parsed


_DONE = Stream(Script(), Reply("done"))
"""The model's response after all drawn ones."""


_PARTIAL_TEXT = Reply(["a", " b", " c"])
"""A text in several pieces, so that a stream can break off within it."""


def _build_broken_stream(data: bytes, reply: Reply, endpoint: str) -> Stream:
    """Return a stream that breaks off, or ends within a call at the length limit."""
    if data[0] >= 200:
        *calls, last = reply.tool_calls
        half_call = ToolCall(last.name, str(last.arguments)[: len(last.arguments) // 2], last.id)
        limited_reply = Reply(reply.text, tool_calls=[*calls, half_call], finish_reason="length")
        stream = build_plain_stream(limited_reply, endpoint)
        return replace(stream, error="incomplete", description="cut off")
    content = _PARTIAL_TEXT if data[0] < 120 else reply
    return failures.break_stream(build_plain_stream(content, endpoint), data[1:], http=False)


class _Message(NamedTuple):
    """A message, or one call in it, that a request must contain."""

    role: str
    text: str = ""
    call: tuple[str, str, str] | None = None
    id: str | None = None

    def is_in(self, message: Mapping[str, Any]) -> bool:
        """Whether a message of a request contains this one."""
        if message.get("role") != self.role or message.get("tool_call_id") != self.id:
            return False
        calls = [_normalize_call(call) for call in message.get("tool_calls") or ()]
        return self.text in join_text(message.get("content")) and self.call in (None, *calls)

    def __str__(self) -> str:
        if self.call is not None:
            return "the call {1}({2}), {0!r}".format(*self.call)
        place = "" if self.id is None else f" for {self.id!r}"
        return f"the text of the {self.role}{place}: {self.text!r}"


def _normalize_call(call: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a call's id, name and arguments in a form that can be compared."""
    function = call.get("function") or {}
    try:
        arguments = json.dumps(json.loads(function.get("arguments") or ""), sort_keys=True)
    except ValueError:
        arguments = str(function.get("arguments"))
    return str(call.get("id")), str(function.get("name")), arguments


def _find_missing(
    expected: Sequence[_Message], messages: Sequence[Mapping[str, Any]]
) -> _Message | None:
    """Return the first expected message that the messages lack, or do not have as often."""
    return next((m for m in expected if expected.count(m) > sum(map(m.is_in, messages))), None)
