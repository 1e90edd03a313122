"""The measure of fidelity: what is read from a real stream and rendered again has the same bytes.

Equal but for ids, times, and the letters of random padding, whose lengths must be equal. All that
is around what the model says is found by an endpoint's `imitate`; `by rule` counts the streams for
which the tables suffice, and nothing about their layout was learned from the stream itself.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

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

OURS = {"openai": 0.95, "openai-via-proxy": 0.95, "azure": 0.90, "azure-foundry": 0.90}
"""The share of a provider's streams that must come out equal; of all others:"""
OTHERS = 0.80
WITHOUT_TABLE = frozenset({"bedrock-mantle", "chatgpt-codex"})
"""Providers that no dialect is of."""

DIFFERENT = {
    "f1782677c0779f9c": "made in the background, where members come in any order",
    "openai-responses-background": "made in the background, where members come in any order",
    "fb92d64e25c187a6": "of 2025: an item that ends after the next has come",
    "37cf2b86ee15f75b": "its ids were redacted, and its padding with them",
    "4e896d33777fc4c3": "Bedrock's manner is not in our tables",
    "9d4f8f3fc8c4258f": "Bedrock's manner is not in our tables",
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
        named = re.match(f"(.+?)-({'|'.join(ENDPOINTS)})", file.stem)
        body = file.read_bytes()
        if named and body not in seen and not body.startswith(b"{"):  # one JSON a line: no stream
            seen.add(body)
            yield named[1], named[2], file.stem, body


def outcome(truth: Truth, body: bytes, provider: str) -> tuple[bool, bool]:
    """Whether a stream comes out equal, and whether it does so by rule."""
    script = Script(STREAM, sse.parse(body))
    found = truth.imitate(script, provider)
    again = truth.render(truth.read(script), **found.arguments, rng=Random(0))
    return truth.same(sse.body(again.steps), body), not found.learned


@pytest.fixture(scope="module")
def scores(shared: Path) -> dict[tuple[str, str], Score]:
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for provider, endpoint, name, body in streams(shared):
        if endpoint not in ENDPOINTS:
            continue
        score = scores[provider, endpoint]
        equal, by_rule = outcome(ENDPOINTS[endpoint], body, provider)
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
    for provider in {provider for provider, _ in scores}:
        of_it = [score for (other, _), score in scores.items() if other == provider]
        total = sum(score.streams for score in of_it)
        same_bytes = sum(score.equal for score in of_it)
        print(f"{provider:34}{same_bytes:4} of {total:3}")
        if provider not in WITHOUT_TABLE:
            floor = OURS.get(provider, OTHERS)
            assert same_bytes >= floor * total, (provider, [score.different for score in of_it])
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
