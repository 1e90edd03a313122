"""How to get a case again: in a test, with curl, and from a scenario.

Rules of this file: pure functions, which return text to copy. What they say is run by tests.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import NamedTuple

import openai_mockserver
from openai_mockserver import catalogue
from openai_mockserver.judge.cases import RECORDED, Case
from openai_mockserver.judge.comparison import get_answer
from openai_mockserver.stream_value import Stream

__all__ = ["Recipe", "list_recipes"]

_LONGEST = 8192  # characters of a recipe; longer ones are for files
_SERVER = "http://127.0.0.1:8000"


class Recipe(NamedTuple):
    """A way to get a case again.

    Args:
        title: where.
        code: what to copy.
    """

    title: str
    code: str


class _Fault(NamedTuple):
    """A fault that cuts the reads of a stream as a case does."""

    name: str
    code: str  # in Python
    entry: str  # in a scenario


_FAULTS = {
    "whole": _Fault("join", "join()", "join"),
    "events": _Fault("slice", 'slice(inside="events")', "{slice: {inside: events}}"),
    "bytes": _Fault("slice", "slice(size=1)", "{slice: {size: 1}}"),
    "utf8": _Fault("slice", 'slice(inside="utf8")', "{slice: {inside: utf8}}"),
    "crlf": _Fault("slice", 'slice(inside="crlf")', "{slice: {inside: crlf}}"),
}


def list_recipes(case: Case) -> list[Recipe]:
    """Return the ways to get a case again; fewer if its stream is not one of the catalogue."""
    is_ready_made = _is_ready_made(case.stream)
    recipes = [Recipe("In a test with pytest", _write_test(case, is_ready_made))]
    if is_ready_made:
        if case.reads == RECORDED:
            title = f"With curl, while `openai-mockserver serve` runs at {_SERVER}"
            recipes.append(Recipe(title, _write_curl(case)))
        title = "In a scenario, for `openai-mockserver serve scenario.yaml`"
        recipes.append(Recipe(title, _write_scenario(case)))
    return [recipe for recipe in recipes if len(recipe.code) <= _LONGEST]


def _is_ready_made(stream: Stream) -> bool:
    """Whether the catalogue has these very scripts under this name."""
    if stream.name not in catalogue.names():
        return False
    return catalogue.stream(stream.name).scripts == stream.scripts


def _write_test(case: Case, is_ready_made: bool) -> str:
    stream, fault = case.stream, _FAULTS.get(case.reads)
    if is_ready_made:
        code = f"stream({json.dumps(stream.name)})"
    else:
        code = replace(stream, family="").code()  # if it had a family, its code would be its name
    modules = _list_imports(code)
    if fault is not None:
        modules.append(f"from openai_mockserver.faults import {fault.name}")
    if stream.error is not None:
        modules = ["import pytest", "", *modules]
    name = re.sub(r"\W+", "_", case.name, flags=re.ASCII).strip("_").lower()
    arguments = "case" if fault is None else f"case, faults=[{fault.code}]"
    lines = [*modules, "", "", f"def test_{name}(mock_openai):"]
    lines += [f"    case = {code}".replace("\n", "\n    "), f"    mock_openai.reply({arguments})"]
    if stream.error is not None:
        lines += ["    with pytest.raises(Exception):", '        my_app.ask("Hello")']
    elif get_answer(stream).text:
        lines += ['    assert my_app.ask("Hello") == case.reply.text']
    else:
        lines += ['    my_app.ask("Hello")  # the right answer is case.reply']
    return "\n".join(lines) + "\n"


def _list_imports(code: str) -> list[str]:
    """Return the import statements for the names that are called in code."""
    called = set(re.findall(r"\b(\w+)\(", code))
    names = sorted(called & set(openai_mockserver.__all__))
    lines = [f"from openai_mockserver import {', '.join(names)}"]
    if "Requests" in called:
        lines.append("from openai_mockserver.catalogue import Requests")
    return lines


def _write_curl(case: Case) -> str:
    model = f"mockserver/{case.stream.name}"
    url = f"{_SERVER}{case.path}"
    if case.endpoint == "transcriptions":
        fields = {**case.request, "model": model, "stream": "true", "file": "@speech.wav"}
        parts = [f"-F {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    else:
        body = json.dumps({**case.request, "model": model}, ensure_ascii=False)
        parts = ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    code = " \\\n  ".join([f"curl -N {url}", *parts]) + "\n"
    if case.stream.earlier:
        code = f"# a client's attempts get its {len(case.scripts)} responses in turn\n{code}"
    return code


def _write_scenario(case: Case) -> str:
    lines = ["rules:", f"  - reply: {{stream: {case.stream.name}}}"]
    if (fault := _FAULTS.get(case.reads)) is not None:
        lines.append(f"    faults: [{fault.entry}]")
    return "\n".join(lines) + "\n"
