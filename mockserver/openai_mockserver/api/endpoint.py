"""An endpoint: where it is, what it takes, and what makes its answer.

Rules of this file: values only. A model speaks at an endpoint that has `render` and `read`; at
the others an answer follows from the request and what was created before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from openai_mockserver.api.context import Context
from openai_mockserver.api.store import Store
from openai_mockserver.api.validation.parameters import Parameters
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Head, Script

__all__ = ["Answer", "Asked", "Endpoint", "Individual", "Rendered"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an endpoint is asked.

    Args:
        method, path: the request's, the path as `decode_path` has it.
        ids: the variable parts of the path by name, as in ``{"file_id": "file-abc"}``.
        query: the query's parameters, as what the endpoint takes them for.
        parameters: the body's: of a JSON object, or of a form (files as `multipart.AnyFile`).
        content_type: the body's.
        headers: the request's; their names are in lower case.
        ask: asks the same mock something else, by method, path and body.
    """

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str, str, bytes], Script] | None = None


class Rendered(NamedTuple):
    """A response, and the object that it is in the end, which nobody need read off its bytes.

    Args:
        script: what is sent.
        id: the object's; empty if there is none.
        make_object: makes the object of plain JSON values, when it is asked for; None if there is
            none, or if it is only known by its bytes.
    """

    script: Script
    id: str = ""
    make_object: Callable[[], dict[str, Any]] | None = None


Answer = Callable[[Asked, Store, Random], Script]
"""Answers where no model speaks."""


@dataclass(frozen=True, slots=True)
class Individual:
    """What is of its own in each response, though the same is said to the same request.

    Args:
        shape: what of a request its response depends on, by its parameters, the dialect and the
            history: requests of the same shape get the same response but for its envelope.
        envelope: makes the envelope of a response, by the parameters, the dialect and chance.
        head: makes the head, by the envelope, the dialect, the length of the body in bytes (None
            for a stream) and chance.
    """

    shape: Callable[[Mapping[str, Any], Any, Any], Mapping[str, Any]]
    envelope: Callable[[Mapping[str, Any], Any, Random], Any]
    head: Callable[[Any, Any, int | None, Random], Head]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        path: with variable parts in braces, as in ``/v1/files/{file_id}``.
        method: the method it takes.
        parameters: the body's parameters, checked before anything else.
        query: the query's, checked likewise.
        form: whether it takes ``multipart/form-data`` besides JSON.
        render, read: make the response of a reply, and read it back.
        individual: tells how responses that say the same differ, so that they are rendered once.
        answer: makes the response where no rule speaks for the endpoint.
        keep: remembers what a reply made, and gives what is answered.
        recall: the messages that came before those of the request, or what is wrong with asking.
    """

    path: str
    method: str = "POST"
    parameters: Parameters | None = None
    query: Parameters | None = None
    form: bool = False
    render: Callable[[Reply | ApiError, Context], Rendered] | None = None
    read: Callable[[Script], Reply | ApiError] | None = None
    individual: Individual | None = None
    answer: Answer | None = None
    keep: Callable[[Asked, Rendered, Store], Script] | None = None
    recall: Callable[[Asked, Store], Sequence[Mapping[str, Any]] | ApiError] | None = None
