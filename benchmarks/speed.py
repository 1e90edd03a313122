"""Measures the server's speed beside a limit in C and other servers, all in the same run.

`python benchmarks/speed.py [--quick] [--no-peers] [NAME ...]` prints the named tables, or all. Each
server runs on one core and the load on another. `--quick` measures briefly, which only shows that
everything works. Other servers are installed in `benchmarks/peers`, or in
OPENAI_MOCKSERVER_PEERS_FOLDER.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from measurements.burst import print_burst
from measurements.first_byte import print_first_byte
from measurements.held import print_held
from measurements.journal_memory import print_journal_memory
from measurements.limit import Limit, Recording, build_limit, find_compiler, read_response
from measurements.paced import print_paced
from measurements.peers import FOLDER, Peers
from measurements.processes import raise_descriptor_limit
from measurements.servers import Server, serve_ours
from measurements.startup import print_startup
from measurements.throughput import print_throughput
from measurements.websockets import print_websockets


class Run:
    """What tables share; each part is created when a table first needs it."""

    def __init__(self, stack: ExitStack, quick: bool, peers_folder: Path | None) -> None:
        self.quick = quick
        self._stack = stack
        self._peers_folder = peers_folder

    @cached_property
    def recording(self) -> Recording:
        with serve_ours() as process:
            return read_response(process.port)

    @cached_property
    def limit(self) -> Limit:
        find_compiler()
        return self._stack.enter_context(build_limit(self.recording))

    @cached_property
    def _peers(self) -> Peers | None:
        return Peers(self._peers_folder, self.recording) if self._peers_folder else None

    @property
    def peers(self) -> list[Server]:
        """The peers that stream as fast as they can."""
        return self._peers.list_servers() if self._peers else []

    @property
    def paced_peers(self) -> list[Server]:
        return self._peers.list_paced() if self._peers else []


TABLES: dict[str, Callable[[Run], None]] = {
    "throughput": lambda run: print_throughput(run.limit, run.peers, run.quick),
    "paced": lambda run: print_paced(run.limit, run.paced_peers, run.quick),
    "held": lambda run: print_held(run.limit, run.quick),
    "burst": lambda run: print_burst(run.limit, run.peers, run.quick),
    "first-byte": lambda run: print_first_byte(run.quick),
    "journal": lambda run: print_journal_memory(run.quick),
    "start": lambda run: print_startup(run.quick),
    "websockets": lambda run: print_websockets(run.limit, run.quick),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    parser.add_argument("--peers", type=Path, default=FOLDER, help="where peers are installed")
    parser.add_argument("--no-peers", action="store_true", help="skip other servers")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(TABLES)
    if unknown:
        parser.error(f"no table is called {', '.join(sorted(unknown))}: {', '.join(TABLES)}")
    raise_descriptor_limit()
    with ExitStack() as stack:
        run = Run(stack, options.quick, None if options.no_peers else options.peers)
        for name in options.names or TABLES:
            try:
                TABLES[name](run)
            except FileNotFoundError as error:
                print(f"\n{name}: not measured: {error}")


if __name__ == "__main__":
    main()
