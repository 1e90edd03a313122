"""The builder that `MockOpenAI.on` returns, whose `reply` completes a rule.

Rules of this file: refuse an end that the mock's connections do not support when the rule is
created.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch import Fault, as_answers, check_end
from openai_mockserver.mock.doors import Doors
from openai_mockserver.pacing import Pace
from openai_mockserver.rules import Rule

__all__ = ["RuleBuilder"]


class RuleBuilder:
    """A rule without replies, as returned by `MockOpenAI.on`."""

    def __init__(self, mock: Doors, rule: Rule) -> None:
        self._mock = mock
        self._rule = rule

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        chance: float | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer with these replies in turn, then repeat the last one.

        Args:
            replies: text, a `ToolCall`, a list of these, a `Reply`, an `ApiError`, a `Script` or a
                catalogue stream; a dict, which is sent as the JSON body; a list of dicts, which is
                streamed as these chunks; bytes, which are the body; the `Path` of a file with a
                body or a recorded response; or a function of the `Request` that returns one of
                these, which may be async.
            faults: applied to each reply, from left to right. Of a stream of several exchanges they
                change the last.
            pace: when events are sent: a `Pace`, or the name of a profile.
            times: maximum number of requests that the rule answers.
            chance: the probability that the rule answers a request that matches; otherwise an
                older rule does.
            dialect: provider to imitate, for example ``azure``; the mock's dialect by default.

        Raises:
            ReplyError: a reply cannot be served.
            FaultError: a fault is invalid, or impossible on the mock's connections.
        """
        fault_list = (faults,) if callable(faults) else tuple(faults)
        imitates = find_dialect(dialect or self._mock.dialect) is not None
        answers = [
            replace(answer, dialect=dialect)
            for reply in replies
            for answer in as_answers(reply, fault_list, pace, imitates)
        ]
        for answer in answers:
            check_end(answer, self._mock.has_tls)
        self._rule.set_answers(answers, times, chance)
        return self._rule
