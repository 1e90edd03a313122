"""Runs the catalogue over known clients and gateways, and writes docs/conformance/.

Rules of this file: what is run, and how a gateway is started. The reports, as JSON, are kept in the
folder of the clients, so that the pages can be written from those of several runs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec.json

import conformance_pages
from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.clients import (
    CLIENTS,
    SETTINGS,
    Environment,
    find_versions,
    get_folder,
    install,
)

TEMPLATES = Path(__file__).parent / "gateways"
PAGES = Path(__file__).parents[1] / "docs" / "conformance"
WORKERS = "2"

LITELLM = Environment("litellm-proxy", ("litellm[proxy]",))


@dataclass(frozen=True)
class Gateway:
    """A gateway or proxy that is started before the mock.

    Args:
        name: its name.
        command: the command that starts it, with ``{folder}``, ``{config}`` and ``{port}``.
        config: the template of its configuration, in `TEMPLATES`.
        environment: where it is installed; None takes it from the system.
        version: the command that prints its version.
        headers: headers that it needs, with ``{upstream}``, the port of the mock.
    """

    name: str
    command: tuple[str, ...]
    config: str = ""
    environment: Environment | None = None
    version: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


GATEWAYS = (
    Gateway(
        "litellm-proxy",
        ("{root}/bin/litellm", "--config", "{config}", "--host", "127.0.0.1", "--port", "{port}"),
        "litellm.yaml",
        LITELLM,
    ),
    Gateway(
        "nginx", ("nginx", "-p", "{folder}", "-c", "{config}"), "nginx.conf", None, ("nginx", "-v")
    ),
    Gateway(
        "haproxy", ("haproxy", "-db", "-f", "{config}"), "haproxy.cfg", None, ("haproxy", "-v")
    ),
    Gateway(
        "caddy",
        ("caddy", "run", "--adapter", "caddyfile", "--config", "{config}"),
        "Caddyfile",
        None,
        ("caddy", "version"),
    ),
)


def find_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its names replaced; other braces stay."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def check_client(name: str, report: Path) -> None:
    """Check a known client, and write its report."""
    run_check(["--client", name, "-n", WORKERS], report)


def check_gateway(gateway: Gateway, report: Path) -> None:
    """Start a gateway before the mock, check it, and write its report."""
    if gateway.environment is not None:
        install(gateway.environment)
    elif shutil.which(gateway.command[0]) is None:
        raise CheckError(f"{gateway.command[0]} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        port, upstream = find_port(), find_port()
        config = Path(folder) / gateway.config if gateway.config else None
        values = {
            "folder": folder,
            "config": str(config),
            "port": str(port),
            "upstream": str(upstream),
            "root": str(get_folder(gateway.environment)) if gateway.environment else "",
        }
        if config is not None:
            template = (TEMPLATES / gateway.config).read_text("utf-8")
            config.write_text(fill(template, values), "utf-8")
        headers = [f"{name}: {fill(value, values)}" for name, value in gateway.headers.items()]
        target = ["--gateway", f"http://127.0.0.1:{port}/v1", "--listen", f"127.0.0.1:{upstream}"]
        command = [fill(part, values) for part in gateway.command]
        arguments = [*target, *(f"--header={header}" for header in headers), "--", *command]
        run_check(arguments, report, {**SETTINGS, "HOME": folder})
    complete_report(gateway, report)


def complete_report(gateway: Gateway, report: Path) -> None:
    """Add the name and the version of a gateway to its report, which has only its URL."""
    content = msgspec.json.decode(report.read_bytes())
    content |= {"consumer": gateway.name, "versions": find_gateway_versions(gateway)}
    report.write_bytes(msgspec.json.encode(content))


def find_gateway_versions(gateway: Gateway) -> dict[str, str]:
    """Return the version of a gateway."""
    if gateway.environment is not None:
        return find_versions(gateway.environment)
    printed = subprocess.run(gateway.version, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[.\d]*", printed.stdout + printed.stderr)
    return {gateway.name: found[0]} if found else {}


def run_check(
    arguments: Sequence[str], report: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run `openai-mockserver check`, and write its report."""
    unfinished = report.with_suffix(".part")
    command = [sys.executable, "-m", "openai_mockserver", "check", "--json", str(unfinished)]
    done = subprocess.run(
        [*command, *arguments],
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        unfinished.unlink(missing_ok=True)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise CheckError(lines[-1] if lines else f"exit code {done.returncode}")
    unfinished.replace(report)
    print(done.stdout.splitlines()[-1], flush=True)


def list_jobs(names: Sequence[str]) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Yield the name of each chosen consumer, and the function that checks it."""
    jobs: dict[str, Callable[[Path], None]] = {
        **{client.name: partial(check_client, client.name) for client in CLIENTS},
        **{gateway.name: partial(check_gateway, gateway) for gateway in GATEWAYS},
    }
    for name in names:
        if name not in jobs:
            raise CheckError(f"no client or gateway is called {name!r}: {', '.join(jobs)}")
    yield from ((name, job) for name, job in jobs.items() if not names or name in names)


def main() -> None:
    """Run the chosen checks, and write the pages from all reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="clients and gateways; by default all")
    parser.add_argument("--pages", action="store_true", help="only write the pages")
    options = parser.parse_args()
    folder = get_folder(Environment("reports", ()))
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, job in [] if options.pages else list(list_jobs(options.names)):
        started = time.monotonic()
        try:
            job(folder / f"{conformance_pages.get_slug(name)}.json")
        except CheckError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    reports = [msgspec.json.decode(file.read_bytes()) for file in folder.glob("*.json")]
    names = [client.name for client in CLIENTS] + [gateway.name for gateway in GATEWAYS]
    conformance_pages.write_pages(PAGES, reports, names)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
