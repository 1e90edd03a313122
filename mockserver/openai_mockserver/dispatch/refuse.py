"""Answers to requests that are refused or match nothing, and recordings that answer them anyway.

Rules of this file: the client gets an error that it does not retry, and the call gets the problem
for the test. A recording answers its request even if OpenAI would refuse that request today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from openai_mockserver import seed
from openai_mockserver.api import errors
from openai_mockserver.api.store import Store
from openai_mockserver.cassettes.matching import IsRecorded, explain_difference
from openai_mockserver.cassettes.recorded_request import get_request_key
from openai_mockserver.dialects import Dialect
from openai_mockserver.dispatch.dress import dress_script
from openai_mockserver.dispatch.exchange import Exchange, Plan, replace
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError
from openai_mockserver.rules import Answer, Rule, Unmatched
from openai_mockserver.rules.pattern import RequestValues
from openai_mockserver.script import Script
from openai_mockserver.sensitive import hide_keys, show_path

__all__ = [
    "check_key",
    "explain_unmatched",
    "find_recording",
    "has_recordings_at_path",
    "refuse_access",
    "refuse_problem",
    "refuse_reply",
    "refuse_request",
]


def check_key(call: Call, key: str | None, dialect: Dialect | None) -> ApiError | None:
    """Return the error for a request with a wrong API key; None if the key is right.

    Args:
        call: the request.
        key: the only key to accept; None accepts any.
        dialect: the dialect to answer in; with one, the header ``api-key`` is read too.
    """
    if key is None:
        return None
    key_sent = (dialect and call.headers.get("api-key")) or call.headers.bearer
    return None if key_sent == key else errors.invalid_api_key(key_sent)


def has_client_secret(call: Call, store: Store, rng: Random) -> bool:
    """Whether a request has a client secret of the Realtime API instead of a key."""
    secret = call.headers.bearer
    if not secret.startswith("ek_"):
        return False
    from openai_mockserver.api.realtime.calls import is_client_secret  # rarely needed

    return is_client_secret(store, secret, seed.now(rng))


def refuse_access(call: Call, rng: Random) -> Script:
    """Return the answer to a request that access control does not admit."""
    call.problem, call.problem_kind = call.refusal, "not allowed"
    headers = (("x-should-retry", "false"),)
    message = f"openai-mockserver: {call.refusal}"
    error = ApiError(403, message, "mockserver_error", "forbidden", headers=headers)
    return errors.render(error, rng)


def refuse_problem(exchange: Exchange, problem: str, status: int | None = None) -> Script:
    """Return an error that no client retries, and set the call's problem.

    Args:
        exchange: the exchange whose call has the problem.
        problem: a sentence for the test and the client.
        status: the status of the error; by default 404 if recordings answer, and otherwise 400.
    """
    call = exchange.call
    call.problem = problem
    # If recordings answer, a request that was not recorded gets 404.
    is_unrecorded = call.rule is None and any(rule.is_recording for rule in exchange.rules)
    error = ApiError(
        status or (404 if is_unrecorded else 400),
        f"openai-mockserver: {problem}",
        "mockserver_error",
        "unmatched_request" if call.rule is None else "unservable_reply",
        headers=(("x-should-retry", "false"),),
    )
    return errors.render(error, exchange.rng)


def refuse_reply(exchange: Exchange, problem: str, status: int | None = None) -> Script:
    """Return the error for a reply that cannot be sent; the problem begins with its rule, if any.

    Args:
        exchange, problem, status: as for `refuse_problem`.
    """
    call = exchange.call
    subject = call.rule or f"the answer to {call.method} {show_path(call.path)}"
    return refuse_problem(exchange, f"{subject}: {problem}", status)


def refuse_request(exchange: Exchange, error: ApiError) -> Plan:
    """Return the answer to a request that OpenAI refuses.

    It is OpenAI's error, unless a recording or an upstream answers the request.
    """
    call, options, dialect = exchange.call, exchange.options, exchange.dialect
    refusal = errors.render(error, exchange.rng, dialect)
    if check_key(call, options.api_key, dialect) is not None:
        return refusal
    if options.has_other_source:
        return find_recording(exchange)
    return _play_recording(exchange) or _explain_refusal(exchange, error) or refusal


def find_recording(exchange: Exchange) -> Plan:
    """Return the cassette's recording of a request, or else the upstream."""
    call, options = exchange.call, exchange.options
    recording: Script | str = ""
    if options.cassette is not None:
        recording = options.cassette.find(
            call.method, call.path, call.headers.raw, call.body, call.query
        )
        if isinstance(recording, Script):
            return recording
    if options.upstream is None or not (options.cassette is None or options.cassette.records):
        return refuse_problem(exchange, str(recording))
    return options.upstream


def _play_recording(exchange: Exchange) -> Script | None:
    """Return the recording of a request, with its pace and faults; None if there is none."""
    values = RequestValues(exchange.call)
    for rule in reversed(exchange.rules):
        answer = rule.take_answer(values) if rule.is_recording else None
        if isinstance(answer, Answer) and isinstance(answer.value, Script):
            exchange.call.rule = rule
            return dress_script(replace(exchange, answer=answer, script=answer.value)).script
    return None


def _explain_refusal(exchange: Exchange, error: ApiError) -> Script | None:
    """Return an error that compares a refused request with the recordings at its path.

    None if there are no such recordings, or if there are other rules too.
    """
    call, rules = exchange.call, exchange.rules
    if not has_recordings_at_path(call, rules) or not all(rule.is_recording for rule in rules):
        return None
    difference = _explain_recordings(call, rules)
    return refuse_problem(exchange, f"{difference}\n  and OpenAI refuses it: {error.message}")


# Explanations

_MOST_NEAR_MISSES = 5  # rules that an explanation lists


def has_recordings_at_path(call: Call, rules: Iterable[Rule]) -> bool:
    """Whether requests to the same path were recorded."""
    predicates = [rule.predicate for rule in rules if rule.is_recording]
    return any(
        isinstance(predicate, IsRecorded) and predicate.is_at(call) for predicate in predicates
    )


def explain_unmatched(call: Call, search: Unmatched) -> str:
    """Return why no rule answers a request."""
    if any(rule.is_recording for rule in search.rules):
        return _explain_recordings(call, search.rules)
    request_text = _show_request(call)
    reasons = [f"  {rule!r}: {reason}" for rule, reason in search.find_nearest(_MOST_NEAR_MISSES)]
    if not reasons:
        return (
            f"no rule matches {request_text}: the mock has no rules; "
            "call .reply(...) or .on(...).reply(...)"
        )
    other_count = len(search.candidates) - len(reasons)
    if other_count:
        reasons.append(f"  and {other_count} other rule{'s' * (other_count > 1)}")
    return "\n".join([f"no rule matches {request_text}. The rules, closest first:", *reasons])


def _explain_recordings(call: Call, rules: Sequence[Rule]) -> str:
    """Return how a request differs from the nearest recorded one."""
    predicates = [rule.predicate for rule in reversed(rules)]
    recordings = [predicate for predicate in predicates if isinstance(predicate, IsRecorded)]
    keys = [predicate.key for predicate in recordings]
    difference = explain_difference(get_request_key(call), keys, recordings[0].matching)
    return f"no recording matches {_show_request(call)}; the nearest differs:\n{difference}"


def _show_request(call: Call) -> str:
    user = call.user and hide_keys(call.user, "…")
    return f"{call.method} {show_path(call.path)} model={call.model!r} user={user!r}"
