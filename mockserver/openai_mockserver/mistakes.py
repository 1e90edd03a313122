"""All mistakes of scenarios, stream files and other recordings, each with its line.

The loaders stop at the first mistake. Here what is wrong is taken out, and the rest is loaded
again, until nothing is wrong:

    rules:                              line 3: rules[0].usr: there is no such key
      - reply: Hello                    line 5: rules[1].reply.txt: there is no such key
        usr: Hi        ← taken out
      - reply:
          txt: Bye     ← taken out, after the first

Rules of this file: what is a mistake is decided by the loaders alone. A mistake of what contains
another may be its consequence, such as a rule without the reply that was taken out; it is not
reported.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from openai_mockserver.bounded_input import read_file
from openai_mockserver.cassettes.stream_file import is_head, loads
from openai_mockserver.exceptions import MockServerError, ScenarioError, StreamFileError
from openai_mockserver.files import (
    check_exchange,
    check_recording,
    is_scenario,
    is_stream_file,
    list_files,
)
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.sources import Folder, Sources

__all__ = ["Mistake", "list_mistakes"]

_MOST = 100
"""Mistakes of one file that are looked for."""

_Place = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""


class Mistake(NamedTuple):
    """A mistake in a file: its line if it is known, and a sentence."""

    file: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.file}:{self.line}: {self.message}"
        return self.message if str(self.file) in self.message else f"{self.file}: {self.message}"


def list_mistakes(path: Path) -> list[Mistake]:
    """Return the mistakes in a file, or in the files that are played of a folder.

    Args:
        path: a scenario, a stream file, a recording in any format that `import` reads, or a folder.
    """
    try:
        files = list_files(path, Sources())
    except (MockServerError, OSError) as error:
        return [Mistake(path, None, getattr(error, "strerror", None) or str(error))]
    return [mistake for file in files for mistake in _list_of_file(file)]


def _list_of_file(file: Path) -> list[Mistake]:
    if is_scenario(file):
        return _list_of_scenario(file)
    try:
        check_recording(file)
    except StreamFileError as error:
        if is_stream_file(file):
            return sorted(_find_in_stream_file(file), key=lambda mistake: mistake.line or 0)
        return [_make_mistake(file, error)]
    return []


_LINE = re.compile(r":(\d+)(?::(\d+))?: ")


def _make_mistake(file: Path, error: MockServerError) -> Mistake:
    """Return the mistake that a loader reports, whose message may begin with the place."""
    message = str(error).removeprefix(str(file))
    if found := _LINE.match(message):
        column = f", column {found[2]}" if found[2] else ""
        return Mistake(file, int(found[1]), message[found.end() :] + column)
    return Mistake(file, None, message.removeprefix(": "))


# Scenarios


def _list_of_scenario(file: Path) -> list[Mistake]:
    from openai_mockserver import scenario  # imported late: needs the yaml package

    try:
        content = copy.deepcopy(scenario.load(file))
    except ScenarioError as error:
        return [_make_mistake(file, error)]
    find_line = _make_line_finder(file)
    indexes = dict(_number_elements(content))
    removed: list[_Place] = []
    mistakes: list[Mistake] = []
    while len(mistakes) < _MOST:
        try:
            scenario.add_content(MockOpenAI(), content, Folder(file.parent, Sources()))
            break
        except ScenarioError as error:
            message = str(error)
        place = _find_place(message, content)
        original = _restore_indexes(place, content, indexes)
        if not any(one[: len(original)] == original for one in removed):
            shown = _show_place(original) + message.removeprefix(_show_place(place))
            mistakes.append(Mistake(file, find_line(original), shown))
        if not _remove(place, content, indexes):
            break
        removed.append(original)
    return sorted(mistakes, key=lambda mistake: mistake.line or 0)


def _number_elements(value: Any) -> Iterator[tuple[int, list[int]]]:
    """Yield for each list in a value its identity, and the indexes of its elements."""
    if isinstance(value, list):
        yield id(value), list(range(len(value)))
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _number_elements(inner)


def _find_place(message: str, content: Any) -> _Place:
    """Return the place with which a message begins, as far as it exists in the content."""
    place: list[str | int] = []
    value, rest = content, message
    while True:
        step: str | int | None = None
        if isinstance(value, dict):
            rest = rest.removeprefix(".")
            keys = [key for key in value if rest.startswith(key) and rest[len(key) :][:1] in ".[:"]
            step = max(keys, key=len, default=None)
            text = step or ""
        elif isinstance(value, list) and (found := re.match(r"\[(\d+)\]", rest)):
            step, text = int(found[1]), found[0]
        if step is None or (isinstance(step, int) and step >= len(value)):
            return tuple(place)
        place.append(step)
        value, rest = value[step], rest[len(text) :]


def _show_place(place: _Place) -> str:
    """Return a place as the loaders write it.

    >>> _show_place(("rules", 0, "user"))
    'rules[0].user'
    """
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in place).lstrip(".")


def _restore_indexes(place: _Place, content: Any, indexes: dict[int, list[int]]) -> _Place:
    """Return a place as it was before elements of lists were taken out."""
    original: list[str | int] = []
    value = content
    for step in place:
        original.append(indexes[id(value)][step] if isinstance(step, int) else step)
        value = value[step]
    return tuple(original)


_STUB = "Hello"
"""A reply for a rule whose own is wrong, so that its other mistakes are found."""


def _remove(place: _Place, content: Any, indexes: dict[int, list[int]]) -> bool:
    """Take a value out of its list or mapping; return whether that was possible."""
    if not place:
        return False
    *above, last = place
    holder = content
    for step in above:
        holder = holder[step]
    if last == "reply" or (isinstance(last, int) and above[-1:] == ["replies"]):
        is_new: bool = holder[last] != _STUB
        holder[last] = _STUB
        return is_new
    del holder[last]
    if isinstance(last, int):
        del indexes[id(holder)][last]
    return True


def _make_line_finder(file: Path) -> Any:
    """Return a function from a place in a scenario to its line."""
    import yaml

    # Tabs are allowed in JSON but not in YAML; neither has them in strings of these files.
    text = file.read_text("utf-8").removeprefix("\ufeff")
    try:
        root = yaml.compose(text.replace("\t", " ") if file.suffix.lower() == ".json" else text)
    except yaml.YAMLError:
        root = None

    def find_line(place: _Place) -> int | None:
        node, line = root, None
        for step in place:
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == step), None)
                if pair is None:  # it comes from a merged mapping
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    return find_line


# Stream files


def _find_in_stream_file(file: Path) -> Iterator[Mistake]:
    """Yield the mistakes of a stream file: those of its lines, and those of its exchanges."""
    lines = read_file(file).split(b"\n")
    for _ in range(_MOST):
        try:
            exchanges = loads(b"\n".join(lines), str(file))
        except StreamFileError as error:
            mistake = _make_mistake(file, error)
            yield mistake
            if mistake.line is None:
                return
            at = mistake.line - 1
            is_first = not any(line.strip() for line in lines[:at])
            lines[at] = b'{"mockserver":1}' if is_first or is_head(lines[at]) else b""
        else:
            break
    else:
        return
    heads = [n for n, line in enumerate(lines, 1) if is_head(line)]
    for number, exchange in enumerate(exchanges):
        try:
            check_exchange(exchange)
        except MockServerError as error:
            yield Mistake(file, heads[number] if len(heads) == len(exchanges) else None, str(error))
