"""The judge: shows every stream of the catalogue to a consumer, and grades what it makes of it.

A case is a stream that arrives in one way (`cases`). A consumer is asked to send a request
(`consumer`, `program`) and reports its outcome (`outcome`). The runner plays the stream to it
(`runner`), the outcome is compared with the right answer (`comparison`, `grading`), and a report
collects the results (`report`).
"""

from __future__ import annotations

from openai_mockserver.judge.cases import READS, Case, select_cases
from openai_mockserver.judge.checking import check, check_consumer
from openai_mockserver.judge.comparison import (
    GRADES,
    AnsweredStream,
    Grade,
    Manner,
    Mistake,
    find_mistakes,
    get_answer,
)
from openai_mockserver.judge.consumer import Consumer, Task, open_function
from openai_mockserver.judge.grading import Result, SentRequest, grade_outcome
from openai_mockserver.judge.outcome import (
    DEATH,
    HANG,
    Counts,
    Function,
    Outcome,
    RaisedError,
    ReportedCall,
)
from openai_mockserver.judge.program import open_program, open_program_per_case
from openai_mockserver.judge.report import Report, read_baseline, report_as_json
from openai_mockserver.judge.runner import Address, make_mock, run_case, run_cases

__all__ = [
    "DEATH",
    "GRADES",
    "HANG",
    "READS",
    "Address",
    "AnsweredStream",
    "ReportedCall",
    "Case",
    "Consumer",
    "Counts",
    "Function",
    "Grade",
    "Manner",
    "Mistake",
    "Outcome",
    "RaisedError",
    "Report",
    "Result",
    "SentRequest",
    "Task",
    "check",
    "check_consumer",
    "find_mistakes",
    "get_answer",
    "grade_outcome",
    "make_mock",
    "open_function",
    "open_program",
    "open_program_per_case",
    "read_baseline",
    "report_as_json",
    "run_case",
    "run_cases",
    "select_cases",
]
