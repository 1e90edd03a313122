"""What a server remembers: rules, journal, the objects that requests created, sandboxes.

`protocol` says what a mock needs of its memory. `memory` keeps everything in this process. In
`sqlite` the objects are in a file, which several processes share, and in `redis` on a server;
`codec` turns them into bytes. `windows` has the rate limits that processes share. `opening`
chooses. `sandboxes` holds the sandboxes by their ids.
"""

from openai_mockserver.state.memory import InMemory, MemoryState
from openai_mockserver.state.opening import open_state
from openai_mockserver.state.protocol import State, StateMaker
from openai_mockserver.state.sandboxes import IDLE, Sandboxes
from openai_mockserver.state.windows import StoredWindows

__all__ = [
    "IDLE",
    "InMemory",
    "MemoryState",
    "Sandboxes",
    "State",
    "StateMaker",
    "StoredWindows",
    "open_state",
]
