"""Counts of recordings by provider, endpoint and model, with their times, sizes and ages.

Rules of this file: a count that is not known is None, never 0. Times are seconds. A recording
without times (one from another tool) has neither TTFT nor ITL.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec

from openai_mockserver.api.detection import LOOKS
from openai_mockserver.cassettes.analysis.provider import find_provider
from openai_mockserver.cassettes.analysis.reading import Recorded
from openai_mockserver.cassettes.recorded_request import split_url
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.dialects import locate
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.show.decode import ReceivedResponse, list_moments, receive
from openai_mockserver.show.format import as_object, find_percentile

__all__ = [
    "Facts",
    "Group",
    "Percentiles",
    "Statistics",
    "collect_facts",
    "collect_statistics",
    "find_time",
]


@dataclass(frozen=True)
class Facts:
    """What one exchange adds to the statistics.

    Args:
        provider, endpoint, model: what answered; empty if unknown.
        is_stream: whether the response is an event stream.
        is_error: whether the provider answered with an error, or one came in the stream.
        is_broken: whether the response ended before its time, and not because the client left.
        size: bytes of the body.
        prompt_tokens, completion_tokens: the usage; None if the response does not say it.
        recorded: when the response came.
        ttft: seconds from the request to the first piece of output.
        gaps: seconds between the pieces.
    """

    provider: str
    endpoint: str
    model: str
    is_stream: bool
    is_error: bool
    is_broken: bool
    size: int
    prompt_tokens: int | None
    completion_tokens: int | None
    recorded: datetime | None
    ttft: float | None
    gaps: tuple[float, ...]


class Percentiles(msgspec.Struct):
    """Seconds that half of the values do not exceed, and 95 % of them."""

    p50: float
    p95: float


class Group(msgspec.Struct):
    """The recordings of one provider, endpoint and model."""

    provider: str
    endpoint: str
    model: str
    exchanges: int
    streams: int
    errors: int
    broken: int
    bytes: int
    prompt_tokens: int | None
    completion_tokens: int | None
    ttft: Percentiles | None
    itl: Percentiles | None
    first: datetime | None
    last: datetime | None


class Statistics(msgspec.Struct):
    """All of them: each group, most exchanges first, and the total."""

    files: int
    total: Group
    groups: list[Group]


def collect_statistics(recordings: Iterable[Recorded]) -> Statistics:
    """Count recordings by provider, endpoint and model."""
    files, every = set(), []
    groups: defaultdict[tuple[str, str, str], list[Facts]] = defaultdict(list)
    for path, _, exchange in recordings:
        facts = collect_facts(exchange)
        files.add(path)
        every.append(facts)
        groups[facts.provider, facts.endpoint, facts.model].append(facts)
    listed = [_sum_up(key, group) for key, group in groups.items()]
    listed.sort(key=lambda group: (-group.exchanges, group.provider, group.endpoint, group.model))
    return Statistics(len(files), _sum_up(("", "", ""), every), listed)


def collect_facts(exchange: Exchange) -> Facts:
    """Return what an exchange adds to the statistics."""
    response = receive(exchange)
    reply, times = response.reply, _find_times(response)
    error = reply if isinstance(reply, ApiError) else getattr(reply, "error", None)
    usage = reply.usage if isinstance(reply, Reply) else None
    if usage is not None and not usage.total_tokens:
        usage = None
    status = response.head.status
    return Facts(
        find_provider(response),
        _find_endpoint(response),
        _find_model(response),
        exchange.script.is_stream,
        status >= 400 or error is not None,
        not exchange.complete
        or (exchange.script.end not in ("finish", "close") and not exchange.client_left),
        len(response.body),
        None if usage is None else usage.prompt_tokens,
        None if usage is None else usage.completion_tokens,
        find_time(exchange),
        times.ttft,
        times.gaps,
    )


class _Times(NamedTuple):
    ttft: float | None = None
    gaps: tuple[float, ...] = ()


def _find_times(response: ReceivedResponse) -> _Times:
    moments = list_moments(response)
    if not response.seconds or not moments:
        return _Times()
    gaps = tuple(after - before for before, after in itertools.pairwise(moments))
    return _Times(moments[0], gaps)


def _find_endpoint(response: ReceivedResponse) -> str:
    """Return the path of the endpoint after its version, as ``chat/completions``."""
    url = as_object(response.exchange.about.get("request")).get("url")
    if not url:
        return _ENDPOINTS.get(response.endpoint or "", "")
    path = _VERSION.sub("", locate(*split_url(str(url))).path).removeprefix("/")
    if path not in _ENDPOINTS.values() and response.endpoint in _ENDPOINTS:
        return _ENDPOINTS[response.endpoint]  # the path is the provider's own
    return _ID.sub("{id}", path)


_ID = re.compile(r"(?<=/)[a-z]+[_-]\w{8,}(?=/|$)")
_ENDPOINTS = {look.name: look.path.removeprefix("/v1/") for look in LOOKS if look.path}
# A host may put anything before the version, as in /studio/v1/chat/completions.
_VERSION = re.compile(r"^/(?:.*/)?v\d\w*(?=/)")


def _find_model(response: ReceivedResponse) -> str:
    """Return the model that was asked for, or else the one that answered."""
    request = as_object(response.exchange.about.get("request"))
    model = as_object(request.get("json")).get("model")
    if not model:
        model = locate(*split_url(str(request.get("url", "")))).model
    answering = (as_object(v.get("response", v)).get("model") for _, v in response.objects)
    model = model or next((one for one in answering if one), "")
    return model if isinstance(model, str) else ""


def find_time(exchange: Exchange) -> datetime | None:
    """Return when an exchange was recorded: as it says, or as the server's clock says."""
    try:
        at = datetime.fromisoformat(str((exchange.about.get("recorded") or {}).get("at")))
    except ValueError:
        try:
            at = parsedate_to_datetime(exchange.script.head.header("date") or "")
        except ValueError:
            return None
    return at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)  # noqa: UP017


def _sum_up(key: tuple[str, str, str], facts: list[Facts]) -> Group:
    times = [one.recorded for one in facts if one.recorded is not None]
    return Group(
        *key,
        exchanges=len(facts),
        streams=sum(one.is_stream for one in facts),
        errors=sum(one.is_error for one in facts),
        broken=sum(one.is_broken for one in facts),
        bytes=sum(one.size for one in facts),
        prompt_tokens=_add(one.prompt_tokens for one in facts),
        completion_tokens=_add(one.completion_tokens for one in facts),
        ttft=_find_percentiles([one.ttft for one in facts if one.ttft is not None]),
        itl=_find_percentiles([gap for one in facts for gap in one.gaps]),
        first=min(times, default=None),
        last=max(times, default=None),
    )


def _add(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _find_percentiles(values: list[float]) -> Percentiles | None:
    if not values:
        return None
    p50, p95 = (round(find_percentile(values, share), 6) for share in (0.5, 0.95))
    return Percentiles(p50, p95)
