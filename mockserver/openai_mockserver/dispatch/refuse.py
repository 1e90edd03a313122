"""What is answered to a request that goes wrong, and the recordings that answer it nevertheless.

Rules of this file: a client gets an error that it does not retry, and the call tells the test what
the problem is. What was recorded is an answer, whatever OpenAI would say to the request today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from openai_mockserver.api import errors
from openai_mockserver.cassettes.matching import IsRecorded, explain_difference
from openai_mockserver.cassettes.recorded_request import get_request_key
from openai_mockserver.dialects import Dialect
from openai_mockserver.dispatch.dress import dress_script
from openai_mockserver.dispatch.exchange import Exchange, Plan, grow
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError
from openai_mockserver.rules import Answer, Rule, Unmatched
from openai_mockserver.rules.pattern import RequestValues
from openai_mockserver.script import Script
from openai_mockserver.sensitive import hide_keys, show_path

__all__ = [
    "check_key",
    "explain_unmatched",
    "find_recorded",
    "is_recorded_there",
    "refuse_access",
    "refuse_problem",
    "refuse_request",
]


def check_key(call: Call, key: str | None, dialect: Dialect | None) -> ApiError | None:
    """The error for a request that has another key than the only one that is accepted.

    Args:
        call: the request.
        key: the one that is accepted; None for any.
        dialect: whose manner it is answered in.
    """
    if key is None:
        return None
    scheme, _, bearer = call.headers.get("authorization", "").strip().partition(" ")
    bearer = bearer.strip() if scheme.lower() == "bearer" else scheme
    sent = (dialect and call.headers.get("api-key")) or bearer
    return None if sent == key else errors.invalid_api_key(sent)


def refuse_access(call: Call, rng: Random) -> Script:
    """The answer to a request that is not let in, whatever the rules say."""
    call.problem, call.problem_kind = call.refusal, "not let in"
    headers = (("x-should-retry", "false"),)
    message = f"openai-mockserver: {call.refusal}"
    error = ApiError(403, message, "mockserver_error", "forbidden", headers=headers)
    return errors.render(error, rng)


def refuse_problem(exchange: Exchange, problem: str) -> Script:
    """The answer to what cannot be answered: an error that no client retries.

    Args:
        exchange: whose call has the problem from now on.
        problem: a sentence for the test, which the client gets, too.
    """
    call = exchange.call
    call.problem = problem
    # Where recordings answer, a request that was not recorded is not found.
    is_unrecorded = call.rule is None and any(rule.is_recording for rule in exchange.rules)
    error = ApiError(
        404 if is_unrecorded else 400,
        f"openai-mockserver: {problem}",
        "mockserver_error",
        "unmatched_request" if call.rule is None else "unservable_reply",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(error, exchange.rng)


def refuse_request(exchange: Exchange, error: ApiError) -> Plan:
    """The answer to a request that OpenAI refuses, unless it was recorded or is asked elsewhere."""
    call, options, dialect = exchange.call, exchange.options, exchange.dialect
    refusal = errors.render(error, exchange.rng, dialect)
    if check_key(call, options.api_key, dialect) is not None:
        return refusal
    if options.asks_elsewhere:
        return find_recorded(exchange)
    return _play_recording(exchange) or _refuse_unrecorded(exchange, error) or refusal


def find_recorded(exchange: Exchange) -> Plan:
    """What was recorded, else the upstream that will answer."""
    call, options = exchange.call, exchange.options
    found: Script | str = ""
    if options.cassette is not None:
        found = options.cassette.find(
            call.method, call.path, call.headers.raw, call.body, call.query
        )
        if isinstance(found, Script):
            return found
    if options.upstream is None or not (options.cassette is None or options.cassette.records):
        return refuse_problem(exchange, str(found))
    return options.upstream


def _play_recording(exchange: Exchange) -> Script | None:
    """The recording of a request, at its pace and with its faults; None if there is none."""
    values = RequestValues(exchange.call)
    for rule in reversed(exchange.rules):
        answer = rule.take(values) if rule.is_recording else None
        if isinstance(answer, Answer) and isinstance(answer.value, Script):
            exchange.call.rule = rule
            return dress_script(grow(exchange, answer=answer, script=answer.value)).script
    return None


def _refuse_unrecorded(exchange: Exchange, error: ApiError) -> Script | None:
    """How a request that OpenAI refuses differs from those that were recorded at its path.

    None if there are none, or if there is more than recordings.
    """
    call, rules = exchange.call, exchange.rules
    if not is_recorded_there(call, rules) or not all(rule.is_recording for rule in rules):
        return None
    difference = _explain_recordings(call, rules)
    return refuse_problem(exchange, f"{difference}\n  and OpenAI refuses it: {error.message}")


# Explanations


def is_recorded_there(call: Call, rules: Iterable[Rule]) -> bool:
    """Whether there are recordings of other requests to the same path."""
    predicates = [rule.predicate for rule in rules if rule.is_recording]
    return any(isinstance(one, IsRecorded) and one.is_at(call) for one in predicates)


def explain_unmatched(call: Call, unmatched: Unmatched) -> str:
    """Why no rule answers a request."""
    if any(rule.is_recording for rule in unmatched.rules):
        return _explain_recordings(call, unmatched.rules)
    shown = _show_request(call)
    reasons = [f"  {rule!r}: {reason}" for rule, reason in unmatched.explain()]
    if not reasons:
        return f"no rule matches {shown}: there are none; call .reply(...) or .on(...).reply(...)"
    return "\n".join([f"no rule matches {shown}; the newest first:", *reasons])


def _explain_recordings(call: Call, rules: Sequence[Rule]) -> str:
    """How a request differs from those that were recorded."""
    predicates = [rule.predicate for rule in reversed(rules)]
    recorded = [one for one in predicates if isinstance(one, IsRecorded)]
    keys = [one.key for one in recorded]
    difference = explain_difference(get_request_key(call), keys, recorded[0].matching)
    return f"no recording is of {_show_request(call)}; the nearest differs:\n{difference}"


def _show_request(call: Call) -> str:
    user = call.user and hide_keys(call.user, "…")
    return f"{call.method} {show_path(call.path)} model={call.model!r} user={user!r}"
