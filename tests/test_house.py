"""The plan of the house: which module may import which, what they are called, what is shipped."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import openai_mockserver
from commands import needs_index, run

ROOT = Path(__file__).parents[1]
PACKAGE = "openai_mockserver"
SOURCE = ROOT / "mockserver" / PACKAGE

# From the bottom up. A module imports from lower floors and from those before it on its own; the
# modules of a package stand in the order in which they may import each other, before the package.
FLOORS = """
    exceptions limits declared sensitive models seed bounded_input json_path script sse
        timeline http1 pacing tokens

    reply: text content usage errors reply serialization limits retokenize
    items stream_value

    dialects: template json_style usage responses completions realtime variants dialect chat
        content_filter
    dialects.providers: azure bedrock cerebras cloudflare dashscope databricks deepseek fireworks
        gemini groq hugging_face litellm llama_cpp lm_studio mistral ollama openai openrouter others
        perplexity sglang snowflake together vercel vllm writer xai zai
    dialects: registry paths

    api: disk_bytes
    api.validation: schema structured_output checks
    api: ids headers errors
    api.validation: parameters
    api: announcer store jobs context endpoint compiled compiled_replies routes envelope json_body
        multipart decode messages logprobs prediction text_only
    api.chat: sequence message dialect_writer openai_writer reader renderer store endpoints
    api: completions
    api.audio: tones transcriptions speech endpoints
    api.resources: placeholders pagination states operations timed mp4 batch_lines batches
        conversations decisions embeddings evals fine_tuning images models moderations uploads
        vector_stores videos webhook_endpoints
    api.responses: usage items events envelope limits reader renderer background stored
        history store endpoints
    api.agents: live turn sessions
    api.assistants: objects prompt parts writer timing threads pending runs
    api.realtime: sound config reader calls events renderer
    api.live: config events reader sessions
    api: detection endpoints

    request
    faults: fault endings event_stream events payloads chunk_changes habits variations reads http
        compression websocket chances parser argument_types
    engine: capacity windows admission prefix scheduler live simulation profiles
    cassettes: stream_file content_coding secret_text redact writer recorder
        recorded_request normalization matching cassette
    cassettes.importers: recording exchange yaml_loader file wire bodies stream_file document
        chunks vcr go_vcr har curl httprr httpmock nock azure_proxy seinfeld req_llm body_file
        wiremock postman mockoon datadog llmock rendered aimock ai_sdk formats
    cassettes.sessions: file recorder formats
    generate: languages addresses question phrases english samples pen text
        mentions regex lark_reader lark_grammar schema_check json_schema reply

    rules: answer matcher pattern rule rulebook
    upstream access
    cassettes.exporters: recording event_stream chunks vcr har curl wiremock formats
    sessions: session framing lanes cache messages steering running responses replay
    sessions.realtime: errors conversation progress speech transcripts session translation
    sessions.live: errors events fixture hearing playing stage state wire delegation decisions
        turns session
    journal: snapshot call attempts memory follow filters journal
    metrics: families measure alike counts prometheus otel
    state: sandboxes protocol memory codec shared windows sqlite redis opening
    catalogue
    webhooks: event_types signing message schedule faults delivery receivers courier
        sender registered
    dispatch: options version exchange bodies answers dress refuse route validate capacity choose
        render pending dispatcher

    server: door peer protocol engines slices player connect pool relay worker side functions
        websocket_relay websocket app runner shared_address
    transport clients interception

    sources
    scenario: descriptions patterns templates loader rule_json
    show: format summaries decode lint meanings terminal sessions
    cassettes.analysis: reading provider statistics scrubbing secret_files calibration
        engine_calibration wire_form difference drift_rules drift tables
    page: files
    control: version problem steerable routing page shapes webhook_shapes webhooks health metrics
        highlights summaries rules har calls follow settings sandboxes recordings response_events
        near_misses choices copies engine routes openapi control

    mock: sandbox doors rule_builder recording recorded_calls report mock_openai
        remote_jobs remote
    unittest

    scenario_schema: schema
    files mistakes corpus
    reload: reloader watch watcher
    workers: channel counter member merging following group supervisor
    strategies: conversation reply_bytes plain_chunks variations splits failures strategy agent
    judge: outcome comparison completion cases consumer program post reading json_file relay grading
        gateway runner report checking application drawing terminal
    judge.reports: status recipes details page junit markdown badge
    judge.clients: table environments driver

    cli: environment log address engine limits steering hangup tls webhooks telemetry workers
        serve health generate record show import_ export cassettes streams faults check trigger
        listen validate schema program
    __main__
"""
HAND_WRITTEN_LINES = 600
MODULES_SIDE_BY_SIDE = 30


def order() -> list[str]:
    """Return the modules from the bottom up; a package follows the last of its modules."""
    modules: list[str] = []
    for floor in re.sub(r"\n {8,}", " ", FLOORS).split("\n"):
        package, colon, names = floor.strip().rpartition(":")
        modules += [f"{package}.{name}" if colon else name for name in names.split()]
    packages = {name.rpartition(".")[0] for name in modules} | {"api"}
    for package in sorted(packages - {""}, key=lambda name: -name.count(".")):
        last = max(n for n, name in enumerate(modules) if name.startswith(f"{package}."))
        modules.insert(last + 1, package)
    # The package itself imports what users import, up to the mock.
    modules.insert(modules.index("mock") + 1, "")
    return modules


ORDER = {name: rank for rank, name in enumerate(order())}


def modules() -> dict[str, Path]:
    """Return every module of the library, by its name below the package.

    Programs are data: they run in other environments.
    """
    modules = {}
    for file in sorted(file for file in SOURCE.rglob("*.py") if file.parent.name != "programs"):
        name = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        modules[name.removesuffix("__init__").removesuffix(".")] = file
    return modules


MODULES = modules()


def find_imports(tree: ast.AST) -> Iterator[str]:
    """Yield the library's modules that a file imports, also in functions and conditions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (n.partition(".")[2] for n in names if n.partition(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            top, _, module = (node.module or "").partition(".")
            for alias in node.names if top == PACKAGE else ():
                inner = f"{module}.{alias.name}".removeprefix(".")
                yield inner if inner in MODULES else module


@functools.cache
def tree(name: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(MODULES[name].read_text())


@functools.cache
def imports(name: str) -> frozenset[str]:
    """Return the library's modules that a module imports."""
    return frozenset(find_imports(tree(name))) - {name}


# Imports


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == set(ORDER)
    assert len(ORDER) == len(order()), "a module stands in one place"


def test_imports_go_down() -> None:
    pairs = [(name, other) for name in MODULES for other in imports(name)]
    up = [f"{name} imports {other}" for name, other in pairs if ORDER[other] > ORDER[name]]
    assert not up, "\n".join(["what stands above it:", *up])


def test_there_are_no_circles() -> None:
    ready_names: set[str] = set()
    graph = {name: imports(name) for name in MODULES}
    while ready := {
        name for name, needs in graph.items() if name not in ready_names and needs <= ready_names
    }:
        ready_names |= ready
    assert ready_names == set(graph), f"these import each other: {set(graph) - ready_names}"


def test_imports_are_found_at_every_depth() -> None:
    pattern = """
if TYPE_CHECKING:
    from openai_mockserver.mock import MockOpenAI
def late():
    import openai_mockserver.journal
    from openai_mockserver.api import chat
"""
    assert set(find_imports(ast.parse(pattern))) == {"mock", "journal", "api.chat"}


# Names and sizes


def test_every_file_has_a_docstring() -> None:
    assert [name for name in MODULES if not ast.get_docstring(tree(name))] == []


@pytest.mark.parametrize("package", [name for name, f in MODULES.items() if f.stem == "__init__"])
def test_no_module_has_the_name_of_a_public_value(package: str) -> None:
    """Importing the module would hide the value."""
    whole = importlib.import_module(f"{PACKAGE}.{package}".rstrip("."))
    public = set(getattr(whole, "__all__", ()))
    prefix = f"{package}." if package else ""
    inner = {name.removeprefix(prefix) for name in MODULES if name.startswith(prefix)}
    assert not public & inner


def test_no_file_is_too_long() -> None:
    lines = {name: len(file.read_text().splitlines()) for name, file in MODULES.items()}
    assert [name for name, count in lines.items() if count > HAND_WRITTEN_LINES] == []


@pytest.mark.parametrize("folder", sorted({file.parent for file in MODULES.values()}), ids=str)
def test_no_package_has_too_many_modules(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MODULES_SIDE_BY_SIDE


def test_the_documented_way_of_a_request_is_right() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("## The way of a request")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \**`([\w.]+)`\** \| `([\w/]+)` \|", section, re.MULTILINE)
    assert len(rows) > 15
    for name, place in rows:
        module = importlib.import_module(f"{PACKAGE}.{place.replace('/', '.')}")
        owner, _, attribute = name.rpartition(".")
        if not hasattr(module, owner or attribute):  # it is the endpoint's, whose field it fills
            assert owner == "Endpoint"
            owner = ""
        assert hasattr(getattr(module, owner) if owner else module, attribute), (name, place)


# What is public


def public_names() -> dict[str, set[str]]:
    """Return the public names by module, as CONTRIBUTING lists them."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("## Public names")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}


PUBLIC = public_names()


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_listed(module: str) -> None:
    whole = importlib.import_module(module)
    assert set(whole.__all__) == PUBLIC[module]
    for name in whole.__all__:
        assert getattr(whole, name) is not None


def test_what_users_import_is_listed() -> None:
    assert {PACKAGE, f"{PACKAGE}.faults", f"{PACKAGE}.strategies"} <= set(PUBLIC)
    assert set(openai_mockserver.__all__) == set(openai_mockserver._MODULE_OF)
    with pytest.raises(AttributeError, match="has no attribute 'Replay'"):
        _ = openai_mockserver.Replay
    text = "".join(file.read_text() for file in (ROOT / "docs").rglob("*.md"))
    text += (ROOT / "README.md").read_text()
    for module, names in re.findall(rf"from ({PACKAGE}[\w.]*) import ([\w, ]+)", text):
        assert module in PUBLIC or module == f"{PACKAGE}.api", module
        if module in PUBLIC:
            inner = {n for n in names.split(", ") if f"{module}.{n}" not in PUBLIC}
            assert inner <= PUBLIC[module], f"{module}: {inner - PUBLIC[module]}"


def test_importing_the_package_imports_no_module_of_it() -> None:
    code = "import sys, openai_mockserver\n"
    code += "print([m for m in sys.modules if m.startswith('openai_mockserver.')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# What is shipped


def test_the_list_of_packages_is_complete() -> None:
    """It is written out, because automatic discovery misses the two mapped packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    setuptools = project["tool"]["setuptools"]
    packages = {
        ".".join(file.parent.relative_to(SOURCE.parent).parts)
        for file in SOURCE.rglob("__init__.py")
    }
    mapped_packages = {f"{PACKAGE}.fixtures", f"{PACKAGE}.pytest_plugin"}
    assert set(setuptools["packages"]) == packages | mapped_packages
    assert set(setuptools["package-dir"]) == mapped_packages | {""}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
@needs_index
def test_the_wheel_has_one_top_level_name_and_all_its_data(wheel: Path, tmp_path: Path) -> None:
    """It is built, installed into a new environment, and used there."""
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {PACKAGE}
    assert f"{PACKAGE}/api/validation/schema.json" in names
    data = {f"{PACKAGE}/{f.relative_to(ROOT)}" for f in (ROOT / "fixtures").rglob("*.jsonl")}
    assert data | {f"{PACKAGE}/py.typed", f"{PACKAGE}/pytest_plugin/__init__.py"} <= names
    assert {f"{PACKAGE}/{file.relative_to(SOURCE)}" for file in MODULES.values()} <= names

    fresh = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", fresh)
    run(fresh / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    (site,) = fresh.glob("lib/*/site-packages")
    assert not [top for top in ("fixtures", "pytest_plugin", "tests") if (site / top).exists()]
    assert "tool-calls-parallel" in run(fresh / "bin" / "openai-mockserver", "streams")
    without = f"from {PACKAGE} import MockOpenAI, MissingDependency\n"
    without += "try: MockOpenAI().client()\nexcept MissingDependency as error: print(error)"
    output = run(fresh / "bin" / "python", "-c", without)
    assert output == "this needs the openai package: pip install openai\n"


@pytest.mark.slow
@needs_index
def test_it_is_installed_beside_the_client_of_mockserver(wheel: Path, tmp_path: Path) -> None:
    """MockServer's client uses `mockserver` as import name, entry point and command."""
    fresh = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", fresh)
    pip = [fresh / "bin" / "python", "-m", "pip", "install", "--quiet"]
    run(*pip, wheel, "openai", "pytest", "mockserver-client")
    test = tmp_path / "test_both.py"
    test.write_text(
        "import mockserver\n"
        "from openai import OpenAI\n\n"
        "def test_both(mock_openai):\n"
        "    mock_openai.reply('Hello')\n"
        "    chat = OpenAI().chat.completions.create(\n"
        "        model='gpt-4o', messages=[{'role': 'user', 'content': 'Hi'}])\n"
        "    assert chat.choices[0].message.content == 'Hello'\n"
        "    assert 'openai_mockserver' not in mockserver.__file__\n"
    )
    output = run(fresh / "bin" / "python", "-m", "pytest", "-q", test, cwd=tmp_path)
    assert "1 passed" in output
    file_list = run(fresh / "bin" / "python", "-m", "pip", "show", "--files", "openai-mockserver")
    files = file_list.partition("Files:")[2].split()
    assert not [file for file in files if file.startswith("mockserver/")]


def test_a_plain_installation_adds_no_other_pytest_plugin() -> None:
    """Faker's plugin, for example, imports all of Faker in every run of its users."""
    names: set[str] = set()
    todo = ["openai-mockserver"]
    while todo:
        name = todo.pop()
        if name.lower() in names:
            continue
        try:
            requirements = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue  # it is for another system
        names.add(name.lower())
        for requirement in requirements:
            if "extra ==" not in requirement and "python_version" not in requirement:
                todo.append(re.split(r"[^A-Za-z0-9._-]", requirement)[0])
    plugins = {
        plugin.dist.name
        for plugin in importlib.metadata.entry_points(group="pytest11")
        if plugin.dist is not None and plugin.dist.name.lower() in names
    }
    assert {"starlette", "uvicorn", "msgspec"} < names
    assert plugins <= {"openai-mockserver", "anyio"}, "anyio comes with starlette and with openai"


@pytest.mark.slow
def test_a_clone_does_not_shadow_what_is_installed() -> None:
    """Run both commands from the root of a clone."""
    output = run(sys.executable, "-m", "pytest", "-q", "examples/quickstart", cwd=ROOT)
    assert "4 passed" in output
    streams = run(sys.executable, "-m", PACKAGE, "streams", cwd=ROOT)
    assert "tool-calls-parallel" in streams
