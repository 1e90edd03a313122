"""A rule that waits for its replies.

Rules of this file: what a mock's connections can never do is refused when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch import Fault, as_answer
from openai_mockserver.exceptions import FaultError
from openai_mockserver.mock.doors import Doors
from openai_mockserver.pacing import Pace
from openai_mockserver.rules import Answer, Rule
from openai_mockserver.script import Script

__all__ = ["RuleBuilder"]


class RuleBuilder:
    """What `MockOpenAI.on` gives: a rule that waits for its replies."""

    def __init__(self, mock: Doors, rule: Rule) -> None:
        self._mock = mock
        self._rule = rule

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer with these replies in turn, then with the last again and again.

        Args:
            replies: text, a `ToolCall`, a list of these, a `Reply`, an `ApiError`, a `Script`, a
                stream of the catalogue, or a dict, which is a JSON body as it is.
            faults: what goes wrong with each, from left to right.
            pace: when its events come: a `Pace`, or the name of a profile.
            times: how many requests the rule answers at most.
            dialect: whose manner to say it in, as in ``azure``; the mock's by default.

        Raises:
            ReplyError: for what cannot be served.
        """
        several = (faults,) if callable(faults) else tuple(faults)
        imitates = find_dialect(dialect or self._mock.dialect) is not None
        answers = [
            replace(as_answer(reply, several, pace, imitates), dialect=dialect) for reply in replies
        ]
        for answer in answers:
            check_meaning(answer, self._mock.has_tls)
        self._rule.answer(answers, times)
        return self._rule


def check_meaning(answer: Answer, has_tls: bool) -> None:
    """Raise FaultError for an end that connections cannot have.

    Args:
        answer: what a rule is to answer.
        has_tls: whether the connections are over TLS.
    """
    ends = {getattr(fault, "name", "") for fault in answer.faults}
    ends |= {answer.value.end} if isinstance(answer.value, Script) else set()
    if "cut" in ends and not has_tls:
        raise FaultError(
            "cut() leaves out TLS's goodbye, which has no meaning without TLS, nor in process: "
            "use MockOpenAI(tls=...) and its base_url"
        )
    if "half_close" in ends and has_tls:
        raise FaultError("half_close() has no meaning over TLS, which closes both ways at once")
