"""Dispatch: from a request to the call that answers it.

A request passes through five steps, `route_request`, `validate_request`, `choose_answer`,
`render_answer` and `dress_script`, each in its own file. They pass on one frozen value, `Exchange`,
to which each adds its result. A step that already knows the outcome returns a plan instead: the
script of an error, or the upstream that answers. If a function of the user makes the reply, the
request waits as a `PendingCall` after the third step, until a door has called the function.
"""

from openai_mockserver.dispatch.answers import Fault, as_answers, as_function, check_end
from openai_mockserver.dispatch.dispatcher import Dispatcher
from openai_mockserver.dispatch.options import FAULT_HEADER, STREAM_MODEL, Options
from openai_mockserver.dispatch.pending import PendingCall
from openai_mockserver.dispatch.version import Version

__all__ = [
    "FAULT_HEADER",
    "STREAM_MODEL",
    "Dispatcher",
    "Fault",
    "Options",
    "PendingCall",
    "Version",
    "as_answers",
    "as_function",
    "check_end",
]
