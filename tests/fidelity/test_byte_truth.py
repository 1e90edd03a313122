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

FLOORS = {
    ("openai", "chat"): 0.99,
    ("openai", "responses"): 0.95,
    ("azure", "chat"): 0.95,
    ("azure", "responses"): 0.95,
    ("openrouter", "chat"): 0.80,
}
"""The share of streams that must come out equal by rule, by provider and endpoint."""
ALL_OTHERS = 0.85
"""The share of all other streams together."""

EXCEPTIONS = {
    # Chat.
    "55311e293d31f821": "DashScope ends each of two choices in another manner",
    "778b1f6048277a4c": "DashScope ends each of two choices in another manner",
    "ae5883205255c0e3": "DashScope ends each of two choices in another manner",
    "66596e7b0b370c1f": "LiteLLM sends the role of two choices once",
    "2082684ffba74356": "a Venice model behind a gateway: its calls begin without a role",
    "mistral-chat-thinking": "one chunk ends the thinking and begins the text",
    "openrouter-chat-error": "goes on after its error, and calls one tool with several ids",
}
"""What does not come out equal by rule, and why."""


@dataclass
class Score:
    """How many streams there are, how many come out equal, and how many of them by rule.

    ``different`` has the names of those that do not come out equal by rule.
    """

    streams: int = 0
    equal: int = 0
    by_rule: int = 0
    different: list[str] = field(default_factory=list)


def streams(shared: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Provider, endpoint, name and body of each recorded stream, every body once."""
    seen: set[bytes] = set()
    for folder in ("recordings", "recordings-2"):
        for file in sorted((shared / folder).glob("*/*/*.json")):
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
        if not (equal and by_rule):
            score.different.append(name)
    return scores


def test_enough_comes_out_equal_by_rule(scores: dict[tuple[str, str], Score]) -> None:
    print(f"{'provider':22}{'endpoint':12}{'streams':>8}{'by rule':>8}{'learned':>8}")
    others = Score()
    for (provider, endpoint), score in sorted(scores.items()):
        learned = score.equal - score.by_rule
        print(f"{provider:22}{endpoint:12}{score.streams:8}{score.by_rule:8}{learned:8}")
        if (floor := FLOORS.get((provider, endpoint))) is not None:
            assert score.by_rule >= floor * score.streams, score.different
        else:
            others.streams += score.streams
            others.by_rule += score.by_rule
    assert others.by_rule >= ALL_OTHERS * others.streams
    assert sum(score.streams for score in scores.values()) >= 230


def test_every_exception_has_a_reason(scores: dict[tuple[str, str], Score]) -> None:
    different = {name for score in scores.values() for name in score.different}
    assert different == EXCEPTIONS.keys()


def test_a_byte_that_differs_is_seen(shared: Path) -> None:
    body = (shared / "wire" / "examples" / "openai-chat-text-usage.sse").read_bytes()
    assert same(body, body)
    assert not same(body.replace(b'"obfuscation":"', b'"obfuscation":"x', 1), body)
    assert not same(body.replace(b'"logprobs":null,', b"", 1), body)
    assert not same(body.replace(b"[DONE]", b"[DONE] ", 1), body)
