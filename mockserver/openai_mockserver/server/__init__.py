"""The loopback server: plays scripts on real sockets."""

from __future__ import annotations

from openai_mockserver.server.door import Door
from openai_mockserver.server.runner import Loopback, bind, serve
from openai_mockserver.server.shared_address import Claim, SharedAddress

__all__ = ["Claim", "Door", "Loopback", "SharedAddress", "bind", "serve"]
