"""MockOpenAI, the object users hold: rules and journal, with two doors, a server and a transport.

Rules of this file: it says what users can say and ask, and does nothing itself. What a request is
answered is the business of `dispatch`, how it comes of `doors`, what is reported of `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from openai_mockserver.access import Access
from openai_mockserver.dispatch import Fault, Options
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.journal import Call
from openai_mockserver.limits import BODY, TIMEOUT, UPLOAD, Limits
from openai_mockserver.mock import report
from openai_mockserver.mock.doors import DoorOptions, Doors
from openai_mockserver.mock.recording import make_recorder
from openai_mockserver.mock.rule_builder import RuleBuilder
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.request import Request
from openai_mockserver.rules import Pattern, Rule
from openai_mockserver.tokens import vocabulary
from openai_mockserver.upstream import Upstream

if TYPE_CHECKING:
    import ssl

    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.server import SharedAddress

__all__ = ["MockOpenAI"]


class MockOpenAI(Doors):
    """A fake OpenAI: say what it answers, point the code under test at it, see what was asked.

    Args:
        api_key: the only key it accepts; any (or none) by default.
        seed: makes all that is made up, ids and padding too, a function of seed and request. The
            time is then always the beginning of 2026.
        lenient: let unknown request parameters pass.
        clock: of the in-process door: ``virtual`` never waits, ``real`` does.
        default: answers what no rule matches; by default that is an error.
        dialect: whose manner to answer in, as in ``azure``: a name of `dialects()`. A base path may
            name another, as in ``/groq/openai/v1``.
        pace: of every reply that has none of its own.
        fast_retries: tell the SDK to retry after 1 ms where an error says nothing else.
        fail_on_unmatched: whether `check` complains of requests that no rule matched.
        fail_on_unused: whether `check` complains of rules and replies that no request was given.
        lenient_faults: play a response without a rule's faults that cannot happen to it, with a
            warning (`Call.warnings`); by default that is an error.
        host, port: where the loopback server listens; port 0 picks a free one, when its URL is
            asked for, and any other is listened on as soon as the mock is entered.
        address: where it listens instead, in turn with other mocks.
        allow_hosts: names that a request's ``Host`` may have beside loopback ones and the address
            that it came to, as in ``mock.internal`` or ``*.internal``; ``*`` is any.
        allow_origins: web pages that may ask beside those of loopback, as in
            ``https://app.example.com``; ``*`` is any, but not with an upstream.
        tls: an `ssl.SSLContext` with a certificate makes the loopback server speak TLS.
        header_faults: obey ``x-mockserver-fault`` request headers, as in ``reset; after=3``.
        upstream: a base URL to which requests go that nothing here answers, over the loopback
            server: a transparent proxy.
        record: the folder into which what the upstream answers is recorded.
        cassette: recordings that answer the requests they were recorded of, and take new ones.
        redactor: what is taken out of recordings.
        keep_calls: how many calls, and created things of a kind, are kept; all by default.
        keep_bytes: how many bytes of memory the kept calls may take, and as many the uploaded
            files; no limit by default. The newest of each is kept however large it is. Uploads of
            more than 1 MiB lie on disk: they count as a 64th of their bytes, or as 256 KiB.
        on_end: is given each call when it is over.
        max_body: how many bytes the loopback server takes as the body of a request.
        max_upload: how many where it is a form with files.
        request_timeout: seconds in which a request's head, and then its body, has to come; any
            number where it is None.
        lead: how many events the loopback server may be ahead of what a client has read; with 1,
            `Call.delivered` is exact also for streams without a pace. No limit by default.
        coalesce: whether the loopback server may write events together that are due at the same
            time. If False, each event is a write of its own.

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
        default: Callable[[Request], object] | None = None,
        dialect: str | None = None,
        pace: Pace | str | None = None,
        fast_retries: bool = True,
        fail_on_unmatched: bool = True,
        fail_on_unused: bool = False,
        lenient_faults: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        address: SharedAddress | None = None,
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
                raise MockServerError(f"{name}={limit!r}: a whole number, 1 or more, or None")
        vocabulary()  # where what is chosen is not there, that is told now
        super().__init__(
            DoorOptions(
                limits=limits,
                access=Access(allow_hosts, allow_origins, host, relays=upstream is not None),
                host_port=(host, port),
                address=address,
                tls=tls,
                lead=lead,
                coalesce=coalesce,
                clock=clock,
            ),
            options=Options(
                api_key=api_key,
                seed=seed,
                lenient=lenient,
                default=default,
                dialect=dialect,
                pace=as_pace(pace),
                fast_retries=fast_retries,
                header_faults=header_faults,
                lenient_faults=lenient_faults,
                upstream=None if upstream is None else Upstream(upstream),
                recorder=make_recorder(record, cassette, redactor),
                cassette=cassette,
            ),
            keep_calls=keep_calls,
            keep_bytes=keep_bytes,
            on_end=on_end,
        )
        self.fail_on_unmatched = fail_on_unmatched
        self.fail_on_unused = fail_on_unused

    # Saying what it answers

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer every request; the arguments are those of `RuleBuilder.reply`."""
        return self.on().reply(*replies, faults=faults, pace=pace, times=times, dialect=dialect)

    def on(
        self,
        predicate: Callable[[Request], object] | None = None,
        *,
        user: Pattern | None = None,
        system: Pattern | None = None,
        model: Pattern | None = None,
        tools: Pattern | Iterable[Pattern] | None = None,
        tool_result: Pattern | None = None,
        turn: int | None = None,
        endpoint: str | None = None,
        headers: Mapping[str, Pattern] | None = None,
        stream: bool | None = None,
        attempt: int | None = None,
        nth: int | None = None,
        after: float | None = None,
    ) -> RuleBuilder:
        """A rule for the requests that match all of these; the newest that matches wins.

        A string means equality; `contains` and compiled patterns (searched) are there for the rest.

        Args:
            predicate: any function of the `Request`.
            user: the text of the last user message.
            system: the text of the last system or developer message.
            model: the model asked for.
            tools: a tool, or tools, that must be offered.
            tool_result: the id of a call that a tool message answers.
            turn: how many assistant messages the conversation holds.
            endpoint: the path, or what comes after its ``/v1/``, as in ``chat/completions``.
            headers: header names and the patterns of their values.
            stream: whether a stream is asked for.
            attempt: the how-manieth attempt at one logical call it is, from 1.
            nth: the how-manieth request on its connection it is, from 1.
            after: seconds that have passed since the first request, at least.
        """
        given = {
            "user": user,
            "system": system,
            "model": model,
            "tools": list(tools) if isinstance(tools, list | tuple | set) else tools,
            "tool_result": tool_result,
            "turn": turn,
            "endpoint": endpoint,
            "headers": headers,
            "stream": stream,
            "attempt": attempt,
            "nth": nth,
            "after": after,
        }
        rule = Rule({k: v for k, v in given.items() if v is not None}, predicate)
        self._rules.add(rule)
        return RuleBuilder(self, rule)

    def __enter__(self) -> MockOpenAI:
        super().__enter__()
        return self

    def reset(self) -> None:
        """Forget all rules, all calls and all that requests created."""
        self._rules.clear()
        self.calls.clear()
        self.store.clear()

    # Seeing what was asked

    @property
    def problems(self) -> list[Call]:
        """The calls that no rule matched, or that could not be answered, or not be recorded.

        Those that ``keep_calls`` or ``keep_bytes`` forgot are counted in `forgotten_problems`.
        """
        return report.list_problems(self.calls)

    @property
    def forgotten_problems(self) -> int:
        """How many calls with problems ``keep_calls`` or ``keep_bytes`` forgot."""
        return report.count_forgotten_problems(self.calls)

    @property
    def unused(self) -> list[str]:
        """What was never given to any request, in words: rules, replies of several, ``times``."""
        return report.list_unused(self._rules)

    def check(self, unused: bool = False) -> None:
        """Raise UnmatchedRequest where a request was not answered as a rule says, or not recorded.

        Where ``fail_on_unmatched`` is off, only of recordings.

        Args:
            unused: also raise UnusedRule if a rule, or one of its replies, was never given, or if
                no request came at all; so it does if ``fail_on_unused`` is on.
        """
        report.check_problems(self.calls, unanswered=self.fail_on_unmatched)
        if unused or self.fail_on_unused:
            report.check_unused(self.calls, self._rules)
