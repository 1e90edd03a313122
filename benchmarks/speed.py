"""How fast the server is, beside a limit in C and other servers, all in the same run.

`python benchmarks/speed.py [--quick] [--peers FOLDER] [NAME ...]` prints the tables that are named,
or all. Each server runs on one core and the load on another. `--quick` measures briefly: its
figures show that all works, and little else.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property

from measurements.limit import Limit, build_limit, read_response
from measurements.processes import raise_descriptor_limit
from measurements.servers import Server, serve_ours
from measurements.throughput import print_throughput


class Run:
    """What tables share; made when the first of them needs it."""

    def __init__(self, stack: ExitStack, quick: bool) -> None:
        self.quick = quick
        self._stack = stack

    @cached_property
    def limit(self) -> Limit:
        with serve_ours() as process:
            recorded = read_response(process.port)
        return self._stack.enter_context(build_limit(recorded))

    @cached_property
    def peers(self) -> list[Server]:
        return []


TABLES = {
    "throughput": lambda run: print_throughput(run.limit, run.peers, run.quick),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    parser.add_argument("names", nargs="*", choices=[*TABLES, []], metavar="NAME")
    options = parser.parse_args(arguments)
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
