"""The known clients: environments to install them in, and programs that use them as documented.

A program speaks the protocol of `judge.program`: it reads a `Task` as a line, sends its request
with its client, and writes the outcome as a line.
"""

from __future__ import annotations

from openai_mockserver.judge.clients.driver import PATIENCE, PROGRAMS, open_client
from openai_mockserver.judge.clients.environments import (
    SETTINGS,
    build_command,
    find_versions,
    get_folder,
    install,
    is_installed,
)
from openai_mockserver.judge.clients.table import (
    CLIENTS,
    ENVIRONMENTS,
    Client,
    Environment,
    find_client,
)

__all__ = [
    "CLIENTS",
    "ENVIRONMENTS",
    "PATIENCE",
    "PROGRAMS",
    "SETTINGS",
    "Client",
    "Environment",
    "build_command",
    "find_client",
    "find_versions",
    "get_folder",
    "install",
    "is_installed",
    "open_client",
]
