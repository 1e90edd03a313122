"""Generates parts of the reference from the code, as Markdown.

A page marks the place of a part with ``<!-- insert: faults -->``, or with arguments:
``<!-- insert: names openai_mockserver Reply Text -->``. `expand` inserts the parts.

Rules of this file: take the content from the code, its docstrings and its tests, and write it
nowhere else. Sphinx's autodoc documents public names, except in plain Markdown.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

from docstrings import public_names
from openai_mockserver import catalogue, pacing
from openai_mockserver.api import ENDPOINTS
from openai_mockserver.cli.program import commands
from openai_mockserver.control import ROUTES as CONTROL_ROUTES
from openai_mockserver.dialects import dialects
from openai_mockserver.dialects.paths import provider_paths
from openai_mockserver.dialects.variants import COMMON
from openai_mockserver.engine import PROFILES as ENGINES
from openai_mockserver.faults import FAULTS
from openai_mockserver.faults.habits import ASPECTS
from openai_mockserver.metrics import FAMILIES, OTEL_FAMILIES, Family
from openai_mockserver.stream_value import Stream

__all__ = ["PARTS", "expand"]

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
PACKAGE = "openai_mockserver"
FAULT_TITLES = {
    "compression": "Content codings",
    "event_stream": "The event-stream format",
    "http": "HTTP",
    "websocket": "WebSockets",
}
"""Titles of the modules of faults whose names are no title."""
INTERNAL = {
    "AgentMachine": (
        "TestCase",
        "loop_runs",
        "model_answers",
        "model_calls",
        "model_errs",
        "model_fails",
        "model_goes_down",
        "teardown",
    ),
    "MockOpenAI": (
        "begin",
        "cache_use",
        "change_version",
        "door",
        "draft",
        "has_tls",
        "has_upstream",
        "refuse",
        "rules",
        "version",
    ),
    "Journal": ("add", "find", "history", "limits", "problem_counts", "size"),
    "Request": ("drop_parsed", "parsed"),
    "Call": (
        "drop_parsed",
        "end",
        "handed_over",
        "handed_over_in_turn",
        "is_answered",
        "last_written",
        "list_runs",
        "moments",
        "outcome",
        "parsed",
        "problem_kind",
        "sent",
        "take_back",
        "written",
    ),
}
"""Members of public classes that only the package itself uses."""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _summarize(value: object) -> str:
    """Return the first paragraph of a docstring as one line of Markdown."""
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return text.replace("``", "`").replace("|", "\\|")


# Public names


def _is_exception(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, BaseException)


def _find_comment(module: str, name: str) -> str:
    """Return the docstring below a constant, in a module or one that it imports; "" if none."""
    origin = importlib.import_module(module)
    inner = (origin, *(v for v in vars(origin).values() if isinstance(v, ModuleType)))
    for source in inner:
        body = ast.parse(inspect.getsource(source)).body
        for statement, following in pairwise(body):
            targets = getattr(statement, "targets", [getattr(statement, "target", None)])
            if (
                any(isinstance(target, ast.Name) and target.id == name for target in targets)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                return inspect.cleandoc(str(following.value.value))
    return ""


def list_members(value: type) -> list[str]:
    """Return the members of a public class that have a docstring, in the order of the code.

    Members inherited from outside the package, or from another public class, are left out.
    """
    if _is_exception(value):
        return []
    public = {getattr(importlib.import_module(PACKAGE), name) for name in public_names()[PACKAGE]}
    members: dict[str, None] = {}
    for owner in value.__mro__:
        if not owner.__module__.startswith(PACKAGE) or (owner is not value and owner in public):
            continue
        for name, member in vars(owner).items():
            kinds = (property, cached_property, classmethod, staticmethod)
            if not (isinstance(member, kinds) or inspect.isfunction(member)):
                continue
            if name.startswith("_") or name in INTERNAL.get(value.__name__, ()):
                continue
            if inspect.getdoc(member):
                members[name] = None
    return list(members)


def _directive(module: str, name: str) -> str:
    """Return the autodoc directive for a public name."""
    value = getattr(importlib.import_module(module), name)
    full = f"{module}.{name}"
    if module != PACKAGE and value is getattr(importlib.import_module(PACKAGE), name, None):
        return f".. py:data:: {name}\n\n   The same as :py:obj:`{PACKAGE}.{name}`.\n"
    if inspect.isclass(value):
        kind, options = "autoexception" if _is_exception(value) else "autoclass", ""
        if members := list_members(value):
            options = f"   :members: {', '.join(members)}\n"
        return f".. {kind}:: {full}\n{options}"
    if callable(value):
        return f".. autofunction:: {full}\n"
    from docstrings import convert

    comment = [f"   {convert(line, module)}" for line in _find_comment(module, name).split("\n")]
    text = repr(value)
    option = f"   :value: {text}\n" if len(text) < 40 else f"   :type: {type(value).__name__}\n"
    return "\n".join([f".. py:data:: {name}\n{option}", *comment, ""])


def _select_names(module: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return names or public_names()[module]


def document_names(module: str, *names: str) -> str:
    """Return autodoc directives for some public names of a module, or for all of them."""
    directives = "\n".join(_directive(module, name) for name in _select_names(module, names))
    return f"```{{eval-rst}}\n.. py:currentmodule:: {module}\n\n{directives}```\n"


def _describe_name(module: str, name: str) -> str:
    value = getattr(importlib.import_module(module), name)
    text = inspect.getdoc(value) if callable(value) else _find_comment(module, name)
    lines = [f"### {name}", ""]
    if callable(value) and not _is_exception(value):
        lines += ["```python", f"{name}{_signature_of(value)}", "```", ""]
    lines.append(text or "")
    if inspect.isclass(value):
        for inner in list_members(value):
            member = getattr(value, inner)
            lines += ["", f"* `{inner}{_signature_of(member)}`: {_summarize(member)}"]
    return "\n".join([*lines, ""])


def _signature_of(value: object) -> str:
    if not callable(value) or _is_exception(value):
        return ""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return ""
    return re.sub(r"ForwardRef\((.*?)\)", r"\1", str(signature).replace("'", ""))


def describe_names(module: str, *names: str) -> str:
    """Describe some public names of a module, or all of them, in plain Markdown."""
    return "\n".join(_describe_name(module, name) for name in _select_names(module, names))


# Faults


def list_faults() -> str:
    """Describe the faults by module."""
    names_by_module: dict[str, list[str]] = {}
    for name, fault in FAULTS.items():
        names_by_module.setdefault(fault.__module__.rpartition(".")[2], []).append(name)
    lines: list[str] = []
    for module, names in names_by_module.items():
        title = FAULT_TITLES.get(module, module.replace("_", " ").capitalize())
        insertion = f"<!-- insert: names {PACKAGE}.faults {' '.join(sorted(names))} -->"
        lines += [f"## {title}", "", insertion, ""]
    return "\n".join(lines)


# Providers


def list_dialects() -> str:
    """List the dialects and their habits."""
    rows = []
    for name, dialect in dialects().items():
        delta = dialect.layout("reasoning")["choices"][0]["delta"]
        members = [member for member in delta if "reason" in member or "content" in member]
        member = next((m for m in members if delta[m] not in ("", None)), members[0])
        rows.append(
            [
                f"`{name}`",
                str(dialect.role),
                str(dialect.calls),
                str(dialect.finish),
                str(dialect.usage_chunk),
                f"`{member}`",
                "yes" if dialect.ends_with_done else "no",
                f"`{dialect.id}`" if dialect.id else "empty",
            ]
        )
    heads = ["dialect", "role", "tool calls", "finish", "usage", "reasoning", "`[DONE]`", "id"]
    return _table(heads, rows)


def list_variants() -> str:
    """List the variants that every dialect can have."""
    return _table(["variant", "meaning"], [[f"`{n}`", v.meaning] for n, v in COMMON.items()])


def list_own_variants() -> str:
    """List the variants that single dialects declare."""
    rows = [
        [f"`{dialect.name}`", f"`{name}`", variant.meaning]
        for dialect in dialects().values()
        for name, variant in dialect.variants.items()
    ]
    return _table(["dialect", "variant", "meaning"], rows)


def list_fidelity() -> str:
    """List how many recorded streams come out byte-equal, as `scripts/fidelity` measured."""
    rows = []
    for one in json.loads((ROOT / "docs" / "reference" / "fidelity.json").read_text()):
        months = " to ".join(dict.fromkeys(one["months"])) or "unknown"
        names = ", ".join(f"`{name}`" for name in one["dialects"]) or "-"
        counts = [str(one[column]) for column in ("streams", "by_rule", "plain")]
        rows.append([one["provider"], one["endpoint"], months, *counts, names])
    heads = ["provider", "endpoint", "recorded", "streams", "equal", "without a variant"]
    return _table([*heads, "dialects"], rows)


def list_provider_paths() -> str:
    """List the paths that belong to one provider."""
    rows = []
    for pattern, name in provider_paths():
        path = pattern.pattern.replace("\\.", ".")
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)|\[\^/\]\+", lambda m: f"{{{m[1] or 'id'}}}", path)
        rows.append([f"`{path}`", f"`{name}`"])
    return _table(["path", "dialect"], rows)


# Endpoints


def _group_of(path: str) -> str:
    """Return the resource of a path, for example ``chat/completions`` or ``files``."""
    parts = [part for part in path.removeprefix("/v1/").split("/") if not part.startswith("{")]
    return "/".join(parts[:2]) if parts[0] in ("chat", "audio") else parts[0]


def list_endpoints() -> str:
    """List the endpoints, with the answer of each if no rule matches."""
    assert not ENDPOINTS.find("/")[0], "the first look-up fills the table"
    groups: dict[str, list[list[str]]] = {}
    for endpoint in sorted(ENDPOINTS, key=lambda one: (one.path, one.method)):
        answer = "The reply of a rule." if endpoint.render else _summarize(endpoint.answer)
        row = [f"`{endpoint.method}`", f"`{endpoint.path}`", answer]
        groups.setdefault(_group_of(endpoint.path), []).append(row)
    lines = []
    heads = ["method", "path", "answer without a rule"]
    for group in sorted(groups):
        title = group.replace("_", " ").replace("/", " ").capitalize()
        lines += [f"## {title}", "", _table(heads, groups[group])]
    return "\n".join(lines)


# Ready-made streams, paces and habits


def list_streams() -> str:
    """List the ready-made streams by family."""
    lines = []
    for family in catalogue.families():
        rows = [
            [f"`{stream.name}`", *(cell.replace("|", "\\|") for cell in _describe_stream(stream))]
            for stream in catalogue.streams(family)
        ]
        columns = ["stream", "what it is", "what a correct consumer does"]
        lines += [f"## {family}", "", _table(columns, rows)]
    return "\n".join(lines)


def list_unshown() -> str:
    """List the documented misbehaviours that no stream shows."""
    rows = [[f"`{name}`", reason] for name, reason in catalogue.not_shown().items()]
    return _table(["misbehaviour", "why no stream shows it"], rows)


def _describe_stream(stream: Stream) -> tuple[str, str]:
    """Describe a stream, and what a correct consumer does with it."""
    if (rule := stream.requirement) is None:
        return stream.description, ""
    return stream.description, f"**{rule.level}** {rule.text} ({rule.source})"


def list_profiles() -> str:
    """List the named paces."""
    rows = [
        [f"`{name}`", *(f"{n:g}" for n in (pace.ttft, pace.itl, pace.jitter)), pace.distribution]
        for name, pace in pacing.PROFILES.items()
    ]
    return _table(["profile", "ttft", "itl", "jitter", "distribution"], rows)


def list_engines() -> str:
    """List the named engines, each with where its numbers come from."""
    rows = []
    for name, (engine, sources, derivation) in ENGINES.items():
        links = " ".join(f"[{number}]({url})" for number, url in enumerate(sources, start=1))
        pairs = (f"{first:g}, {each:g}" for first, each in (engine.prefill, engine.decode))
        rows.append([f"`{name}`", *pairs, f"{derivation} {links}"])
    return _table(["profile", "prefill", "decode", "where this comes from"], rows)


def list_metrics(families: Mapping[str, Family] = FAMILIES) -> str:
    """List the metrics."""
    rows = []
    for family in families.values():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        rows.append([f"`{family.name}`", family.kind, labels, family.meaning])
    return _table(["metric", "kind", "labels", "meaning"], rows)


def list_habits() -> str:
    """List the habits of generated streams."""
    rows = [
        [habit.name, "quirk" if habit.is_quirk else "lawful"]
        for aspect in ASPECTS
        for habit in aspect.habits
    ]
    rows.append([f"a dialect: {', '.join(dialects())}", "quirk"])
    return _table(["habit", "kind"], rows)


def list_network_behaviours() -> str:
    """List the documented behaviours of networks, each with its test or the reason for none."""
    sys.path.insert(0, str(TESTS))
    tests = importlib.import_module("test_http1")
    rows = dict.fromkeys(tests.COVERED, "`tests/test_http1.py`")
    rows |= dict.fromkeys(tests.OVER_TLS, "`tests/server/test_tls.py`")
    rows |= {slug: f"not covered: {why}" for slug, why in tests.NOT_COVERED.items()}
    return _table(["behaviour", "test"], [[slug, rows[slug]] for slug in sorted(rows)])


# The command


def _option_names(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    kind = option.type
    if isinstance(kind, click.Choice):
        return f"{names} {' or '.join(f'`{choice}`' for choice in kind.choices)}"
    metavar = option.metavar or kind.name.removesuffix(" range").upper()
    return f"{names} `{metavar}`"


def _describe_option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    text = record[1] if record else ""
    return _mark_options(" ".join(text.replace("*", "\\*").replace("<", "\\<").split()))


def _mark_options(text: str) -> str:
    """Return a text with its command-line options marked as code."""
    code_or_option = r"(`[^`]*`)|(?<![\w-])(--?[a-z][a-z-]*)"
    return re.sub(code_or_option, lambda match: match[1] or f"`{match[2]}`", text)


def _describe_help(text: str) -> str:
    """Return the help of a command as Markdown; its tables become code blocks."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            parts.append(f"```text\n{inspect.cleandoc(paragraph.removeprefix(chr(8)))}\n```")
        else:
            parts.append(_mark_options(" ".join(paragraph.split())))
    return "\n\n".join(parts)


def describe_commands() -> str:
    """Describe each command with all options of its parser; those of a group follow it."""
    lines = []
    listed: list[tuple[str, click.Command]] = []
    for name, command in commands.commands.items():
        listed.append((name, command))
        if isinstance(command, click.Group):
            listed += ((f"{name} {inner}", one) for inner, one in command.commands.items())
    for name, command in listed:
        context = click.Context(command, info_name=f"openai-mockserver {name}")
        rows = [
            [_option_names(option), _describe_option(option, context)]
            for option in command.get_params(context)
            if isinstance(option, click.Option)
        ]
        usage = command.get_usage(context).removeprefix("Usage: ")
        lines += [f"## {name}", "", f"```text\n{usage}\n```", ""]
        lines += [_describe_help(command.help or ""), ""]
        lines += [_table(["option", "meaning"], rows)] if rows else []
    return "\n".join(lines)


# The pytest plugin


class Setting(NamedTuple):
    """A command-line option or a setting of pytest.ini that the plugin adds."""

    name: str
    options: dict[str, Any]


class _Parser:
    """Records what the plugin registers, in place of pytest's parser and configuration."""

    def __init__(self) -> None:
        self.options: list[Setting] = []
        self.settings: list[Setting] = []
        self.markers: list[str] = []

    def getgroup(self, _name: str) -> _Parser:
        return self

    def addoption(self, name: str, **options: Any) -> None:
        self.options.append(Setting(name, options))

    def addini(self, name: str, text: str, **options: Any) -> None:
        self.settings.append(Setting(name, {"help": text, **options}))

    def getini(self, name: str) -> Any:
        return {setting.name: setting.options.get("default") for setting in self.settings}[name]

    def addinivalue_line(self, _name: str, line: str) -> None:
        self.markers.append(line)


def _read_plugin() -> _Parser:
    plugin = importlib.import_module(f"{PACKAGE}.pytest_plugin")
    parser = _Parser()
    plugin.pytest_addoption(parser)
    plugin.pytest_configure(parser)
    return parser


def list_fixtures() -> str:
    """Describe the fixtures."""
    module = f"{PACKAGE}.pytest_plugin"
    plugin = importlib.import_module(module)
    from docstrings import convert

    lines = ["```{eval-rst}", f".. py:currentmodule:: {module}", ""]
    for name in public_names()[module]:
        function = inspect.unwrap(getattr(plugin, name))
        returns = str(function.__annotations__["return"])
        returns = re.sub(r"^Iterator\[(.*)\]$", r"\1", returns)
        text = inspect.getdoc(function) or ""
        lines += [f".. py:data:: {name}", f"   :type: {returns}", ""]
        lines += [f"   {convert(line)}" for line in text.split("\n")] + [""]
    return "\n".join([*lines, "```", ""])


def list_markers() -> str:
    """Describe the markers."""
    lines = []
    for marker in _read_plugin().markers:
        call, _, text = marker.partition("): ")
        lines.append(f"`@pytest.mark.{call})`\n: {text[0].upper()}{text[1:]}.\n")
    return "\n".join(lines)


def list_plugin_options() -> str:
    """Describe the plugin's command-line options, and its settings in pytest.ini."""
    parser = _read_plugin()
    lines = []
    for name, options in parser.options:
        value = options.get("metavar") or "|".join(options.get("choices", ()))
        lines.append(f"`{name}={value}`\n: {options['help']}\n")
    for name, options in parser.settings:
        default = str(options.get("default"))
        value = default.lower() if options.get("type") == "bool" else default
        lines.append(f"`{name} = {value}`\n: {options['help']}\n")
    return "\n".join(lines)


def list_control_routes() -> str:
    """Return the table of the routes of the control API."""
    rows = []
    for route in CONTROL_ROUTES:
        query = ", ".join(f"`{name}`" for name in route.query.__struct_fields__)
        rows.append([f"`{route.method} {route.path}`", route.summary, query])
    return _table(["route", "what it does", "query"], rows)


Part = Callable[..., str]
PARTS: dict[str, Part] = {
    "commands": describe_commands,
    "control-routes": list_control_routes,
    "dialects": list_dialects,
    "engines": list_engines,
    "metrics": list_metrics,
    "otel-metrics": partial(list_metrics, OTEL_FAMILIES),
    "variants": list_variants,
    "own-variants": list_own_variants,
    "fidelity": list_fidelity,
    "endpoints": list_endpoints,
    "faults": list_faults,
    "fixtures": list_fixtures,
    "habits": list_habits,
    "markers": list_markers,
    "names": document_names,
    "network": list_network_behaviours,
    "paces": list_profiles,
    "plugin-options": list_plugin_options,
    "provider-paths": list_provider_paths,
    "streams": list_streams,
    "unshown": list_unshown,
}
PLAIN_PARTS: dict[str, Part] = {**PARTS, "names": describe_names}


def expand(text: str, plain: bool = False) -> str:
    """Return a page with its generated parts inserted.

    Args:
        text: the page, in Markdown.
        plain: generate plain Markdown, without Sphinx directives.
    """
    parts = PLAIN_PARTS if plain else PARTS

    def insert(match: re.Match[str]) -> str:
        name, *arguments = match[1].split()
        return expand(parts[name](*arguments), plain)

    return re.sub(r"^<!-- insert: (.+?) -->$", insert, text, flags=re.MULTILINE)


def find_parts(text: str) -> Iterator[str]:
    """Yield the names of the generated parts of a page."""
    for match in re.finditer(r"^<!-- insert: ([\w-]+)", text, re.MULTILINE):
        yield match[1]
