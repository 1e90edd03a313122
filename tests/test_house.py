"""The plan of the house: who may lean on whom, what stays lazy, what is shipped."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module imports only from lower floors, or from those before it on its own.
FLOORS = [
    ["exceptions"],
    ["script", "tokens", "sse", "parts", "reply", "items", "expected"],
    [
        "api.ids",
        "api.layout",
        "api.usage",
        "api.dialects",
        "api.manners",
        "api.headers",
        "api.errors",
        "api.bodies",
        "api.forms",
        "api.schema",
        "api.samples",
        "api.checks",
        "api.structured",
        "api.parameters",
        "api.store",
        "api.endpoint",
        "api.conversation",
        "api.reading",
        "api.limits",
        "api.recut",
        "api.logprobs",
        "api.plain",
        "api.prediction",
        "api.sound",
        "api.chunks",
        "api.chat",
        "api.likeness",
        "api.completions",
        "api.audio",
        "api.form",
        "api.output",
        "api.responses",
        "api.stored",
        "api.resources",
        "api.batches",
        "api.conversations",
        "api.embeddings",
        "api.images",
        "api.models",
        "api.moderations",
        "api.uploads",
        "api.vector_stores",
        "api",
    ],
    [
        "timeline",
        "wire",
        "faults.fault",
        "faults.events",
        "faults.framing",
        "faults.reads",
        "faults.http",
        "faults.coding",
        "faults",
        "pacing",
        "pattern",
        "grammar",
        "languages",
        "prose",
        "conform",
        "generate",
        "cassettes.stream_file",
        "cassettes.redact",
        "cassettes.writer",
        "cassettes.recorder",
        "cassettes.cassette",
        "cassettes.importers",
        "cassettes",
    ],
    ["catalogue", "journal", "rules"],
    [
        "server.peer",
        "server.protocol",
        "server.player",
        "server.relay",
        "server.app",
        "server.runner",
        "server",
        "transport",
    ],
    ["mock"],
    [
        "corpus",
        "scenario",
        "replay",
        "show.values",
        "show.says",
        "show.received",
        "show.odd",
        "show.drawing",
        "show",
        "strategies.said",
        "strategies.habits",
        "strategies.cuts",
        "strategies.breaks",
        "strategies.conversation",
        "strategies.drawn",
        "strategies.agent",
        "strategies",
    ],
    ["cli", "__main__", ""],
]
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}


def modules() -> dict[str, Path]:
    """Every module of the library, by its name below the package."""
    package = ROOT / "mockserver" / "openai_mockserver"
    found = {}
    for file in sorted(package.rglob("*.py")):
        name = ".".join(file.relative_to(package).with_suffix("").parts)
        found[name.removesuffix("__init__").removesuffix(".")] = file
    return found


def imported(file: Path) -> set[str]:
    """The modules of ours that a file imports as it is loaded."""
    names: set[str] = set()
    tree = ast.parse(file.read_text())
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openai_mockserver"):
            module = (node.module or "").removeprefix("openai_mockserver").removeprefix(".")
            inner = {f"{module}.{alias.name}".removeprefix(".") for alias in node.names}
            names |= {name if name in FLOOR else module for name in inner}
    return names


def test_every_module_has_a_floor() -> None:
    assert set(modules()) == set(FLOOR)


@pytest.mark.parametrize("name", modules())
def test_imports_go_down(name: str) -> None:
    for other in imported(modules()[name]) - {name}:
        own_package = name == other.rpartition(".")[0]
        assert FLOOR[other] <= FLOOR[name], f"{name} imports {other}, which is above it"
        assert own_package or name != other.rpartition(".")[0]


def test_there_are_no_circles() -> None:
    graph = {name: imported(file) - {name, ""} for name, file in modules().items()}
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert done == set(graph)


@pytest.mark.parametrize("name", modules())
def test_every_file_says_what_lives_there(name: str) -> None:
    tree = ast.parse(modules()[name].read_text())
    assert ast.get_docstring(tree)


def test_every_public_name_is_there() -> None:
    import openai_mockserver

    for name in openai_mockserver.__all__:
        assert getattr(openai_mockserver, name) is not None
    assert set(openai_mockserver.__all__) == set(openai_mockserver._MODULE_OF)
    with pytest.raises(AttributeError, match="has no attribute 'Replay'"):
        _ = openai_mockserver.Replay


def test_importing_the_package_imports_no_module_of_it() -> None:
    code = "import sys, openai_mockserver\n"
    code += "print([m for m in sys.modules if m.startswith('openai_mockserver.')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def run(*command: object) -> str:
    """What a command prints."""
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_wheel_has_one_top_level_name_and_all_its_data(tmp_path: Path) -> None:
    """Built, installed into a fresh environment, and used there."""
    run(sys.executable, "-m", "build", "--outdir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in packed}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"openai_mockserver"}
    assert "openai_mockserver/api/validation/schema.json" in packed
    data = {
        f"openai_mockserver/{f.relative_to(ROOT)}" for f in (ROOT / "fixtures").rglob("*.jsonl")
    }
    assert (
        data | {"openai_mockserver/py.typed", "openai_mockserver/pytest_plugin/__init__.py"}
        <= packed
    )

    fresh = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", fresh)
    run(fresh / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    (site,) = fresh.glob("lib/*/site-packages")
    assert not [top for top in ("fixtures", "pytest_plugin", "tests") if (site / top).exists()]
    assert "tool-calls-parallel" in run(fresh / "bin" / "openai-mockserver", "streams")
    without = "from openai_mockserver import MockOpenAI, MissingDependency\n"
    without += "try: MockOpenAI().client()\nexcept MissingDependency as told: print(told)"
    told = run(fresh / "bin" / "python", "-c", without)
    assert told == "this needs the openai package: pip install openai\n"
