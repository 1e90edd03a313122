"""Streams that are read and rendered again have the same bytes by rule: see `fidelity.measure`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fidelity.chat_imitation import same
from fidelity.measure import Score, describe, format_table, measure, streams

pytestmark = pytest.mark.slow

EXCEPTIONS = {
    # Chat.
    "55311e293d31f821": "DashScope ends each of two choices in another manner",
    "778b1f6048277a4c": "DashScope ends each of two choices in another manner",
    "ae5883205255c0e3": "DashScope ends each of two choices in another manner",
    "66596e7b0b370c1f": "LiteLLM sends the role of two choices once",
    "2082684ffba74356": "a Venice model behind a gateway: its calls begin without a role",
    "mistral-chat-thinking": "one chunk ends the thinking and begins the text",
    "openrouter-chat-error": "goes on after its error, and calls one tool with several ids",
    # Responses.
    "f1782677c0779f9c": "in the background members come in the order of a hash table",
    "openai-responses-background": "in the background members come in the order of a hash table",
    "0368d3e425dcfb78": "in the background members come in the order of a hash table",
    "42d297b86cfbf12f": "in the background members come in the order of a hash table",
    "57c088892af78b2c": "written by hand: a model of 2026 in the format of 2025, without status",
    "5ac4f66a4c898a1c": "shortened by hand: deltas and numbers are missing",
    "4e896d33777fc4c3": "Bedrock shuffles the members of the tools that it repeats",
    "33a577961209660f": "Bedrock shuffles the members of the tools that it repeats",
}
"""What does not come out equal by rule, and why."""


@pytest.fixture(scope="module")
def scores(shared: Path) -> dict[tuple[str, str], Score]:
    return measure(streams(shared))


def test_every_stream_is_equal_by_rule_or_has_a_reason(
    scores: dict[tuple[str, str], Score],
) -> None:
    print(format_table(scores))
    assert sum(score.streams for score in scores.values()) >= 249
    different = {name for score in scores.values() for name in score.different}
    assert different == EXCEPTIONS.keys()


def test_the_page_about_dialects_has_this_table(scores: dict[tuple[str, str], Score]) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "fidelity.json"
    assert json.loads(page.read_text()) == describe(scores), "run scripts/fidelity --page"


def test_a_byte_that_differs_is_seen(shared: Path) -> None:
    body = (shared / "wire" / "examples" / "openai-chat-text-usage.sse").read_bytes()
    assert same(body, body)
    assert not same(body.replace(b'"obfuscation":"', b'"obfuscation":"x', 1), body)
    assert not same(body.replace(b'"logprobs":null,', b"", 1), body)
    assert not same(body.replace(b"[DONE]", b"[DONE] ", 1), body)
