"""The exchange: the value that the five steps pass on, from request to script.

Rules of this file: values only. A step never changes an exchange: `replace` returns a copy with
more fields set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from openai_mockserver.api import Endpoint, EndpointRequest
from openai_mockserver.api.compiled_replies import CompiledReplies
from openai_mockserver.api.jobs import Jobs
from openai_mockserver.api.store import Store
from openai_mockserver.dialects import Dialect
from openai_mockserver.dispatch.options import Options
from openai_mockserver.engine import LiveEngine
from openai_mockserver.journal import Call
from openai_mockserver.rules import Answer, RuleSet
from openai_mockserver.script import Script
from openai_mockserver.upstream import Upstream

__all__ = ["Exchange", "Plan", "replace"]

Plan = Script | Upstream
"""How a request is answered: by playing a script, or by an upstream."""


class Exchange(Struct, frozen=True, kw_only=True):
    """A request, and what is known of its answer so far.

    Args:
        call: the request.
        options: how the mock answers.
        rules: the mock's rules.
        store: the objects that earlier requests created.
        replies: renders replies, and compiles those that repeat.
        rng: source of ids and other generated content.
        ask: sends another request to the same mock, by method, path and body.
        jobs: the jobs that earlier requests began.
        dialect: the dialect to answer in; None is OpenAI's own. Set by `route_request`.
        path: OpenAI's path of the endpoint, with ids filled in. Set by `route_request`.
        endpoint: the endpoint. Set by `route_request`.
        ids: the variable parts of the path by name. Set by `route_request`.
        endpoint_request: the validated request. Set by `validate_request`.
        answer: the answer; None if the endpoint itself answers. Set by `choose_answer`.
        script: the response. Set by `render_answer`; `dress_script` adds pace and faults.
        over_websocket: whether the response is sent over a WebSocket.
        live: the engine whose capacity limits the mock; None for no limit.
    """

    call: Call
    options: Options
    rules: RuleSet
    store: Store
    replies: CompiledReplies
    rng: Random
    ask: Callable[[str, str, bytes], Script]
    jobs: Jobs
    dialect: Dialect | None = None
    path: str = ""
    endpoint: Endpoint = Endpoint(path="")
    ids: Mapping[str, str] = {}
    endpoint_request: EndpointRequest = EndpointRequest("", "")
    answer: Answer | None = None
    script: Script = Script()
    over_websocket: bool = False
    live: LiveEngine | None = None

    @property
    def wants_stream(self) -> bool:
        """Whether the request asks for a stream, by the rule that the renderers use."""
        return bool(self.endpoint_request.parameters.get("stream"))
