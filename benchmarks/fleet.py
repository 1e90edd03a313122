"""Measures several workers of one server: requests, paced streams and held streams.

`python benchmarks/fleet.py [--quick] [WORKERS ...]` prints three tables with a row for 1, 2, 4 and
so on, or for the given numbers of workers. `--quick` measures briefly, which only shows that
everything works. A figure is worth something if the machine does nothing else, and has a core more
than there are workers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from measurements.limit import build_limit, find_compiler, read_response
from measurements.processes import raise_descriptor_limit
from measurements.servers import serve_ours
from measurements.workers import list_counts, print_workers


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    parser.add_argument("workers", nargs="*", type=int, metavar="WORKERS", help="how many")
    options = parser.parse_args(arguments)
    if any(count < 1 for count in options.workers):
        parser.error("there must be at least 1 worker")
    counts = options.workers or list_counts(len(os.sched_getaffinity(0)))
    raise_descriptor_limit()
    try:
        find_compiler()
    except FileNotFoundError as error:
        parser.error(str(error))
    with serve_ours() as process:
        recording = read_response(process.port)
    with build_limit(recording) as limit:
        print_workers(limit, counts, options.quick)


if __name__ == "__main__":
    main()
