"""An environment for each client, in the user's cache: a virtual one, or a folder for npm.

``OPENAI_MOCKSERVER_CLIENTS_FOLDER`` says where they are. A client whose packages are there is not
installed again; to get a newer version, remove its folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.clients.table import Environment

__all__ = ["SETTINGS", "build_command", "find_versions", "get_folder", "install", "is_installed"]

INSTALLED = "installed.json"  # written last, so that an incomplete installation is repeated

_CLOSED = "http://127.0.0.1:9"
SETTINGS = {
    "HTTP_PROXY": _CLOSED,
    "HTTPS_PROXY": _CLOSED,
    "ALL_PROXY": _CLOSED,
    "NO_PROXY": "127.0.0.1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
"""The environment variables of programs: only the mock can be reached, telemetry is off."""


def get_folder(environment: Environment) -> Path:
    """Return the folder of an environment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = (
        os.environ.get("OPENAI_MOCKSERVER_CLIENTS_FOLDER")
        or cache / "openai-mockserver" / "clients"
    )
    return Path(root) / environment.name


def is_installed(environment: Environment) -> bool:
    """Return whether the packages of an environment are installed."""
    try:
        packages = json.loads((get_folder(environment) / INSTALLED).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(packages == list(environment.packages))


def install(environment: Environment) -> None:
    """Install the packages of an environment, unless they are installed.

    Raises:
        CheckError: they cannot be installed, for example because there is no network.
    """
    if is_installed(environment):
        return
    root = get_folder(environment)
    try:
        _install(environment, root)
    except OSError as error:
        raise CheckError(f"cannot install {environment.name} in {root}: {error}") from None
    except subprocess.CalledProcessError as error:
        output = (error.stderr or error.stdout or b"").decode("utf-8", "replace").strip()
        lines = [line.strip() for line in output.splitlines() if "error" in line.lower()]
        cause = lines[-1] if lines else output[-300:] or f"exit code {error.returncode}"
        tool = "npm" if environment.language == "JavaScript" else "pip"
        raise CheckError(
            f"cannot install {environment.name} ({' '.join(environment.packages)}) with {tool}: "
            f"{cause}"
        ) from None


def _install(environment: Environment, root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    if environment.language == "Python":
        venv.create(root, clear=True, symlinks=os.name != "nt", with_pip=True)
        tool = [str(root / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    else:
        # Without a package.json, npm would install into the nearest parent folder that has one.
        (root / "package.json").write_text('{"private": true}')
        tool = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    command = [*tool, *environment.packages]
    subprocess.run(command, cwd=root, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (root / INSTALLED).write_text(json.dumps(environment.packages))


def build_command(environment: Environment, program: Path, *arguments: str) -> list[str]:
    """Return the command that runs a program in an environment, whose packages are installed."""
    if environment.language == "Python":
        return [str(get_folder(environment) / "bin" / "python"), str(program), *arguments]
    # Node looks for packages relative to the program.
    beside = get_folder(environment) / "-".join(program.parent.parts[-3:])
    programs = shutil.copytree(program.parent, beside, dirs_exist_ok=True)
    return ["node", str(programs / program.name), *arguments]


def find_versions(environment: Environment) -> dict[str, str]:
    """Return the versions of an environment's packages, and of OpenAI's SDK if it is there."""
    names = dict.fromkeys([*(name.partition("[")[0] for name in environment.packages), "openai"])
    read = _find_python if environment.language == "Python" else _find_javascript
    found = read(get_folder(environment), list(names))
    return {name: found[name] for name in names if name in found}


def _find_python(folder: Path, names: Sequence[str]) -> dict[str, str]:
    command = [str(folder / "bin" / "python"), "-m", "pip", "list", "--format=json"]
    packages = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {package["name"]: package["version"] for package in packages}


def _find_javascript(folder: Path, names: Sequence[str]) -> dict[str, str]:
    files = {name: folder / "node_modules" / name / "package.json" for name in names}
    return {
        name: json.loads(file.read_text("utf-8"))["version"]
        for name, file in files.items()
        if file.is_file()
    }
