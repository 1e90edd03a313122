"""What is secret: the one list of headers, query parameters and shapes of keys.

Rules of this file: data, and questions about it. What hides a secret (a repr, a log line, the
redaction of a recording) asks here what one is.
"""

from __future__ import annotations

import re

__all__ = [
    "KEY_PREFIXES",
    "KEY_SHAPES",
    "is_secret_header",
    "is_secret_parameter",
    "show_header",
]

_HEADERS = (
    "access-key",
    "api-key",
    "authorization",
    "client-principal",
    "cookie",
    "function-key",
    "functions-key",
    "openai-organization",
    "openai-project",
    "password",
    "secret",
    "subscription-key",
    "token",
)
# Whatever comes before these words: gateways pass on the headers of others under a prefix, as
# LiteLLM's ``llm_provider-set-cookie``.
_HEADER = re.compile(rf"(?:^|.*[-_])(?:{'|'.join(_HEADERS)})", re.IGNORECASE)

_PARAMETERS = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "code", "key", "sig", "token"}
)

# What keys look like, by the ones who give them out; ids of organisations and projects too.
KEY_PREFIXES = ("sk-", "sk_", "rk-", "gsk_", "xai-", "pplx-", "hf_", "r8_", "AIza", "fw_", "csk-",
                "org-", "proj_", "eyJ", "Bearer ")  # fmt: skip
"""How the text of a key begins."""

KEY_SHAPES = re.compile(
    r"(?:sk|rk|gsk|xai|pplx|hf|r8|fw|csk)[-_][A-Za-z0-9_\-]{12,}"
    r"|AIza[A-Za-z0-9_\-]{30,}"
    r"|\b(?:org-|proj_)[A-Za-z0-9]{8,}"
    r"|eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]+"
    r"|Bearer [A-Za-z0-9_\-.=]{8,}"
)
"""The text of a key, wherever it stands."""


def is_secret_header(name: str) -> bool:
    """Whether the value of a header is never shown and never kept.

    >>> is_secret_header("x-goog-api-key"), is_secret_header("Proxy-Authorization")
    (True, True)
    >>> is_secret_header("content-type")
    False
    """
    return _HEADER.fullmatch(name) is not None


def is_secret_parameter(name: str) -> bool:
    """Whether the value of a query parameter is never kept."""
    return name.lower() in _PARAMETERS


def show_header(name: str, value: str) -> str:
    """A header's value as a person may see it: ``…`` for what is secret.

    >>> show_header("Authorization", "Bearer sk-1"), show_header("accept", "*/*")
    ('…', '*/*')
    """
    return "…" if is_secret_header(name) else KEY_SHAPES.sub("…", value)
