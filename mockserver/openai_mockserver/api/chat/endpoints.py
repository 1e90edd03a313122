"""The endpoint of chat completions."""

from __future__ import annotations

from openai_mockserver.api.chat.reader import read
from openai_mockserver.api.chat.renderer import (
    PATH,
    compose,
    fresh_envelope,
    make_head,
    shape,
)
from openai_mockserver.api.chat.store import keep
from openai_mockserver.api.endpoint import CompileHooks, Endpoint
from openai_mockserver.api.validation.parameters import parameters_of

__all__ = ["ENDPOINTS"]

ENDPOINTS = (
    Endpoint(
        path=PATH,
        parameters=parameters_of("POST", PATH),
        render=compose,
        read=read,
        keep=keep,
        compile_hooks=CompileHooks(shape, fresh_envelope, make_head),
    ),
)
