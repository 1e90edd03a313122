"""The findings still hold, and their table is consistent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from findings import signs
from findings.consumers import CONSUMERS, Consumer, find_versions
from findings.found import FOUND, VERSIONS, Finding, find_unexplained
from openai_mockserver import api, catalogue
from openai_mockserver.judge import AnsweredStream


def test_a_finding_still_holds(
    consumer: Consumer,
    judge_stream: Callable[[AnsweredStream], list[str]],
    finding: Finding,
    record_property: Callable[[str, object], None],
) -> None:
    sentences = judge_stream(finding.stream)
    record_property("sentences", sentences)
    assert any(finding.explains(finding.stream, sentence) for sentence in sentences), (
        f"{consumer.name} is right now ({finding.title}), which it was not with "
        f"{VERSIONS[consumer.name]}; installed: {dict(find_versions(consumer))}. If it is fixed, "
        "remove it from tests/findings/found.py, and run `scripts/findings --write`."
    )


def test_every_consumer_is_listed() -> None:
    names = {consumer.name for consumer in CONSUMERS}
    assert FOUND.keys() == VERSIONS.keys() == names


@pytest.mark.parametrize("name", FOUND)
def test_a_stream_has_its_sign(name: str) -> None:
    for finding in FOUND[name]:
        assert finding.shows(finding.stream), finding.title
        assert not finding.shows(catalogue.stream("unicode")), finding.title


@pytest.mark.parametrize("name", FOUND)
def test_a_stream_has_its_right_answer(name: str) -> None:
    for finding in FOUND[name]:
        # Our reader follows the standard for events that no blank line ends.
        if finding.shows is not signs.last_event_unended:
            assert api.read(finding.stream.script) == finding.stream.reply, finding.title


def test_only_findings_explain_sentences() -> None:
    bom = FOUND["openai"][0].stream
    sentence = "text is '', not 'a'"
    assert find_unexplained("openai", bom, [sentence]) == []
    assert find_unexplained("openai-node", bom, [sentence]) == [sentence]
    assert find_unexplained("openai", FOUND["openai"][1].stream, [sentence]) == [sentence]
