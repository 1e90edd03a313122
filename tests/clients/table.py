"""The clients of the matrix: what to install, which program uses it, and what it is known to do.

Rules of this file: data. A client's behaviour is stated here where it differs from the others', so
that a version that behaves differently fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CLIENTS", "Client"]


@dataclass(frozen=True, eq=False)
class Client:
    """A client, and what it is known to do; what is known of one way has ``WAY/`` before its key.

    Args:
        name: names its environment, and it on the command line.
        packages: what is installed, as pip or npm read it; the first is the client itself.
        program: in `programs/`; Python's clients have one in Python, Node's one in JavaScript.
        ways: each an argument of the program: an endpoint, or another door of the client.
        refused: the exception, by way or ``*``, that tells of a status 400.
        busy: the exception that tells of a status 429, where the client does not try again.
        drains: the ways that read an abandoned stream to its end.
        lacks: scenarios that the client has no means for, and why.
        breaks: scenarios that the client fails, and why.
    """

    name: str
    packages: tuple[str, ...]
    program: str
    ways: tuple[str, ...] = ("chat",)
    refused: Mapping[str, str] = field(default_factory=lambda: {"*": "BadRequestError"})
    busy: Mapping[str, str] = field(default_factory=dict)
    drains: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    breaks: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The language of the program."""
        return "Python" if self.program.endswith(".py") else "JavaScript"


CLIENTS = (
    Client(
        "openai",
        ("openai",),
        "openai_python.py",
        ways=("chat", "chat async", "chat stream()", "responses"),
    ),
)
