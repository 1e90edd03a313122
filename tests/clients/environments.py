"""An environment for each client, outside the repository: a virtual one, or a folder for npm.

`OPENAI_MOCKSERVER_CLIENTS_FOLDER` says where they are. A client whose packages are there is not
installed again; to get a newer version, remove its folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

from clients.table import Client

__all__ = ["build_command", "find_versions", "install"]

PROGRAMS = Path(__file__).parent / "programs"
INSTALLED = "installed.json"  # written last, so that an incomplete installation is repeated


def get_folder(client: Client) -> Path:
    """Return the folder of a client."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = (
        os.environ.get("OPENAI_MOCKSERVER_CLIENTS_FOLDER")
        or cache / "openai-mockserver" / "clients"
    )
    return Path(root) / client.name


def install(client: Client) -> None:
    """Install a client, unless it is installed."""
    root = get_folder(client)
    marker = root / INSTALLED
    if marker.is_file() and json.loads(marker.read_text()) == list(client.packages):
        return
    root.mkdir(parents=True, exist_ok=True)
    if client.language == "Python":
        venv.create(root, clear=True, symlinks=os.name != "nt", with_pip=True)
        tool = [str(root / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    else:
        # Without a package.json, npm would install into the nearest parent folder that has one.
        (root / "package.json").write_text('{"private": true}')
        tool = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run([*tool, *client.packages], cwd=root, check=True)
    marker.write_text(json.dumps(client.packages))


def build_command(client: Client, way: str, program: Path | None = None) -> list[str]:
    """Return the command that runs a client's program, or another one in its environment."""
    program = program or PROGRAMS / client.program
    if client.language == "Python":
        return [str(get_folder(client) / "bin" / "python"), str(program), way]
    # Node looks for packages relative to the program.
    beside = get_folder(client) / program.parent.parent.name
    programs = shutil.copytree(program.parent, beside, dirs_exist_ok=True)
    return ["node", str(programs / program.name), way]


def find_versions(client: Client) -> dict[str, str]:
    """Return the versions of a client's packages, and of OpenAI's SDK if the client uses it."""
    names = dict.fromkeys([*(name.partition("[")[0] for name in client.packages), "openai"])
    if client.language == "Python":
        command = [str(get_folder(client) / "bin" / "python"), "-m", "pip", "list", "--format=json"]
        packages = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        found_versions = {package["name"]: package["version"] for package in packages}
    else:
        modules = get_folder(client) / "node_modules"
        files = {name: modules / name / "package.json" for name in names}
        found_versions = {
            name: json.loads(file.read_text("utf-8"))["version"]
            for name, file in files.items()
            if file.is_file()
        }
    return {name: found_versions[name] for name in names if name in found_versions}
