"""One answer of the control API made of those of several workers.

Rules of this file: pure functions on decoded JSON. Each worker has had the same rules and settings
in the same order, so that only what happened to requests differs: calls, problems, how often a rule
was used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

__all__ = ["MERGERS", "join_events", "split_events", "sum_metrics"]

Query = Mapping[str, str]

_DEFAULT_LIMIT = 100


def join_events(ids: Iterable[str]) -> str:
    """Return an id of an event that says how far each worker's history was read.

    >>> join_events(["5a1c90ef-7", "0b2d6e11-12"])
    '0b2d6e11-12.5a1c90ef-7'
    """
    return ".".join(sorted(ids))


def split_events(id: str) -> dict[str, str]:
    """Return the ids of the workers' histories by their names.

    >>> split_events("0b2d6e11-12.5a1c90ef-7")["5a1c90ef"]
    '5a1c90ef-7'
    """
    return {one.partition("-")[0]: one for one in id.split(".")}


def _merge_calls(pages: Sequence[Any], query: Query) -> Any:
    """Return a page of calls; each worker has sent a page of this length."""
    is_newest_first = query.get("order") == "newest"
    found = [call for page in pages for call in page["calls"]]
    found.sort(key=itemgetter("number"), reverse=is_newest_first)
    limit = int(query.get("limit", _DEFAULT_LIMIT))
    has_more = len(found) > limit or any(page["next"] is not None for page in pages)
    calls = found[:limit]
    return {
        "calls": calls,
        "next": calls[-1]["number"] if calls and has_more else None,
        "total": sum(page["total"] for page in pages),
        "last_event": join_events(page["last_event"] for page in pages),
    }


def _merge_problems(lists: Sequence[Any], query: Query) -> Any:
    return sorted((call for one in lists for call in one), key=itemgetter("number"))


def _merge_har(files: Sequence[Any], query: Query) -> Any:
    log = dict(files[0]["log"])
    entries = [entry for one in files for entry in one["log"]["entries"]]
    log["entries"] = sorted(entries, key=itemgetter("startedDateTime"))
    return {"log": log}


def _merge_verdicts(verdicts: Sequence[Any], query: Query) -> Any:
    """Return a verdict; a rule is unused if no worker has used it."""
    messages = [one["message"] for one in verdicts if one["message"] is not None]
    others = [set(one["unused"]) for one in verdicts[1:]]
    unused = [one for one in verdicts[0]["unused"] if all(one in other for other in others)]
    return {
        "passed": not messages,
        "message": "\n".join(messages) or None,
        "problems": _merge_problems([one["problems"] for one in verdicts], query),
        "forgotten_problems": sum(one["forgotten_problems"] for one in verdicts),
        "unused": unused,
    }


def _merge_rule(rules: Sequence[Any], query: Query) -> Any:
    """Return a rule with all its uses; it was used completely if one worker has done so."""
    is_used = any(one["unused"] is None for one in rules)
    uses = sum(one["use_count"] for one in rules)
    return rules[0] | {"use_count": uses, "unused": None if is_used else rules[0]["unused"]}


def _merge_rules(lists: Sequence[Any], query: Query) -> Any:
    by_number: dict[int, list[Any]] = {}
    for one in lists:
        for rule in one["rules"]:
            by_number.setdefault(rule["number"], []).append(rule)
    return {"rules": [_merge_rule(same, query) for _, same in sorted(by_number.items())]}


def _merge_sandbox(summaries: Sequence[Any], query: Query) -> Any:
    """Return a sandbox, which is idle for as long as it is for the worker that used it last."""
    return summaries[0] | {
        "idle": min(one["idle"] for one in summaries),
        "calls": sum(one["calls"] for one in summaries),
        "problems": sum(one["problems"] for one in summaries),
    }


def _merge_sandboxes(lists: Sequence[Any], query: Query) -> Any:
    by_id: dict[str, list[Any]] = {}
    for one in lists:
        for sandbox in one["sandboxes"]:
            by_id.setdefault(sandbox["id"], []).append(sandbox)
    sandboxes = [_merge_sandbox(same, query) for same in by_id.values()]
    return lists[0] | {"sandboxes": sandboxes}


def _merge_jobs(lists: Sequence[Any], query: Query) -> Any:
    """Return the jobs; one that several workers know is listed once."""
    return {"jobs": list({job["id"]: job for one in lists for job in one["jobs"]}.values())}


def _merge_deliveries(pages: Sequence[Any], query: Query) -> Any:
    deliveries = [one for page in pages for one in page["deliveries"]]
    return {
        "deliveries": sorted(deliveries, key=itemgetter("due")),
        "now": max(page["now"] for page in pages),
    }


_SUMMED = (
    "engines",
    "slots",
    "queue",
    "running",
    "waiting",
    "batch",
    "cache_blocks",
    "cached_blocks",
    "admitted",
    "refused",
    "ended",
    "cancelled",
    "prompt_tokens",
    "cached_tokens",
)
"""What several engines have together."""


def _merge_engines(states: Sequence[Any], query: Query) -> Any:
    """Return what the engines of the workers do together."""
    totals: dict[str, int | None] = {}
    for name in _SUMMED:
        numbers = [state[name] for state in states]
        totals[name] = None if None in numbers else sum(numbers)
    # The limits are shared; each worker lists those that it has met.
    limits: dict[tuple[str, ...], list[Any]] = {}
    for state in states:
        own_limits: dict[tuple[str, ...], list[Any]] = {}
        for limit in state["limits"]:  # of several keys with the same end, perhaps
            own_limits.setdefault((limit["key"], limit["model"], limit["unit"]), []).append(limit)
        for key, own in own_limits.items():
            limits[key] = max(limits.get(key, []), own, key=_rank_limits)
    itl = max(state["itl"] for state in states)
    return states[0] | totals | {"itl": itl, "limits": list(chain.from_iterable(limits.values()))}


def _rank_limits(limits: Sequence[Any]) -> tuple[int, int]:
    return len(limits), sum(limit["used"] for limit in limits)


_GREATEST = (
    "_info",
    "process_start_time_seconds",
    "process_max_fds",
    "openai_mockserver_sandboxes",
)
"""The ends of the names of metrics that are the same for all workers: their sum says nothing."""


def sum_metrics(pages: Sequence[str]) -> str:
    r"""Return one page of metrics, in Prometheus' text format or in OpenMetrics.

    The same series of several pages is summed. Those of vLLM name the worker, as its engine.

    >>> sum_metrics(["# TYPE a counter\na 1.0\n", "# TYPE a counter\na 2.0\nb 4.0\n"])
    '# TYPE a counter\na 3.0\nb 4.0\n'
    """
    families: dict[str, tuple[list[str], dict[str, list[float]]]] = {}
    for page in pages:
        family = ""
        for line in page.splitlines():
            if line.startswith("# "):
                if line == "# EOF":
                    continue
                family = line.split(" ", 3)[2]
                headers = families.setdefault(family, ([], {}))[0]
                if line not in headers:
                    headers.append(line)
            elif line:
                series, _, value = line.rpartition(" ")
                samples = families.setdefault(family, ([], {}))[1]
                samples.setdefault(series, []).append(float(value))
    lines: list[str] = []
    for headers, samples in families.values():
        lines += headers
        for series, values in samples.items():
            is_same = series.partition("{")[0].endswith(_GREATEST)
            lines.append(f"{series} {max(values) if is_same else sum(values)}")
    if pages and pages[0].endswith("# EOF\n"):
        lines.append("# EOF")
    return "".join(f"{line}\n" for line in lines)


MERGERS: Mapping[str, Callable[[Sequence[Any], Query], Any]] = {
    "listCalls": _merge_calls,
    "getHar": _merge_har,
    "listProblems": _merge_problems,
    "verify": _merge_verdicts,
    "listRules": _merge_rules,
    "getRule": _merge_rule,
    "listSandboxes": _merge_sandboxes,
    "getSandbox": _merge_sandbox,
    "listJobs": _merge_jobs,
    "listDeliveries": _merge_deliveries,
    "getEngine": _merge_engines,
    "setEngine": _merge_engines,
}
"""What merges the answers, by the name of the route."""
