"""A model server's capacity: slots, queue, prefill, cache and limits, as a pure model on a clock.

`Engine` is what a server can do; a `Scheduler` is its state while it serves requests. `scheduler`
has the theory of operation.

Rules of this package: no I/O, no clock, no randomness of its own.
"""

from openai_mockserver.engine.admission import Admission, Event, Refusal, Snapshot, Work
from openai_mockserver.engine.capacity import Engine, Limits, get_itl
from openai_mockserver.engine.live import EngineClock, LiveEngine, Ticket, TicketPace, TokenPlan
from openai_mockserver.engine.prefix import chain_blocks
from openai_mockserver.engine.profiles import PROFILES, Profile, as_engine
from openai_mockserver.engine.scheduler import Scheduler
from openai_mockserver.engine.simulation import Outcome, simulate
from openai_mockserver.engine.windows import Claim, Level, Windows

__all__ = [
    "PROFILES",
    "Admission",
    "Claim",
    "Engine",
    "EngineClock",
    "Event",
    "Level",
    "Limits",
    "LiveEngine",
    "Outcome",
    "Profile",
    "Refusal",
    "Scheduler",
    "Snapshot",
    "Ticket",
    "TicketPace",
    "TokenPlan",
    "Windows",
    "Work",
    "as_engine",
    "chain_blocks",
    "get_itl",
    "simulate",
]
