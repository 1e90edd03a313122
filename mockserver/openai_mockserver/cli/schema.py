"""``openai-mockserver schema``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

__all__ = ["schema"]


def _build_scenario_schema() -> dict[str, Any]:
    from openai_mockserver.scenario_schema import build_schema

    return build_schema()


def _build_stream_file_schema() -> dict[str, Any]:
    from openai_mockserver.cassettes.stream_file import build_schema

    return build_schema()


_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenario": _build_scenario_schema,
    "stream-file": _build_stream_file_schema,
}


@click.command()
@click.argument("kind", type=click.Choice(list(_SCHEMAS)))
def schema(kind: str) -> None:
    """Print the JSON Schema of a scenario file, or of a line of a stream file.

    Editors complete and check a file with it; a scenario may name it with the key $schema.
    """
    click.echo(_format(_SCHEMAS[kind](), ""))


_WIDTH = 100  # characters of a line


def _format(value: Any, indent: str) -> str:
    """Return a value as JSON in short lines: what fits into a line is one.

    >>> _format({"type": "array", "minItems": 1}, "")
    '{"type": "array", "minItems": 1}'
    """
    text = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(text) < _WIDTH or not isinstance(value, dict | list):
        return text
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{json.dumps(name)}: {_format(part, inner)}" for name, part in value.items()]
    elif any(isinstance(part, dict | list) for part in value):
        lines = [_format(part, inner) for part in value]
    else:
        lines = _fill([json.dumps(part, ensure_ascii=False) for part in value], _WIDTH - len(inner))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent}{closing}"


def _fill(words: list[str], width: int) -> list[str]:
    """Return lines of words with commas between them.

    >>> _fill(["1", "2", "3"], 5)
    ['1, 2', '3']
    """
    lines = words[:1]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 <= width:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines
