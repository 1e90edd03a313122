"""A stream with the result that a correct consumer must reach.

Rules of this file: values only. `openai_mockserver.catalogue` reads the ready-made streams, and
`openai_mockserver.strategies` draws random ones.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openai_mockserver import sse
from openai_mockserver.reply import Reply
from openai_mockserver.script import Script

__all__ = ["ERRORS", "Requests", "Requirement", "Stream", "print_code"]

ERRORS = {
    "api": "an error of the API, instead of the stream or within it",
    "connection": "the connection broke, or the response was not valid HTTP",
    "incomplete": "the body ended before the answer did",
    "malformed": "an event was not what the API sends",
    "timeout": "the server stopped sending",
}
"""The kinds of errors that a correct consumer surfaces."""


@dataclass(frozen=True)
class Requirement:
    """What a correct consumer does with a stream, and whose rule that is.

    Args:
        level: how strict the rule is, in the words of RFC 2119.
        text: the rule, one sentence.
        source: who says so: a standard with its section, OpenAI's published schema with the
            object's name, or the provider that was seen to send such a stream.
    """

    level: Literal["MUST", "SHOULD", "MAY"]
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.level}: {self.text} ({self.source})"


@dataclass(frozen=True)
class Requests:
    """Which requests a correct consumer sends for one answer.

    Args:
        least: how many it sends at least.
        most: how many it sends at most; None if there is no limit.
        gaps: the least seconds before the second request, the third, and so on; 0 if there is no
            rule. They follow from headers such as ``Retry-After``.
        headers: the headers, with their values, that the first request must have, the second, and
            so on.
    """

    least: int = 1
    most: int | None = None
    gaps: tuple[float, ...] = ()
    headers: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, repr=False)
class Stream:
    """A stream with its right answer.

    Args:
        script: what goes over the wire; if there are several exchanges, the response to the last
            request and to each further one.
        reply: the reply that a correct consumer reads, as far as the stream goes; its ``error`` is
            an error that the API sends within the stream or instead of it.
        error: kind of the error that a correct consumer surfaces, one of `ERRORS`; None if there
            is no error.
        name: name of a ready-made stream, such as ``tool-calls-parallel``.
        family: folder of a ready-made stream, such as ``tool_calls``.
        description: one sentence.
        citations: where it was seen in the real world.
        request: parameters of a request that the stream answers.
        path: path of the endpoint that such a request is sent to, such as ``/v1/responses``; if
            empty, the events tell which endpoint it is.
        requirement: what a correct consumer does with it, and whose rule that is.
        earlier: the responses to the requests before the one that ``script`` answers, in order. The
            right answer is then that of a consumer that sends all these requests; one that does not
            retry surfaces an error instead.
        requests: which requests a correct consumer sends; None if there is no rule.

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
    path: str = ""
    requirement: Requirement | None = None
    earlier: tuple[Script, ...] = ()
    requests: Requests | None = None

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The responses to successive requests; the last one is repeated."""
        return (*self.earlier, self.script)

    def reads(self) -> list[builtins.bytes]:
        """Return the body as the reads in which a client gets it, one for each step."""
        return [data for step in self.script.steps if (data := sse.encode(step))]

    def bytes(self) -> builtins.bytes:
        """Return the whole body."""
        return sse.body(self.script.steps)

    @property
    def _is_ready_made(self) -> bool:
        """Whether the catalogue has it under its name."""
        return bool(self.name and self.family)

    def __str__(self) -> str:
        return self.name or repr(self)

    def __repr__(self) -> str:
        if self._is_ready_made:
            return f"stream({self.name!r})"
        return (
            f"Stream({', '.join([repr(self.script), repr(self.reply), *self._format_options()])})"
        )

    def _format_options(
        self, format_scripts: Callable[[tuple[Script, ...]], str] = repr
    ) -> list[str]:
        options = {
            "error": self.error and repr(self.error),
            "name": self.name and repr(self.name),
            "description": self.description and repr(self.description),
            "earlier": self.earlier and format_scripts(self.earlier),
            "requests": self.requests and repr(self.requests),
        }
        return [f"{name}={code}" for name, code in options.items() if code]

    def code(self) -> str:
        """Return code that recreates the stream, a line for each step, to paste into a test."""
        if self._is_ready_made:
            return repr(self)
        arguments = [
            self.script.code("        "),
            repr(self.reply),
            *self._format_options(_format_scripts),
        ]
        return "Stream(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        print_code(self.code(), printer)


def _format_scripts(scripts: tuple[Script, ...]) -> str:
    """Return the code of a tuple of scripts, with a line for each step."""
    indent = "        "
    lines = "".join(f"\n{indent}{script.code(indent + '    ')}," for script in scripts)
    return f"({lines}\n    )"


def print_code(code: str, printer: Any) -> None:
    """Print code line by line with a pretty-printer of Hypothesis or IPython."""
    for n, line in enumerate(code.split("\n")):
        if n:
            printer.break_()
        printer.text(line)
