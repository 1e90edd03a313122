"""What is known: it explains the sentences that say it, and is missed where none does."""

from __future__ import annotations

from findings.consumers import CONSUMERS
from findings.known import KNOWN, mended, unknown

LOST = "the name of call 1 is '', not 'get_weather'"
SHOWN_BY = "tool-call bom()"


def test_only_what_is_known_is_expected() -> None:
    assert unknown("openai", [LOST]) == []
    assert unknown("openai", [LOST, "text is '', not 'Hello'"]) == ["text is '', not 'Hello'"]
    assert unknown("ai-sdk chat", [LOST]) == [LOST]


def test_what_is_mended_is_missed() -> None:
    (known,) = KNOWN["openai"]
    assert mended("openai", SHOWN_BY, []) == [known]
    assert mended("openai", SHOWN_BY, [LOST]) == []
    assert mended("openai", "text", []) == []


def test_only_consumers_are_known() -> None:
    assert KNOWN.keys() <= {consumer.name for consumer in CONSUMERS}
