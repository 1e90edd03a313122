"""The dispatcher: runs the five steps, and handles their errors.

Rules of this file: no I/O. Every error on the way becomes an error response for the client and a
problem for the test. A call's plan is set once, here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api import errors
from openai_mockserver.api.compiled_replies import CompiledReplies
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.jobs import Jobs
from openai_mockserver.dialects import locate
from openai_mockserver.dispatch.capacity import (
    REAL_TIME,
    admit_request,
    plan_tokens,
    release_slot,
)
from openai_mockserver.dispatch.choose import choose_answer
from openai_mockserver.dispatch.dress import dress_script
from openai_mockserver.dispatch.exchange import Exchange, Plan
from openai_mockserver.dispatch.exchange import replace as replace_fields
from openai_mockserver.dispatch.options import Option, Options
from openai_mockserver.dispatch.pending import PendingCall, Step, find_function
from openai_mockserver.dispatch.refuse import find_recording, refuse_access, refuse_reply
from openai_mockserver.dispatch.render import render_answer
from openai_mockserver.dispatch.route import choose_dialect, route_request, route_turn
from openai_mockserver.dispatch.validate import validate_request
from openai_mockserver.dispatch.version import Version
from openai_mockserver.engine import Engine, EngineClock, LiveEngine, Snapshot, as_engine
from openai_mockserver.exceptions import BusyStateError, MockServerError
from openai_mockserver.http1 import SWITCHING, answer_version, check_script
from openai_mockserver.journal import Call
from openai_mockserver.metrics import Counts
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.request import Request
from openai_mockserver.rules import Answer, Rulebook
from openai_mockserver.script import RecordedSession, Script
from openai_mockserver.seed import CHANCE, Seeded
from openai_mockserver.sessions import Opening, Turn, make_replay, make_session
from openai_mockserver.state import InMemory, StateMaker, StoredWindows

__all__ = ["Dispatcher"]

_CHOOSING: tuple[Step, ...] = (route_request, validate_request, admit_request, choose_answer)
_MAKING: tuple[Step, ...] = (render_answer, plan_tokens, dress_script)


class Dispatcher:
    """Answers requests by rules, and keeps a journal of them.

    Args:
        options: how to answer.
        memory: makes the state of the mock and of its sandboxes; by default in memory.
        sandbox: the id of the sandbox whose state to use; None for the mock's own.
        on_end: as for `MockOpenAI`.
        counts: counts the calls over sockets; by default those of this mock alone.
    """

    api_key = Option[str | None]()
    seed = Option[int | str | None]()
    lenient = Option[bool]()
    dialect = Option[str | None]()
    pace = Option[Pace | None]()

    def __init__(
        self,
        options: Options,
        *,
        memory: StateMaker | None = None,
        sandbox: str | None = None,
        on_end: Callable[[Call], object] | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._engine_started = time.monotonic()
        self._options = self.first_options = options
        self.counts = counts or Counts()
        self._memory = memory or InMemory()
        self._on_end = on_end
        state = self._memory.make(sandbox, self._note_end)
        self.calls, self.store, self._rules = state.calls, state.objects, state.rules
        self._version_lock = threading.Lock()
        self.jobs = Jobs(self.store, lambda: self.options.job_seconds)
        self._replies = CompiledReplies()
        self._session_counts: Counter[str] = Counter()  # how many were opened, by path
        self._lives: dict[EngineClock, LiveEngine] = {}
        self._last_live: LiveEngine | None = None

    @property
    def options(self) -> Options:
        """How to answer; a new engine among them starts when they are set."""
        return self._options

    @options.setter
    def options(self, options: Options) -> None:
        if options.engine is not self._options.engine:
            self._engine_started = time.monotonic()
        self._options = options

    @property
    def has_tls(self) -> bool:
        """Whether the connections use TLS."""
        return False

    @property
    def version(self) -> Version:
        """The rules and options of now."""
        with self._version_lock:
            return Version(tuple(self._rules), self.options)

    def change_version(self, old: Version, new: Version) -> None:
        """Replace rules and options at once: a request is answered by all of the new, or by none.

        Args:
            old: the version whose rules are replaced, and whose options are compared.
            new: the version whose rules take their place. Other rules and options stay.
        """
        with self._version_lock:
            self._rules.replace(old.rules, new.rules)
            self.options = old.change_options(self.options, new)
            self.first_options = old.change_options(self.first_options, new)

    def change_options(self, **changes: Any) -> None:
        """Change some options at once. Raises MockServerError for an invalid value."""
        with self._version_lock:
            self.options = replace(self.options, **changes)

    # Capacity

    @property
    def engine(self) -> Snapshot | None:
        """The state of the engine that limits the mock; None if there is none.

        Requests over sockets and requests in process have different clocks, and so an engine each;
        this is the one that the last request used. A new engine, or the name of a profile, can be
        set; it has no requests, and those of the old one go on there.
        """
        engine = self.options.engine
        if engine is None:
            return None
        live = self._last_live
        if live is None or live.engine is not engine:
            return Snapshot(engine)
        return live.take_snapshot()

    @engine.setter
    def engine(self, engine: Engine | str | None) -> None:
        self.change_options(engine=as_engine(engine))

    @property
    def cache_use(self) -> float:
        """The part of the engine's prefix cache that is used, from 0 to 1; 0 without one."""
        snapshot = self.engine
        if snapshot is None or not snapshot.engine.cache_blocks:
            return 0.0
        return snapshot.cached_blocks / snapshot.engine.cache_blocks

    @property
    def starts_in(self) -> float:
        """Seconds until the engine has started in real time; 0 if it has, or if there is none."""
        engine = self.options.engine
        if engine is None:
            return 0.0
        return max(0.0, self._engine_started + engine.start_up - time.monotonic())

    def reset_engine(self) -> None:
        """Begin again with an engine that starts now, of which no limit is used."""
        with self._version_lock:
            self._engine_started = time.monotonic()
            self._lives.clear()
            self._last_live = None

    def _find_live(self, engine: Engine | None, clock: EngineClock | None) -> LiveEngine | None:
        """Return the engine that serves the requests on this clock."""
        if engine is None or clock is None:
            return None
        live = self._lives.get(clock)
        if live is None or live.engine is not engine:
            started = self._engine_started if clock is REAL_TIME else clock.now
            windows = self._make_windows(engine, clock)
            live = self._lives[clock] = LiveEngine(engine, clock, windows, started)
        self._last_live = live
        return live

    def _make_windows(self, engine: Engine, clock: EngineClock) -> StoredWindows | None:
        """Return the rate limits that other processes share; None if they do not."""
        if clock.virtual or not self.store.is_shared:
            return None
        return StoredWindows(self.store, engine.limits.refill, engine.limits.seconds)

    # Requests

    def respond(self, request: Request) -> Call:
        """Return the call that answers a request, with its script or upstream.

        A function that makes the reply is called in this thread.
        """
        call = self.begin(request)
        return call if isinstance(call, Call) else call.run()

    def begin(self, request: Request, clock: EngineClock = REAL_TIME) -> Call | PendingCall:
        """Return the call that answers a request, or waits for a function that makes the reply.

        Args:
            request: the request.
            clock: the clock on which the response is played.
        """
        return self._answer(self._begin(self.calls.add(request), clock), _CHOOSING)

    def begin_session(self, request: Request) -> Call:
        """Return the call of a request to open a WebSocket: with a session, or with an error.

        A recorded session of the path comes first. An upstream gets the whole session, unless there
        are rules, which then answer its turns.
        """
        exchange = self._begin(self.calls.add(request))
        call, options = exchange.call, exchange.options
        if call.refusal is None:
            plan = _run_safely(exchange, (route_request, validate_request))
            if isinstance(plan, Script) and plan.head.status in (401, 403):
                return _set_plan(exchange, plan)
            if (recording := self._take_recording(call, options)) is not None:
                call.session, call.script = make_replay(recording), SWITCHING
                return call
            if options.upstream is not None and not exchange.rules:
                call.upstream = options.upstream
                if options.cassette is None:  # which is made of exchanges
                    call.recorder = options.recorder
                return call
            if not isinstance(plan, Exchange):
                return _set_plan(exchange, plan)
            if (session := make_session(_describe_opening(plan))) is not None:
                call.session, call.script = session, SWITCHING
                return call
        begun = self._answer(exchange, _CHOOSING)
        return begun if isinstance(begun, Call) else begun.run()

    def _take_recording(self, call: Call, options: Options) -> RecordedSession | None:
        """Return the recorded session for a request; the last one of a path repeats."""
        path = locate(call.path, call.query).path
        recordings = [one for one in options.sessions if one.path == path]
        if not recordings:
            return None
        with self._version_lock:
            count = self._session_counts[path]
            self._session_counts[path] += 1
        return recordings[min(count, len(recordings) - 1)]

    def begin_turn(self, request: Request, turn: Turn) -> Call | PendingCall:
        """Return the call that answers a turn of a session, as `begin` does for a request.

        Args:
            request: the turn as a request over HTTP.
            turn: the turn, which may have a reply of its own.
        """
        exchange = self._begin(self.calls.add(request), REAL_TIME)
        store = turn.layer_store(self.store)
        exchange = replace_fields(exchange, store=store, over_websocket=True)
        if turn.endpoint is not None:
            # The key was checked when the session was opened, and may have expired since.
            options = replace(exchange.options, api_key=None)
            exchange = replace_fields(exchange, options=options)
            steps = partial(route_turn, turn.endpoint), validate_request, choose_answer
            return self._answer(exchange, (*steps, partial(_give_renderer, turn)))
        if turn.reply is None:
            return self._answer(exchange, _CHOOSING)
        give_reply = partial(_give_reply, turn.reply)
        return self._answer(exchange, (route_request, validate_request, give_reply))

    def _answer(self, exchange: Exchange, choosing: Sequence[Step]) -> Call | PendingCall:
        """Return the call of an exchange with its plan, or waiting for a function."""
        call = exchange.call
        if call.refusal is not None:
            call.script = refuse_access(call, exchange.rng)
            return call
        plan = _run_safely(exchange, choosing)
        if isinstance(plan, Exchange):
            if find_function(plan) is not None:
                return PendingCall(plan, self.has_tls, _finish)
            return _finish(plan, _MAKING)
        return _set_plan(exchange, plan)

    @property
    def rules(self) -> Rulebook:
        """The rules, oldest first."""
        return self._rules

    def refuse(self, request: Request, error: ApiError) -> Call:
        """Return the call that answers an incompletely received request with an error."""
        call = self.calls.add(request)
        dialect = choose_dialect(locate(call.path, call.query), self.options)
        call.script = errors.render(error, _make_rng(request, self.options.seed), dialect)
        return call

    def _note_end(self, call: Call) -> None:
        try:
            self.counts.note_end(call)
        finally:
            if self._on_end is not None:
                self._on_end(call)

    def _begin(self, call: Call, clock: EngineClock | None = None) -> Exchange:
        """Return an exchange before its first step; without a clock, no engine limits it."""
        self.counts.note_start(call)
        with self._version_lock:
            options, rules = self.options, self._rules.current
            live = self._find_live(options.engine, clock)
        return Exchange(
            call=call,
            options=options,
            rules=rules,
            store=self.store,
            replies=self._replies,
            rng=_make_rng(call, options.seed),
            ask=self._answer_inner_request,
            jobs=self.jobs,
            live=live,
        )

    def _answer_inner_request(self, method: str, path: str, body: bytes) -> Script:
        """Answer a request that another request contains; the journal lists only the outer one."""
        headers = (("authorization", f"Bearer {self.options.api_key}"),)
        call = Call(Request(method, path, headers, body), 0)
        plan = _run_steps(self._begin(call), _CHOOSING)
        if isinstance(plan, Exchange):
            if find_function(plan) is not None:
                PendingCall(plan, self.has_tls, _finish).run()
                plan = call.plan
            else:
                plan = _run_steps(plan, _MAKING)
        call.end()  # nobody plays it
        if call.problem is not None:
            raise MockServerError(call.problem)
        if isinstance(plan, Exchange):
            return plan.script
        return plan if isinstance(plan, Script) else Script()


def _give_reply(reply: Reply, exchange: Exchange) -> Exchange:
    """Return the exchange with a reply as its answer, whatever the rules say."""
    return replace_fields(exchange, answer=Answer(reply))


def _give_renderer(turn: Turn, exchange: Exchange) -> Exchange:
    """Return the exchange with what renders the reply of the rule that was chosen."""
    if turn.render is None:
        return exchange
    return replace_fields(exchange, endpoint=replace(exchange.endpoint, render=turn.render))


def _describe_opening(exchange: Exchange) -> Opening:
    """Return the request that opens a session, as the session needs it."""
    call = exchange.call
    return Opening(
        exchange.path,
        {name: values[-1] for name, values in call.query_values.items()},
        call.headers,
        exchange.dialect,
        call.deployment,
        exchange.store,
        exchange.rng,
        call.headers.bearer,
    )


def _make_rng(request: Request, seed: int | str | None) -> Random:
    if seed is None:
        return CHANCE
    content: bytes | DiskBytes = request.content
    if isinstance(request.parsed, dict):
        # The order of keys does not make a different request.
        with contextlib.suppress(RecursionError):
            content = msgspec.json.encode(request.parsed, order="sorted")
    return Seeded(f"{seed}\0{content!r}")


def _run_steps(exchange: Exchange, steps: Sequence[Step]) -> Exchange | Plan:
    """Run steps, until one returns a plan."""
    for step in steps:
        result = step(exchange)
        if not isinstance(result, Exchange):
            return result
        exchange = result
    return exchange


def _finish(exchange: Exchange, steps: Sequence[Step]) -> Call:
    """Run the last steps, and return the call with its plan."""
    plan = _run_safely(exchange, steps)
    return _set_plan(exchange, plan.script if isinstance(plan, Exchange) else plan)


def _set_plan(exchange: Exchange, plan: Plan) -> Call:
    """Set the plan of a call, and return the call."""
    call = exchange.call
    call.answer_delay = time.monotonic() - call.arrival
    if isinstance(plan, Script):
        closes = call.headers.get("connection", "").lower() == "close"
        call.script = answer_version(plan, call.http_version, closes)
    else:
        call.upstream, call.recorder = plan, exchange.options.recorder
    return call


def _run_safely(exchange: Exchange, steps: Sequence[Step]) -> Exchange | Plan:
    """Run steps; return an error response if one raises. What is no model's needs no slot."""
    result = _run_or_refuse(exchange, steps)
    if not isinstance(result, Exchange):
        release_slot(exchange)
    return result


def _run_or_refuse(exchange: Exchange, steps: Sequence[Step]) -> Exchange | Plan:
    call = exchange.call
    try:
        result = _run_steps(exchange, steps)
        is_handmade = call.rule is not None and call.rule.is_handmade
        if is_handmade or exchange.options.faults:
            script = result.script if isinstance(result, Exchange) else result
            if isinstance(script, Script):
                check_script(script)
        return result
    except RecursionError:
        # The JSON is nested too deeply; OpenAI's parser refuses it, too.
        if exchange.options.has_other_source:
            return find_recording(exchange)
        return errors.render(errors.invalid_json(), exchange.rng)
    except BusyStateError as error:
        call.problem = f"{error}"
        problem = f"openai-mockserver: {error}"
        busy = ApiError(503, problem, "server_error", "state_unavailable", retry_after=1.0)
        return errors.render(busy, exchange.rng)
    except Exception as error:
        # The test must learn of every error, and the client must get a response.
        message = f"{error}" if isinstance(error, MockServerError) else repr(error)
        return refuse_reply(exchange, message)
