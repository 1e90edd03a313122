"""Generated conversations: turns of a user and a model that calls tools.

Rules of this file: values only, which determine the messages of a correct agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from openai_mockserver.reply import Reply
from openai_mockserver.stream_value import Stream, print_code

__all__ = ["TOOLS", "Conversation", "Turn"]


def _make_tool(
    name: str, description: str, required_count: int = 0, **properties: Any
) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties)[:required_count],
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = (
    _make_tool("now", "The time."),
    _make_tool("add", "The sum.", 2, a={"type": "integer"}, b={"type": "integer"}),
    _make_tool(
        "get_weather",
        "The weather.",
        1,
        city={"type": "string"},
        unit={"enum": ["celsius", "fahrenheit"]},
        days={"type": "array", "items": {"type": "string", "format": "date"}, "maxItems": 3},
    ),
)
"""The default tools, in the form of a chat request."""


@dataclass(frozen=True)
class Turn:
    """A user's text, and the model's answers until it calls no more tools.

    Args:
        user: text of the user.
        streams: answers of the model, one for each request; all but the last call tools.
        results: results of the tools, by call id.
    """

    user: str
    streams: tuple[Stream, ...]
    results: Mapping[str, str] = field(default_factory=dict)

    def code(self) -> str:
        """Return code that recreates the turn, to paste into a test."""
        streams = "".join(f"{indent(stream.code(), '        ')},\n" for stream in self.streams)
        results = f"    {self.results!r},\n" if self.results else ""
        return f"Turn(\n    {self.user!r},\n    (\n{streams}    ),\n{results})"

    @property
    def reply(self) -> Reply:
        """The last answer of the turn."""
        return self.streams[-1].reply

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a correct agent after this turn, without system messages."""
        messages: list[dict[str, Any]] = [{"role": "user", "content": self.user}]
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
            messages.append(message)
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": self.results[call.id]}
                for call in calls
            ]
        return messages


@dataclass(frozen=True)
class Conversation:
    """A sequence of turns.

    Args:
        turns: the turns, at least one.
        tools: tools in the form of a chat request.
    """

    turns: tuple[Turn, ...]
    tools: tuple[Mapping[str, Any], ...] = TOOLS

    @property
    def streams(self) -> list[Stream]:
        """All answers of the model, in order, for a mock's ``reply``."""
        return [stream for turn in self.turns for stream in turn.streams]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a correct agent after all turns, without system messages."""
        return [message for turn in self.turns for message in turn.messages]

    def __repr__(self) -> str:
        tools = "" if self.tools == TOOLS else f", tools={self.tools!r}"
        return f"Conversation({self.turns!r}{tools})"

    def code(self) -> str:
        """Return code that recreates the conversation, to paste into a test."""
        turns = "".join(f"{indent(turn.code(), '        ')},\n" for turn in self.turns)
        tools = "" if self.tools == TOOLS else f"    tools={self.tools!r},\n"
        return f"Conversation(\n    (\n{turns}    ),\n{tools})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        print_code(self.code(), printer)
