"""A mock on another server, steered over its control API.

Rules of this file: the methods are those of `MockOpenAI`, for what can cross the wire. Rules are
made and checked here as for a mock in this process, and then sent as JSON.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.dispatch import Fault
from openai_mockserver.engine import Engine
from openai_mockserver.exceptions import MockServerError, ServerError, UnmatchedRequest, UnusedRule
from openai_mockserver.journal import Delivered
from openai_mockserver.mock.mock_openai import MockOpenAI
from openai_mockserver.mock.remote_jobs import RemoteJobs, RemoteWebhooks
from openai_mockserver.mock.rule_builder import RuleBuilder
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.request import Request
from openai_mockserver.scenario.rule_json import (
    encode_engine,
    encode_fault,
    encode_pace,
    encode_rule,
)
from openai_mockserver.script import Event

__all__ = ["RemoteCall", "RemoteMock", "RemoteRule", "ServerEvent", "connect"]

_PAGE = 100  # calls that are read at once
_SILENCE = 30.0  # seconds without a byte of an event stream, of which one comes every 15
_RETRY_AFTER = 0.2  # seconds between attempts to continue an event stream


def connect(url: str, *, token: str | None = None, timeout: float = 10.0) -> RemoteMock:
    """Return the mock of a running server, such as ``openai-mockserver serve``.

    Args:
        url: the server's URL, for example ``http://127.0.0.1:8000``, or a base URL for OpenAI
            clients, also that of a sandbox.
        token: the token of its control API, if it has one.
        timeout: seconds to wait for an answer.

    Raises:
        ServerError: nothing answers there, or not our control API, or the token is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError(f"connect({url!r}): must be an http:// or https:// URL")
    path = parts.path.rstrip("/").removesuffix("/v1")
    connection = _Connection(f"{parts.scheme}://{parts.netloc}", path, token, timeout)
    settings = connection.ask("GET", "/settings")
    if not isinstance(settings, dict) or "fail_on_unmatched" not in settings:
        raise ServerError(f"{url} is not an openai-mockserver")
    return RemoteMock(connection)


class _Connection:
    """Sends requests to a control API.

    Args:
        origin: scheme and host.
        path: the path before ``/_mock``; empty but for a sandbox.
        token, timeout: as for `connect`.
    """

    def __init__(self, origin: str, path: str, token: str | None, timeout: float) -> None:
        self.origin, self.path, self.token, self.timeout = origin, path, token, timeout

    @property
    def url(self) -> str:
        return self.origin + self.path

    def at(self, path: str) -> _Connection:
        """Return a connection to another path of the server."""
        return _Connection(self.origin, path, self.token, self.timeout)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer to a request. Raises MockServerError for a problem."""
        content = None if body is None else msgspec.json.encode(body)
        connection = self._connect(self.timeout)
        try:
            connection.request(method, f"{self.path}/_mock{path}", content, self._headers)
            response = connection.getresponse()
            octets = response.read()
        except _CONNECTION_ERRORS as error:
            raise ServerError(f"cannot reach {self.url}: {error!r}") from None
        finally:
            connection.close()
        try:
            answer = json.loads(octets) if octets else None
        except ValueError:
            answer = None
        if response.status < 400:
            return answer
        if not isinstance(answer, dict) or "detail" not in answer:
            raise ServerError(
                f"{self.url} has no control API (it answers {response.status}): start "
                "`openai-mockserver serve` without --no-control, or MockOpenAI(control=True)"
            )
        place = f"{answer['place']}: " if answer.get("place") else ""
        kind_of_error = ServerError if response.status in (401, 403) else MockServerError
        raise kind_of_error(f"{place}{answer['detail']}")

    @property
    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        return headers

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        is_tls = parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=timeout)

    def follow(self, path: str) -> Iterator[Event]:
        """Yield the events of an endless event stream.

        If the connection ends, the stream is continued after the last event. Raises ServerError
        if that does not succeed within the timeout.
        """
        last_id, broken_since = "", 0.0
        while True:
            connection = self._connect(_SILENCE)
            headers = self._headers | ({"last-event-id": last_id} if last_id else {})
            try:
                connection.request("GET", f"{self.path}/_mock{path}", headers=headers)
                for event in _read_events(connection.getresponse()):
                    broken_since, last_id = 0.0, event.id or last_id
                    yield event
            except _CONNECTION_ERRORS as error:
                broken_since = broken_since or time.monotonic()
                if time.monotonic() - broken_since > self.timeout:
                    raise ServerError(f"cannot follow {self.url}: {error!r}") from None
                time.sleep(_RETRY_AFTER)
            finally:
                connection.close()


_CONNECTION_ERRORS = (OSError, http.client.HTTPException)


def _read_events(response: http.client.HTTPResponse) -> Iterator[Event]:
    """Yield the events of a response as they arrive. Raises ConnectionError at its end."""
    if response.status != 200:
        raise ServerError(f"the event stream is answered with {response.status}")
    decoder = sse.Decoder()
    while octets := response.read1():
        yield from decoder.feed(octets)
    raise ConnectionError("the event stream ended")


class ServerEvent(NamedTuple):
    """What happened on a server.

    Args:
        kind: ``start`` or ``end`` of a call; ``progress`` of the open calls; ``reset`` of the
            journal; ``gap`` if the journal has dropped calls.
        data: the call, or what the control API says about the event.
    """

    kind: str
    data: dict[str, Any]


class RemoteRule:
    """A rule on the server."""

    def __init__(self, connection: _Connection, number: int, description: str) -> None:
        self._connection = connection
        self.number = number
        self._description = description

    @property
    def use_count(self) -> int:
        """How many requests the rule has answered."""
        rule = self._connection.ask("GET", f"/rules/{self.number}")
        return int(rule["use_count"])

    @property
    def called(self) -> bool:
        """Whether the rule has answered a request."""
        return self.use_count > 0

    @property
    def called_once(self) -> bool:
        """Whether the rule has answered exactly one request."""
        return self.use_count == 1

    def delete(self) -> None:
        """Remove the rule."""
        self._connection.ask("DELETE", f"/rules/{self.number}")

    def __repr__(self) -> str:
        return self._description


class RemoteCall(Request):
    """A call on the server, as it was when it was read; secrets are redacted.

    Attributes:
        number: its number in the journal.
        status: the HTTP status of the response; None while there is none.
        ended: the outcome, as for calls of `MockOpenAI`; None while the response is being played.
        delivered: how much the client has received.
        problem: why the request could not be answered; None if it was.
        unrecorded: why the response could not be recorded.
        warnings: warnings about a call that was answered.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        request = fields["request"]
        path, _, query = str(request["url"]).partition("?")
        headers = [(name, value) for name, value in request["headers"]]
        super().__init__(request["method"], path, headers, _read_body(request), query)
        self.attempt = fields["attempt"]
        self.number: int = fields["number"]
        self.status: int | None = fields["status"]
        is_open = fields["state"] in ("waiting", "in progress", "written")
        self.ended: str | None = None if is_open else fields["state"]
        self.delivered = Delivered(**fields["delivered"])
        self.problem: str | None = fields["problem"]
        self.unrecorded: str | None = fields["unrecorded"]
        self.warnings: list[str] = fields["warnings"]

    def __repr__(self) -> str:
        line = f"#{self.number} {self.method} {self.path} {self.model}"
        return f"<RemoteCall {line} -> {self.status}, {self.ended or 'in progress'}>"


def _read_body(request: Mapping[str, Any]) -> bytes:
    if "json" in request:
        return msgspec.json.encode(request["json"])
    if "text" in request:
        return str(request["text"]).encode()
    return base64.b64decode(request.get("base64", ""))


class RemoteRuleBuilder:
    """A rule without replies, as returned by `RemoteMock.on`."""

    def __init__(self, builder: RuleBuilder, connection: _Connection) -> None:
        self._builder = builder
        self._connection = connection

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        chance: float | None = None,
        dialect: str | None = None,
    ) -> RemoteRule:
        """Answer with these replies; the arguments are those of `RuleBuilder.reply`.

        Raises:
            MockServerError: a reply, a fault or a condition is a function, or is invalid.
        """
        rule = self._builder.reply(
            *replies, faults=faults, pace=pace, times=times, chance=chance, dialect=dialect
        )
        (added,) = self._connection.ask("POST", "/rules", encode_rule(rule))["rules"]
        return RemoteRule(self._connection, added["number"], added["description"])


class RemoteMock:
    """The mock of a running server, as returned by `connect`.

    As a context manager, it removes a sandbox that `sandbox` has created.
    """

    def __init__(self, connection: _Connection, sandbox: str | None = None) -> None:
        self._connection = connection
        self._sandbox = sandbox

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI clients."""
        return f"{self._connection.url}/v1"

    # Rules

    def reply(
        self,
        *replies: object,
        faults: Iterable[Fault] | Fault = (),
        pace: Pace | str | None = None,
        times: int | None = None,
        chance: float | None = None,
        dialect: str | None = None,
    ) -> RemoteRule:
        """Answer every request; the arguments are those of `RuleBuilder.reply`."""
        return self.on().reply(
            *replies, faults=faults, pace=pace, times=times, chance=chance, dialect=dialect
        )

    def on(
        self, predicate: Callable[[Request], object] | None = None, **conditions: Any
    ) -> RemoteRuleBuilder:
        """Add a rule; the conditions are those of `MockOpenAI.on`.

        Raises MockServerError for a function, which cannot be sent to the server.
        """
        draft = MockOpenAI(dialect=self.settings["dialect"])
        return RemoteRuleBuilder(draft.on(predicate, **conditions), self._connection)

    # Calls

    @property
    def calls(self) -> list[RemoteCall]:
        """The calls in the journal, oldest first."""
        return list(self._read_calls({}))

    @property
    def problems(self) -> list[RemoteCall]:
        """The calls that no rule matched, or that could not be answered or recorded."""
        return list(self._read_calls({"problem": "true"}))

    def _read_calls(self, conditions: Mapping[str, str]) -> Iterator[RemoteCall]:
        after: int | None = 0
        while after is not None:
            query = {**conditions, "include": "request", "limit": _PAGE, "after": after}
            page = self._connection.ask("GET", f"/calls?{urlencode(query)}")
            yield from map(RemoteCall, page["calls"])
            after = page["next"]

    def follow(self, begin: Literal["start", "now"] = "start") -> Iterator[ServerEvent]:
        """Yield what happens to the calls, when it happens, without end.

        If the connection is cut, it goes on where it was: no event is missing or comes twice.

        Args:
            begin: ``start`` for the oldest call in the journal, ``now`` for the next call.

        Raises:
            ServerError: the server is gone for longer than the timeout of `connect`.
        """
        for event in self._connection.follow(f"/calls/follow?begin={begin}"):
            yield ServerEvent(event.event or "message", msgspec.json.decode(event.data))

    @property
    def forgotten_problems(self) -> int:
        """How many calls with problems the server's journal has dropped."""
        return int(self._connection.ask("GET", "/verify")["forgotten_problems"])

    @property
    def unused(self) -> list[str]:
        """A sentence for each rule that was not used, or not with all its replies or ``times``."""
        return list(self._connection.ask("GET", "/verify")["unused"])

    def check(self, unused: bool = False) -> None:
        """Raise UnmatchedRequest or UnusedRule, as `MockOpenAI.check` does."""
        verdict = self._connection.ask("GET", f"/verify?unused={str(unused).lower()}")
        if not verdict["passed"]:
            is_problem = verdict["problems"] or verdict["forgotten_problems"]
            raise (UnmatchedRequest if is_problem else UnusedRule)(verdict["message"])

    def reset(self) -> None:
        """Remove all calls and created objects, and what was set while the server runs.

        That is rules and receivers of webhooks, but not settings.
        """
        self._connection.ask("POST", "/reset")

    # Jobs and webhooks

    @property
    def jobs(self) -> RemoteJobs:
        """The jobs of the server that take time."""
        return RemoteJobs(self._connection.ask)

    @property
    def webhooks(self) -> RemoteWebhooks:
        """The webhooks that the server sends."""
        return RemoteWebhooks(self._connection.ask, self._connection.timeout)

    # Settings

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the mock: pace, dialect, faults, seed and others."""
        settings: dict[str, Any] = self._connection.ask("GET", "/settings")
        return settings

    def change_settings(self, **changes: Any) -> dict[str, Any]:
        """Change some settings at once, and return all.

        Args:
            changes: the new values by name; a pace may be a `Pace`, an engine an `Engine`, and
                faults may be `Fault` values.
        """
        if isinstance(changes.get("pace"), Pace):
            changes["pace"] = encode_pace(as_pace(changes["pace"]) or Pace())
        if isinstance(changes.get("engine"), Engine):
            changes["engine"] = encode_engine(changes["engine"])
        if "faults" in changes:
            changes["faults"] = [
                encode_fault(one) if callable(one) else one for one in changes["faults"]
            ]
        settings: dict[str, Any] = self._connection.ask("PATCH", "/settings", changes)
        return settings

    @property
    def engine(self) -> dict[str, Any] | None:
        """The state of the engine: slots, running and waiting requests, limits and others.

        None without an engine. An engine that is set, as for `MockOpenAI`, begins empty.
        """
        state: dict[str, Any] = self._connection.ask("GET", "/engine")
        return None if state["engine"] is None else state

    @engine.setter
    def engine(self, engine: Engine | Mapping[str, Any] | str | None) -> None:
        value = encode_engine(engine) if isinstance(engine, Engine) else engine
        self._connection.ask("PUT", "/engine", {"engine": value})

    # Sandboxes

    def sandbox(self, id: str | None = None) -> RemoteMock:
        """Create a sandbox: a mock of its own at a part of the server's address.

        Args:
            id: the part of the address; random by default.
        """
        created = self._connection.ask("POST", "/sandboxes", {} if id is None else {"id": id})
        return RemoteMock(self._connection.at(f"/s/{created['id']}"), created["id"])

    def delete(self) -> None:
        """Remove this sandbox."""
        if self._sandbox is None:
            raise MockServerError("only a sandbox that sandbox() has created can be deleted")
        self._connection.at("").ask("DELETE", f"/sandboxes/{self._sandbox}")

    def __enter__(self) -> RemoteMock:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._sandbox is not None:
            self.delete()
