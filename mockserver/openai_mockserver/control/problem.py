"""Errors of the control API, in the one shape of RFC 9457: ``application/problem+json``."""

from __future__ import annotations

import re
from http import HTTPStatus

import msgspec.json
from msgspec import Struct

from openai_mockserver.server.door import SideResponse

__all__ = ["PROBLEM_TYPE", "Problem", "ProblemShape", "split_place"]

PROBLEM_TYPE = "application/problem+json"


class ProblemShape(Struct, omit_defaults=True, rename={"kind": "type"}):
    """An error (RFC 9457).

    ``detail`` is a sentence. ``place`` is where the mistake is in the request, such as
    ``rules[2].reply.finish_reason``.
    """

    title: str
    status: int
    detail: str
    place: str | None = None
    kind: str = "about:blank"


class Problem(Exception):
    """A request to the control API that cannot be fulfilled.

    Args:
        status: the HTTP status.
        detail: a sentence.
        place: where the mistake is in the request.
        headers: more headers of the response.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        place: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.place, self.headers = status, detail, place, headers

    def render(self) -> SideResponse:
        """Return the response."""
        title = HTTPStatus(self.status).phrase
        shape = ProblemShape(title, self.status, self.detail, self.place)
        body = msgspec.json.encode(shape)
        headers = (("content-type", PROBLEM_TYPE), ("content-length", str(len(body))))
        return SideResponse(
            self.status, (*headers, ("cache-control", "no-store"), *self.headers), body
        )


_PLACE = re.compile(r"([a-z_]+(?:\[\d+\]|\.[\w-]+)*|<body>:\d+:\d+): ", re.IGNORECASE)


def split_place(sentence: str) -> tuple[str | None, str]:
    """Split an error of a scenario into its place, if it names one, and the sentence.

    >>> split_place("rules[0].reply.txt: there is no such key")
    ('rules[0].reply.txt', 'there is no such key')
    >>> split_place("there is no such rule")
    (None, 'there is no such rule')
    """
    match = _PLACE.match(sentence)
    return (match[1], sentence[match.end() :]) if match else (None, sentence)
