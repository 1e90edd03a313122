"""Which requests to the control API concern all workers, and what is done with their answers.

Rules of this file: a row of the table of routes (`control.routes`) says which workers its requests
concern. What a change would choose by chance is chosen before the workers get it, so that all do
the same.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import SystemRandom
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec.json

from openai_mockserver.control import Route, find_route
from openai_mockserver.control.follow import CallFollower
from openai_mockserver.control.problem import Problem
from openai_mockserver.exceptions import ScenarioError
from openai_mockserver.mock.report import describe_unused
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.scenario import parse
from openai_mockserver.server.door import Inner, SideHandler, SideResponse
from openai_mockserver.webhooks.signing import make_secret
from openai_mockserver.workers.channel import Answer, Command
from openai_mockserver.workers.following import GroupFollower
from openai_mockserver.workers.member import Member
from openai_mockserver.workers.merging import MERGERS, sum_metrics

__all__ = ["Group"]

_FORGET = 60.0  # seconds after which a follower that nobody reads is forgotten
_NOT_FORWARDED = ("content-length", "transfer-encoding", "content-encoding", "connection")


class Group:
    """The control API of all workers, as one worker answers it.

    Args:
        find: returns what answers requests to a path in this worker, as `Door.side`.
        member: the connection to the other workers.
    """

    def __init__(self, find: Callable[[str], Inner | SideHandler | None], member: Member) -> None:
        self._find_here, self._member = find, member
        self._followers: dict[str, tuple[float, CallFollower]] = {}

    def find(self, path: str) -> Inner | SideHandler | None:
        """Return what answers requests to a path, as `Door.side`."""
        found = self._find_here(path)
        if found is None or isinstance(found, Inner):
            return found
        return partial(self._answer, path, found)

    def _answer(
        self, path: str, handle: SideHandler, request: Request, error: ApiError | None = None
    ) -> SideResponse:
        route = find_route(request.method, path)
        if error is not None or request.refusal is not None or route is None:
            return handle(request, error)
        spread = _SPREADS.get(route.workers)
        return handle(request) if spread is None else spread(self, route, path, handle, request)

    # Kinds of requests

    def _refuse(
        self, route: Route, path: str, handle: SideHandler, request: Request
    ) -> SideResponse:
        sentence = "a server with several workers cannot record: start one without --workers"
        return Problem(409, sentence).render()

    def _change(
        self, route: Route, path: str, handle: SideHandler, request: Request
    ) -> SideResponse:
        """Let all workers do the same, and return this one's answer, or one made of all."""
        content = _CHOICES.get(route.name, _keep)(request)
        answers = self._ask(path, request, content=content, is_change=True)
        own = answers.get(self._member.slot) or _find_best(answers)
        if route.name in MERGERS and own.status < 400:
            return _respond(_join_answers(route, answers, {}))
        return _respond(own)

    def _ask_owner(
        self, route: Route, path: str, handle: SideHandler, request: Request
    ) -> SideResponse:
        """Return the answer of the worker that has the object."""
        is_change = route.method != "GET"
        return _respond(_find_best(self._ask(path, request, is_change=is_change)))

    def _merge(
        self, route: Route, path: str, handle: SideHandler, request: Request
    ) -> SideResponse:
        """Return one answer made of all."""
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        with_unused = route.name == "verify" and query.pop("unused", "false") in ("true", "1")
        answers = self._ask(path, request, query=urlencode(query))
        best = _find_best(answers)
        if best.status >= 400:
            return _respond(best)
        return _respond(_join_answers(route, answers, query, with_unused))

    def _sum(self, route: Route, path: str, handle: SideHandler, request: Request) -> SideResponse:
        """Return the metrics of all."""
        answers = self._ask(path, request)
        if (best := _find_best(answers)).status >= 400:
            return _respond(best)
        pages = [answer.body.decode() for _, answer in sorted(answers.items())]
        return _respond(Answer(best.status, best.headers, sum_metrics(pages).encode()))

    def _follow(
        self, route: Route, path: str, handle: SideHandler, request: Request
    ) -> SideResponse:
        """Return the event stream about the calls of all."""
        response = handle(request)
        if response.follower is None:  # the request is invalid
            return response
        fresh = _without_last_event(request)

        def ask(key: str, from_start: bool) -> dict[int, Answer]:
            return self._ask(path, fresh if from_start else request, key=key)

        last = request.headers.get("last-event-id")
        last = last or dict(parse_qsl(request.query)).get("last_event_id")
        return replace(response, follower=GroupFollower(ask, last))

    def _ask(
        self,
        path: str,
        request: Request,
        *,
        query: str | None = None,
        content: bytes | None = None,
        is_change: bool = False,
        key: str = "",
    ) -> dict[int, Answer]:
        headers = [one for one in request.headers.raw if one[0].lower() not in _NOT_FORWARDED]
        if content is not None:
            headers = [one for one in headers if one[0].lower() != "content-type"]
            headers.append(("content-type", "application/json"))
        command = Command(
            request.method,
            path,
            request.query if query is None else query,
            headers,
            request.body if content is None else content,
            is_change,
            key,
        )
        answers = self._member.ask(command)
        if not answers:
            return {self._member.slot: Answer(503, [], b"the workers do not answer")}
        return answers

    # What the others ask

    def carry_out(self, command: Command) -> Answer:
        """Carry out what a worker, perhaps this one, asks of all."""
        request = Request(
            command.method, command.path, command.headers, command.content, command.query
        )
        if command.key and command.key in self._followers:
            return self._read_follower(command.key)
        handle = self._find_here(command.path)
        if handle is None or isinstance(handle, Inner):
            return Answer(404)
        response = handle(request)
        if isinstance(response.follower, CallFollower):
            self._followers[command.key] = (time.monotonic(), response.follower)
            return self._read_follower(command.key)
        body = response.body + b"".join(response.pieces or ())
        return Answer(response.status, list(response.headers), body)

    def _read_follower(self, key: str) -> Answer:
        now = time.monotonic()
        for other, (read_at, _) in list(self._followers.items()):
            if now - read_at > _FORGET:
                del self._followers[other]
        _, follower = self._followers[key]
        self._followers[key] = (now, follower)
        return Answer(200, [("history", follower.history_name)], follower.read())


_SPREADS: Mapping[str, Callable[[Group, Route, str, SideHandler, Request], SideResponse]] = {
    "all": Group._change,
    "owner": Group._ask_owner,
    "merge": Group._merge,
    "sum": Group._sum,
    "follow": Group._follow,
    "none": Group._refuse,
}
"""What is done with a request, by `Route.workers`; this worker alone answers all others."""


def _without_last_event(request: Request) -> Request:
    """Return a request to follow the calls that begins with the oldest."""
    headers = [one for one in request.headers.raw if one[0].lower() != "last-event-id"]
    return Request(request.method, request.path, headers)


def _respond(answer: Answer) -> SideResponse:
    length = ("content-length", str(len(answer.body)))
    headers = [one for one in answer.headers if one[0].lower() not in _NOT_FORWARDED]
    return SideResponse(answer.status, (*headers, length), answer.body)


def _join_answers(
    route: Route,
    answers: Mapping[int, Answer],
    query: Mapping[str, str],
    with_unused: bool = False,
) -> Answer:
    """Return one answer made of those that are no errors.

    Args:
        route, query: the route and the query of the request.
        answers: the answers of the workers.
        with_unused: whether a verdict fails if there are unused rules.
    """
    good = [answer for _, answer in sorted(answers.items()) if answer.status < 400]
    whole = MERGERS[route.name]([msgspec.json.decode(one.body) for one in good], query)
    if with_unused and whole["passed"] and whole["unused"]:
        whole |= {"passed": False, "message": describe_unused(whole["unused"])}
    return Answer(good[0].status, good[0].headers, msgspec.json.encode(whole) + b"\n")


def _find_best(answers: Mapping[int, Answer]) -> Answer:
    """Return the answer of the worker that has what is asked for."""
    return min(answers.values(), key=lambda answer: answer.status)


# What is chosen by chance


def _keep(request: Request) -> bytes | None:
    return None


def _choose_sandbox(request: Request) -> bytes | None:
    return _add_member(request, "id", partial(secrets.token_hex, 6))


def _choose_secret(request: Request) -> bytes | None:
    own = os.environ.get("OPENAI_WEBHOOK_SECRET")
    return None if own else _add_member(request, "secret", partial(make_secret, SystemRandom()))


def _add_member(request: Request, name: str, choose: Callable[[], str]) -> bytes | None:
    """Return the body with a member that it leaves out; None if it is to stay as it is."""
    value: Any = {}
    if request.body:
        is_yaml = "yaml" in request.headers.get("content-type", "").lower()
        try:
            value = parse(request.body, "<body>", not is_yaml)
        except ScenarioError:
            return None  # each worker says what is wrong
    if not isinstance(value, dict) or value.get(name) is not None:
        return None
    return msgspec.json.encode(value | {name: choose()})


_CHOICES: Mapping[str, Callable[[Request], bytes | None]] = {
    "createSandbox": _choose_sandbox,
    "addWebhook": _choose_secret,
}
"""What chooses what a worker would choose by chance, by the name of the route."""
