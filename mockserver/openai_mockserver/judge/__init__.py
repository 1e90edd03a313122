"""The judge: shows every stream of the catalogue to a consumer, and grades what it makes of it."""

from __future__ import annotations

from openai_mockserver.judge.comparison import (
    GRADES,
    AnsweredStream,
    Grade,
    Manner,
    Mistake,
    find_mistakes,
    get_answer,
)
from openai_mockserver.judge.outcome import (
    DEATH,
    HANG,
    Call,
    Counts,
    Function,
    Outcome,
    RaisedError,
)

__all__ = [
    "DEATH",
    "GRADES",
    "HANG",
    "AnsweredStream",
    "Call",
    "Counts",
    "Function",
    "Grade",
    "Manner",
    "Mistake",
    "Outcome",
    "RaisedError",
    "find_mistakes",
    "get_answer",
]
