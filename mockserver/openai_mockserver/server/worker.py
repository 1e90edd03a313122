"""The worker thread that computes slow answers beside the event loop.

Rules of this file: the event loop never waits for a computation; a thread that computes hands over
the interpreter often.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from openai_mockserver.api.disk_bytes import DiskWriter
from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import SERVER_STOPPED, Call
from openai_mockserver.request import Request

__all__ = ["Worker", "is_quick", "no_collection", "run_in_turns", "short_turns"]

_Argument = TypeVar("_Argument")
_Begun = TypeVar("_Begun", bound=Call | PendingCall)
_Result = TypeVar("_Result")


class Worker:
    """A thread that computes answers, one after the other, and a thread that writes to disk.

    There is only one computing thread, so that the event loop never competes with more than one
    other for the interpreter. Writing to disk may take long, but hardly needs the interpreter.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "openai-mockserver-worker")
        self._disk = ThreadPoolExecutor(1, "openai-mockserver-disk")

    async def run(self, respond: Callable[[_Argument], _Begun], argument: _Argument) -> _Begun:
        """Return ``respond(argument)``, which is a call, computed in the thread."""
        future = self._threads.submit(_respond_in_turns, respond, argument)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_end_unplayed_call)
            raise

    async def write(self, writer: DiskWriter, parts: list[bytes]) -> None:
        """Write to disk in the other thread. Raises OSError, for example if the disk is full."""
        await asyncio.wrap_future(self._disk.submit(writer.write, parts))

    def stop(self) -> None:
        """Start no more work, and do not wait for work in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)


def _end_unplayed_call(future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().end(SERVER_STOPPED)


_TURN = 0.0005  # seconds after which a computing thread hands over the interpreter


_YOUNG = 20_000  # objects that a garbage collection examines within milliseconds
_MOST_UNCOLLECTED = 5_000_000  # objects that may remain unexamined


class _ShortTurns:
    """A context in which all threads of the process switch often; the servers share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_count = 0
        self._switch_interval = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._thread_count:
                self._switch_interval = sys.getswitchinterval()
                sys.setswitchinterval(min(self._switch_interval, _TURN))
            self._thread_count += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._thread_count -= 1
            if not self._thread_count:
                sys.setswitchinterval(self._switch_interval)


class _NoCollection:
    """A context in which no garbage is collected; the workers of all servers share it.

    A garbage collection would stop all threads: for the million objects that a large answer
    creates, that takes 100 ms. Only what computes runs in it, because what waits may wait for long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_count = 0
        self._gc_enabled = False
        self._uncollected = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._thread_count:
                self._gc_enabled = gc.isenabled()
                if self._uncollected > _MOST_UNCOLLECTED:
                    self._uncollected = 0
                    gc.collect()
                gc.disable()
            self._thread_count += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._thread_count -= 1
            if not self._thread_count and self._gc_enabled:
                young_count = gc.get_count()[0]
                if young_count > _YOUNG and not gc.get_freeze_count():
                    # Moves all objects to the oldest generation without examining them. Most
                    # are freed together with the call.
                    gc.freeze()
                    gc.unfreeze()
                    self._uncollected += young_count
                gc.enable()


short_turns = _ShortTurns()
"""Computing in this context delays no stream by more than a few turns."""

no_collection = _NoCollection()
"""Computing in this context stops no stream to collect garbage."""


def run_in_turns(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Call a function in this thread, which hands over the interpreter often."""
    with short_turns, no_collection:
        return function(*arguments)


def _respond_in_turns(respond: Callable[[_Argument], _Begun], argument: _Argument) -> _Begun:
    return run_in_turns(respond, argument)


_SHORT = 4096  # maximum bytes of a body that is parsed in the event loop
_ENDPOINTS = ("/chat/completions", "/completions", "/responses")
_SLOW_PARAMETERS = frozenset(
    {"n", "best_of", "logprobs", "modalities", "prediction", "response_format"}
)
_SLOW_PARAMETERS |= {"functions", "text", "tools"}
"""Parameters that may make a short request slow to answer."""


def is_quick(request: Request) -> bool:
    """Whether answering a request surely takes only milliseconds."""
    if request.method == "GET" and not request.content:
        return True
    body = request.parsed if len(request.content) <= _SHORT else None
    return (
        isinstance(body, dict)
        and request.path.endswith(_ENDPOINTS)
        and not _SLOW_PARAMETERS & body.keys()
    )
