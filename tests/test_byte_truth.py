"""The measure of fidelity: what is read from a real stream and rendered again has the same bytes.

Equal but for ids, times, and the letters of random padding, whose lengths must be equal. All that
is around what the model says is found by an endpoint's `like`; `by rule` counts the streams for
which the tables suffice, and nothing about their layout was learned from the stream itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from mockserver import sse
from mockserver.api import chat
from mockserver.api.likeness import like, same
from mockserver.script import Head, Script

STREAM = Head(200, (("content-type", "text/event-stream"),))


class Truth(NamedTuple):
    """How an endpoint's streams are read, rendered again and compared.

    Args:
        read: a script to its reply.
        like: a script to what renders its reply again: an object with ``arguments`` for
            ``render``, and ``learned``: whether the tables alone did not suffice.
        render: a reply to its script.
        same: whether two bodies are equal but for chance and time.
    """

    read: Callable[[Script], Any]
    like: Callable[[Script], Any]
    render: Callable[..., Script]
    same: Callable[[bytes, bytes], bool]


ENDPOINTS = {"chat": Truth(chat.read, like, chat.render, same)}
"""The endpoints that are measured, by the name of their folder among the recordings."""

OURS = {"openai": 0.95, "openai-via-proxy": 0.95, "azure": 0.90, "azure-foundry": 0.90}
"""The share of a provider's streams that must come out equal; of all others:"""
OTHERS = 0.80

DIFFERENT = {
    "openrouter-chat-error": "goes on after its error, and calls one tool with several ids",
}
"""What does not come out equal, and why."""


@dataclass
class Score:
    """How many streams there are, how many come out equal, and how many of them by rule."""

    streams: int = 0
    equal: int = 0
    by_rule: int = 0
    different: list[str] = field(default_factory=list)


def streams(shared: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Provider, endpoint, name and body of each recorded stream, every body once."""
    seen: set[bytes] = set()
    for file in sorted((shared / "recordings").glob("*/*/*.json")):
        body = json.loads(file.read_text())["response"]["body"].encode()
        if body not in seen:
            seen.add(body)
            yield file.parent.parent.name, file.parent.name, file.stem, body
    for file in sorted((shared / "wire" / "examples").glob("*.sse")):
        provider, found, _ = file.stem.partition("-chat")
        body = file.read_bytes()
        if found and body not in seen:
            seen.add(body)
            yield provider, "chat", file.stem, body


def outcome(truth: Truth, body: bytes) -> tuple[bool, bool]:
    """Whether a stream comes out equal, and whether it does so by rule."""
    script = Script(STREAM, sse.parse(body))
    found = truth.like(script)
    again = truth.render(truth.read(script), **found.arguments, rng=Random(0))
    return truth.same(sse.body(again.steps), body), not found.learned


@pytest.fixture(scope="module")
def scores(shared: Path) -> dict[tuple[str, str], Score]:
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for provider, endpoint, name, body in streams(shared):
        if endpoint not in ENDPOINTS:
            continue
        score = scores[provider, endpoint]
        equal, by_rule = outcome(ENDPOINTS[endpoint], body)
        score.streams += 1
        score.equal += equal
        score.by_rule += equal and by_rule
        if not equal:
            score.different.append(name)
    return scores


def test_enough_comes_out_equal(scores: dict[tuple[str, str], Score]) -> None:
    for (provider, endpoint), score in sorted(scores.items()):
        told = f"{provider:22}{endpoint:12}{score.equal:4} of {score.streams:3}"
        print(f"{told}, {score.by_rule} by rule")
    for (provider, endpoint), score in scores.items():
        floor = OURS.get(provider, OTHERS)
        assert score.equal >= floor * score.streams, (provider, endpoint, score.different)
    assert sum(score.streams for score in scores.values()) >= 100


def test_what_differs_is_known(scores: dict[tuple[str, str], Score]) -> None:
    differs = {name for score in scores.values() for name in score.different}
    assert differs == DIFFERENT.keys()


def test_openais_own_needs_no_learning(scores: dict[tuple[str, str], Score]) -> None:
    score = scores["openai", "chat"]
    assert score.by_rule == score.streams


def test_a_byte_that_differs_is_seen(shared: Path) -> None:
    body = (shared / "wire" / "examples" / "openai-chat-text-usage.sse").read_bytes()
    assert same(body, body)
    assert not same(body.replace(b'"obfuscation":"', b'"obfuscation":"x', 1), body)
    assert not same(body.replace(b'"logprobs":null,', b"", 1), body)
    assert not same(body.replace(b"[DONE]", b"[DONE] ", 1), body)
