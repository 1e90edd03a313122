"""What was found is still so; and the table says what it means to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from findings import signs
from findings.consumers import CONSUMERS, Consumer, versions
from findings.found import FOUND, VERSIONS, Finding, unexplained
from findings.judge import Told
from openai_mockserver import api, catalogue


def test_it_is_still_so(
    consumer: Consumer,
    judged: Callable[[Told], list[str]],
    finding: Finding,
    record_property: Callable[[str, object], None],
) -> None:
    said = judged(finding.stream)
    record_property("said", said)
    assert any(finding.explains(finding.stream, sentence) for sentence in said), (
        f"{consumer.name} is right now ({finding.title}), which it was not with "
        f"{VERSIONS[consumer.name]}; installed are {dict(versions(consumer))}. If they have mended "
        "it, take it out of tests/findings/found.py, and `scripts/findings --write` its page."
    )


def test_it_is_known_of_all_consumers_and_of_no_others() -> None:
    names = {consumer.name for consumer in CONSUMERS}
    assert FOUND.keys() == VERSIONS.keys() == names


@pytest.mark.parametrize("name", FOUND)
def test_a_stream_shows_what_it_is_of(name: str) -> None:
    for finding in FOUND[name]:
        assert finding.shows(finding.stream), finding.title
        assert not finding.shows(catalogue.stream("unicode")), finding.title


@pytest.mark.parametrize("name", FOUND)
def test_a_stream_says_its_right_answer(name: str) -> None:
    for finding in FOUND[name]:
        # Our own reader keeps with the standard in what no blank line ends.
        if finding.shows is not signs.unended:
            assert api.read(finding.stream.script) == finding.stream.reply, finding.title


def test_only_what_was_found_is_explained() -> None:
    bom = FOUND["openai"][0].stream
    lost = "text is '', not 'a'"
    assert unexplained("openai", bom, [lost]) == []
    assert unexplained("openai-node", bom, [lost]) == [lost]
    assert unexplained("openai", FOUND["openai"][1].stream, [lost]) == [lost]
