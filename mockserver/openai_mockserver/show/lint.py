"""What is odd about an exchange, by the measure of OpenAI's own streams.

Rules of this file: a check looks at `Received` and tells one fact or None, and never raises; all
checks stand in a table, `CHECKS`.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from openai_mockserver.api.detection import CHAT, RESPONSES
from openai_mockserver.cassettes.stream_file import explain_withheld
from openai_mockserver.reply import FINISH_REASONS, Choice, Reply
from openai_mockserver.show.decode import Item, Received
from openai_mockserver.show.format import (
    Broken,
    as_object,
    as_objects,
    choices_of,
    count,
    decoded,
    encoded,
    quoted,
    short,
    short_json,
)

__all__ = ["CHECKS", "find_oddities"]


def _content_type(got: Received) -> str | None:
    stated = got.head.header("content-type")
    if got.events and not (stated or "").lower().startswith("text/event-stream"):
        return f"events came, but content-type is {stated or 'missing'}"
    return None


def _line_ends(got: Received) -> str | None:
    if not got.events:
        return None
    kinds = Counter(end.decode() for end in _LINE_ENDS.findall(got.body))
    odd = [name for sign, name in (("\r\n", "CRLF"), ("\r", "CR")) if kinds[sign]]
    if odd == ["CRLF"] and (got.endpoint or "").startswith("audio") and not kinds["\n"]:
        return None  # as OpenAI's do: WIRE.md §0
    mixed = " and LF" if odd and kinds["\n"] else ""
    return f"lines end in {' and '.join(odd)}{mixed}" if odd else None


_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


def _invalid_utf8(got: Received) -> str | None:
    try:
        got.body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} of the body is no UTF-8: {error.reason}"
    return None


def _fields(got: Received) -> str | None:
    if not got.events:
        return None
    lines = _LINE_ENDS.split(got.body.removeprefix(_BOM))
    names = {line.partition(b":")[0].decode("utf-8", "replace") for line in lines} - _FIELDS
    shown = _listed(quoted(short(name, 30)) for name in sorted(names))
    return f"lines that no event stream has begin with {shown}" if names else None


_FIELDS = {"", "data", "event", "id", "retry"}
_BOM = b"\xef\xbb\xbf"


def _not_json(got: Received) -> str | None:
    odd = [item for item in got.events if isinstance(item.value, Broken)]
    return (odd and f"{_where(odd)} cannot be parsed") or None


def _not_objects(got: Received) -> str | None:
    odd = [i for i in got.events if not isinstance(i.value, dict | Broken) and not _is_done(i)]
    return (odd and f"{_where(odd)}: JSON, but no object") or None


def _not_compact(got: Received) -> str | None:
    odd = [item for item, value in got.objects if encoded(value) != item.data]
    return (odd and f"{_where(odd)}: not the compact JSON that OpenAI writes") or None


def _no_done(got: Received) -> str | None:
    if got.endpoint != CHAT or any(map(_is_done, got.events)):
        return None
    return "the stream ends without [DONE]" if got.events else None


def _after_done(got: Received) -> str | None:
    after = list(itertools.dropwhile(lambda item: not _is_done(item), got.events))[1:]
    return (after and f"{_where(after)} after [DONE]") or None


def _needless_done(got: Received) -> str | None:
    odd = [item for item in got.events if _is_done(item)]
    ends = got.endpoint == RESPONSES and odd
    return f"{_where(odd)}: the Responses API has no [DONE]" if ends else None


def _by_choice(got: Received, member: str) -> dict[str, list[tuple[Item, Any]]]:
    """For each choice, what a member of it says, where it is not null."""
    found: dict[str, list[tuple[Item, Any]]] = {}
    for item, choice in got.choices:
        values = found.setdefault(short_json(choice.get("index")), [])
        if choice.get(member) is not None:
            values.append((item, choice[member]))
    return found


def _no_finish(got: Received) -> str | None:
    ends = _by_choice(got, "finish_reason")
    odd = [index for index, finishes in ends.items() if not finishes]
    which = f" of choice {_listed(odd)}" if len(ends) > 1 else ""
    if got.chunks and not ends:
        return "there is no choice at all"
    return f"no chunk{which} has a finish_reason" if odd else None


def _foreign_finish(got: Received) -> str | None:
    finishes = [
        finish for found in _by_choice(got, "finish_reason").values() for _, finish in found
    ]
    odd = sorted({short_json(f) for f in finishes if f not in FINISH_REASONS})
    return f"{_listed(odd)} is none of OpenAI's finish reasons" if odd else None


def _twice_finished(got: Received) -> str | None:
    odd = [found[1][0] for found in _by_choice(got, "finish_reason").values() if len(found) > 1]
    return (odd and f"{_where(odd)}: the choice has finished before") or None


def _stop_with_calls(got: Received) -> str | None:
    fine = {None, "tool_calls", "length", "content_filter"}
    asked = as_object(as_object(got.exchange.about.get("request")).get("json"))
    if isinstance(asked.get("tool_choice"), dict):
        fine.add("stop")  # as OpenAI itself ends a function that was asked for by name
    odd = [str(i) for i, c in enumerate(_read_choices(got))
           if c.tool_calls and c.finish_reason not in fine]  # fmt: skip
    if not odd:
        return None
    finish = _read_choices(got)[int(odd[0])].finish_reason
    return f"tool calls, but finish_reason is {quoted(str(finish))}"


def _arguments(got: Received) -> str | None:
    odd: list[str] = []
    for choice in _read_choices(got):
        legacy = () if choice.function_call is None else (choice.function_call,)
        for call in (*choice.tool_calls, *legacy):
            if not isinstance(decoded(str(call.arguments)), dict):
                odd.append(f"{call.name}({short(str(call.arguments), 40)})")
    return f"arguments that are no JSON object: {_listed(odd)}" if odd else None


def _empty_first(got: Received) -> str | None:
    first = got.chunks[0][1] if got.chunks else {}
    if _is_azures_first(first):
        return "the first chunk has no choices, but what Azure's filter says of the prompt"
    return "the first chunk has no choices" if first.get("choices") == [] else None


def _is_azures_first(chunk: dict[str, Any]) -> bool:
    """Azure's chunk of filter results, whose id and model are empty and which no time has."""
    return chunk.get("choices") == [] and "prompt_filter_results" in chunk


def _changes(member: str) -> Callable[[Received], str | None]:
    def check(got: Received) -> str | None:
        said = [
            (item, chunk[member])
            for item, chunk in got.chunks
            if member in chunk and not _is_azures_first(chunk)
        ]
        odd = [item for (_, before), (item, now) in itertools.pairwise(said) if before != now]
        return (odd and f"{member} changes at {_where(odd)}") or None

    return check


def _no_role(got: Received) -> str | None:
    firsts: dict[str, Any] = {}
    for _, choice in got.choices:
        firsts.setdefault(
            short_json(choice.get("index")), as_object(choice.get("delta")).get("role")
        )
    odd = [index for index, role in firsts.items() if role is None]
    which = f" of choice {_listed(odd)}" if len(firsts) > 1 else ""
    return f"the first delta{which} has no role" if odd else None


def _roles(got: Received) -> str | None:
    seen: set[str] = set()
    odd: list[Item] = []
    for item, choice in got.choices:
        if as_object(choice.get("delta")).get("role") is not None:
            index = short_json(choice.get("index"))
            if index in seen:
                odd.append(item)
            seen.add(index)
    return (odd and f"{_where(odd)}: the role again") or None


def _several_choices(got: Received) -> str | None:
    odd = [item for item, chunk in got.chunks if len(choices_of(chunk)) > 1]
    return (odd and f"{_where(odd)}: several choices in one chunk") or None


def _no_delta(got: Received) -> str | None:
    odd = [i for i, c in got.choices if not isinstance(c.get("delta"), dict)]
    return (odd and f"{_where(odd)}: a choice without a delta") or None


def _no_choices(got: Received) -> str | None:
    odd = [i for i, c in got.chunks if not isinstance(c.get("choices"), list) and "error" not in c]
    return (odd and f"{_where(odd)}: a chunk without the member choices") or None


def _usage_beside(got: Received) -> str | None:
    odd = [item for item, chunk in got.chunks if choices_of(chunk) and chunk.get("usage")]
    return (odd and f"{_where(odd)}: usage on a chunk that has choices") or None


def _finish_speaks(got: Received) -> str | None:
    ends = [(i, choice) for i, choice in got.choices if choice.get("finish_reason") is not None]
    odd = [item for item, choice in ends if as_object(choice.get("delta"))]
    return (odd and f"{_where(odd)}: the chunk that finishes has more than an empty delta") or None


def _calls(got: Received) -> Iterator[tuple[Item, str, dict[str, Any]]]:
    for item, choice in got.choices:
        for call in as_objects(as_object(choice.get("delta")).get("tool_calls")):
            yield item, short_json(choice.get("index")), call


def _no_index(got: Received) -> str | None:
    odd = [item for item, _, call in _calls(got) if not isinstance(call.get("index"), int)]
    return (odd and f"{_where(odd)}: a tool call without an index") or None


def _no_id(got: Received) -> str | None:
    seen: set[tuple[str, str]] = set()
    odd: list[Item] = []
    for item, choice, call in _calls(got):
        key = choice, short_json(call.get("index"))
        if key not in seen and not call.get("id"):
            odd.append(item)
        seen.add(key)
    return (odd and f"{_where(odd)}: a tool call that begins without an id") or None


def _event_names(got: Received) -> str | None:
    odd = [item for item, _ in got.chunks if item.event and item.event.event is not None]
    return (odd and f"{_where(odd)}: an event of a chat stream with a name") or None


def _event_types(got: Received) -> str | None:
    if got.endpoint != RESPONSES:
        return None
    if got.objects and all(item.event and item.event.event is None for item, _ in got.objects):
        return "no event has a name, which is the type in its data elsewhere"
    odd = [item for item, value in got.objects
           if item.event and item.event.event != value.get("type")]  # fmt: skip
    return (odd and f"{_where(odd)}: the event's name is not the type in its data") or None


def _sequence(got: Received) -> str | None:
    said = [(i, v["sequence_number"]) for i, v in got.objects if "sequence_number" in v]
    odd = [i for (_, a), (i, b) in itertools.pairwise(said)
           if not (isinstance(a, int) and b == a + 1)]  # fmt: skip
    return (odd and f"{_where(odd)}: sequence_number is not one more than before") or None


def _obfuscation(got: Received) -> str | None:
    """WIRE.md §2: what is missing to a multiple of 16 characters."""
    odd: list[Item] = []
    for item, value in got.objects:
        noise = value.get("obfuscation")
        if isinstance(noise, str) and len(noise) not in _paddings(value, got.endpoint):
            odd.append(item)
    return (odd and f"{_where(odd)}: obfuscation is not as long as OpenAI makes it") or None


def _paddings(value: dict[str, Any], endpoint: str | None) -> set[int]:
    if endpoint == RESPONSES:
        return {-len(value["delta"]) % 16} if isinstance(value.get("delta"), str) else set()
    bare = {k: v for k, v in value.items() if k != "obfuscation"}
    # Azure adds its filter's results after the padding was reckoned.
    upstream = _without_filters(bare)
    return {-len(encoded(bare)) % 16, -len(encoded(upstream)) % 16}


def _without_filters(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_filters(entry) for entry in value]
    if isinstance(value, dict):
        return {k: _without_filters(v) for k, v in value.items() if not k.startswith(_FILTERS)}
    return value


_FILTERS = ("content_filter_", "prompt_filter_", "latency_checkpoint")


def _errors(got: Received) -> str | None:
    odd = [item for item in got.events if item.kind == "error"]
    return (odd and f"{_where(odd)}: an error within the stream") or None


def _comments(got: Received) -> str | None:
    found = [item for item in got.items if item.kind == "comment"]
    return f"{count(len(found), 'comment')} among the events" if found else None


def _withheld(got: Received) -> str | None:
    return "; ".join(explain_withheld(got.exchange)) or None


CHECKS: tuple[tuple[str, Callable[[Received], str | None]], ...] = (
    ("withheld", _withheld),
    ("unsendable", lambda got: got.faults.get("unsendable")),
    ("framing", lambda got: got.faults.get("framing")),
    ("length", lambda got: got.faults.get("length")),
    ("coding", lambda got: got.faults.get("coding")),
    ("content-type", _content_type),
    ("bom", lambda got: "the body begins with a BOM" if got.body.startswith(_BOM) else None),
    ("line-ends", _line_ends),
    ("utf-8", _invalid_utf8),
    ("fields", _fields),
    ("comments", _comments),
    ("cut-event", lambda got: f"reads that end within an event: {got.cut}" if got.cut else None),
    ("last-line", lambda got: "the last event has no blank line after it, so it never arrives"
     if got.pending and got.events else None),
    ("not-json", _not_json),
    ("not-object", _not_objects),
    ("not-compact", _not_compact),
    ("error", _errors),
    ("no-done", _no_done),
    ("after-done", _after_done),
    ("needless-done", _needless_done),
    ("empty-first", _empty_first),
    ("no-choices", _no_choices),
    ("several-choices", _several_choices),
    ("no-delta", _no_delta),
    ("no-role", _no_role),
    ("role-again", _roles),
    ("id-changes", _changes("id")),
    ("created-changes", _changes("created")),
    ("model-changes", _changes("model")),
    ("call-index", _no_index),
    ("call-id", _no_id),
    ("arguments", _arguments),
    ("no-finish", _no_finish),
    ("finish-again", _twice_finished),
    ("finish-reason", _foreign_finish),
    ("finish-calls", _stop_with_calls),
    ("finish-speaks", _finish_speaks),
    ("usage-beside", _usage_beside),
    ("event-name", _event_names),
    ("event-type", _event_types),
    ("sequence", _sequence),
    ("obfuscation", _obfuscation),
)  # fmt: skip
"""What may be odd: a name, and what tells the fact or None. OpenAI's own streams are the measure
(WIRE.md §0)."""


def find_oddities(got: Received) -> list[tuple[str, str]]:
    return [(name, fact) for name, check in CHECKS if (fact := check(got))]


def _is_done(item: Item) -> bool:
    return item.data.startswith("[DONE]")


def _read_choices(got: Received) -> tuple[Choice, ...]:
    whole = got.endpoint == CHAT and isinstance(got.reply, Reply)
    return got.reply.choices if whole and isinstance(got.reply, Reply) else ()


def _where(items: list[Item]) -> str:
    """The numbers of events, in words."""
    numbers = sorted({item.number for item in items})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [
        word
        for run in runs
        for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))
    ]
    return f"event{'s' * (len(numbers) > 1)} {_listed(words)}"


def _listed(words: Iterable[str], most: int = 4) -> str:
    """Some words, and how many there are more."""
    all_words = list(words)
    shown = all_words if len(all_words) <= most + 1 else all_words[:most]
    if more := len(all_words) - len(shown):
        shown = [*shown, f"{more} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
