"""MockOpenAI, the object users hold: rules and journal, with two doors, a server and a transport.

Rules of this file: what a request is answered is `openai_mockserver.dispatch`'s business; playing
it is the players', which are imported when a door is opened.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from openai_mockserver.access import Access
from openai_mockserver.clients import make_async_client, make_client
from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch import Dispatcher, Fault, Options, as_answer
from openai_mockserver.exceptions import (
    FaultError,
    MockServerError,
    UnmatchedRequest,
    UnusedRule,
)
from openai_mockserver.journal import Call
from openai_mockserver.limits import BODY, TIMEOUT, UPLOAD, Limits
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.request import Request
from openai_mockserver.rules import Answer, Pattern, Rule
from openai_mockserver.script import Script
from openai_mockserver.tokens import vocabulary
from openai_mockserver.upstream import Upstream

if TYPE_CHECKING:
    import ssl

    import openai

    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.server import Claim, Door, Loopback, SharedAddress
    from openai_mockserver.transport import Clock, InProcess

__all__ = ["MockOpenAI", "RuleBuilder"]


class RuleBuilder:
    """What `MockOpenAI.on` gives: a rule that waits for its replies."""

    def __init__(self, mock: MockOpenAI, rule: Rule) -> None:
        self._mock = mock
        self._rule = rule

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer with these replies in turn, then with the last again and again.

        Args:
            replies: text, a `ToolCall`, a list of these, a `Reply`, an `ApiError`, a `Script`, a
                stream of the catalogue, or a dict, which is a JSON body as it is.
            faults: what goes wrong with each, from left to right.
            pace: when its events come: a `Pace`, or the name of a profile.
            times: how many requests the rule answers at most.
            dialect: whose manner to say it in, as in ``azure``; the mock's by default.

        Raises:
            ReplyError: for what cannot be served.
        """
        several = (faults,) if callable(faults) else tuple(faults)
        imitates = find_dialect(dialect or self._mock.dialect) is not None
        answers = [
            replace(as_answer(reply, several, pace, imitates), dialect=dialect) for reply in replies
        ]
        for answer in answers:
            self._mock.check_meaning(answer)
        self._rule.answer(answers, times)
        return self._rule


class MockOpenAI(Dispatcher):
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
    ) -> None:
        self.limits = Limits(max_body, max_upload, request_timeout)
        if clock not in ("virtual", "real"):
            raise MockServerError(f"clock={clock!r}: 'virtual' or 'real'")
        for name, limit in (("keep_calls", keep_calls), ("keep_bytes", keep_bytes), ("lead", lead)):
            if limit is not None and not (isinstance(limit, int) and limit >= 1):
                raise MockServerError(f"{name}={limit!r}: a whole number, 1 or more, or None")
        vocabulary()  # where what is chosen is not there, that is told now
        super().__init__(
            Options(
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
                recorder=_recorder(record, cassette, redactor),
                cassette=cassette,
            ),
            keep_calls=keep_calls,
            keep_bytes=keep_bytes,
            on_end=on_end,
        )
        self.fail_on_unmatched = fail_on_unmatched
        self.fail_on_unused = fail_on_unused
        self._clock_kind = clock
        self._address = (host, port)
        self.access = Access(allow_hosts, allow_origins, host, relays=upstream is not None)
        self._tls = tls
        self._lead = lead
        self._shared = address
        if address is not None and (tls is not None or (host, port) != ("127.0.0.1", 0)):
            raise MockServerError("address= is where it listens already: no host=, port= or tls=")
        self._lock = threading.Lock()
        self._server: Loopback | Claim | None = None
        self._transport: InProcess | None = None

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
        return [call for call in self.calls if call.problem or call.unrecorded]

    @property
    def forgotten_problems(self) -> int:
        """How many calls with problems ``keep_calls`` or ``keep_bytes`` forgot."""
        total = self.calls.problem_counts.calls  # first, so that what comes now is none of these
        return max(0, total - len(self.problems))

    @property
    def unused(self) -> list[str]:
        """What was never given to any request, in words: rules, replies of several, ``times``."""
        return [unused for rule in self._rules if (unused := rule.unused) is not None]

    def check(self, unused: bool = False) -> None:
        """Raise UnmatchedRequest where a request was not answered as a rule says, or not recorded.

        Where ``fail_on_unmatched`` is off, only of recordings.

        Args:
            unused: also raise UnusedRule if a rule, or one of its replies, was never given, or if
                no request came at all; so it does if ``fail_on_unused`` is on.
        """
        told, counts = [], self.calls.problem_counts
        # First, so that what comes now is not taken for what was forgotten.
        unanswered, not_recorded = counts.unanswered, counts.unrecorded
        if self.fail_on_unmatched:
            problems = [f"{call.line()}\n{call.problem}" for call in self.calls if call.problem]
            told += self._list_problems("answer", "request", "\n\n", problems, unanswered)
        unrecorded = [call.line() for call in self.calls if call.unrecorded]
        told += self._list_problems("record", "response", "\n", unrecorded, not_recorded)
        if told:
            raise UnmatchedRequest("\n".join(told))
        if unused or self.fail_on_unused:
            never = self.unused
            if not self.calls:
                raise UnusedRule("\n".join(["no request reached the mock", *never]))
            if never:
                raise UnusedRule("the mock has what no request asked for:\n" + "\n".join(never))

    def _list_problems(
        self, verb: str, noun: str, between: str, kept: list[str], total: int
    ) -> list[str]:
        """The lines about problems of one kind: a heading, those kept, and a count of others."""
        forgotten = max(0, total - len(kept))
        if not kept and not forgotten:
            return []
        n = len(kept) + forgotten
        heading = f"the mock could not {verb} {n} {noun}{'s' * (n > 1)}"
        if not kept:
            return [f"{heading}, which {self.calls.limits} forgot"]
        earlier = f"and {forgotten} earlier one{'s' * (forgotten > 1)}"
        rest = [f"{earlier}, which {self.calls.limits} forgot"] if forgotten else []
        return [f"{heading}:", between.join(kept), *rest]

    def check_meaning(self, answer: Answer) -> None:
        """Raise FaultError for an end that this mock's connections cannot have."""
        ends = {getattr(fault, "name", "") for fault in answer.faults}
        ends |= {answer.value.end} if isinstance(answer.value, Script) else set()
        if "cut" in ends and self._tls is None:
            raise FaultError(
                "cut() leaves out TLS's goodbye, which has no meaning without TLS, nor in process: "
                "use MockOpenAI(tls=...) and its base_url"
            )
        if "half_close" in ends and self._tls is not None:
            raise FaultError("half_close() has no meaning over TLS, which closes both ways at once")

    # The doors

    @property
    def base_url(self) -> str:
        """The URL that OpenAI clients take, as in ``http://127.0.0.1:PORT/v1``."""
        return f"{self.start().url}/v1"

    def door(self) -> Door:
        """What a server needs of this mock."""
        from openai_mockserver.server import Door

        return Door(self.respond, self.refuse, self.limits, self.access, self._lead)

    def start(self) -> Loopback | Claim:
        """Open the loopback server, unless it is open."""
        from openai_mockserver.server import Loopback, bind

        with self._lock:
            if self._server is None and self._shared is not None:
                self._server = self._shared.claim(self.door)
            elif self._server is None:
                self._server = Loopback(self.door, bind(*self._address), self._tls)
            return self._server

    def stop(self) -> None:
        """Close the loopback server: streams that are going on are broken off."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> MockOpenAI:
        if self._address[1] or self._shared:  # who knows the URL need not ask for it
            self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def transport(self) -> Any:
        """The in-process transport, for clients of httpx2 and httpx, sync and async."""
        if self._transport is None:
            from openai_mockserver.transport import Clock, InProcess

            self._transport = InProcess(self.respond, Clock(virtual=self._clock_kind == "virtual"))
        return self._transport

    @property
    def clock(self) -> Clock:
        """The clock of the in-process door."""
        clock: Clock = self.transport().clock
        return clock

    def client(self, **options: Any) -> openai.OpenAI:
        """An `openai.OpenAI` in process. Options are those of the client.

        Raises MissingDependency without the openai package.
        """
        return make_client(self.transport(), self.api_key, options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """An `openai.AsyncOpenAI` in process. Options are those of the client.

        Raises MissingDependency without the openai package.
        """
        return make_async_client(self.transport(), self.api_key, options)


def _recorder(
    folder: Path | str | None, cassette: Cassette | None, redactor: Redactor | None
) -> Recorder | None:
    """What records, where something is to be recorded."""
    if cassette is not None and cassette.records:
        return _recorder_into(cassette)
    if folder is None:
        return None
    from openai_mockserver.cassettes.recorder import Recorder

    recorder = Recorder(Path(folder), redactor)
    recorder.folder.prepare()
    return recorder


def _recorder_into(cassette: Cassette) -> Recorder:
    """What records at the end of a cassette."""
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.writer import append

    path = cassette.path
    beside = path.parent / f".{path.stem}.parts"

    def finished(recording: Path) -> None:
        append(path, recording)
        with contextlib.suppress(OSError):  # another exchange is still being recorded
            beside.rmdir()

    return Recorder(beside, cassette.redactor, finished)
