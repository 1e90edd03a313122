"""An endpoint: its path, its parameters, and the functions that produce its response.

Rules of this file: values only. An endpoint with `render` and `read` returns model output; the
others compute their response from the request and from stored objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, NamedTuple

from openai_mockserver.api.context import Context
from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.jobs import AT_ONCE, Jobs
from openai_mockserver.api.store import Found, Store
from openai_mockserver.api.validation.parameters import Parameters
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Head, Script

__all__ = ["Answer", "EndpointRequest", "CompileHooks", "Endpoint", "Rendered"]


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A validated request, as an endpoint receives it.

    Args:
        method, path: method and path of the request; the path as returned by `decode_path`.
        ids: the variable parts of the path by name, such as ``{"file_id": "file-abc"}``.
        query: the query parameters, converted to the types that the endpoint declares.
        parameters: the members of the JSON body, or the fields of the form (files as
            `multipart.AnyFile`).
        content_type: content type of the body.
        headers: headers of the request, with names in lower case.
        ask: sends another request, by method, path and body, to the same mock.
        jobs: the mock's jobs; by default they are done at once.
        content: the body, for an endpoint that accepts other types than JSON and forms.
        call_when_answered: calls a function when the whole response has been sent, or nothing more
            will be.
        found: what the request has looked up in the store, by id.
        number: distinguishes the request from the others of this process.
    """

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str, str, bytes], Script] | None = None
    jobs: Jobs = AT_ONCE
    content: bytes | DiskBytes = b""
    call_when_answered: Callable[[Callable[[], object]], object] = lambda function: function()
    found: dict[str, Found] = field(default_factory=dict)
    number: int = field(default_factory=count(1).__next__)


class Rendered(NamedTuple):
    """A response together with its final object, so that nobody has to parse the bytes.

    Args:
        script: the response.
        id: id of the object; empty if there is no object.
        make_object: returns the object as plain JSON values; called only if the object is needed.
            None if there is no object, or if only its bytes are known.
    """

    script: Script
    id: str = ""
    make_object: Callable[[], dict[str, Any]] | None = None


Answer = Callable[[EndpointRequest, Store, Random], Script]
"""Responds to a request at an endpoint without model output."""


@dataclass(frozen=True, slots=True)
class CompileHooks:
    """The functions with which `CompiledReplies` renders a reply once and reuses the bytes.

    Args:
        shape: returns the parts of a request that its response depends on, given the parameters,
            the dialect and the history. Requests of the same shape get the same response except
            for its envelope.
        envelope: creates the envelope of a response from the parameters, the dialect and a random
            generator.
        head: creates the head from the envelope, the dialect, the length of the body in bytes
            (None for a stream) and a random generator.
    """

    shape: Callable[[Mapping[str, Any], Any, Any], Mapping[str, Any]]
    envelope: Callable[[Mapping[str, Any], Any, Random], Any]
    head: Callable[[Any, Any, int | None, Random], Head]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        path: the path, with variable parts in braces, such as ``/v1/files/{file_id}``.
        method: the HTTP method.
        parameters: parameters of the body, checked before anything else.
        query: parameters of the query, checked likewise.
        form: whether the endpoint accepts ``multipart/form-data`` as well as JSON.
        render, read: turn a reply into a response, and a response back into a reply.
        compile_hooks: what `CompiledReplies` needs to reuse a rendered response; None to render
            each response anew.
        answer: responds if no rule answers for the endpoint.
        keep: stores the object of a rendered reply, and returns the response to send.
        recall: returns the messages that precede those of the request, or the error if they do not
            exist.
    """

    path: str
    method: str = "POST"
    parameters: Parameters | None = None
    query: Parameters | None = None
    form: bool = False
    render: Callable[[Reply | ApiError, Context], Rendered] | None = None
    read: Callable[[Script], Reply | ApiError] | None = None
    compile_hooks: CompileHooks | None = None
    answer: Answer | None = None
    keep: Callable[[EndpointRequest, Rendered, Store], Script] | None = None
    recall: Callable[[EndpointRequest, Store], Sequence[Mapping[str, Any]] | ApiError] | None = None
