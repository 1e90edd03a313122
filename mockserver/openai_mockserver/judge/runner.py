"""Runs cases: each worker has a mock and a consumer of its own, and takes case after case.

Rules of this file: one case at a time for each worker, so that a mock's calls are those of the
case. A mock whose consumer hangs is replaced, because requests of the abandoned attempt may still
come.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from openai_mockserver.clients import API_KEY
from openai_mockserver.exceptions import CheckError
from openai_mockserver.journal import Call
from openai_mockserver.judge.cases import Case
from openai_mockserver.judge.comparison import Manner, Mistake
from openai_mockserver.judge.consumer import Ask, Consumer, Task
from openai_mockserver.judge.grading import Grader, Result, SentRequest, grade_outcome
from openai_mockserver.judge.outcome import HANG, Outcome
from openai_mockserver.mock import MockOpenAI

__all__ = ["Address", "make_mock", "run_case", "run_cases"]

_REFUSED = 3  # cases without any request after which the consumer is not pointed at the mock


@dataclass(frozen=True)
class Address:
    """Where a mock listens: a host, and a port, of which 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0


def run_cases(
    cases: Iterable[Case],
    consumer: Consumer,
    *,
    workers: int = 1,
    address: Address | None = None,
    manner: Manner | None = None,
    grade: Grader = grade_outcome,
    on_result: Callable[[Result], object] | None = None,
) -> list[Result]:
    """Let a consumer answer cases, and return what it made of each, in their order.

    Args:
        cases: the cases.
        consumer: opens the consumer; once for each worker.
        workers: how many cases are run at the same time.
        address: where the mock listens; with a fixed port there can be only one worker.
        manner: how the consumer reports things differently.
        grade: finds its mistakes.
        on_result: called with each result, in the order in which they come.

    Raises:
        CheckError: the consumer cannot be started, reports something unreadable, or sends no
            requests.
    """
    address = address or Address()
    if address.port and workers > 1:
        raise CheckError(f"port {address.port} can serve only one worker, not {workers}")
    run = _Run(list(cases), consumer, address, grade, manner, on_result)
    return run.run(workers)


class _Run:
    """Cases that are run: the queue of those left, and the results so far."""

    def __init__(
        self,
        cases: Sequence[Case],
        consumer: Consumer,
        address: Address,
        grade: Grader,
        manner: Manner | None,
        on_result: Callable[[Result], object] | None,
    ) -> None:
        self._cases = cases
        self._consumer = consumer
        self._address = address
        self._grade = grade
        self._manner = manner
        self._on_result = on_result
        self._left: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._results: dict[int, Result] = {}
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._has_requests = False
        self._silent_count = 0  # cases that the consumer accepted, and sent no request for

    def run(self, workers: int) -> list[Result]:
        for n in _order_longest_first(self._cases):
            self._left.put(n)
        count = min(workers, len(self._cases))
        if count <= 1:
            self._work()
        else:
            threads = [threading.Thread(target=self._work_guarded) for _ in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure
        return [self._results[n] for n in range(len(self._cases))]

    def _work_guarded(self) -> None:
        try:
            self._work()
        except BaseException as failure:
            self._failure = self._failure or failure

    def _work(self) -> None:
        with self._consumer() as ask, ExitStack() as stack:
            mock: MockOpenAI | None = None
            while self._failure is None:
                try:
                    n = self._left.get_nowait()
                except queue.Empty:
                    return
                mock = mock or stack.enter_context(make_mock(self._address))
                result = run_case(self._cases[n], mock, ask, self._grade_outcome)
                self._add(n, result)
                if result.outcome.error is not None and result.outcome.error.type == HANG:
                    stack.close()
                    mock = None

    def _grade_outcome(
        self, case: Case, outcome: Outcome, requests: Sequence[SentRequest]
    ) -> tuple[Mistake, ...]:
        return self._grade(case, outcome, requests, self._manner)

    def _add(self, n: int, result: Result) -> None:
        with self._lock:
            self._results[n] = result
            self._has_requests = self._has_requests or bool(result.requests)
            self._silent_count += result.outcome.unsupported is None and not result.requests
            if not self._has_requests and self._silent_count >= _REFUSED:
                raise CheckError(
                    f"the consumer sent no request to the mock in {self._silent_count} cases; it "
                    f"must use the base URL that it is given ({result.mistakes[0]})"
                )
            if self._on_result is not None:
                self._on_result(result)


def make_mock(address: Address | None = None) -> MockOpenAI:
    """Return the mock that plays cases: it accepts everything, and advises no quick retries."""
    address = address or Address()
    return MockOpenAI(
        lenient=True,
        fast_retries=False,
        fail_on_unmatched=False,
        host=address.host,
        port=address.port,
    )


def _order_longest_first(cases: Sequence[Case]) -> list[int]:
    """Return the order in which to run cases: after a quick one, the slow ones.

    All workers then end at about the same time.
    """

    def is_slow(n: int) -> bool:
        stream = cases[n].stream
        seconds = sum(script.seconds for script in cases[n].scripts)
        return seconds > 0 or stream.error == "timeout" or bool(stream.earlier)

    *order, last = sorted(range(len(cases)), key=lambda n: not is_slow(n))
    return [last, *order]  # a program that starts is not to hang at once


def run_case(
    case: Case, mock: MockOpenAI, ask: Ask, grade: Callable[..., tuple[Mistake, ...]]
) -> Result:
    """Let a consumer answer one case."""
    mock.reset()
    mock.reply(*case.scripts)
    base = mock.base_url
    path = case.path.removeprefix(urlsplit(base).path)
    started = time.monotonic()
    outcome = ask(Task(case.name, base, API_KEY, case.endpoint, path, case.request))
    seconds = time.monotonic() - started
    _wait_for_ends(mock, case.settle)
    requests = _list_requests(mock)
    mistakes = grade(case, outcome, requests)
    return Result(case, outcome, mistakes, requests, seconds)


def _asks_for_stream(call: Call) -> bool:
    """Return whether a request asks for a stream; one whose body is not JSON may do so."""
    try:
        body = call.json
    except ValueError:
        return True
    return not body or str(body.get("stream")).lower() == "true"


def _wait_for_ends(mock: MockOpenAI, seconds: float) -> None:
    """Wait until the responses have ended, but not for longer than some seconds."""
    deadline = time.monotonic() + seconds
    for call in mock.calls:
        call.wait(max(0.0, deadline - time.monotonic()))


def _list_requests(mock: MockOpenAI) -> tuple[SentRequest, ...]:
    """Return the requests that arrived at a mock, in their order."""
    calls = list(mock.calls)
    if not calls:
        return ()
    first = calls[0].arrival
    return tuple(
        SentRequest(
            call.arrival - first,
            {name.lower(): value for name, value in call.headers.items()},
            call.left,
            _asks_for_stream(call),
        )
        for call in calls
    )
