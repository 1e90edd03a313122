"""Conversations nobody had: turns of a user and a model that calls tools.

Rules of this file: values; what a right agent does with them follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from openai_mockserver.reply import Reply
from openai_mockserver.stream_value import Stream, print_code

__all__ = ["TOOLS", "Conversation", "Turn"]


def _tool(name: str, description: str, required: int = 0, **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties)[:required],
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = (
    _tool("now", "The time."),
    _tool("add", "The sum.", 2, a={"type": "integer"}, b={"type": "integer"}),
    _tool(
        "get_weather",
        "The weather.",
        1,
        city={"type": "string"},
        unit={"enum": ["celsius", "fahrenheit"]},
        days={"type": "array", "items": {"type": "string", "format": "date"}, "maxItems": 3},
    ),
)
"""Tools as a request offers them, where no others are given."""


@dataclass(frozen=True)
class Turn:
    """What the user says, and what the model answers until it calls no more tools.

    Args:
        user: the user's text.
        streams: what the model answers, one to each request; all but the last call tools.
        results: what the tools give, by the ids of the calls.
    """

    user: str
    streams: tuple[Stream, ...]
    results: Mapping[str, str] = field(default_factory=dict)

    def code(self) -> str:
        """Code that makes the turn again, to paste into a test."""
        streams = "".join(f"{indent(stream.code(), '        ')},\n" for stream in self.streams)
        results = f"    {self.results!r},\n" if self.results else ""
        return f"Turn(\n    {self.user!r},\n    (\n{streams}    ),\n{results})"

    @property
    def reply(self) -> Reply:
        """The answer with which the turn ends."""
        return self.streams[-1].reply

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that a right agent has of this turn in the end, without those of system."""
        said: list[dict[str, Any]] = [{"role": "user", "content": self.user}]
        for stream in self.streams:
            calls = stream.reply.tool_calls
            message: dict[str, Any] = {"role": "assistant", "content": stream.reply.text}
            if calls:
                message["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": str(call.arguments)},
                    }
                    for call in calls
                ]
            said.append(message)
            said += [
                {"role": "tool", "tool_call_id": call.id, "content": self.results[call.id]}
                for call in calls
            ]
        return said


@dataclass(frozen=True)
class Conversation:
    """Turns one after the other.

    Args:
        turns: at least one.
        tools: as requests offer them.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Mapping[str, Any], ...] = TOOLS

    @property
    def streams(self) -> list[Stream]:
        """All that the model answers, to be given to a mock's ``reply``."""
        return [stream for turn in self.turns for stream in turn.streams]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that a right agent has in the end, without those of system."""
        return [message for turn in self.turns for message in turn.messages]

    def __repr__(self) -> str:
        tools = "" if self.tools == TOOLS else f", tools={self.tools!r}"
        return f"Conversation({self.turns!r}{tools})"

    def code(self) -> str:
        """Code that makes the conversation again, to paste into a test."""
        turns = "".join(f"{indent(turn.code(), '        ')},\n" for turn in self.turns)
        tools = "" if self.tools == TOOLS else f"    tools={self.tools!r},\n"
        return f"Conversation(\n    (\n{turns}    ),\n{tools})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        print_code(self.code(), printer)
