"""MockOpenAI: rules and journal in one object, with two doors, a loopback server and a transport.

Rules of this file: here a request becomes a call with a script; playing it is the players' work,
which are imported when a door is opened.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import msgspec.json

from openai_mockserver.api import ENDPOINTS, Asked, Endpoint, errors, path_of
from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.multipart import FormError, is_form, nest_parameters
from openai_mockserver.api.store import Store
from openai_mockserver.dialects import Dialect, Place, find_dialect, locate
from openai_mockserver.exceptions import (
    FaultError,
    MissingDependency,
    MockServerError,
    ReplyError,
    UnmatchedRequest,
)
from openai_mockserver.faults import FAULTS, parse
from openai_mockserver.http1 import check
from openai_mockserver.journal import Call, Journal
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.reply import ApiError, Reply, as_reply, check_servable
from openai_mockserver.request import Request
from openai_mockserver.rules import Answer, Faulty, Pattern, Rule
from openai_mockserver.script import Event, Pause, Script
from openai_mockserver.seed import Seeded
from openai_mockserver.tokens import vocabulary

if TYPE_CHECKING:
    import ssl

    import openai

    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.server import Loopback
    from openai_mockserver.transport import Clock, InProcess
    from openai_mockserver.upstream import Upstream

__all__ = ["MockOpenAI", "RuleBuilder"]

Fault = Callable[[Script], Script]
API_KEY = "sk-mockserver"
"""The key that the fixtures and clients use where none is asked for."""

STREAM_MODEL = "mockserver/"
"""A model name that begins so asks for a stream of the catalogue."""

FAULT_HEADER = "x-mockserver-fault"
"""The request header that asks for faults, where it is obeyed."""

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


class RuleBuilder:
    """What `MockOpenAI.on` gives: a rule that waits for its replies."""

    def __init__(self, mock: MockOpenAI, rule: Rule) -> None:
        self._mock = mock
        self._rule = rule

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer with these replies in turn, then with the last again and again.

        Args:
            replies: text, a `ToolCall`, a list of these, a `Reply`, an `ApiError`, a `Script`, a
                stream of the catalogue, or a dict, which is a JSON body as it is.
            faults: what goes wrong with each, from left to right.
            pace: when its events come: a `Pace`, or the name of a profile.
            times: how many requests the rule answers at most.
            dialect: whose manner to say it in, as in ``azure``; the mock's by default.

        Raises:
            ReplyError: for what cannot be served.
        """
        several = (faults,) if callable(faults) else tuple(faults)
        imitates = find_dialect(dialect or self._mock.dialect) is not None
        answers = [
            replace(_answer(reply, several, pace, imitates), dialect=dialect) for reply in replies
        ]
        for answer in answers:
            self._mock.check_meaning(answer)
        self._rule.answer(answers, times)
        return self._rule


def _answer(
    value: object, faults: tuple[Fault, ...], pace: Pace | str | None, imitates: bool = False
) -> Answer:
    if isinstance(value, Faulty):
        return _answer(value.reply, (*value.faults, *faults), value.pace or pace, imitates)
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
        return Answer(_json_object(value), faults, pace)
    said = as_reply(value)
    if isinstance(said, Reply):
        check_servable(said, any_reason=imitates)
    return Answer(said, faults, pace)


def _json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object. Raises ReplyError for what is none."""
    try:
        made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f"a mapping is a JSON body, and this is no JSON: {error}") from None
    return made


class MockOpenAI:
    """A fake OpenAI: say what it answers, point the code under test at it, see what was asked.

    Args:
        api_key: the only key it accepts; any (or none) by default.
        seed: makes all that is made up, ids and padding too, a function of seed and request. The
            time is then always the beginning of 2026.
        lenient: let unknown request parameters pass.
        clock: of the in-process door: ``virtual`` never waits, ``real`` does.
        default: answers what no rule matches; by default that is an error.
        dialect: whose manner to answer in, as in ``azure``: a name of `dialects()`. A base path may
            name another, as in ``/groq/openai/v1``.
        pace: of every reply that has none of its own.
        fast_retries: tell the SDK to retry after 1 ms where an error says nothing else.
        fail_on_unmatched: whether `check` complains of requests that no rule matched.
        host, port: where the loopback server listens; port 0 picks a free one.
        tls: an `ssl.SSLContext` with a certificate makes the loopback server speak TLS.
        header_faults: obey ``x-mockserver-fault`` request headers, as in ``reset; after=3``.
        upstream: a base URL to which requests go that nothing here answers, over the loopback
            server: a transparent proxy.
        record: the folder into which what the upstream answers is recorded.
        cassette: recordings that answer the requests they were recorded of, and take new ones.
        redactor: what is taken out of recordings.
        keep_calls: how many calls, and created things of a kind, are kept; all by default.
        on_end: is given each call when it is over.

    >>> with MockOpenAI() as mock:
    ...     _ = mock.reply("Hello, world")
    ...     body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    ...     mock.respond(Request("POST", "/v1/chat/completions", body=body)).status
    200
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        seed: int | str | None = None,
        lenient: bool = False,
        clock: Literal["virtual", "real"] = "virtual",
        default: Callable[[Request], object] | None = None,
        dialect: str | None = None,
        pace: Pace | str | None = None,
        fast_retries: bool = True,
        fail_on_unmatched: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        header_faults: bool = False,
        upstream: str | None = None,
        record: Path | str | None = None,
        cassette: Cassette | None = None,
        redactor: Redactor | None = None,
        keep_calls: int | None = None,
        on_end: Callable[[Call], object] | None = None,
    ) -> None:
        if clock not in ("virtual", "real"):
            raise MockServerError(f"clock={clock!r}: 'virtual' or 'real'")
        vocabulary()  # where what is chosen is not there, that is told now
        self.api_key = api_key
        self.seed = seed
        self.lenient = lenient
        find_dialect(dialect)
        self.dialect = dialect
        self.pace = as_pace(pace)
        self.fail_on_unmatched = fail_on_unmatched
        self.calls = Journal(keep_calls, on_end)
        self.store = Store(keep_calls)
        self._default = default
        self._fast_retries = fast_retries
        self._rules: list[Rule] = []
        self._clock_kind = clock
        self._address = (host, port)
        self._tls = tls
        self._header_faults = header_faults
        self._upstream = _upstream(upstream)
        self._cassette = cassette
        self._recorder = _recorder(record, cassette, redactor)
        self._lock = threading.Lock()
        self._server: Loopback | None = None
        self._transport: InProcess | None = None

    # Saying what it answers

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        dialect: str | None = None,
    ) -> Rule:
        """Answer every request; the arguments are those of `RuleBuilder.reply`."""
        return self.on().reply(*replies, faults=faults, pace=pace, times=times, dialect=dialect)

    def on(
        self,
        predicate: Callable[[Request], object] | None = None,
        *,
        user: Pattern | None = None,
        system: Pattern | None = None,
        model: Pattern | None = None,
        tools: Pattern | Iterable[Pattern] | None = None,
        tool_result: Pattern | None = None,
        turn: int | None = None,
        endpoint: str | None = None,
        headers: Mapping[str, Pattern] | None = None,
        stream: bool | None = None,
        attempt: int | None = None,
        nth: int | None = None,
        after: float | None = None,
    ) -> RuleBuilder:
        """A rule for the requests that match all of these; the newest that matches wins.

        A string means equality; `contains` and compiled patterns (searched) are there for the rest.

        Args:
            predicate: any function of the `Request`.
            user: the text of the last user message.
            system: the text of the last system or developer message.
            model: the model asked for.
            tools: a tool, or tools, that must be offered.
            tool_result: the id of a call that a tool message answers.
            turn: how many assistant messages the conversation holds.
            endpoint: the path, or what comes after its ``/v1/``, as in ``chat/completions``.
            headers: header names and the patterns of their values.
            stream: whether a stream is asked for.
            attempt: the how-manieth attempt at one logical call it is, from 1.
            nth: the how-manieth request on its connection it is, from 1.
            after: seconds that have passed since the first request, at least.
        """
        given = {
            "user": user,
            "system": system,
            "model": model,
            "tools": list(tools) if isinstance(tools, list | tuple | set) else tools,
            "tool_result": tool_result,
            "turn": turn,
            "endpoint": endpoint,
            "headers": headers,
            "stream": stream,
            "attempt": attempt,
            "nth": nth,
            "after": after,
        }
        rule = Rule({k: v for k, v in given.items() if v is not None}, predicate)
        self._rules.append(rule)
        return RuleBuilder(self, rule)

    def reset(self) -> None:
        """Forget all rules, all calls and all that requests created."""
        self._rules.clear()
        self.calls.clear()
        self.store.clear()

    # Seeing what was asked

    @property
    def problems(self) -> list[Call]:
        """The calls that no rule matched, or whose reply could not be served."""
        return [call for call in self.calls if call.problem is not None]

    def check(self) -> None:
        """Raise UnmatchedRequest where a request was not answered as a rule says.

        Does nothing where ``fail_on_unmatched`` is off.
        """
        if self.fail_on_unmatched and (problems := self.problems):
            told = "\n\n".join(f"{call.line()}\n{call.problem}" for call in problems)
            n = len(problems)
            raise UnmatchedRequest(f"the mock could not answer {n} request{'s' * (n > 1)}:\n{told}")

    def check_meaning(self, answer: Answer) -> None:
        """Raise FaultError for an end that this mock's connections cannot have."""
        ends = {getattr(fault, "name", "") for fault in answer.faults}
        ends |= {answer.value.end} if isinstance(answer.value, Script) else set()
        if "cut" in ends and self._tls is None:
            raise FaultError(
                "cut() leaves out TLS's goodbye, which has no meaning without TLS, nor in process: "
                "use MockOpenAI(tls=...) and its base_url"
            )
        if "half_close" in ends and self._tls is not None:
            raise FaultError("half_close() has no meaning over TLS, which closes both ways at once")

    # Answering

    def respond(self, request: Request) -> Call:
        """The call that answers this request, its script ready to be played."""
        call = self.calls.add(request)
        rng = self._rng(request)
        try:
            call.script = self._answered(call, rng)
            if call.rule is not None and call.rule.is_handmade:
                check(call.script)
        except RecursionError:
            # JSON that is nested too deeply to be looked at, as OpenAI's parser finds too.
            call.script = errors.render(errors.invalid_json(), rng)
        except Exception as error:
            # Whatever went wrong, the test has to hear of it, and the client of something.
            told = f"{error}" if isinstance(error, MockServerError) else repr(error)
            who = call.rule or f"what answers {call.method} {call.path}"
            call.script = self._refuse(call, f"{who}: {told}", rng)
        return call

    def _rng(self, request: Request) -> Random:
        if self.seed is None:
            return Random()
        said = request.body
        if isinstance(request.parsed, dict):
            # Whoever wrote it, in whatever order: the same request.
            with contextlib.suppress(RecursionError):
                said = msgspec.json.encode(request.parsed, order="sorted")
        return Seeded(f"{self.seed}\0{said!r}")

    def _refuse(self, call: Call, problem: str, rng: Random) -> Script:
        """The answer to what cannot be answered: an error that no client retries."""
        call.problem = problem
        error = ApiError(
            400,
            f"openai-mockserver: {problem}",
            "mockserver_error",
            "unmatched_request" if call.rule is None else "unservable_reply",
            headers=(("x-should-retry", "false"),),
        )
        return errors.render(error, rng)

    def _recorded(self, call: Call, rng: Random) -> Script:
        """What was recorded, else what the upstream will answer."""
        found: Script | str = ""
        if self._cassette is not None:
            found = self._cassette.find(call.method, call.path, call.headers.raw, call.body)
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
        # What no rule speaks for is looked up, or asked of another, before it is made up here.
        elsewhere = self._cassette is not None or self._upstream is not None
        if error is not None or endpoint is None:
            if elsewhere:
                return self._recorded(call, rng)
            return errors.render(error or errors.invalid_json(), rng, dialect)
        if endpoint.recall is not None:
            recalled = endpoint.recall(asked, self.store)
            if isinstance(recalled, ApiError):
                return errors.render(recalled, rng, dialect)
            call.history = recalled
        if endpoint.render is not None and call.model.startswith(STREAM_MODEL):
            return self._play_named(call, endpoint, asked, dialect, rng)
        reasons: list[tuple[Rule, str]] = []
        for rule in reversed(self._rules):
            if endpoint.render is None and "endpoint" not in rule.patterns:
                continue  # a rule that names no endpoint is about what the model says
            taken = rule.take(call)
            if isinstance(taken, Answer):
                call.rule = rule
                return self._serve(taken, call, endpoint, asked, dialect, rng)
            reasons.append((rule, taken))
        if elsewhere:
            return self._recorded(call, rng)
        if endpoint.answer is not None:
            return self._dressed(endpoint.answer(asked, self.store, rng), call)
        if self._default is not None:
            answer = _answer(self._default(call), (), None)
            return self._serve(answer, call, endpoint, asked, dialect, rng)
        return self._refuse(call, _explain(call, reasons), rng)

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
        endpoint = methods.get(call.method)
        if endpoint is None:
            return None, asked, errors.method_not_allowed(call.method, call.path, list(methods))
        if self.api_key is not None:
            scheme, _, bearer = call.headers.get("authorization", "").strip().partition(" ")
            bearer = bearer.strip() if scheme.lower() == "bearer" else scheme
            key = (dialect and call.headers.get("api-key")) or bearer
            if key != self.api_key:
                return None, asked, errors.invalid_api_key(key)
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
            call.body,
            content_type,
            call.headers,
            self._ask,
        )
        for taken, what in ((endpoint.query, query), (endpoint.parameters, given)):
            if wrong is None and taken is not None:
                wrong = taken.check(what, lenient)
        return endpoint, asked, wrong

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
        render = endpoint.render
        if endpoint.dialects and render is not None:
            render = partial(render, dialect=dialect)
        if endpoint.recall is not None and render is not None:
            render = partial(render, history=call.history)
        if isinstance(value, ApiError):
            value = self._retried_soon(value)
        if isinstance(value, Script):
            script = value
            # A ready-made stream answers a stream of its endpoint; to others its reply is said.
            if (
                render
                and script.is_stream
                and answer.spoken is not None
                and not (call.stream and path_of(script, endpoint.path) == endpoint.path)
            ):
                _check_only_said(script, call)
                script = render(answer.spoken, asked.parameters, rng=rng)
        elif isinstance(value, Mapping):
            script = json_response(value, rng)
        elif render is not None:
            script = render(value, asked.parameters, rng=rng)
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
        for fault in faults:
            faulty = fault(script)
            if not isinstance(faulty, Script):
                raise FaultError(f"{fault!r} gives {faulty!r}; a fault gives a Script")
            script = faulty
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
        return self._serve(_answer(found, (), None), call, endpoint, asked, dialect, rng)

    # The doors

    @property
    def base_url(self) -> str:
        """The URL that OpenAI clients take, as in ``http://127.0.0.1:PORT/v1``."""
        return f"{self.start().url}/v1"

    def start(self) -> Loopback:
        """Open the loopback server, unless it is open."""
        from openai_mockserver.server import Loopback

        with self._lock:
            if self._server is None:
                self._server = Loopback(self.respond, *self._address, self._tls)
            return self._server

    def stop(self) -> None:
        """Close the loopback server: streams that are going on are broken off."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> MockOpenAI:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def transport(self) -> Any:
        """The in-process transport, for clients of httpx2 and httpx, sync and async."""
        if self._transport is None:
            from openai_mockserver.transport import Clock, InProcess

            self._transport = InProcess(self.respond, Clock(virtual=self._clock_kind == "virtual"))
        return self._transport

    @property
    def clock(self) -> Clock:
        """The clock of the in-process door."""
        clock: Clock = self.transport().clock
        return clock

    def client(self, **options: Any) -> openai.OpenAI:
        """An `openai.OpenAI` in process. Options are those of the client.

        Raises MissingDependency without the openai package.
        """
        package, http = _clients()
        made: openai.OpenAI = package.OpenAI(
            **self._client_options(options), http_client=http.Client(**self._http_options())
        )
        return made

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """An `openai.AsyncOpenAI` in process. Options are those of the client.

        Raises MissingDependency without the openai package.
        """
        package, http = _clients()
        made: openai.AsyncOpenAI = package.AsyncOpenAI(
            **self._client_options(options), http_client=http.AsyncClient(**self._http_options())
        )
        return made

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        key = self.api_key or os.environ.get("OPENAI_API_KEY") or API_KEY
        return {"api_key": key, "base_url": "http://mockserver/v1"} | options

    def _http_options(self) -> dict[str, Any]:
        # Without the environment's proxies and certificates there is nothing to load.
        return {"transport": self.transport(), "trust_env": False, "follow_redirects": True}


def _check_only_said(script: Script, call: Call) -> None:
    """Raise ReplyError where a ready-made stream does more than say something."""
    said = [step.data for step in script.steps if isinstance(step, Event)]
    plain = len(said) + sum(isinstance(step, Pause) for step in script.steps) == len(script.steps)
    right = sum(1 for _ in decode_events(script)) == len(said) - 1 and said[-1:] == ["[DONE]"]
    whole = plain and right and script.end == "finish"
    if call.stream and not whole:
        raise ReplyError(
            f"this ready-made stream is broken as one of {path_of(script)}, and would be whole at "
            f"{call.path}: say its reply there, with faults=[...]"
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
    bare = not call.body and not endpoint.parameters.schema.get("required")
    return {}, None if bare else errors.invalid_json()


def _clients() -> tuple[Any, Any]:
    """The openai package and the HTTP library that it uses."""
    try:
        import openai
    except ImportError:
        raise MissingDependency("this needs the openai package: pip install openai") from None
    for library in ("httpx2", "httpx"):
        base = openai.DefaultHttpxClient.__mro__
        if any(kind.__module__.partition(".")[0] == library for kind in base):
            return openai, __import__(library)
    raise MissingDependency(f"openai {openai.__version__} uses neither httpx2 nor httpx")


def _upstream(url: str | None) -> Upstream | None:
    """Where requests go that nothing here answers."""
    if url is None:
        return None
    from openai_mockserver.upstream import Upstream

    return Upstream(url)


def _recorder(
    folder: Path | str | None, cassette: Cassette | None, redactor: Redactor | None
) -> Recorder | None:
    """What records, where something is to be recorded."""
    if cassette is not None and cassette.records:
        return _recorder_into(cassette)
    if folder is None:
        return None
    from openai_mockserver.cassettes.recorder import Recorder

    return Recorder(Path(folder), redactor)


def _recorder_into(cassette: Cassette) -> Recorder:
    """What records at the end of a cassette."""
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.writer import append

    path = cassette.path
    beside = path.parent / f".{path.stem}.parts"

    def finished(recording: Path) -> None:
        append(path, recording)
        with contextlib.suppress(OSError):  # another exchange is still being recorded
            beside.rmdir()

    return Recorder(beside, cassette.redactor, finished)


def _explain(call: Call, reasons: list[tuple[Rule, str]]) -> str:
    asked = f"{call.method} {call.path} model={call.model!r} user={call.user!r}"
    if not reasons:
        return f"no rule matches {asked}: there are none; call .reply(...) or .on(...).reply(...)"
    told = "\n".join(f"  {rule!r}: {why}" for rule, why in reasons)
    return f"no rule matches {asked}; the newest first:\n{told}"
