"""OpenAI's endpoints. Each module renders a reply to its bytes and reads them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockserver.api import chat
from mockserver.api.parameters import Parameter
from mockserver.reply import ApiError, Reply
from mockserver.script import Script

__all__ = ["ENDPOINTS", "Endpoint"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: the methods it takes, its parameters, and its two functions."""

    path: str
    methods: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    render: Callable[..., Script]
    read: Callable[[Script], Reply | ApiError]


ENDPOINTS = {
    endpoint.path: endpoint
    for endpoint in (Endpoint(chat.PATH, ("POST",), chat.PARAMETERS, chat.render, chat.read),)
}
"""The endpoints by path."""
