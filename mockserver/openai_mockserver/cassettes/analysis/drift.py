"""What has changed in the form of a response, not in its content, and which clients would care.

Two answers to the same request say different things, but their chunks should have the same members
with the same types in the same order, the same kinds of chunks, the same framing and the same
headers. A form collects these over all chunks of a response: for each path, such as
``choices[].delta.content``, which types its values have, and whether the member is in every object
that could have it.

Rules of this file: no value is compared, only whether it is there and what it is. For a few members
an empty text is a type of its own, because clients treat it as missing. What does not occur in one
of the responses at all, such as tool calls, is one change, not one for each member in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openai_mockserver.cassettes.analysis.drift_rules import Concern, find_concerns
from openai_mockserver.cassettes.analysis.wire_form import read_form
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.show.decode import ReceivedResponse, receive
from openai_mockserver.show.format import decode_json

__all__ = ["Drift", "FormChange", "compare_forms", "find_drift"]

Kind = Literal["added", "removed", "type", "presence", "order", "chunks", "framing", "header"]


@dataclass(frozen=True)
class FormChange:
    """A change of form.

    Args:
        kind: what has changed.
        place: the path of a member, the name of a header or of a part of the framing.
        old, new: how it was and how it is; None for nothing.
    """

    kind: Kind
    place: str
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True)
class Drift:
    """A change of form, and the clients that it affects.

    Args:
        change: the change.
        concerns: which clients would care, each with its source; none if that is not known.
    """

    change: FormChange
    concerns: tuple[Concern, ...] = ()


@dataclass
class _Member:
    """What is known of a path: the types of its values, and in how many objects it is."""

    types: set[str] = field(default_factory=set)
    count: int = 0


@dataclass
class _Form:
    endpoint: str | None
    members: dict[str, _Member]
    parents: Mapping[str, int]
    orders: Mapping[str, list[str]]
    kinds: set[str]
    framing: Mapping[str, Any]
    headers: Mapping[str, str]


def find_drift(old: Exchange, new: Exchange) -> list[Drift]:
    """Return the changes of form between two recordings of the same request."""
    response = receive(new)
    first, second = _read(receive(old)), _read(response)
    return [
        Drift(change, tuple(find_concerns(change.kind, change.place, change.new, second.endpoint)))
        for change in compare_forms(first, second)
    ]


# The form of a response


def _read(response: ReceivedResponse) -> _Form:
    members: dict[str, _Member] = {}
    parents: defaultdict[str, int] = defaultdict(int)
    orders: defaultdict[str, list[str]] = defaultdict(list)
    kinds: set[str] = set()
    for prefix, value in _list_objects(response):
        _add(value, prefix, members, parents, orders)
    for item in response.events:
        value = item.value
        typed = value.get("type") if isinstance(value, dict) else None
        kinds.add(typed if isinstance(typed, str) else item.kind)
    form = read_form(response)
    headers = {name: value for name, value in form.headers if name not in _NOT_FORM}
    return _Form(
        response.endpoint, members, parents, orders, kinds - {"empty"}, form.framing, headers
    )


_NOT_FORM = ("content-length", "content-encoding", "connection", "keep-alive", "vary")


def _list_objects(response: ReceivedResponse) -> Iterator[tuple[str, Any]]:
    """Yield the JSON objects, each with the start of its paths: the type of a typed event."""
    if not response.events:
        value = decode_json(response.body.decode("utf-8", "replace"))
        if isinstance(value, dict):
            yield "", value
    for _, value in response.objects:
        kind = value.get("type")
        yield (f"{kind}: " if isinstance(kind, str) else ""), value


def _add(
    value: Any,
    path: str,
    members: dict[str, _Member],
    parents: dict[str, int],
    orders: dict[str, list[str]],
) -> None:
    if isinstance(value, list):
        for one in value:
            _add(one, f"{path}[]", members, parents, orders)
    if not isinstance(value, dict):
        return
    parents[path] += 1
    _merge_order(orders[path], list(value))
    for name, inner in value.items():
        place = _join(path, name)
        member = members.setdefault(place, _Member())
        member.types.add(_name_type(name, inner))
        member.count += 1
        if name not in _CONTENT:
            _add(inner, place, members, parents, orders)


_CONTENT = {"metadata", "parameters", "schema", "properties", "top_logprobs", "input"}
"""Members whose content is the user's or the model's, not the form of the response."""


def _join(path: str, name: str) -> str:
    return f"{path}{name}" if not path or path.endswith(": ") else f"{path}.{name}"


def _merge_order(known: list[str], names: list[str]) -> None:
    """Add names to an order at the place where they first occur."""
    at = 0
    for name in names:
        if name in known:
            at = known.index(name) + 1
        else:
            known.insert(at, name)
            at += 1


_EMPTY_MATTERS = {"id", "name", "role", "type", "finish_reason", "model", "object", "item_id"}


def _name_type(name: str, value: Any) -> str:
    if value == "" and name in _EMPTY_MATTERS:
        return "empty text"
    if value == [] and name == "choices":
        return "array"
    return _TYPES.get(type(value), type(value).__name__)


_TYPES = {dict: "object", list: "array", str: "text", bool: "boolean", int: "number",
          float: "number", type(None): "null"}  # fmt: skip


# What has changed


def compare_forms(old: _Form, new: _Form) -> Iterator[FormChange]:
    """Yield the changes from one form to another."""
    yield from _compare_kinds(old.kinds, new.kinds)
    yield from _compare_members(old, new)
    for path, names in old.orders.items():
        before, after = _list_common(names, new.orders.get(path, []))
        if before != after:
            yield FormChange("order", path or "the chunk", ", ".join(before), ", ".join(after))
    for name, value in old.framing.items():
        if name in new.framing and new.framing[name] != value:
            yield FormChange("framing", name, _say(value), _say(new.framing[name]))
    yield from _compare_headers(old.headers, new.headers)


def _compare_kinds(old: set[str], new: set[str]) -> Iterator[FormChange]:
    for kind in sorted(old - new):
        yield FormChange("chunks", kind, "present", "absent")
    for kind in sorted(new - old):
        yield FormChange("chunks", kind, "absent", "present")


def _compare_members(old: _Form, new: _Form) -> Iterator[FormChange]:
    for place, member in old.members.items():
        parent = _find_parent(place)
        if parent not in new.parents:
            continue  # the object around it is gone, which is the change
        other = new.members.get(place)
        if other is None:
            yield FormChange("removed", place, _say_types(member.types))
            continue
        if other.types != member.types and not _is_by_chance(member.types, other.types):
            yield FormChange("type", place, _say_types(member.types), _say_types(other.types))
        was_always = member.count == old.parents[parent]
        if was_always is not (other.count == new.parents[parent]):
            words = ("sometimes", "always")
            yield FormChange("presence", place, words[was_always], words[not was_always])
    for place, member in new.members.items():
        if place not in old.members and _find_parent(place) in old.parents:
            yield FormChange("added", place, None, _say_types(member.types))


def _is_by_chance(old: set[str], new: set[str]) -> bool:
    """Return whether the types only differ because one response has fewer chunks of a kind."""
    return new < old and not old - new - {"null"} and len(new) > 0


def _find_parent(place: str) -> str:
    prefix, colon, path = place.rpartition(": ")
    return f"{prefix}{colon}{path.rpartition('.')[0]}"


def _list_common(old: Iterable[str], new: Iterable[str]) -> tuple[list[str], list[str]]:
    old, new = list(old), list(new)
    return [name for name in old if name in new], [name for name in new if name in old]


def _compare_headers(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[FormChange]:
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield FormChange("header", name, before and "present", after and "present")
        elif name in ("content-type", "transfer-encoding") and before != after:
            yield FormChange("header", name, before, after)


def _say_types(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _say(value: Any) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
