"""The thread that sends webhooks: when it works, when it ends, and who may wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.webhooks.courier import Courier


class Work:
    """Counts how often it is done, and returns these delays in turn, and then None."""

    def __init__(self, *delays: float | None) -> None:
        self.delays = list(delays)
        self.count = 0
        self.threads: list[threading.Thread] = []

    def __call__(self, may_go_on: Callable[[], bool]) -> float | None:
        assert may_go_on()
        self.count += 1
        self.threads.append(threading.current_thread())
        return self.delays.pop(0) if self.delays else None


def test_the_thread_ends_when_nothing_is_left() -> None:
    work = Work()
    courier = Courier(work)
    courier.wait()  # for nothing
    courier.wake()
    courier.wait()
    assert work.count == 1
    work.threads[0].join(10)
    assert not work.threads[0].is_alive()
    courier.wake()
    courier.wait()
    assert work.count == 2


def test_it_works_again_after_the_delay() -> None:
    done = threading.Event()
    count = 0

    def work(may_go_on: Callable[[], bool]) -> float | None:
        nonlocal count
        count += 1
        if count == 3:
            done.set()
            return None
        return 0.001

    Courier(work).wake()
    assert done.wait(10)


def test_what_is_due_later_is_not_waited_for() -> None:
    work = Work(3600.0, 3600.0)
    courier = Courier(work)
    courier.wake()
    courier.wait()
    courier.wake()
    courier.wait()
    assert (work.count, work.threads[0].is_alive()) == (2, True)
    courier.stop()
    work.threads[0].join(10)
    assert not work.threads[0].is_alive()


def test_a_stop_ends_the_work_and_nobody_waits_on() -> None:
    begun, go_on = threading.Event(), threading.Event()
    answers: list[bool] = []
    threads: list[threading.Thread] = []

    def work(may_go_on: Callable[[], bool]) -> float | None:
        threads.append(threading.current_thread())
        begun.set()
        go_on.wait(10)
        answers.append(may_go_on())
        return None

    courier = Courier(work)
    courier.wake()
    begun.wait(10)
    courier.stop()
    courier.wait()
    assert answers == []
    go_on.set()
    threads[0].join(10)
    courier.wake()
    courier.wait()
    assert answers == [False, True]


def test_a_mistake_is_printed_and_the_work_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    count = 0

    def work(may_go_on: Callable[[], bool]) -> float | None:
        nonlocal count
        count += 1
        if count == 1:
            raise ValueError("Oh")
        return None

    courier = Courier(work)
    courier.wake()
    courier.wait()
    assert (count, "ValueError: Oh" in capsys.readouterr().err) == (2, True)


def test_the_thread_cannot_wait_for_itself() -> None:
    problems: list[str] = []

    def work(may_go_on: Callable[[], bool]) -> float | None:
        with pytest.raises(MockServerError) as caught:
            courier.wait()
        problems.append(str(caught.value))
        return None

    courier = Courier(work)
    courier.wake()
    courier.wait()
    assert problems == ["a receiver of webhooks cannot wait for webhooks"]
