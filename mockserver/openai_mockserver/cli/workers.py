"""``serve --workers``: several processes on one port."""

from __future__ import annotations

import atexit
import gc
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.server import Door

__all__ = ["find_state", "run_workers", "workers"]

workers = click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Number of processes that serve on the port. The control API and the page show, and "
    "steer, all of them; one that dies is replaced.",
)


def find_state(state: str | None, workers: int) -> str | None:
    """Return where the objects that requests create are: several workers share a file.

    Args:
        state: the place that the user names; None for none.
        workers: how many processes there are.
    """
    if state is not None or workers == 1:
        return state
    folder = tempfile.mkdtemp(prefix="openai-mockserver-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # a worker ends without it
    return str(Path(folder) / "state.sqlite")


def run_workers(
    count: int,
    mock: MockOpenAI,
    find_door: Callable[[], Door],
    run: Callable[[Callable[[], Door], Callable[[], object], bool], object],
    on_ready: Callable[[], object],
    report: Callable[[str], object],
) -> None:
    """Run a server in several processes until a signal arrives.

    Args:
        count: how many.
        mock: the mock, with what it answers; each process begins with a copy.
        find_door: returns the mock's door.
        run: serves in this process until a signal arrives, given what returns the door, what to
            call once clients are accepted, and whether the process takes the place of another.
        on_ready: called once, when all accept clients.
        report: called with a sentence about a process that has died.

    Raises ServerError if the processes cannot be started.
    """
    from openai_mockserver.workers.counter import SharedCounter
    from openai_mockserver.workers.group import Group
    from openai_mockserver.workers.member import Member
    from openai_mockserver.workers.supervisor import Supervisor

    counter = SharedCounter()
    mock.share_numbers(counter.take)

    def work(slot: int, connection: socket.socket, generation: int) -> None:
        mock.worker = slot
        member = Member(connection, slot)
        side = find_door().side
        assert side is not None  # a server has it, even if the control API is off
        group = Group(side, member)
        member.start(group.carry_out)

        def find_shared_door() -> Door:
            return replace(find_door(), side=group.find)

        run(find_shared_door, member.report_ready, generation > 0)

    gc.collect()
    gc.freeze()  # so that a collection copies no page that the processes share
    Supervisor(count, work, on_ready, report).run()
    counter.close()
