"""Other mock servers: installs them into a separate folder, and starts them.

A peer that cannot be installed or run is skipped, with a line that says why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measurements.limit import GAP, PIECES, Recording
from measurements.processes import Process, find_free_port, start_server
from measurements.servers import PIECE, Server

__all__ = ["FOLDER", "Peers"]

FOLDER = Path(os.environ.get("OPENAI_MOCKSERVER_PEERS_FOLDER", Path(__file__).parents[1] / "peers"))
AIMOCK, WIREMOCK = "@copilotkit/aimock", "wiremock"
VERSIONS = {AIMOCK: "1.43.0", WIREMOCK: "3.13.2"}
JOURNAL = 1000  # calls in each server's journal, as in that of `serve`


class MissingPeerError(Exception):
    """A peer cannot be installed or run here."""


class Peers:
    """The peers that run here; each sends the events of a recorded response, or equally many."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        self._recording = recording
        self._packages: dict[str, Path] = {}
        for package, program in ((AIMOCK, "node"), (WIREMOCK, "java")):
            try:
                _require(program)
                self._packages[package] = install_package(folder, package)
            except MissingPeerError as error:
                print(f"\n{package.rpartition('/')[2]}: skipped: {error}")

    def list_servers(self) -> list[Server]:
        """Return the peers that stream as fast as they can."""
        servers = []
        if AIMOCK in self._packages:
            servers.append(Server(f"aimock {VERSIONS[AIMOCK]}", self._start_aimock))
        if WIREMOCK in self._packages:
            name = f"WireMock {VERSIONS[WIREMOCK]}, a static body"
            servers.append(Server(name, self._start_wiremock))
        return servers

    def list_paced(self) -> list[Server]:
        """Return the peers that wait `GAP` before each event."""
        if AIMOCK not in self._packages:
            return []
        name = f"aimock {VERSIONS[AIMOCK]}"
        return [Server(name, lambda: self._start_aimock(latency=round(GAP * 1000)))]

    @contextmanager
    def _start_aimock(self, latency: int = 0) -> Iterator[Process]:
        fixture = {"match": {"userMessage": "Hi"}, "response": {"content": PIECE * PIECES}}
        port = find_free_port()
        with TemporaryDirectory() as folder:
            file = _write_json(Path(folder) / "chat.json", {"fixtures": [fixture]})
            program = self._packages[AIMOCK] / "dist" / "cli.js"
            command: list[object] = ["node", program, "--port", port, "--fixtures", file]
            command += ["--chunk-size", len(PIECE), "--latency", latency]
            command += ["--log-level", "silent", "--journal-max", JOURNAL]
            with start_server([str(argument) for argument in command], port) as process:
                yield process

    @contextmanager
    def _start_wiremock(self) -> Iterator[Process]:
        mapping = {
            "request": {"method": "POST", "urlPath": "/v1/chat/completions"},
            "response": {
                "status": 200,
                "headers": {"Content-Type": "text/event-stream; charset=utf-8"},
                "body": self._recording.body.decode(),
            },
        }
        (jar,) = (self._packages[WIREMOCK] / "build").glob("*.jar")
        port = find_free_port()
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "mappings").mkdir()
            _write_json(folder / "mappings" / "chat.json", mapping)
            command: list[object] = ["java", "-jar", jar, "--port", port, "--root-dir", folder]
            command += ["--bind-address", "127.0.0.1", "--disable-banner"]
            command += ["--disable-request-logging", "--max-request-journal-entries", JOURNAL]
            with start_server([str(argument) for argument in command], port) as process:
                yield process


def install_package(folder: Path, package: str) -> Path:
    """Install an npm package, unless it is installed; return its folder."""
    place = folder / package.rpartition("/")[2]
    package_folder = place / "node_modules" / package
    version = VERSIONS[package]
    manifest = package_folder / "package.json"
    if manifest.exists() and json.loads(manifest.read_text())["version"] == version:
        return package_folder
    npm = _require("npm")
    place.mkdir(parents=True, exist_ok=True)
    command = [
        npm,
        "install",
        "--prefix",
        str(place),
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]
    result = subprocess.run([*command, f"{package}@{version}"], capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise MissingPeerError(f"npm cannot install {package}@{version}: {lines[0]}")
    return package_folder


def _require(program: str) -> str:
    program_path = shutil.which(program)
    if program_path is None:
        raise MissingPeerError(f"`{program}` is not installed")
    return program_path


def _write_json(file: Path, content: object) -> Path:
    file.write_text(json.dumps(content))
    return file
