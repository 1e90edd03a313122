"""The loopback player: a real server on a real socket."""

from __future__ import annotations

from openai_mockserver.server.door import Door
from openai_mockserver.server.runner import Loopback, bind, serve

__all__ = ["Door", "Loopback", "bind", "serve"]
