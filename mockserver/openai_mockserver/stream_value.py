"""A stream and what is expected of who reads it.

Rules of this file: values only; who makes streams is elsewhere: the ready-made ones are read by
`openai_mockserver.catalogue`, those that nobody wrote are drawn by `openai_mockserver.strategies`.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openai_mockserver import sse
from openai_mockserver.reply import Reply
from openai_mockserver.script import Script

__all__ = ["ERRORS", "Stream", "print_code"]

ERRORS = {
    "api": "an error of the API, instead of the stream or within it",
    "connection": "the connection was broken, or what came was no HTTP",
    "incomplete": "the body ended before the answer did",
    "malformed": "an event was not what the API sends",
    "timeout": "nothing came any more",
}
"""The kinds of errors that a right consumer surfaces."""


@dataclass(frozen=True, repr=False)
class Stream:
    """A stream with its right answer.

    Args:
        script: what goes over the wire.
        reply: what a right consumer ends up with, as far as the stream goes; its ``error`` is one
            that the API sends within the stream, or instead of it.
        error: the error that a right consumer surfaces, by kind: one of `ERRORS`; None where all is
            well.
        name: of a ready-made stream, as in ``tool-calls-parallel``.
        family: the folder it is in, as in ``tool_calls``.
        description: a sentence.
        citations: where it was seen in the real world.
        request: parameters of a request that it answers.

    >>> from openai_mockserver import Event
    >>> stream = Stream(Script(steps=(Event('{"choices":[]}'), Event("[DONE]"))), Reply(""))
    >>> stream.bytes()
    b'data: {"choices":[]}\\n\\ndata: [DONE]\\n\\n'
    >>> len(stream.reads())
    2
    """

    script: Script
    reply: Reply
    error: str | None = None
    name: str = ""
    family: str = ""
    description: str = ""
    citations: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)

    def reads(self) -> list[builtins.bytes]:
        """The body in the reads in which a client gets it, one for each step."""
        return [data for step in self.script.steps if (data := sse.encode(step))]

    def bytes(self) -> builtins.bytes:
        """The whole body."""
        return sse.body(self.script.steps)

    def __str__(self) -> str:
        return self.name or repr(self)

    def __repr__(self) -> str:
        if self.name:
            return f"stream({self.name!r})"
        return f"Stream({', '.join([repr(self.script), repr(self.reply), *self._more()])})"

    def _more(self) -> list[str]:
        told = {"error": self.error, "description": self.description}
        return [f"{name}={value!r}" for name, value in told.items() if value]

    def code(self) -> str:
        """Code that makes the stream again, a line for each step, to paste into a test."""
        if self.name:
            return repr(self)
        script = repr(replace(self.script, steps=())).removesuffix(")")
        if self.script.steps:
            steps = "".join(f"\n            {step!r}," for step in self.script.steps)
            script += f"{'' if script.endswith('(') else ', '}steps=({steps}\n        )"
        given = [f"{script})", repr(self.reply), *self._more()]
        return "Stream(\n" + "".join(f"    {one},\n" for one in given) + ")"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        print_code(self.code(), printer)


def print_code(code: str, printer: Any) -> None:
    """Print code as Hypothesis and IPython do, line by line."""
    for n, line in enumerate(code.split("\n")):
        if n:
            printer.break_()
        printer.text(line)
