"""Functions that make replies, called where they delay no stream.

Rules of this file: an async function runs on the event loop, any other in a thread of its own,
because it may wait for as long as it likes. The threads are daemons: a function that never returns
does not keep the process alive. What a function returns is rendered off the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Any

from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import SERVER_STOPPED, Call
from openai_mockserver.server.worker import Worker

__all__ = ["finish_reply"]


async def finish_reply(pending: PendingCall, worker: Worker) -> Call:
    """Call the function that makes the reply of a call, and return the call with its answer.

    If the function does not return in time, the answer is an error.
    """
    future: Future[Call | Awaitable[Any]] | None = None
    limit = asyncio.timeout(pending.time_limit)
    try:
        async with limit:
            if pending.is_async:
                awaitable: Any = pending.function(pending.call)
            else:
                future = _start_thread(pending)
                awaitable = await asyncio.wrap_future(future)
                if isinstance(awaitable, Call):
                    return awaitable
            value = await awaitable
    except asyncio.CancelledError:  # the server is stopping
        pending.end(SERVER_STOPPED)
        raise
    except BaseException as error:
        if pending.claim():
            return pending.fail_late() if limit.expired() else pending.fail(error)
        # It has returned just in time, and its thread is rendering the reply.
        assert future is not None
        call = await asyncio.wrap_future(future)
        assert isinstance(call, Call)
        return call
    pending.claim()
    return await worker.run(pending.resolve, value)


def _start_thread(pending: PendingCall) -> Future[Call | Awaitable[Any]]:
    """Call the function in a new thread; the result is the answered call, or an awaitable."""
    future: Future[Call | Awaitable[Any]] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            result = _call_function(pending)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, name="openai-mockserver-function", daemon=True).start()
    return future


def _call_function(pending: PendingCall) -> Any:
    value = pending.function(pending.call)
    if inspect.isawaitable(value):
        return value
    # If the function took too long, the call is answered already.
    return pending.resolve(value) if pending.claim() else pending.call
