"""Plays sessions on WebSockets: carries out what a session says, and feeds it what happens.

Rules of this file: no decision about what to say. The request that opens a WebSocket is a call, and
so is each turn, with its messages as events; a turn that a client event asks for is answered as the
same request over HTTP would be. Host, origin and key are checked before the WebSocket opens.

What a session has to do is in its heap, by due time. The clock of all streams (`Player`) calls
`_SessionPlayer._run` when the first of it is due, and the messages that are due are written in this
one call, as frames (RFC 6455 §5.2) and without a switch of tasks. Two tasks wait beside it: one
reads what the client sends, and one carries out what takes time, which is the end of a connection
and the wait for a client that reads slowly.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import CLIENT_DISCONNECTED, Call
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.script import Frame, Script, SocketClose
from openai_mockserver.server.door import Door
from openai_mockserver.server.functions import finish_reply
from openai_mockserver.server.player import HIGH_WATER, Player
from openai_mockserver.server.protocol import Connection
from openai_mockserver.server.worker import Worker, is_quick
from openai_mockserver.sessions import Session, Turn
from openai_mockserver.sessions.framing import BINARY, TEXT, encode_close, encode_frame
from openai_mockserver.sessions.session import (
    Action,
    Answered,
    Ask,
    Close,
    Drop,
    Due,
    Ended,
    Expired,
    Happening,
    Mute,
    Opened,
    Received,
    Report,
    Send,
    SendBinary,
    SendFrames,
)

__all__ = ["play_websocket"]

_NO_RELAY = "WebSockets are not relayed to an upstream: add a rule for this request"
_CODES = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""The codes that uvicorn can send in a close frame."""

_CLOSED_WELL = (1000, 1001, 1005)
_PROTOCOL = "realtime"
_FEW = 8
_TURN = 64  # actions that are carried out before other tasks run
_FAR = 1.0  # seconds; what is due later does not wait in the clock, which cannot forget it
_HOP_BY_HOP = ("connection", "content-length", "content-type", "upgrade")


async def play_websocket(
    request: Request,
    door: Door,
    connection: Connection,
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
    worker: Worker,
    open_calls: dict[Call, Connection],
    clock: Player,
) -> None:
    """Open the WebSocket that a request asks for, and play its session; or refuse the request.

    Args:
        request: the request; access control may have refused it.
        door: the mock.
        connection: the connection.
        receive, send: those of ASGI.
        worker: computes answers that may take long.
        open_calls: filled with the calls that are being played, and their connection.
        clock: the clock of the event loop.
    """
    await receive()  # uvicorn's "websocket.connect"
    if door.sessions is None:
        begun = door.begin(request)
        call = begun if isinstance(begun, Call) else begun.run()
    else:
        call = door.sessions.begin_session(request)
    if call.session is None and call.upstream is not None and door.sessions is not None:
        from openai_mockserver.server.websocket_relay import relay_websocket  # rarely needed

        open_calls[call] = connection
        try:
            await relay_websocket(call, call.upstream, connection, receive, send, _refuse)
        finally:
            open_calls.pop(call, None)
        return
    if call.session is None:
        await _refuse(call, send)
        return
    player = _SessionPlayer(call, call.session, door, connection, send, worker, open_calls, clock)
    open_calls[call] = connection
    outcome: str | None = CLIENT_DISCONNECTED
    try:
        offers = call.headers.get("sec-websocket-protocol", "").split(",")
        # A browser that offers protocols ends the connection if none is chosen.
        chosen = _PROTOCOL if _PROTOCOL in map(str.strip, offers) else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        outcome = await player.play(receive)
    except OSError:  # uvicorn's ClientDisconnected
        pass
    finally:
        player.end_turns()
        call.end(outcome)
        open_calls.pop(call, None)


async def _refuse(call: Call, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answer the request with the response of its call, instead of a WebSocket."""
    plan = call.plan
    if not isinstance(plan, Script):
        call.problem = _NO_RELAY
        plan = call.script = Script()
    head, body = plan.head, sse.body(plan.steps)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in head.headers
        if name.lower() not in ("connection", "content-length", "transfer-encoding", "upgrade")
    ]
    start = {"type": "websocket.http.response.start", "status": head.status, "headers": headers}
    try:
        await send(start)
        await send({"type": "websocket.http.response.body", "body": body})
        call.log_frame(Frame(0.0, body, 0, len(body)), 0.0)
        call.is_written = True
        call.end()
    except OSError:
        call.end(CLIENT_DISCONNECTED)


class _SessionPlayer:
    """Plays one session."""

    def __init__(
        self,
        call: Call,
        session: Session,
        door: Door,
        connection: Connection,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        worker: Worker,
        open_calls: dict[Call, Connection],
        clock: Player,
    ) -> None:
        self._call, self._session, self._door = call, session, door
        self._connection, self._send, self._worker = connection, send, worker
        self._open_calls, self._clock = open_calls, clock
        self._loop = clock.loop
        self._start_time = self._loop.time()
        self._headers = _list_headers(call)
        self._heap: list[tuple[float, int, Action]] = []
        self._numbers = count()
        self._armed_for = math.inf  # when the clock or the timer calls `_run`
        self._timer: asyncio.TimerHandle | None = None  # for what is due much later
        self._is_running = False
        self._frames: list[bytes] = []  # to be written together
        self._unwritten = 0  # their bytes
        self._wakeup = asyncio.Event()  # there is something for `play` to do
        self._last_action: Close | Drop | None = None
        self._error: Exception | None = None
        self._is_blocked = False  # until the client has received what was written
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._turns: dict[Turn, tuple[Call, float]] = {}  # with the time of the answer
        self._pending: set[PendingCall] = set()  # they wait for a function
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcome: str | None = None
        self._outcome_of_turns = CLIENT_DISCONNECTED  # of those that have not ended by then
        self._is_over = False

    async def play(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> str | None:
        """Play the session until the connection ends, and return the outcome of its call."""
        # A full session reads on only to learn that the client has gone.
        self._connection.on_lost = lambda error: self._has_room.set()
        self._start(self._read(receive))
        self._handle(Opened())
        try:
            while not self._is_over:
                await self._wakeup.wait()
                self._wakeup.clear()
                if self._is_blocked:
                    await self._connection.wait_until_received()
                    self._is_blocked = False
                    self._run_soon()
            if self._error is not None:
                raise self._error
            match self._last_action:
                case Close(code, reason):
                    await self._close(code, reason)
                case Drop(turn, how):
                    await self._drop(turn, how)
        finally:
            self._connection.on_lost = None
        return self._outcome

    def end_turns(self) -> None:
        """End the calls of the turns that have not ended."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        outcome = self._call.outcome or self._outcome_of_turns  # the server may have stopped
        for pending in self._pending:
            pending.end(outcome)
        for call, _ in self._turns.values():
            self._open_calls.pop(call, None)
            call.end(outcome)
        for task in self._tasks:
            task.cancel()

    # What happens

    def _start(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Pass on what the client sends, for as long as the session has room for it."""
        while True:
            await self._has_room.wait()
            message = await receive()
            if message["type"] == "websocket.disconnect":
                # Only a close frame has a reason, be it empty.
                code = message["code"] if "reason" in message else 1006
                if not self._is_over:
                    self._outcome = None if code in _CLOSED_WELL else CLIENT_DISCONNECTED
                    self._end()
                return
            data = message["bytes"] if message.get("text") is None else message["text"]
            seconds = self._loop.time() - self._start_time
            self._call.log_message(seconds, "client", data)
            self._handle(Received(data))

    def _end(self, action: Close | Drop | None = None) -> None:
        """End the session, with an action if it is not the client that ends it."""
        self._is_over, self._last_action = True, action
        self._wakeup.set()

    def _handle(self, happening: Happening, at: float | None = None) -> None:
        """Feed the session what has happened, and carry out what is due."""
        if not self._is_over:
            try:
                self._feed(happening, at)
            except Exception as error:
                self._fail(error)
            else:
                self._run_soon()

    def _feed(self, happening: Happening, at: float | None = None) -> None:
        """Tell the session what has happened, and note what it has to do.

        Args:
            happening: what has happened.
            at: when it was due; now by default.
        """
        now = self._loop.time() if at is None else at
        for seconds, action in self._session.feed(happening):
            heapq.heappush(self._heap, (now + seconds, next(self._numbers), action))
        if self._session.is_full:
            self._has_room.clear()
        else:
            self._has_room.set()

    # What to do

    def _run_soon(self) -> None:
        """Carry out what is due, and let the clock do so when the next is due."""
        if not self._is_running and (due := self._run()) is not None:
            self._clock.at(due, self._on_due)

    def _on_due(self, now: float) -> float | None:
        """Carry out what is due, for the clock, and return when the next is due.

        Args:
            now: the time of the loop.
        """
        if now < self._armed_for:  # something earlier had come first
            return None
        self._armed_for = math.inf
        return self._run()

    def _on_timer(self) -> None:
        self._armed_for = math.inf
        self._run_soon()

    def _run(self) -> float | None:
        """Carry out what is due, and return when the clock shall call; None if it need not."""
        self._is_running = True
        try:
            self._perform_due()
            self._write_frames()
        except Exception as error:
            self._fail(error)
        finally:
            self._is_running = False
        return self._arm()

    def _arm(self) -> float | None:
        """Return when the clock shall call; None if it does so already, or later than soon."""
        is_stopped = self._is_over or self._is_blocked or self._connection.transport.is_closing()
        if is_stopped or not self._heap or self._heap[0][0] >= self._armed_for:
            return None
        due = self._armed_for = self._heap[0][0]
        if due - self._loop.time() <= _FAR:
            return due
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._on_timer)
        return None

    def _fail(self, error: Exception) -> None:
        """End the session with an error, and not the clock that all streams share."""
        self._error = error
        self._end()

    def _perform_due(self) -> None:
        """Carry out what is due, unless there is so much of it that other tasks must run."""
        transport, heap = self._connection.transport, self._heap
        for _ in range(_TURN):
            if self._is_over or self._is_blocked or transport.is_closing():
                return
            if not heap or heap[0][0] > self._loop.time():
                return
            due, _, action = heapq.heappop(heap)
            self._perform(action, due)

    def _continue(self, action: Due, due: float) -> None:
        """Send the next messages of a turn, and note what follows them.

        Args:
            action: says so.
            due: when they are due.
        """
        actions, heap = self._session.feed(action), self._heap
        # A few messages need not wait in the heap if they are first in it.
        is_short = len(actions) <= _FEW and not (heap and heap[0][0] <= due)
        for seconds, following in actions:
            if is_short and not seconds and isinstance(following, Send):
                self._send_text(following, due)
            else:
                is_short = False
                heapq.heappush(heap, (due + seconds, next(self._numbers), following))

    def _perform(self, action: Action, due: float) -> None:
        match action:
            case Due():
                self._continue(action, due)
            case Send():
                self._send_text(action, due)
            case SendBinary(data):
                self._write(encode_frame(BINARY, data))
                self._log(None, due, data, len(data))
            case SendFrames(data, turn):
                self._write(data)
                self._log(turn, due, data, len(data))
            case Ask(turn):
                self._ask(turn)
            case Ended(turn):
                self._write_frames()
                if turn in self._turns:
                    call, _ = self._turns.pop(turn)
                    self._open_calls.pop(call, None)
                    call.is_written = True
                    call.end()
                self._feed(action)
            case Expired():
                self._feed(action)
            case Report(problem):
                self._call.problem = problem
            case Mute():
                self._write_frames()
                self._connection.is_muted = True
            case Close() | Drop():
                self._write_frames()
                self._end(action)

    def _send_text(self, message: Send, due: float) -> None:
        payload = message.text.encode()
        self._write(encode_frame(TEXT, payload))
        self._log(message.turn, due, message.text, len(payload))

    def _write(self, frame: bytes) -> None:
        """Write a frame, with those that are due at the same time."""
        self._frames.append(frame)
        self._unwritten += len(frame)
        if self._unwritten > HIGH_WATER:
            self._write_frames()

    def _write_frames(self) -> None:
        """Write the frames that wait, and stop if the client does not read them."""
        if self._frames:
            frames, self._frames, self._unwritten = self._frames, [], 0
            transport = self._connection.transport
            transport.write(b"".join(frames))
            if transport.get_write_buffer_size() > HIGH_WATER:
                self._is_blocked = True
                self._wakeup.set()

    def _log(self, turn: Turn | None, due: float, data: str | bytes, size: int) -> None:
        """Note that a message of a number of bytes is sent."""
        now = self._loop.time()
        call, start = self._turns[turn] if turn is not None else (self._call, self._start_time)
        call.log_write(due - start, now - start, 1, size)
        self._call.log_message(now - self._start_time, "server", data)

    async def _close(self, code: int, reason: str) -> None:
        """Send a close frame, also one with a code that RFC 6455 §7.4 does not allow."""
        self._outcome_of_turns = "truncated"
        if code in _CODES:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
            return
        self._connection.transport.write(encode_close(SocketClose(code=code, reason=reason)))
        self._connection.is_muted = True  # uvicorn would send a close frame of its own

    async def _drop(self, turn: Turn | None, how: str) -> None:
        """End the TCP connection without a closing handshake."""
        # A reset discards what the client's system has not received.
        await self._connection.wait_until_received()
        self._outcome = "reset" if how == "reset" else "truncated"
        if turn is not None:
            call, _ = self._turns.pop(turn)
            self._open_calls.pop(call, None)
            call.end()
            self._outcome = call.outcome
        self._outcome_of_turns = self._outcome or CLIENT_DISCONNECTED
        if how == "reset":
            self._connection.reset()
        else:
            self._connection.transport.close()

    def _ask(self, turn: Turn) -> None:
        """Let the mock answer a turn."""
        self._connection.requests += 1
        request = Request(
            "POST",
            turn.path or self._call.path,
            self._headers,
            turn.body,
            "" if turn.path else self._call.query,
            self._call.connection,
            self._connection.requests,
        )
        if turn.error is not None:
            self._begin(turn, self._door.refuse(request, turn.error))
            return
        assert self._door.sessions is not None
        begin = partial(self._door.sessions.begin_turn, turn=turn)
        if is_quick(request):
            begun = begin(request)
            if isinstance(begun, Call):
                self._begin(turn, begun)
            else:
                self._start(self._finish(turn, begun))
        else:
            self._start(self._compute(turn, begin, request))

    async def _compute(self, turn: Turn, begin: Any, request: Request) -> None:
        await self._finish(turn, await self._worker.run(begin, request))

    async def _finish(self, turn: Turn, begun: Call | PendingCall) -> None:
        if isinstance(begun, PendingCall):
            self._pending.add(begun)
            call = await finish_reply(begun, self._worker)
            self._pending.discard(begun)
        else:
            call = begun
        self._begin(turn, call)

    def _begin(self, turn: Turn, call: Call) -> None:
        """Begin to play the answer of a turn."""
        if not isinstance(call.plan, Script):
            call.upstream, call.problem = None, _NO_RELAY
            message = f"openai-mockserver: {_NO_RELAY}"
            call.script = errors.render(ApiError(501, message, "mockserver_error"))
        call.is_exact = False  # the client may not have read all that was sent
        now = self._loop.time()
        self._turns[turn] = call, now
        self._open_calls[call] = self._connection
        self._handle(Answered(turn, call.script), now)


def _list_headers(call: Call) -> Sequence[tuple[str, str]]:
    """Return the headers that a turn would have as a request over HTTP."""
    headers = [
        (name, value)
        for name, value in call.headers.raw
        if name.lower() not in _HOP_BY_HOP and not name.lower().startswith("sec-websocket-")
    ]
    return (*headers, ("content-type", "application/json"))
