"""What a server remembers: rules, journal, the objects that requests created, sandboxes.

`protocol` says what a mock needs of its memory. `memory` keeps everything in this process;
`sandboxes` holds the sandboxes by their ids.
"""

from openai_mockserver.state.memory import InMemory, MemoryState
from openai_mockserver.state.protocol import State, StateMaker
from openai_mockserver.state.sandboxes import IDLE, Sandboxes

__all__ = ["IDLE", "InMemory", "MemoryState", "Sandboxes", "State", "StateMaker"]
