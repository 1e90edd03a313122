"""Dispatch: from a request to the call that answers it, its script ready to be played.

Rules of this file: no I/O. A request is routed and validated, a rule is chosen, its reply is
rendered, and the script gets its pace and its faults. Whatever goes wrong on the way is an error
that the client gets and a problem that the test hears of.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec.json

from openai_mockserver.api import ENDPOINTS, Asked, Endpoint, detect_path, errors
from openai_mockserver.api.compiled_replies import CompiledReplies
from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import FormError, is_form, nest_parameters
from openai_mockserver.api.store import Store
from openai_mockserver.cassettes.matching import IsRecorded, explain_difference
from openai_mockserver.cassettes.recorded_request import recorded_key
from openai_mockserver.dialects import Dialect, Place, find_dialect, locate
from openai_mockserver.exceptions import (
    FaultError,
    MockServerError,
    ReplyError,
)
from openai_mockserver.faults import FAULTS, parse
from openai_mockserver.faults.fault import is_changed
from openai_mockserver.http1 import answer_version, check
from openai_mockserver.journal import Call, Journal
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.reply import ApiError, Reply, as_reply, check_servable
from openai_mockserver.request import Request
from openai_mockserver.rules import Answer, Faulty, Rule, Rulebook, Unmatched
from openai_mockserver.rules.pattern import RequestValues
from openai_mockserver.script import Event, Pause, Script
from openai_mockserver.seed import Seeded
from openai_mockserver.sensitive import hide_keys, show_path

if TYPE_CHECKING:
    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.upstream import Upstream

__all__ = ["FAULT_HEADER", "STREAM_MODEL", "Dispatcher", "Fault", "as_answer"]

Fault = Callable[[Script], Script]

STREAM_MODEL = "mockserver/"
"""A model name that begins so asks for a stream of the catalogue, where nothing is recorded."""

FAULT_HEADER = "x-mockserver-fault"
"""The request header that asks for faults, where it is obeyed."""

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


def as_answer(
    value: object,
    faults: tuple[Fault, ...] = (),
    pace: Pace | str | None = None,
    imitates: bool = False,
) -> Answer:
    if isinstance(value, Faulty):
        return as_answer(value.reply, (*value.faults, *faults), value.pace or pace, imitates)
    for fault in faults:
        name = getattr(fault, "__name__", "")
        if FAULTS.get(name) is fault:  # type: ignore[comparison-overlap]
            raise FaultError(f"{name} makes a fault and is none itself: call it, as in {name}(...)")
        if not callable(fault):
            raise FaultError(f"a fault is a function from Script to Script, not {fault!r}")
    pace = as_pace(pace)
    if isinstance(value, Script):
        return Answer(value, faults, pace)
    script = getattr(value, "script", None)
    if isinstance(script, Script):
        return Answer(script, faults, pace, getattr(value, "reply", None))
    if isinstance(value, Mapping):
        return Answer(_as_json_object(value), faults, pace)
    said = as_reply(value)
    if isinstance(said, Reply):
        check_servable(said, any_reason=imitates)
    return Answer(said, faults, pace)


def _as_json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object. Raises ReplyError for what is none."""
    try:
        made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f"a mapping is a JSON body, and this is no JSON: {error}") from None
    return made


class Dispatcher:
    """Answers requests by rules, and remembers what it was asked.

    Args:
        api_key, seed, lenient, default, dialect, pace, fast_retries, header_faults,
        lenient_faults, cassette, keep_calls, keep_bytes, on_end: as of `MockOpenAI`.
        upstream: where requests go that nothing here answers.
        recorder: records what the upstream answers.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        seed: int | str | None,
        lenient: bool,
        default: Callable[[Request], object] | None,
        dialect: str | None,
        pace: Pace | str | None,
        fast_retries: bool,
        header_faults: bool,
        lenient_faults: bool,
        upstream: Upstream | None,
        recorder: Recorder | None,
        cassette: Cassette | None,
        keep_calls: int | None,
        keep_bytes: int | None,
        on_end: Callable[[Call], object] | None,
    ) -> None:
        find_dialect(dialect)
        self.api_key = api_key
        self.seed = seed
        self.lenient = lenient
        self.dialect = dialect
        self.pace = as_pace(pace)
        self.calls = Journal(keep_calls, on_end, keep_bytes)
        self.store = Store(keep_calls, keep_bytes)
        self._replies = CompiledReplies()
        self._default = default
        self._fast_retries = fast_retries
        self._rules = Rulebook()
        self._header_faults = header_faults
        self._lenient_faults = lenient_faults
        self._upstream = upstream
        self._cassette = cassette
        self._recorder = recorder

    def respond(self, request: Request) -> Call:
        """The call that answers this request, its script ready to be played."""
        call = self.calls.add(request)
        rng = self._rng(request)
        if call.refusal is not None:
            return _refuse_access(call, rng)
        try:
            call.script = self._answered(call, rng)
            if call.rule is not None and call.rule.is_handmade:
                check(call.script)
        except RecursionError:
            # JSON that is nested too deeply to be looked at, as OpenAI's parser finds too.
            call.script = (
                self._recorded(call, rng)
                if self._asks_elsewhere
                else errors.render(errors.invalid_json(), rng)
            )
        except Exception as error:
            # Whatever went wrong, the test has to hear of it, and the client of something.
            told = f"{error}" if isinstance(error, MockServerError) else repr(error)
            who = call.rule or f"what answers {call.method} {show_path(call.path)}"
            call.script = self._refuse(call, f"{who}: {told}", rng)
        closes = call.headers.get("connection", "").lower() == "close"
        call.script = answer_version(call.script, call.http_version, closes)
        return call

    def refuse(self, request: Request, error: ApiError) -> Call:
        """The call that answers a request, of which not all has come, by an error."""
        call = self.calls.add(request)
        rng = self._rng(request)
        call.script = errors.render(error, rng, self._dialect(locate(call.path, call.query)))
        return call

    def _rng(self, request: Request) -> Random:
        if self.seed is None:
            return Random()
        said: bytes | DiskBytes = request.content
        if isinstance(request.parsed, dict):
            # Whoever wrote it, in whatever order: the same request.
            with contextlib.suppress(RecursionError):
                said = msgspec.json.encode(request.parsed, order="sorted")
        return Seeded(f"{self.seed}\0{said!r}")

    def _refuse(self, call: Call, problem: str, rng: Random) -> Script:
        """The answer to what cannot be answered: an error that no client retries."""
        call.problem = problem
        # Where recordings answer, a request that was not recorded is not found.
        recorded = any(rule.is_recording for rule in self._rules)
        error = ApiError(
            404 if call.rule is None and recorded else 400,
            f"openai-mockserver: {problem}",
            "mockserver_error",
            "unmatched_request" if call.rule is None else "unservable_reply",
            headers=(("x-should-retry", "false"),),
        )
        return errors.render(error, rng)

    @property
    def _asks_elsewhere(self) -> bool:
        """Whether what no rule speaks for is looked up, or asked of another, and not made up."""
        return self._cassette is not None or self._upstream is not None

    def _recorded(self, call: Call, rng: Random) -> Script:
        """What was recorded, else what the upstream will answer."""
        found: Script | str = ""
        if self._cassette is not None:
            found = self._cassette.find(
                call.method, call.path, call.headers.raw, call.body, call.query
            )
            if isinstance(found, Script):
                return found
        if self._upstream is None or not (self._cassette is None or self._cassette.records):
            return self._refuse(call, str(found), rng)
        call.upstream, call.recorder = self._upstream, self._recorder
        return Script()

    def _answered(self, call: Call, rng: Random) -> Script:
        place = locate(call.path, call.query)
        call.deployment = place.model
        dialect = self._dialect(place)
        endpoint, asked, error = self._admit(call, place, dialect)
        elsewhere = self._asks_elsewhere
        if error is not None or endpoint is None:
            error = error or errors.invalid_json()
            if self._check_key(call, dialect) is not None:
                return errors.render(error, rng, dialect)
            if elsewhere:
                return self._recorded(call, rng)
            # What was recorded is an answer, whatever OpenAI would say to the request today.
            recorded = self._play_recording(call) or self._refuse_unrecorded(call, error, rng)
            return recorded or errors.render(error, rng, dialect)
        if endpoint.recall is not None:
            recalled = endpoint.recall(asked, self.store)
            if not isinstance(recalled, ApiError):
                call.history = recalled
            elif not elsewhere:  # else what it names may be known there
                return errors.render(recalled, rng, dialect)
        if (
            endpoint.render is not None
            and call.model.startswith(STREAM_MODEL)
            and not elsewhere  # where it is a model like any other
        ):
            return self._play_named(call, endpoint, asked, dialect, rng)
        found = self._rules.find_answer(call, model_speaks=endpoint.render is not None)
        if not isinstance(found, Unmatched):
            call.rule = found.rule
            return self._serve(found.answer, call, endpoint, asked, dialect, rng)
        if elsewhere:
            return self._recorded(call, rng)
        # Beside recordings of this path, what is made up would be taken for one of them.
        if endpoint.answer is not None and not _is_recorded_there(call, self._rules):
            return self._dressed(endpoint.answer(asked, self.store, rng), call)
        if self._default is not None:
            answer = as_answer(self._default(call))
            return self._serve(answer, call, endpoint, asked, dialect, rng)
        return self._refuse(call, _explain(call, found), rng)

    def _play_recording(self, call: Call) -> Script | None:
        """The recording of a request, at its pace and with its faults; None if there is none."""
        for rule in reversed(self._rules):
            answer = rule.take(RequestValues(call)) if rule.is_recording else None
            if isinstance(answer, Answer) and isinstance(answer.value, Script):
                call.rule = rule
                return self._dressed(answer.value, call, answer)
        return None

    def _refuse_unrecorded(self, call: Call, error: ApiError, rng: Random) -> Script | None:
        """How a request that OpenAI refuses differs from those that were recorded at its path.

        None if there are none, or if there is more than recordings.
        """
        if not _is_recorded_there(call, self._rules):
            return None
        if not all(rule.is_recording for rule in self._rules):
            return None
        told = f"{_explain_recordings(call, self._rules)}\n  and OpenAI refuses it: {error.message}"
        return self._refuse(call, told, rng)

    def _dialect(self, place: Place) -> Dialect | None:
        """The manner to answer in: the one the path names, else the mock's, else the path's own."""
        return find_dialect(place.dialect if place.chosen else self.dialect or place.dialect)

    def _admit(
        self, call: Call, place: Place, dialect: Dialect | None
    ) -> tuple[Endpoint | None, Asked, ApiError | None]:
        """The endpoint that takes the request and what it asks, or the error OpenAI answers."""
        asked = Asked(call.method, place.path)
        methods, ids = ENDPOINTS.find(place.path, call.method)
        if place.error is not None:
            return None, asked, place.error
        if not methods:
            return None, asked, errors.invalid_url(call.method, call.path)
        if place.lacks_v1:
            call.warnings.append("the base URL lacks /v1")
        endpoint = methods.get(call.method)
        if endpoint is None:
            return None, asked, errors.method_not_allowed(call.method, call.path, list(methods))
        if (refused := self._check_key(call, dialect)) is not None:
            return None, asked, refused
        query = nest_parameters(parse_qsl(call.query, keep_blank_values=True))
        content_type = call.headers.get("content-type", "")
        given, wrong = _body(call, endpoint, content_type)
        # A preview takes parameters that nobody has told us of.
        lenient = self.lenient or "beta" in query
        lenient |= not (dialect is None or dialect.name.startswith("azure"))
        if endpoint.query is not None:
            query = endpoint.query.coerced(query)
        asked = Asked(
            call.method,
            place.path,
            ids,
            query,
            given,
            content_type,
            call.headers,
            self._ask,
        )
        for taken, what in ((endpoint.query, query), (endpoint.parameters, given)):
            if wrong is None and taken is not None:
                wrong = taken.check(what, lenient)
        return endpoint, asked, wrong

    def _check_key(self, call: Call, dialect: Dialect | None) -> ApiError | None:
        """What a request gets that has another key than the one that is accepted."""
        if self.api_key is None:
            return None
        scheme, _, bearer = call.headers.get("authorization", "").strip().partition(" ")
        bearer = bearer.strip() if scheme.lower() == "bearer" else scheme
        key = (dialect and call.headers.get("api-key")) or bearer
        return None if key == self.api_key else errors.invalid_api_key(key)

    def _ask(self, method: str, path: str, body: bytes) -> Script:
        """The answer to a request within another, of which the journal knows only that one."""
        request = Request(method, path, (("authorization", f"Bearer {self.api_key}"),), body)
        call = Call(request, 0)
        script = self._answered(call, self._rng(request))
        if call.problem is not None:
            raise MockServerError(call.problem)
        return script

    def _serve(
        self,
        answer: Answer,
        call: Call,
        endpoint: Endpoint,
        asked: Asked,
        dialect: Dialect | None,
        rng: Random,
    ) -> Script:
        value = answer.value
        if answer.dialect is not None:
            dialect = find_dialect(answer.dialect)
        render = endpoint.render and partial(
            self._replies.render,
            endpoint,
            parameters=asked.parameters,
            dialect=dialect,
            history=call.history,
            rng=rng,
        )
        if isinstance(value, ApiError):
            value = self._retried_soon(value)
        if isinstance(value, Script):
            script = value
            # A ready-made stream answers a stream of its endpoint; to others its reply is said.
            if (
                render
                and script.is_stream
                and answer.spoken is not None
                and not (call.stream and detect_path(script, endpoint.path) == endpoint.path)
            ):
                _check_only_said(script, call)
                script = render(answer.spoken)
        elif isinstance(value, Mapping):
            script = json_response(value, rng)
        elif render is not None:
            script = render(value)
        elif isinstance(value, ApiError):
            script = errors.render(value, rng, dialect)
        else:
            raise ReplyError(
                f"no model speaks at {endpoint.path}: give an ApiError, a dict or a Script"
            )
        if endpoint.keep is not None:
            script = endpoint.keep(asked, script, self.store)
        return self._dressed(script, call, answer)

    def _dressed(self, script: Script, call: Call, answer: Answer | None = None) -> Script:
        """The script at its pace and with what goes wrong."""
        pace = (answer.pace if answer is not None else None) or as_pace(self.pace)
        if pace is not None:
            script = pace(script)
        faults = answer.faults if answer is not None else ()
        if self._header_faults and (asked := call.headers.get(FAULT_HEADER)):
            faults = (*faults, *parse(asked))
        for at, fault in enumerate(faults):
            try:
                script = _apply(fault, script)
            except FaultError as error:
                # What a request asks for itself it is told of.
                if not self._lenient_faults or answer is None or at >= len(answer.faults):
                    raise
                call.warnings.append(str(error))
        return script

    def _retried_soon(self, error: ApiError) -> ApiError:
        # The SDK really sleeps between attempts, half a second and more unless a header says less.
        told = {name.lower() for name, _ in error.headers}
        if not self._fast_retries or error.status not in RETRIED or error.retry_after is not None:
            return error
        if told & {"retry-after", "retry-after-ms", "x-should-retry"}:
            return error
        return replace(error, headers=(*error.headers, ("retry-after-ms", "1")))

    def _play_named(
        self, call: Call, endpoint: Endpoint, asked: Asked, dialect: Dialect | None, rng: Random
    ) -> Script:
        from openai_mockserver import catalogue
        from openai_mockserver.exceptions import UnknownStream

        try:
            found = catalogue.stream(call.model.removeprefix(STREAM_MODEL))
        except UnknownStream as unknown:
            return errors.render(ApiError(404, str(unknown), code="model_not_found"), rng)
        return self._serve(as_answer(found), call, endpoint, asked, dialect, rng)


def _refuse_access(call: Call, rng: Random) -> Call:
    """Answer what is not let in, whatever the rules say."""
    call.problem, call.problem_kind = call.refusal, "not let in"
    headers = (("x-should-retry", "false"),)
    error = ApiError(
        403, f"openai-mockserver: {call.refusal}", "mockserver_error", "forbidden", headers=headers
    )
    call.script = errors.render(error, rng)
    return call


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


def _check_only_said(script: Script, call: Call) -> None:
    """Raise ReplyError where a ready-made stream does more than say something."""
    said = [step.data for step in script.steps if isinstance(step, Event)]
    plain = len(said) + sum(isinstance(step, Pause) for step in script.steps) == len(script.steps)
    right = sum(1 for _ in decode_events(script)) == len(said) - 1 and said[-1:] == ["[DONE]"]
    whole = plain and right and script.end == "finish"
    if call.stream and not whole:
        raise ReplyError(
            f"this ready-made stream is broken as one of {detect_path(script)}, and would be whole "
            f"at {show_path(call.path)}: say its reply there, with faults=[...]"
        )


def _body(
    call: Call, endpoint: Endpoint, content_type: str
) -> tuple[dict[str, Any], ApiError | None]:
    """The body's parameters, or what is wrong with it."""
    if endpoint.form and is_form(content_type):
        try:
            given = call.form
        except FormError as error:
            return {}, ApiError(400, f"Could not parse multipart form: {error}")
        return endpoint.parameters.coerced(given) if endpoint.parameters else given, None
    if endpoint.parameters is None or isinstance(call.parsed, dict):
        return call.json, None
    # No body is no parameters, where none is required.
    bare = not call.content and not endpoint.parameters.schema.get("required")
    return {}, None if bare else errors.invalid_json()


def _is_recorded_there(call: Call, rules: Iterable[Rule]) -> bool:
    """Whether there are recordings of other requests to the same path."""
    predicates = [rule.predicate for rule in rules if rule.is_recording]
    return any(isinstance(one, IsRecorded) and one.is_at(call) for one in predicates)


def _explain(call: Call, unmatched: Unmatched) -> str:
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
    different = explain_difference(recorded_key(call), keys, recorded[0].matching)
    return f"no recording is of {_show_request(call)}; the nearest differs:\n{different}"


def _show_request(call: Call) -> str:
    user = call.user and hide_keys(call.user, "…")
    return f"{call.method} {show_path(call.path)} model={call.model!r} user={user!r}"
