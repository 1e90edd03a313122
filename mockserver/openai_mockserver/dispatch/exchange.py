"""One request on its way to an answer: the value that goes through the five functions.

Rules of this file: values only. What a function found stays as it is; `grow` gives the same value
with more in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct
from msgspec.structs import replace as grow

from openai_mockserver.api import Asked, Endpoint
from openai_mockserver.api.compiled_replies import CompiledReplies
from openai_mockserver.api.store import Store
from openai_mockserver.dialects import Dialect
from openai_mockserver.dispatch.options import Options
from openai_mockserver.journal import Call
from openai_mockserver.rules import Answer, Rulebook
from openai_mockserver.script import Script
from openai_mockserver.upstream import Upstream

__all__ = ["Exchange", "Plan", "grow"]

Plan = Script | Upstream
"""What is done for a request: a script is played, or an upstream is asked."""


class Exchange(Struct, frozen=True, kw_only=True):
    """A request, and what is known of its answer.

    Args:
        call: the request.
        options: how the mock answers.
        rules: the mock's.
        store: what requests created.
        replies: renders replies, and keeps those that are said again.
        rng: where ids come from, and all else that is made up.
        ask: asks the same mock something else, by method, path and body.
        dialect: whose manner to answer in; None for OpenAI's own. `route_request` finds it.
        path: the endpoint's, as OpenAI has it, filled in. `route_request` finds it.
        endpoint: `route_request` finds it.
        ids: the variable parts of the path by name. `route_request` finds them.
        asked: what the endpoint is asked; it is right. `validate_request` makes it.
        answer: what answers; None if the endpoint answers of itself. `choose_answer` finds it.
        script: the response. `render_answer` makes it, `dress_script` gives it pace and faults.
    """

    call: Call
    options: Options
    rules: Rulebook
    store: Store
    replies: CompiledReplies
    rng: Random
    ask: Callable[[str, str, bytes], Script]
    dialect: Dialect | None = None
    path: str = ""
    endpoint: Endpoint = Endpoint(path="")
    ids: Mapping[str, str] = {}
    asked: Asked = Asked("", "")
    answer: Answer | None = None
    script: Script = Script()

    @property
    def wants_stream(self) -> bool:
        """Whether a stream is asked for, as the renderers see it."""
        return bool(self.asked.parameters.get("stream"))
