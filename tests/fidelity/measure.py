"""The measure of fidelity: what is read from a real stream and rendered again has the same bytes.

Equal but for ids, times, and the letters of random padding, whose lengths must be equal. All that
is around what the model says is found by an endpoint's `imitate`. A stream is equal *by rule* if a
dialect of the tables renders it, with variants or without; it is *learned* if its layout had to be
learned from the stream itself, which proves little.

Run as a program, it measures folders of recordings and prints the table; `scripts/fidelity` does.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from fidelity.chat_imitation import imitate, same
from fidelity.endpoint_imitation import (
    equal,
    imitate_completion,
    imitate_response,
    render_response,
    same_response,
)
from openai_mockserver import sse
from openai_mockserver.api import chat, completions, responses
from openai_mockserver.script import Head, Script

__all__ = ["ENDPOINTS", "STREAM", "Outcome", "Score", "Truth", "measure", "outcome", "streams"]

STREAM = Head(200, (("content-type", "text/event-stream"),))


class Truth(NamedTuple):
    """How an endpoint's streams are read, rendered again and compared.

    Args:
        read: a script to its reply.
        imitate: a script and its provider to what renders its reply again: an object with
            ``arguments`` for ``render``, and ``learned``: whether the tables did not suffice.
        render: a reply to its script.
        same: whether two bodies are equal but for chance and time.
    """

    read: Callable[[Script], Any]
    imitate: Callable[[Script, str], Any]
    render: Callable[..., Script]
    same: Callable[[bytes, bytes], bool]


ENDPOINTS = {
    "chat": Truth(chat.read, lambda script, provider: imitate(script), chat.render, same),
    "completions": Truth(completions.read, imitate_completion, completions.render, equal),
    "responses": Truth(responses.read, imitate_response, render_response, same_response),
}
"""The endpoints that are measured, by the name of their folder among the recordings."""


class Outcome(NamedTuple):
    """How a stream came out.

    Args:
        equal: whether it is equal.
        by_rule: whether a dialect of the tables rendered it.
        dialect: the name of that dialect, with its variants.
    """

    equal: bool
    by_rule: bool
    dialect: str


@dataclass
class Score:
    """The outcomes of the streams of one provider and endpoint.

    Args:
        streams: how many there are.
        plain: how many come out equal by rule, in a dialect without variants.
        by_rule: how many come out equal by rule.
        equal: how many come out equal, also with a learned layout.
        different: the names of those that do not come out equal by rule.
        dialects: the dialects that rendered the others.
        months: the months in which the streams were made.
    """

    streams: int = 0
    plain: int = 0
    by_rule: int = 0
    equal: int = 0
    different: list[str] = field(default_factory=list)
    dialects: set[str] = field(default_factory=set)
    months: set[str] = field(default_factory=set)

    def add(self, name: str, body: bytes, outcome: Outcome) -> None:
        """Count the outcome of a stream."""
        self.streams += 1
        self.equal += outcome.equal
        self.months |= _find_months(body)
        if outcome.equal and outcome.by_rule:
            self.by_rule += 1
            self.plain += "+" not in outcome.dialect
            self.dialects.add(outcome.dialect)
        else:
            self.different.append(name)


_CREATED = re.compile(rb'"created(?:_at)?": ?(1[5-9]\d{8})\b')


def _find_months(body: bytes) -> set[str]:
    found = _CREATED.search(body)
    return {time.strftime("%Y-%m", time.gmtime(int(found[1])))} if found else set()


def streams(shared: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Provider, endpoint, name and body of each recorded stream, every body once."""
    seen: set[bytes] = set()
    folders = [shared / "recordings", shared / "recordings-2"]
    for provider, endpoint, name, body in _read_folders(folders):
        if body not in seen:
            seen.add(body)
            yield provider, endpoint, name, body
    for file in sorted((shared / "wire" / "examples").glob("*.sse")):
        named = re.match(f"(.+?)-({'|'.join(ENDPOINTS)})", file.stem)
        body = file.read_bytes()
        if named and body not in seen and not body.startswith(b"{"):  # one JSON a line: no stream
            seen.add(body)
            yield named[1], named[2], file.stem, body


def _read_folders(folders: Iterable[Path]) -> Iterator[tuple[str, str, str, bytes]]:
    """Each recording in folders of the form PROVIDER/ENDPOINT/NAME.json."""
    for folder in folders:
        for file in sorted(folder.glob("*/*/*.json")):
            body = json.loads(file.read_text())["response"]["body"].encode()
            yield file.parent.parent.name, file.parent.name, file.stem, body


def outcome(truth: Truth, body: bytes, provider: str) -> Outcome:
    """Read a stream, render it again and compare."""
    script = Script(STREAM, sse.parse(body))
    found = truth.imitate(script, provider)
    again = truth.render(truth.read(script), **found.arguments, rng=Random(0))
    dialect = found.arguments.get("dialect")
    name = getattr(dialect, "name", dialect) or "openai"
    return Outcome(truth.same(sse.body(again.steps), body), not found.learned, str(name))


def measure(
    recorded: Iterable[tuple[str, str, str, bytes]],
) -> dict[tuple[str, str], Score]:
    """Measure streams, by provider and endpoint."""
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for provider, endpoint, name, body in recorded:
        if endpoint in ENDPOINTS:
            scores[provider, endpoint].add(name, body, outcome(ENDPOINTS[endpoint], body, provider))
    return scores


def format_table(scores: dict[tuple[str, str], Score]) -> str:
    """The table of a measurement."""
    heads = ("provider", "endpoint", "streams", "plain", "by rule", "learned")
    rows: list[tuple[str, str, int, int, int, int]] = [
        (*key, one.streams, one.plain, one.by_rule, one.equal - one.by_rule)
        for key, one in sorted(scores.items())
    ]
    total = [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)]
    lines = [heads, *rows, ("all", "", *total)]
    form = "{:22}{:12}{:>8}{:>8}{:>8}{:>8}".format
    return "\n".join(form(*line) for line in lines)


def main() -> None:
    """Measure folders of recordings, or those beside the repository."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with PROVIDER/ENDPOINT/NAME.json")
    parser.add_argument("--different", action="store_true", help="list what is not equal by rule")
    parser.add_argument("--json", type=Path, help="write the table for the page about dialects")
    arguments = parser.parse_args()
    shared = Path(__file__).parents[3] / "shared"
    recorded = _read_folders(arguments.folders) if arguments.folders else streams(shared)
    scores = measure(recorded)
    print(format_table(scores))
    if arguments.different:
        for (provider, endpoint), score in sorted(scores.items()):
            for name in score.different:
                print(provider, endpoint, name)
    if arguments.json:
        arguments.json.write_text(json.dumps(describe(scores), indent=1) + "\n")


def describe(scores: dict[tuple[str, str], Score]) -> list[dict[str, Any]]:
    """The measurement as JSON."""
    return [
        {
            "provider": provider,
            "endpoint": endpoint,
            "months": [min(score.months), max(score.months)] if score.months else [],
            "streams": score.streams,
            "plain": score.plain,
            "by_rule": score.by_rule,
            "dialects": sorted(score.dialects),
        }
        for (provider, endpoint), score in sorted(scores.items())
    ]


if __name__ == "__main__":
    main()
