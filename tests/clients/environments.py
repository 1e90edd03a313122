"""An environment for each client, outside the repository: a virtual one, or a folder of npm's.

Where they are is `OPENAI_MOCKSERVER_CLIENTS_FOLDER`'s to say; a client whose packages are there is
not installed again, so that its folder's removal is what brings a newer version.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

from clients.table import Client

__all__ = ["command", "install", "versions"]

PROGRAMS = Path(__file__).parent / "programs"
INSTALLED = "installed.json"  # written last: an installation that broke off is done again


def folder(client: Client) -> Path:
    """Where a client is, or will be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = (
        os.environ.get("OPENAI_MOCKSERVER_CLIENTS_FOLDER")
        or cache / "openai-mockserver" / "clients"
    )
    return Path(root) / client.name


def install(client: Client) -> None:
    """Install a client, unless it is there."""
    root = folder(client)
    done = root / INSTALLED
    if done.is_file() and json.loads(done.read_text()) == list(client.packages):
        return
    root.mkdir(parents=True, exist_ok=True)
    if client.language == "Python":
        venv.create(root, clear=True, symlinks=os.name != "nt", with_pip=True)
        tool = [str(root / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    else:
        # A folder without a package.json is installed into the next one above it that has one.
        (root / "package.json").write_text('{"private": true}')
        tool = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run([*tool, *client.packages], cwd=root, check=True)
    done.write_text(json.dumps(client.packages))


def command(client: Client, way: str, program: Path | None = None) -> list[str]:
    """What runs a client's program in one way, or another program in its environment."""
    program = program or PROGRAMS / client.program
    if client.language == "Python":
        return [str(folder(client) / "bin" / "python"), str(program), way]
    # Node finds packages from where the program is.
    beside = folder(client) / program.parent.parent.name
    programs = shutil.copytree(program.parent, beside, dirs_exist_ok=True)
    return ["node", str(programs / program.name), way]


def versions(client: Client) -> dict[str, str]:
    """The versions of a client's packages, and of OpenAI's SDK where the client stands on it."""
    names = dict.fromkeys([*(name.partition("[")[0] for name in client.packages), "openai"])
    if client.language == "Python":
        told = [str(folder(client) / "bin" / "python"), "-m", "pip", "list", "--format=json"]
        listed = json.loads(subprocess.run(told, capture_output=True, check=True).stdout)
        installed = {package["name"]: package["version"] for package in listed}
    else:
        modules = folder(client) / "node_modules"
        files = {name: modules / name / "package.json" for name in names}
        installed = {
            name: json.loads(file.read_text("utf-8"))["version"]
            for name, file in files.items()
            if file.is_file()
        }
    return {name: installed[name] for name in names if name in installed}
