"""Functions that make replies, called where they delay no stream.

Rules of this file: an async function runs on the event loop, any other in a thread of its own,
because it may wait for as long as it likes. The threads are daemons: a function that never returns
does not keep the process alive. What a function returns is rendered off the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import SERVER_STOPPED, Call
from openai_mockserver.server.worker import Worker, no_collection, short_turns

__all__ = ["finish_reply"]


async def finish_reply(pending: PendingCall, worker: Worker) -> Call:
    """Call the function that makes the reply of a call, and return the call with its answer.

    If the function does not return in time, the answer is an error.
    """
    limit = asyncio.timeout(pending.time_limit)
    try:
        async with limit:
            is_async = pending.is_async
            value = pending.call_function() if is_async else await _call_in_thread(pending)
            if inspect.isawaitable(value):
                value = await value
    except asyncio.CancelledError:  # the server is stopping
        pending.end(SERVER_STOPPED)
        raise
    except BaseException as error:
        return pending.fail_late() if limit.expired() else pending.fail(error)
    return await worker.run(pending.resolve, value)


async def _call_in_thread(pending: PendingCall) -> object:
    """Return what the function returns, called in a new thread."""
    future: Future[object] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            with short_turns:  # it may compute
                value = pending.call_function()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(value)

    threading.Thread(target=work, name="openai-mockserver-function", daemon=True).start()
    with _hold_back_collection():
        return await asyncio.wrap_future(future)


_COMPUTING = 2.0
"""Seconds for which a function is taken to compute; one that takes longer only waits."""

_is_computing = threading.Lock()


@contextmanager
def _hold_back_collection() -> Iterator[None]:
    """Collect no garbage while a function computes.

    It ends after `_COMPUTING` seconds, because a function may wait for ever, and it does so for one
    function at a time, because many that wait in turn would put it off for ever too.
    """
    with ExitStack() as stack:
        if _is_computing.acquire(blocking=False):
            stack.callback(_is_computing.release)
            stack.enter_context(no_collection)
        timer = asyncio.get_running_loop().call_later(_COMPUTING, stack.close)
        stack.callback(timer.cancel)
        yield
