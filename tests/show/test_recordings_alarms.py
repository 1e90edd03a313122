"""What `show` calls unusual in real recordings: the number of each kind is known, and its cause."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.show import as_json

ODD = {
    "arguments": 1,
    "call-id": 3,
    "call-index": 10,
    "comments": 14,
    "content-type": 3,
    "created-changes": 11,
    "empty-first": 13,
    "event-type": 8,
    "finish-again": 15,
    "finish-reason": 1,
    "finish-speaks": 86,
    "id-changes": 5,
    "last-line": 1,
    "line-ends": 3,
    "needless-done": 7,
    "no-choices": 1,
    "no-done": 17,
    "no-finish": 7,
    "no-role": 4,
    "not-compact": 12,
    "obfuscation": 2,
    "role-again": 46,
    "sequence": 1,
    "usage-beside": 83,
}
"""How many of the recordings have something unusual, by its name in `show`'s table of checks."""

ODD_OF_OPENAI = {
    "5ac4f66a4c898a1c": {"not-compact", "sequence"},  # shortened by hand
    "9c06b67f148cabf7": {"no-choices", "no-finish", "role-again"},  # audio, as OpenAI sends it
}
"""The recordings of OpenAI itself that have something unusual."""


def test_every_alarm_on_a_recording_was_checked(shared: Path) -> None:
    counts: Counter[str] = Counter()
    openais: dict[str, set[str]] = {}
    for folder in ("recordings", "recordings-2"):
        for file in sorted((shared / folder).glob("*/*/*.json")):
            (exchange,) = import_file(file)
            names = {odd["name"] for odd in as_json(exchange)["odd"]}
            counts.update(names)
            if names and file.parent.parent.name == "openai":
                openais[file.stem] = names
    assert openais == ODD_OF_OPENAI
    assert counts == ODD
