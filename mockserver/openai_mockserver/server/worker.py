"""What may take long to answer is worked out in a thread beside the event loop.

Rules of this file: the loop never waits for what computes; a thread that computes has short turns.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from openai_mockserver.api.disk_bytes import DiskWriter
from openai_mockserver.journal import SERVER_STOPPED, Call
from openai_mockserver.request import Request

__all__ = ["Worker", "is_quick"]


class Worker:
    """A thread beside the loop: what it works out, in the order in which it is asked.

    It is one, so that the loop never waits for more than one other to let it have the interpreter.
    Another writes to disk, which may take its time, and needs the interpreter hardly at all.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "openai-mockserver-worker")
        self._disk = ThreadPoolExecutor(1, "openai-mockserver-disk")

    async def run(self, respond: Callable[[Request], Call], request: Request) -> Call:
        """What ``respond`` makes of a request, while the loop goes on."""
        making = self._threads.submit(_yielding, respond, request)
        try:
            return await asyncio.wrap_future(making)
        except asyncio.CancelledError:
            making.add_done_callback(_end_unplayed)
            raise

    async def write(self, writer: DiskWriter, parts: list[bytes]) -> None:
        """Write to disk. Raises OSError where there is no room."""
        await asyncio.wrap_future(self._disk.submit(writer.write, parts))

    def stop(self) -> None:
        """Begin nothing more. What has begun is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)


def _end_unplayed(made: Future[Call]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().end(SERVER_STOPPED)


_TURN = 0.0005  # seconds after which a thread that computes lets another


_YOUNG = 20_000  # objects that are looked through within milliseconds
_UNSEEN = 5_000_000  # objects among which there may be much garbage


class _Turns:
    """Short turns for all threads of the process, while one of any server's workers computes.

    Nor are objects looked through for garbage meanwhile: of a million, which a large answer takes
    on its way, that is 100 ms in which no other thread has a turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._computing = 0
        self._usual = 0.0
        self._collects = False
        self._unseen = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._computing:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self._usual, _TURN))
                self._collects = gc.isenabled()
                if self._unseen > _UNSEEN:
                    self._unseen = 0
                    gc.collect()
                gc.disable()
            self._computing += 1

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._computing -= 1
            if not self._computing:
                sys.setswitchinterval(self._usual)
                if self._collects:
                    young = gc.get_count()[0]
                    if young > _YOUNG and not gc.get_freeze_count():
                        # Makes old what there is, in no time: most of it is freed with the call.
                        gc.freeze()
                        gc.unfreeze()
                        self._unseen += young
                    gc.enable()


_turns = _Turns()


def _yielding(respond: Callable[[Request], Call], request: Request) -> Call:
    with _turns:
        return respond(request)


_SHORT = 4096  # bytes of a body that is looked at at once
_ENDPOINTS = ("/chat/completions", "/completions", "/responses")
_LONG = frozenset({"n", "best_of", "logprobs", "modalities", "prediction", "response_format"})
_LONG |= {"functions", "text", "tools"}
"""Parameters that make a short request one that may take long."""


def is_quick(request: Request) -> bool:
    """Whether a request is surely answered within milliseconds."""
    if request.method == "GET" and not request.content:
        return True
    body = request.parsed if len(request.content) <= _SHORT else None
    return isinstance(body, dict) and request.path.endswith(_ENDPOINTS) and not _LONG & body.keys()
