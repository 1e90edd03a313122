"""What goes wrong: functions from a script to the script that has the fault.

The rules are in `openai_mockserver.faults.fault`; the faults are in a module for each thing that
they happen to.
"""

from __future__ import annotations

from openai_mockserver.faults.compression import *  # noqa: F403
from openai_mockserver.faults.endings import *  # noqa: F403
from openai_mockserver.faults.event_stream import *  # noqa: F403
from openai_mockserver.faults.events import *  # noqa: F403
from openai_mockserver.faults.fault import Fault
from openai_mockserver.faults.http import *  # noqa: F403
from openai_mockserver.faults.parser import FAULTS, named, parse
from openai_mockserver.faults.reads import *  # noqa: F403

__all__ = ["FAULTS", "Fault", "named", "parse", *FAULTS]
