"""Which provider answered: by its host, its paths, or the marks of its dialect.

Rules of this file: the name is that of a dialect, or `openai`. If none fits, it is the host, or
empty if even that is unknown.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from openai_mockserver.api.detection import CHAT
from openai_mockserver.cassettes.recorded_request import split_url
from openai_mockserver.dialects import dialects, locate
from openai_mockserver.interception import find_dialect_of_host
from openai_mockserver.show.decode import ReceivedResponse

__all__ = ["find_provider"]

_MOST_MARKED = 3  # events at each end of a stream that may have a mark


def find_provider(response: ReceivedResponse) -> str:
    """Return the provider that sent a response."""
    about = response.exchange.about
    url = str((about.get("request") or {}).get("url") or "")
    upstream = str((about.get("recorded") or {}).get("upstream") or "")
    hosts = [host for host in (_find_host(url), _find_host(upstream)) if host]
    for host in hosts:
        known = find_dialect_of_host(host)
        if known is None or isinstance(known, str):
            return known or "openai"
    return (
        _find_mark(response)
        or next((host for host in hosts if not _is_local(host)), "")
        or locate(*split_url(url)).dialect
        or ("openai" if _is_openai(response) else "")
    )


def _find_host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1", "0.0.0.0") or not _HOST.fullmatch(host)


# Neither placeholders nor the names of RFC 2606 say who answered.
_HOST = re.compile(r"(?!(?:.*\.)?example(?:\.\w+)?$)[a-z0-9-]+(?:\.[a-z0-9-]+)+")


def _find_mark(response: ReceivedResponse) -> str:
    """Return the dialect whose mark the first or the last chunks have."""
    if response.endpoint != CHAT:
        return ""
    datas = [item.data for item in response.events]
    ends = datas[:_MOST_MARKED] + datas[-_MOST_MARKED:]
    for name, dialect in dialects().items():
        if dialect.mark is not None and any(map(dialect.mark.search, ends)):
            return name
    return ""


def _is_openai(response: ReceivedResponse) -> bool:
    """Return whether the head is one that only OpenAI sends."""
    return response.head.header("openai-version") is not None
