"""The fifth function: a script gets its pace, and what goes wrong with it.

Rules of this file: a fault that cannot happen is an error, or a warning if the mock is lenient.
"""

from __future__ import annotations

import traceback

from openai_mockserver.dispatch.answers import Fault
from openai_mockserver.dispatch.exchange import Exchange, grow
from openai_mockserver.dispatch.options import FAULT_HEADER
from openai_mockserver.exceptions import FaultError, MockServerError
from openai_mockserver.faults import parse
from openai_mockserver.faults.fault import is_changed
from openai_mockserver.script import Script

__all__ = ["dress_script"]


def dress_script(exchange: Exchange) -> Exchange:
    """The exchange with its script at its pace and with its faults.

    Raises FaultError for a fault that does not change the script.
    """
    answer, options, call = exchange.answer, exchange.options, exchange.call
    script = exchange.script
    pace = (answer.pace if answer is not None else None) or options.pace
    if pace is not None:
        script = pace(script)
    faults = answer.faults if answer is not None else ()
    own = len(faults)
    if options.header_faults and (wanted := call.headers.get(FAULT_HEADER)):
        faults = (*faults, *parse(wanted))
    for at, fault in enumerate(faults):
        try:
            script = _apply(fault, script)
        except FaultError as error:
            # What a request asks for itself it is told of.
            if not options.lenient_faults or at >= own:
                raise
            call.warnings.append(str(error))
    return exchange if script is exchange.script else grow(exchange, script=script)


def _apply(fault: Fault, script: Script) -> Script:
    """The script with the fault. Raises FaultError if there is none then."""
    try:
        faulty = fault(script)
    except MockServerError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename}, line {frame.lineno}"
        raise MockServerError(f"the fault {fault!r} raised {error!r} ({where})") from error
    if not isinstance(faulty, Script):
        raise FaultError(f"{fault!r} gives {faulty!r}; a fault gives a Script")
    if not is_changed(script, faulty):
        raise FaultError(f"{fault!r} never happens: it leaves the response as it is")
    return faulty
