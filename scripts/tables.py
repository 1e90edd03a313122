"""Writes the tables of docs/dialects, endpoints, faults, strategies and transport.

Run as `python scripts/tables.py`.

Rules of this file: what the tables say is taken from the code and from the tests that show it.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

from openai_mockserver.api import ENDPOINTS
from openai_mockserver.dialects import dialects
from openai_mockserver.dialects.paths import provider_paths
from openai_mockserver.faults import compression, endings, event_stream, events, http, reads
from openai_mockserver.strategies.variations import ASPECTS

DOCS = Path(__file__).parents[1] / "docs"
TITLES: dict[ModuleType, str] = {
    endings: "Endings",
    events: "Events",
    event_stream: "The event-stream format",
    reads: "Reads",
    http: "HTTP",
    compression: "Content codings",
}


def signature(make: object) -> str:
    """A fault's arguments, without their types."""
    shown = []
    for parameter in inspect.signature(make).parameters.values():  # type: ignore[arg-type]
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        shown.append(f"{star}{parameter.name}{default}")
    return ", ".join(shown)


def faults() -> str:
    """A table of the faults for each module."""
    lines: list[str] = []
    for module, title in TITLES.items():
        lines += [f"### {title}", "", "| fault | what happens |", "| --- | --- |"]
        for name in sorted(module.__all__):
            make = getattr(module, name)
            said = " ".join((inspect.getdoc(make) or "").split("\n\n")[0].split())
            said = said.replace("``", "`")
            lines.append(f"| `{name}({signature(make)})` | {said} |")
        lines.append("")
    return "\n".join(lines)


def transport() -> str:
    """A table of the documented behaviours of the network, and what shows each or why none does."""
    sys.path.insert(0, str(DOCS.parent / "tests"))
    shown = importlib.import_module("test_http1")
    rows = dict.fromkeys(shown.COVERED, "`tests/test_http1.py`")
    rows |= dict.fromkeys(shown.OVER_TLS, "`tests/server/test_tls.py`")
    rows |= {slug: f"not covered: {why}" for slug, why in shown.NOT_COVERED.items()}
    lines = ["| behaviour | shown by |", "| --- | --- |"]
    lines += [f"| {slug} | {rows[slug]} |" for slug in sorted(rows)]
    return "\n".join([*lines, ""])


def spoken() -> str:
    """A table of the dialects and their habits."""
    lines = [
        "| dialect | role | tool calls | finish | usage | reasoning | `[DONE]` | id |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in dialects().items():
        delta = one.layout("reasoning")["choices"][0]["delta"]
        where = [member for member in delta if "reason" in member or "content" in member]
        thought = next((m for m in where if delta[m] not in ("", None)), where[0])
        done = "yes" if one.ends_with_done else "no"
        lines.append(
            f"| {name} | {one.role} | {one.calls} | {one.finish} | {one.usage_chunk} | "
            f"`{thought}` | {done} | `{one.id}` |"
        )
    return "\n".join([*lines, ""])


def paths() -> str:
    """A table of the paths that are a provider's own."""
    lines = ["| path | dialect |", "| --- | --- |"]
    for pattern, name in provider_paths():
        shown = pattern.pattern.replace("\\.", ".")
        shown = re.sub(r"\(\?P<(\w+)>[^)]*\)|\[\^/\]\+", lambda m: f"{{{m[1] or 'id'}}}", shown)
        lines.append(f"| `{shown}` | {name} |")
    return "\n".join([*lines, ""])


def endpoints() -> str:
    """A table of the endpoints, and what answers at each where no rule does."""
    assert not ENDPOINTS.find("/")[0], "looked for, so that all are known"
    lines = ["| endpoint | answer |", "| --- | --- |"]
    for endpoint in sorted(ENDPOINTS, key=lambda one: (one.path, one.method)):
        model = endpoint.render is not None
        said = "What the model says: a rule's reply." if model else inspect.getdoc(endpoint.answer)
        lines.append(f"| `{endpoint.method} {endpoint.path}` | {(said or '').splitlines()[0]} |")
    return "\n".join([*lines, ""])


def habits() -> str:
    """A table of what drawn streams may have."""
    lines = ["| habit | |", "| --- | --- |"]
    for aspect in ASPECTS:
        lines += [f"| {one.name} | {'quirk' if one.quirk else 'lawful'} |" for one in aspect.habits]
    lines.append(f"| a dialect: {', '.join(dialects())} | quirk |")
    return "\n".join([*lines, ""])


TABLES = {
    "dialects.md": {"table": spoken, "paths": paths},
    "endpoints.md": {"table": endpoints},
    "faults.md": {"table": faults},
    "strategies.md": {"habits": habits},
    "transport.md": {"table": transport},
}


def written(page: str) -> tuple[str, str]:
    """A page as it is, and as it is with its tables made anew."""
    text = anew = (DOCS / page).read_text()
    for name, make in TABLES[page].items():
        made = f"<!-- {name} -->\n\n{make()}\n<!-- end of {name} -->"
        within = f"<!-- {name} -->.*<!-- end of {name} -->"
        anew = re.sub(within, lambda _, made=made: made, anew, flags=re.DOTALL)  # type: ignore[misc]
    return text, anew


if __name__ == "__main__":
    for page in TABLES:
        (DOCS / page).write_text(written(page)[1])
