"""The fifth step: apply the pace and the faults to a script.

Rules of this file: a fault that cannot happen is an error, or a warning with ``lenient_faults``.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator, Sequence

from openai_mockserver.dispatch.answers import Fault
from openai_mockserver.dispatch.exchange import Exchange, replace
from openai_mockserver.dispatch.options import FAULT_HEADER
from openai_mockserver.exceptions import FaultError, MockServerError
from openai_mockserver.faults import parse
from openai_mockserver.faults.chances import ByChance
from openai_mockserver.faults.fault import is_changed
from openai_mockserver.script import Script
from openai_mockserver.seed import draw_lot

__all__ = ["describe_error", "dress_script"]


def dress_script(exchange: Exchange) -> Exchange:
    """Return the exchange with pace and faults applied to its script.

    Raises FaultError for a fault that does not change the script.
    """
    answer, options, call = exchange.answer, exchange.options, exchange.call
    script = exchange.script
    pace = (answer.pace if answer is not None else None) or options.pace
    if pace is not None and call.ticket is None:  # otherwise the engine sets the pace
        if options.seed is not None and pace.seed is None and pace.is_random:
            # Each call has times of its own, which are the same in the next run.
            pace = dataclasses.replace(pace, seed=f"{options.seed}, call {call.number}")
        script = pace(script)
    own_faults = answer.faults if answer is not None else ()
    faults = [(fault, options.lenient_faults) for fault in _draw_faults(exchange, own_faults)]
    if answer is not None:
        # One that is set for all replies need not fit each of them.
        faults += [(fault, True) for fault in _draw_faults(exchange, options.faults)]
    if options.header_faults and (fault_text := call.headers.get(FAULT_HEADER)):
        # A fault from the request's own header that cannot happen is always an error.
        faults += [(fault, False) for fault in _draw_faults(exchange, parse(fault_text))]
    for fault, is_lenient in faults:
        try:
            script = _apply(fault, script, exchange.over_websocket)
            call.faults = (*call.faults, fault)
        except FaultError as error:
            if not is_lenient:
                raise
            call.warnings.append(str(error))
    return exchange if script is exchange.script else replace(exchange, script=script)


def _draw_faults(exchange: Exchange, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield the faults that happen to this response, including those by chance that do."""
    for index, fault in enumerate(faults):
        if not isinstance(fault, ByChance):
            yield fault
            continue
        place = exchange.call.number, "fault", index, repr(fault)
        if draw_lot(exchange.options.seed, *place) < fault.probability:
            yield from _draw_faults(exchange, fault.faults)


def _apply(fault: Fault, script: Script, over_websocket: bool) -> Script:
    """Return the script with a fault. Raises FaultError if the fault changes nothing."""
    try:
        changed_script = fault(script)
    except MockServerError:
        raise
    except Exception as error:
        raise MockServerError(f"the fault {fault!r} raised {describe_error(error)}") from error
    if not isinstance(changed_script, Script):
        raise FaultError(f"{fault!r} returned {changed_script!r}: a fault must return a Script")
    if not is_changed(script, changed_script):
        raise FaultError(f"{fault!r} never happens: it does not change the response")
    if changed_script.socket_steps and not over_websocket:
        raise FaultError(f"{fault!r} never happens: the response is not sent over a WebSocket")
    return changed_script


def describe_error(error: BaseException) -> str:
    """Return an error of a user's function, and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{error!r}{where}"
