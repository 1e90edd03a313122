"""How fast the server is, beside a limit in C and other servers, all in the same run.

`python benchmarks/speed.py [--quick] [NAME ...]` prints the tables that are named, or all. Each
server runs on one core and the load on another. `--quick` measures briefly: its figures show that
all works, and little else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property

from measurements.burst import print_burst
from measurements.first_byte import print_first_byte
from measurements.held import print_held
from measurements.journal_memory import print_journal_memory
from measurements.limit import Limit, build_limit, find_compiler, read_response
from measurements.paced import print_paced
from measurements.processes import raise_descriptor_limit
from measurements.servers import Server, serve_ours
from measurements.startup import print_startup
from measurements.throughput import print_throughput


class Run:
    """What tables share; made when the first of them needs it."""

    def __init__(self, stack: ExitStack, quick: bool) -> None:
        self.quick = quick
        self._stack = stack

    @cached_property
    def limit(self) -> Limit:
        find_compiler()
        with serve_ours() as process:
            recorded = read_response(process.port)
        return self._stack.enter_context(build_limit(recorded))

    @cached_property
    def peers(self) -> list[Server]:
        return []


TABLES: dict[str, Callable[[Run], None]] = {
    "throughput": lambda run: print_throughput(run.limit, run.peers, run.quick),
    "paced": lambda run: print_paced(run.limit, [], run.quick),
    "held": lambda run: print_held(run.limit, [], run.quick),
    "burst": lambda run: print_burst(run.limit, run.peers, run.quick),
    "first-byte": lambda run: print_first_byte(run.quick),
    "journal": lambda run: print_journal_memory(run.quick),
    "start": lambda run: print_startup(run.quick),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(TABLES)
    if unknown:
        parser.error(f"no table is called {', '.join(sorted(unknown))}: {', '.join(TABLES)}")
    raise_descriptor_limit()
    with ExitStack() as stack:
        run = Run(stack, options.quick)
        for name in options.names or TABLES:
            try:
                TABLES[name](run)
            except FileNotFoundError as error:
                print(f"\n{name}: not measured: {error}")


if __name__ == "__main__":
    main()
