"""A call whose reply a function of the user makes: it waits between choosing and rendering.

Rules of this file: the dispatcher never calls the function, the door does, where it cannot delay
other streams. `PendingCall.run` and `run_async` call it at once, for doors in process; a server
calls it in a thread or on its event loop, and then passes on what came of it. Of several results,
such as a value and a timeout, the first counts.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from openai_mockserver.dispatch.answers import check_end
from openai_mockserver.dispatch.capacity import plan_tokens
from openai_mockserver.dispatch.choose import use_value
from openai_mockserver.dispatch.dress import describe_error, dress_script
from openai_mockserver.dispatch.exchange import Exchange, Plan
from openai_mockserver.dispatch.refuse import refuse_reply
from openai_mockserver.dispatch.render import render_answer
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.journal import Call
from openai_mockserver.rules import ReplyFunction

__all__ = ["PendingCall", "Step", "find_function"]

Step = Callable[[Exchange], Exchange | Plan]


def find_function(exchange: Exchange) -> ReplyFunction | None:
    """Return the function that makes the reply of an exchange; None if it has a reply."""
    value = exchange.answer.value if exchange.answer is not None else None
    return value if isinstance(value, ReplyFunction) else None


class PendingCall:
    """A call that waits for what a function returns.

    Args:
        exchange: the exchange, whose answer has a function.
        has_tls: whether the connections use TLS.
        finish: runs steps on an exchange, and returns the call with its plan.

    Attributes:
        call: the call.
        function: the function, called with the call.
    """

    def __init__(
        self,
        exchange: Exchange,
        has_tls: bool,
        finish: Callable[[Exchange, Sequence[Step]], Call],
    ) -> None:
        function = find_function(exchange)
        assert function is not None
        self.call = exchange.call
        self.function = function
        self._exchange = exchange
        self._has_tls = has_tls
        self._finish = finish

    @property
    def time_limit(self) -> float | None:
        """The seconds within which the function must return on a server; None for no limit."""
        return self._exchange.options.reply_timeout

    @property
    def is_async(self) -> bool:
        """Whether the function is known to be async, before it is called."""
        function = self.function.function
        call = getattr(function, "__call__", None)  # noqa: B004  # an object may have an async one
        return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)

    def call_function(self) -> object:
        """Return what the function returns, which may be an awaitable."""
        return self.function(self.call)

    def end(self, outcome: str) -> None:
        """End the call before it has an answer; what the function returns no longer counts."""
        self.call.end(outcome)

    # What came of the function

    def resolve(self, value: object) -> Call:
        """Return the call, answered with what the function returned."""
        steps = partial(_use_value, value, self._has_tls), render_answer, plan_tokens, dress_script
        return self._finish(self._exchange, steps)

    def fail(self, error: BaseException) -> Call:
        """Return the call, answered with an error because the function raised one."""
        if isinstance(error, MockServerError):
            # It cannot answer this request, as generated replies cannot what OpenAI refuses.
            return self._finish(self._exchange, (partial(refuse_reply, problem=str(error)),))
        advice = ""
        if isinstance(error, TypeError) and "exceptions must derive" in str(error):
            advice = "; an ApiError is returned, not raised"
        return self._refuse(f"raised {describe_error(error)}{advice}")

    def fail_late(self) -> Call:
        """Return the call, answered with an error because the function took too long."""
        return self._refuse(
            f"did not return within {self.time_limit:g} s, the limit that reply_timeout= sets"
        )

    def _refuse(self, what: str) -> Call:
        step = partial(refuse_reply, problem=f"the function {self.function} {what}", status=500)
        return self._finish(self._exchange, (step,))

    # In process

    def run(self) -> Call:
        """Return the answered call; the function is called here, and awaited on its own loop."""
        try:
            value = self.call_function()
            if inspect.isawaitable(value):
                value = await_here(value)
        except BaseException as error:
            return self._fail_or_raise(error)
        return self.resolve(value)

    async def run_async(self) -> Call:
        """Return the answered call; the function is called and awaited on the running loop."""
        try:
            value = self.call_function()
            if inspect.isawaitable(value):
                value = await value
        except BaseException as error:
            return self._fail_or_raise(error)
        return self.resolve(value)

    def _fail_or_raise(self, error: BaseException) -> Call:
        """Return the failed call; raise what is no ordinary error, such as `pytest.fail`'s."""
        call = self.fail(error)
        if not isinstance(error, Exception):
            raise error
        return call


def await_here(awaitable: Awaitable[Any]) -> Any:
    """Return what an awaitable returns, awaited on a new loop.

    If a loop is already running in this thread, the new one runs in another thread.
    """

    async def wait() -> Any:
        return await awaitable

    def run() -> Any:
        # With a factory, the runner leaves the thread's current loop alone.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(wait())

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    future: Future[Any] = Future()

    def run_into_future() -> None:
        try:
            future.set_result(run())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run_into_future, daemon=True).start()
    return future.result()


def _use_value(value: object, has_tls: bool, exchange: Exchange) -> Exchange:
    """Return the exchange with the answer for what the function returned."""
    result = use_value(exchange, exchange.answer, value)
    assert result.answer is not None
    check_end(result.answer, has_tls)
    return result
