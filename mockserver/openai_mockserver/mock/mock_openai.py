"""MockOpenAI, the main object of the public API.

Rules of this file: declare the API, and delegate the work. `dispatch` answers requests, `doors`
receives them, and `report` describes problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from openai_mockserver.access import Access
from openai_mockserver.dispatch import Fault, Options
from openai_mockserver.dispatch.options import REPLY_TIMEOUT
from openai_mockserver.engine import Engine, as_engine
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.journal import Call
from openai_mockserver.limits import BODY, TIMEOUT, UPLOAD, Limits
from openai_mockserver.mock import report
from openai_mockserver.mock.doors import ANYWHERE, DoorOptions, Doors
from openai_mockserver.mock.recording import make_recorder
from openai_mockserver.mock.rule_builder import RuleBuilder
from openai_mockserver.mock.sandbox import SandboxAddress
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.request import Request
from openai_mockserver.rules import Matcher, Pattern, Rule
from openai_mockserver.script import RecordedSession
from openai_mockserver.state import IDLE, Sandboxes, StateMaker, open_state
from openai_mockserver.tokens import vocabulary
from openai_mockserver.upstream import Upstream

if TYPE_CHECKING:
    import ssl

    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.server import SharedAddress

__all__ = ["MockOpenAI"]


class MockOpenAI(Doors):
    """A fake OpenAI server: set its answers, point the code under test at it, inspect the calls.

    Args:
        api_key: the only API key to accept; by default any key, or none.
        seed: makes generated content, even ids and padding, a function of the seed and the
            request, and fixes the time at the beginning of 2026. Random by default.
        lenient: accept unknown request parameters.
        clock: clock of the in-process transport, of jobs and of webhooks: ``virtual`` never waits,
            ``real`` does. On a virtual clock, each poll of a job moves its time forward.
        job_seconds: how many seconds background responses, batches and other jobs take; by default
            they are done at once. `jobs` ends them early.
        default: a function that returns the reply to a request that no rule matches, as for
            `RuleBuilder.reply`; by default such a request is an error.
        dialect: the provider to imitate, for example ``azure``: a name from `dialects()`. The base
            path may name another, for example ``/groq/openai/v1``.
        pace: the pace of replies that have none.
        engine: the capacity of the mock: an `openai_mockserver.engine.Engine`, or the name of a
            profile such as ``h100-8b``, which overrides may follow, as in ``h100-8b,slots=4``. It
            sets the pace, instead of ``pace``. By default the mock has no limits.
        fast_retries: make the SDK retry after 1 ms, unless an error sets another time.
        fail_on_unmatched: whether `check` fails if no rule matched a request.
        fail_on_unused: whether `check` fails if a rule or a reply was never used.
        lenient_faults: ignore a rule's fault that cannot happen to a response, with a warning in
            `Call.warnings`; by default that is an error.
        reply_timeout: seconds within which a function that makes a reply must return on the
            loopback server; None sets no limit.
        host: the host that the loopback server listens on.
        port: its port. Port 0 picks a free one when `base_url` is first read; with any other port,
            the server starts when the mock is entered.
        address: a shared address to listen on instead, in turn with other mocks.
        control: whether the loopback server has the control API, under ``/_mock/``.
        control_token: the token that requests to the control API must bring.
        sandbox_idle: seconds after which an idle sandbox is removed; None for never.
        allow_hosts: names that a request's ``Host`` may have, besides loopback names and the
            server's own address, for example ``mock.internal`` or ``*.internal``; ``*`` allows any.
        allow_origins: origins of web pages that may send requests, besides loopback origins, for
            example ``https://app.example.com``; ``*`` allows any, but not with an upstream.
        tls: an `ssl.SSLContext` with a certificate, to use TLS on the loopback server.
        header_faults: obey the request headers ``x-mockserver-fault``, for example
            ``reset; after=3``, and ``x-mockserver-error``, for example ``429; retry_after=2``.
        upstream: base URL of a server that answers all requests to the loopback server that
            nothing here answers, as behind a transparent proxy.
        record: folder to record the upstream's responses to.
        cassette: recordings that answer their requests, and to which new ones may be added.
        redactor: redacts recordings.
        keep_calls: maximum number of calls, of deliveries of webhooks, and of created objects of
            each kind; no limit by default.
        keep_bytes: maximum bytes of memory for the calls, and also for the uploaded files; no limit
            by default. The newest of each is kept whatever its size. Uploads of more than 1 MiB
            are kept on disk: they count as a 64th of their size, or as 256 KiB.
        state: a file of SQLite, or the URL of a Redis server, for the objects that requests create:
            several processes can share it, and it survives them. By default they are in memory.
        on_end: called with each call when it ends.
        max_body: maximum bytes of a request body on the loopback server.
        max_upload: maximum bytes of a form with files on the loopback server.
        request_timeout: seconds within which a request's head must arrive, and then its body;
            None sets no limit.
        lead: maximum number of events that the client of the loopback server has not read; with 1,
            `Call.delivered` is exact even for streams without a pace. No limit by default.
        coalesce: whether the loopback server may join events that are due at the same time. If
            False, it writes each event separately.

    >>> with MockOpenAI() as mock:
    ...     _ = mock.reply("Hello, world")
    ...     body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    ...     mock.respond(Request("POST", "/v1/chat/completions", body=body)).status
    200
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        seed: int | str | None = None,
        lenient: bool = False,
        clock: Literal["virtual", "real"] = "virtual",
        job_seconds: float = 0.0,
        default: Callable[[Request], object] | None = None,
        dialect: str | None = None,
        pace: Pace | str | None = None,
        engine: Engine | str | None = None,
        fast_retries: bool = True,
        fail_on_unmatched: bool = True,
        fail_on_unused: bool = False,
        lenient_faults: bool = False,
        reply_timeout: float | None = REPLY_TIMEOUT,
        host: str = "127.0.0.1",
        port: int = 0,
        address: SharedAddress | None = None,
        control: bool = False,
        control_token: str | None = None,
        sandbox_idle: float | None = IDLE,
        allow_hosts: Sequence[str] = (),
        allow_origins: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        header_faults: bool = False,
        upstream: str | None = None,
        record: Path | str | None = None,
        cassette: Cassette | None = None,
        redactor: Redactor | None = None,
        keep_calls: int | None = None,
        keep_bytes: int | None = None,
        state: Path | str | None = None,
        on_end: Callable[[Call], object] | None = None,
        max_body: int = BODY,
        max_upload: int = UPLOAD,
        request_timeout: float | None = TIMEOUT,
        lead: int | None = None,
        coalesce: bool = True,
    ) -> None:
        limits = Limits(max_body, max_upload, request_timeout)
        for name, limit in (("keep_calls", keep_calls), ("keep_bytes", keep_bytes), ("lead", lead)):
            if limit is not None and not (isinstance(limit, int) and limit >= 1):
                message = f"{name}={limit!r}: must be a whole number, 1 or more, or None"
                raise MockServerError(message)
        vocabulary()  # raises now if the configured vocabulary is missing
        super().__init__(
            DoorOptions(
                limits=limits,
                access=Access(allow_hosts, allow_origins, host, relays=upstream is not None),
                host_port=(host, port),
                address=address,
                control=control,
                control_token=control_token,
                tls=tls,
                lead=lead,
                coalesce=coalesce,
                clock=clock,
                keep_deliveries=keep_calls,
            ),
            options=Options(
                api_key=api_key,
                seed=seed,
                lenient=lenient,
                default=default,
                dialect=dialect,
                pace=as_pace(pace),
                engine=as_engine(engine),
                fast_retries=fast_retries,
                header_faults=header_faults,
                lenient_faults=lenient_faults,
                reply_timeout=reply_timeout,
                upstream=None if upstream is None else Upstream(upstream),
                recorder=make_recorder(record, cassette, redactor),
                cassette=cassette,
                job_seconds=job_seconds,
            ),
            memory=open_state(state, keep_calls, keep_bytes),
            on_end=on_end,
        )
        self.fail_on_unmatched = fail_on_unmatched
        self.fail_on_unused = fail_on_unused
        self._expected_orders: list[tuple[Rule, ...]] = []
        self._take_number: Callable[[], int] | None = None
        self.worker = 0
        self.sandboxes = _make_sandboxes(self._memory, sandbox_idle)

    # Rules

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        chance: float | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer every request; the arguments are those of `RuleBuilder.reply`."""
        return self.on().reply(
            *replies, faults=faults, pace=pace, times=times, chance=chance, dialect=dialect
        )

    def on(
        self,
        predicate: Callable[[Request], object] | None = None,
        *,
        user: Pattern | None = None,
        system: Pattern | None = None,
        model: Pattern | None = None,
        tools: Pattern | Iterable[Pattern] | None = None,
        tool_result: Pattern | None = None,
        tool_content: Pattern | None = None,
        turn: int | Matcher | None = None,
        endpoint: Pattern | None = None,
        headers: Mapping[str, Pattern] | None = None,
        query: Mapping[str, Pattern] | None = None,
        json: Mapping[str, Any] | None = None,
        stream: bool | None = None,
        attempt: int | Matcher | None = None,
        nth: int | Matcher | None = None,
        after: float | None = None,
    ) -> RuleBuilder:
        """Add a rule for the requests that match all conditions; the newest matching rule wins.

        A string must be equal. For anything else, use `contains`, `regex` or a compiled pattern
        (searched), a function of the value, or `any_of`, `all_of` and `not_`, which compose others.

        Args:
            predicate: any function of the `Request`.
            user: the text of the last user message.
            system: the text of any system or developer message.
            model: the requested model.
            tools: one or several tools that the request must offer.
            tool_result: the id of a tool call that a tool message answers.
            tool_content: the text of a tool message after the last assistant message.
            turn: number of assistant messages in the conversation.
            endpoint: the path, or its part after ``/v1/``, for example ``chat/completions``.
            headers: patterns for header values, by header name.
            query: patterns for the values of the query's parameters, by name.
            json: values or patterns, by the path of a member of the body, for example
                ``{"messages[0].role": "user", "temperature": gt(1)}``. A path with ``*`` matches if
                one of its members does.
            stream: whether the request asks for a stream.
            attempt: attempt number within one logical call, counted from 1.
            nth: request number on its connection, counted from 1.
            after: minimum seconds since the first request.

        Raises MockServerError for a pattern that could never match.
        """
        conditions = {
            "user": user,
            "system": system,
            "model": model,
            "tools": list(tools) if isinstance(tools, list | tuple | set) else tools,
            "tool_result": tool_result,
            "tool_content": tool_content,
            "turn": turn,
            "endpoint": endpoint,
            "headers": headers,
            "query": query,
            "json": json,
            "stream": stream,
            "attempt": attempt,
            "nth": nth,
            "after": after,
        }
        rule = Rule({k: v for k, v in conditions.items() if v is not None}, predicate, self.calls)
        self._rules.add(rule)
        return RuleBuilder(self, rule)

    def replay_sessions(
        self, *recordings: RecordedSession | Path | str, speed: float = 1.0
    ) -> None:
        """Replay recorded sessions to the clients that open a WebSocket.

        Each connection gets the next session of its path, in the order of the calls; the last one
        repeats. What the client sends has to be what was recorded, apart from ids and audio.

        Args:
            recordings: recorded sessions, or files with one: our own, or cassettes of pydantic-ai.
            speed: 2 is twice as fast, 0 does not wait.

        Raises StreamFileError for a file without a session, and MockServerError for a negative
        speed.
        """
        from openai_mockserver.cassettes.sessions.formats import read_session

        if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed >= 0:
            raise MockServerError(f"speed={speed!r}: speed must be a number, 0 or more")
        sessions = [
            one if isinstance(one, RecordedSession) else read_session(one) for one in recordings
        ]
        sessions = [replace(one, speed=speed) for one in sessions]
        self.change_options(sessions=(*self.options.sessions, *sessions))

    def expect_in_order(self, *rules: Rule) -> None:
        """Expect that the requests which these rules answer come in this order.

        `check` compares all requests that one of the rules has answered with the list: a rule that
        answers two requests must be listed twice. Retries of a request do not count. Other rules
        may answer requests in between.

        Raises MockServerError if there are fewer than two rules, or one is not of this mock.
        """
        self._expected_orders.append(report.check_rules(self._rules, rules))

    def __enter__(self) -> MockOpenAI:
        super().__enter__()
        return self

    def reset(self) -> None:
        """Remove all rules, calls, webhook endpoints and objects; the engine begins again."""
        self._rules.clear()
        self._expected_orders.clear()
        self.calls.clear()
        self.store.clear()
        self.change_options(sessions=self.first_options.sessions)
        self.jobs.clear()
        self.clear_webhooks()
        self.reset_engine()

    # Sandboxes

    def sandbox(self, id: str | None = None) -> MockOpenAI:
        """Create a sandbox: a mock of its own at a part of this one's address.

        It begins with the settings of this mock, and with the rules that a server started with. Its
        `base_url` leads to it, so that parallel tests share one server. Leaving it as a context
        manager removes it.

        Args:
            id: the part of the address; random by default.

        Raises MockServerError for an id that is invalid or taken.
        """
        return self.sandboxes.add(id, self._make_sandbox)

    def _make_sandbox(self, id: str) -> MockOpenAI:
        address = SandboxAddress(
            lambda: self.start().url, self.has_tls, id, partial(self.sandboxes.remove, id)
        )
        sandbox = self._make_similar(address, id)
        sandbox.rules.replace_all(rule.copy(sandbox.calls) for rule in self.rules.pinned_rules)
        sandbox.rules.pin()
        if self._take_number is not None:
            sandbox.calls.share_numbers(self._take_number)
        return sandbox

    def share_numbers(self, take_number: Callable[[], int]) -> None:
        """Number the calls of this mock and its sandboxes among those of other processes.

        Args:
            take_number: returns a number that is greater than any before it.
        """
        self._take_number = take_number
        self.calls.share_numbers(take_number)

    def draft(self) -> MockOpenAI:
        """Return a mock with the same settings and without rules, which no request reaches."""
        return self._make_similar(self._door_options.address, "draft")

    def _make_similar(self, address: SharedAddress | SandboxAddress | None, id: str) -> MockOpenAI:
        door_options = self._door_options
        if isinstance(address, SandboxAddress):
            door_options = replace(door_options, address=address, host_port=ANYWHERE, tls=None)
        mock = MockOpenAI.__new__(MockOpenAI)
        Doors.__init__(
            mock,
            door_options,
            options=self.options,
            memory=self._memory,
            sandbox=id,
            on_end=self._on_end,
            counts=self.counts,
        )
        mock.access = self.access
        mock.fail_on_unmatched = self.fail_on_unmatched
        mock.fail_on_unused = self.fail_on_unused
        mock._expected_orders = []
        mock._take_number = self._take_number
        mock.worker = self.worker
        mock.sandboxes = self.sandboxes
        return mock

    # Reports

    @property
    def problems(self) -> list[Call]:
        """The calls that no rule matched, or that could not be answered or recorded.

        Those dropped because of ``keep_calls`` or ``keep_bytes`` count in `forgotten_problems`.
        """
        return report.list_problems(self.calls)

    @property
    def forgotten_problems(self) -> int:
        """How many calls with problems were dropped because of ``keep_calls`` or ``keep_bytes``."""
        return report.count_forgotten_problems(self.calls)

    @property
    def unused(self) -> list[str]:
        """A sentence for each rule that was not used, or not with all its replies or ``times``."""
        return report.list_unused(self._rules)

    def check(self, unused: bool = False) -> None:
        """Raise UnmatchedRequest if a request was not answered by a rule, or not recorded.

        Without ``fail_on_unmatched``, only failed recordings count. Raise WrongOrder if requests
        came in another order than `expect_in_order` says.

        Args:
            unused: also raise UnusedRule if a rule or one of its replies was never used, or if no
                request arrived. ``fail_on_unused`` has the same effect.
        """
        report.check_problems(self.calls, include_unanswered=self.fail_on_unmatched)
        for rules in self._expected_orders:
            report.check_order(self.calls, rules)
        if unused or self.fail_on_unused:
            report.check_unused(self.calls, self._rules)


def _make_sandboxes(memory: StateMaker, idle: float | None) -> Sandboxes[MockOpenAI]:
    if idle is not None and not idle > 0:
        raise MockServerError(f"sandbox_idle={idle!r}: must be a number of seconds, or None")
    return memory.make_sandboxes(_is_busy, idle)


def _is_busy(sandbox: MockOpenAI) -> bool:
    """Whether a call of a sandbox is still being played, or somebody follows its calls."""
    return sandbox.calls.is_followed or any(not call.is_over for call in sandbox.calls)
