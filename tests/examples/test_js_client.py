"""The npm package in clients/js passes its tests, and its examples pass theirs in real runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chromium import needs_chromium

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "js"
VITEST = ROOT / "examples" / "vitest"
PLAYWRIGHT = ROOT / "examples" / "playwright"

PAGE = ROOT / "docs" / "how-to" / "javascript.md"
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def run(folder: Path, *command: str) -> str:
    """Return the output of a command, which finds the server of this environment."""
    if not (folder / "node_modules").is_dir():
        pytest.skip(f"{folder.relative_to(ROOT)}/node_modules is missing: run scripts/install")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def fresh_package() -> None:
    """Build the package, and copy it to the examples, whose installed copies may be older."""
    run(CLIENT, "npm", "run", "build")
    for example in (VITEST, PLAYWRIGHT):
        copy = example / "node_modules" / "openai-mockserver"
        if copy.is_dir():
            shutil.copytree(CLIENT / "dist", copy / "dist", dirs_exist_ok=True)


@pytest.mark.node
@pytest.mark.slow
@needs_npm
@pytest.mark.usefixtures("fresh_package")
def test_the_package() -> None:
    run(CLIENT, "npm", "run", "check")
    run(CLIENT, "npx", "vitest", "run")


@pytest.mark.node
@pytest.mark.slow
@needs_npm
@pytest.mark.usefixtures("fresh_package")
def test_the_example_with_vitest() -> None:
    run(VITEST, "npm", "run", "check")
    run(VITEST, "npm", "test")


@pytest.mark.browser
@pytest.mark.node
@pytest.mark.slow
@needs_chromium
@needs_npm
@pytest.mark.usefixtures("fresh_package")
def test_the_example_with_playwright() -> None:
    run(PLAYWRIGHT, "npm", "run", "check")
    report = json.loads(run(PLAYWRIGHT, "npx", "playwright", "test", "--reporter=json"))
    results = list_results(report)
    assert [result["status"] for result in results] == ["passed"] * 4
    assert {result["workerIndex"] for result in results} == {0, 1}


def list_results(report: dict[str, Any]) -> list[dict[str, Any]]:
    specs = [spec for suite in report["suites"] for spec in suite["specs"]]
    return [result for spec in specs for test in spec["tests"] for result in test["results"]]


def test_the_page_shows_parts_of_the_examples() -> None:
    pattern = r"^```ts\n// (examples/\S+)\n(.*?)^```"
    blocks = re.findall(pattern, PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 4
    for name, text in blocks:
        assert text in (ROOT / name).read_text("utf-8"), f"{name} has no such part:\n{text}"


def test_the_versions_are_equal() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in ("package.json", "package-lock.json"):
        assert json.loads((CLIENT / name).read_text())["version"] == project["version"]


@pytest.mark.parametrize("folder", [CLIENT, VITEST, PLAYWRIGHT], ids=lambda folder: folder.name)
def test_locked_packages_come_from_the_public_registry(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text())
    sources = [package.get("resolved", "") for package in lock["packages"].values()]
    public = ("https://registry.npmjs.org/", "file:../../clients/js")
    assert [source for source in sources if source and not source.startswith(public)] == []
