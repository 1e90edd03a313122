"""Faults: functions that take a script and return the script with something wrong in it.

`openai_mockserver.faults.fault` states the rules. Each of the other modules holds the faults of
one part of a response: its end, its events, their payloads, the event-stream format, the reads,
HTTP, the content coding, or the frames of a WebSocket. `variations` has one that applies any habit
of another server, and `chances` one that applies others to some responses only.
"""

from __future__ import annotations

from openai_mockserver.faults.chances import chance
from openai_mockserver.faults.compression import *  # noqa: F403
from openai_mockserver.faults.endings import *  # noqa: F403
from openai_mockserver.faults.event_stream import *  # noqa: F403
from openai_mockserver.faults.events import *  # noqa: F403
from openai_mockserver.faults.fault import Fault
from openai_mockserver.faults.http import *  # noqa: F403
from openai_mockserver.faults.parser import FAULTS, named, parse
from openai_mockserver.faults.payloads import *  # noqa: F403
from openai_mockserver.faults.reads import *  # noqa: F403
from openai_mockserver.faults.variations import *  # noqa: F403
from openai_mockserver.faults.variations import VARIATIONS
from openai_mockserver.faults.websocket import *  # noqa: F403

__all__ = ["FAULTS", "VARIATIONS", "Fault", "chance", "named", "parse", *FAULTS]
