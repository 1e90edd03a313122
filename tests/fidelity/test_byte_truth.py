"""Streams that are read and rendered again have the same bytes by rule: see `fidelity.measure`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fidelity.chat_imitation import same
from fidelity.measure import Score, describe, format_table, measure, streams

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


@pytest.fixture(scope="module")
def scores(shared: Path) -> dict[tuple[str, str], Score]:
    return measure(streams(shared))


def test_enough_comes_out_equal_by_rule(scores: dict[tuple[str, str], Score]) -> None:
    print(format_table(scores))
    others = Score()
    for key, score in sorted(scores.items()):
        if (floor := FLOORS.get(key)) is not None:
            assert score.by_rule >= floor * score.streams, score.different
        else:
            others.streams += score.streams
            others.by_rule += score.by_rule
    assert others.by_rule >= ALL_OTHERS * others.streams
    assert sum(score.streams for score in scores.values()) >= 230


def test_the_page_about_dialects_has_this_table(scores: dict[tuple[str, str], Score]) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "fidelity.json"
    assert json.loads(page.read_text()) == describe(scores), "run scripts/fidelity --page"


def test_every_exception_has_a_reason(scores: dict[tuple[str, str], Score]) -> None:
    different = {name for score in scores.values() for name in score.different}
    assert different == EXCEPTIONS.keys()


def test_a_byte_that_differs_is_seen(shared: Path) -> None:
    body = (shared / "wire" / "examples" / "openai-chat-text-usage.sse").read_bytes()
    assert same(body, body)
    assert not same(body.replace(b'"obfuscation":"', b'"obfuscation":"x', 1), body)
    assert not same(body.replace(b'"logprobs":null,', b"", 1), body)
    assert not same(body.replace(b"[DONE]", b"[DONE] ", 1), body)
