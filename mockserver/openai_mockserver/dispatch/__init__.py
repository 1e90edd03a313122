"""Dispatch: from a request to the call that answers it, its script ready to be played.

A request goes through five functions in a row, `route_request`, `validate_request`,
`choose_answer`, `render_answer` and `dress_script`, each in a file of its own. They hand on one
frozen value, `Exchange`, to which each adds what it found; one that knows the end already gives a
plan instead: an error's script, or the upstream that is to be asked.
"""

from openai_mockserver.dispatch.answers import Fault, as_answer
from openai_mockserver.dispatch.dispatcher import Dispatcher
from openai_mockserver.dispatch.options import FAULT_HEADER, STREAM_MODEL, Options

__all__ = ["FAULT_HEADER", "STREAM_MODEL", "Dispatcher", "Fault", "Options", "as_answer"]
