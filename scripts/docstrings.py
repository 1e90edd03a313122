"""Converts docstrings to reStructuredText for Sphinx: they are written with Markdown's backticks.

Rules of this file: change the markup of a docstring, never its words. `name` in single backticks
becomes a link if it is a public name, and code otherwise.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["convert", "process", "public_names", "shorten_signature"]

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
ROOT = "openai_mockserver"


@lru_cache(maxsize=1)
def public_names() -> dict[str, tuple[str, ...]]:
    """Return the public names that CONTRIBUTING lists, by module."""
    text = CONTRIBUTING.read_text("utf-8")
    section = text.partition("## Public names")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)
    return {module: tuple(re.findall(r"`(\w+)`", names)) for module, names in rows}


@lru_cache(maxsize=1)
def _targets() -> dict[str, str]:
    """Return the full name of each public name; the package takes precedence over its modules."""
    targets: dict[str, str] = {}
    for module, names in public_names().items():
        for name in names:
            targets.setdefault(name, f"{module}.{name}")
            targets[f"{module}.{name}"] = f"{module}.{name}"
    return targets


def _link(name: str, module: str) -> str | None:
    """Return a link to a public name, or to the class of an attribute; None for any other name."""
    plain = name.removesuffix("()")
    owner = plain.partition(".")[0]
    for candidate in (f"{module}.{plain}", plain, owner):
        if (target := _targets().get(candidate)) is not None:
            return f":py:obj:`{name} <{target}>`"
    return None


def convert(line: str, module: str = ROOT) -> str:
    """Return a line of a docstring as reStructuredText.

    >>> convert("A `Reply` of `words`, as ``x``")
    'A :py:obj:`Reply <openai_mockserver.Reply>` of ``words``, as ``x``'
    """

    def replace(match: re.Match[str]) -> str:
        code, name = match["code"], match["name"]
        if code is not None:
            return code
        return _link(name, module) or f"``{name}``"

    line = re.sub(r"(?P<code>``.+?``)|(?<![`:])`(?P<name>[^`]+)`(?!`)", replace, line)
    # Escape the stars of `*args`: a star without a partner is not emphasis.
    return re.sub(r"(?<![\w*`])(\*{1,2}\w+)(?![\w*]*\*)(?=[,; :)]|$)", r"\\\1", line)


def _module_of(name: str) -> str:
    """Return the documented module that contains an object, from its full name."""
    while name:
        name = name.rpartition(".")[0]
        if name in public_names():
            return name
    return ROOT


def process(
    _app: object, _what: str, name: str, obj: Any, _options: object, lines: list[str]
) -> None:
    """Convert the lines of a docstring in place, except its doctest examples."""
    module = _module_of(name)
    in_code = False
    for index, line in enumerate(lines):
        in_code = line.lstrip().startswith((">>>", "...")) or (in_code and bool(line.strip()))
        if not in_code:
            lines[index] = convert(line, module)


class _Dots:
    """Placeholder for a default value that is too long to show."""

    def __repr__(self) -> str:
        return "..."


_LONGEST_DEFAULT = 60  # characters


def shorten_signature(
    _app: object,
    _what: str,
    _name: str,
    obj: Any,
    _options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None] | None:
    """Show ``...`` instead of a long default, and `Fault` as the return type of a fault.

    A decorator turns a function's result into a `Fault`, so its own annotation names another type.
    """
    from sphinx.util.inspect import stringify_signature

    faults = importlib.import_module(f"{ROOT}.faults").FAULTS
    fault: Callable[..., object] | None = faults.get(getattr(obj, "__name__", ""))
    if fault is not None and fault is obj:
        return signature, "Fault"
    if signature is None or len(signature) < _LONGEST_DEFAULT:
        return None
    try:
        full_signature = inspect.signature(obj)
    except (TypeError, ValueError):
        return None
    parameters = [
        each.replace(default=_Dots()) if len(repr(each.default)) > _LONGEST_DEFAULT else each
        for each in full_signature.parameters.values()
    ]
    if parameters == list(full_signature.parameters.values()):
        return None
    short_signature = full_signature.replace(
        parameters=parameters, return_annotation=inspect.Signature.empty
    )
    return stringify_signature(short_signature, unqualified_typehints=True), returns
