"""What is odd about an exchange, compared with OpenAI's own streams.

Rules of this file: a check takes a `ReceivedResponse`, returns one fact or None, and never raises.
The table `CHECKS` has all checks.
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
from openai_mockserver.show.decode import Item, ReceivedResponse
from openai_mockserver.show.format import (
    Broken,
    as_object,
    as_objects,
    decode_json,
    encode_json,
    format_count,
    list_choices,
    quote,
    shorten,
    shorten_json,
)

__all__ = ["CHECKS", "find_oddities"]


def _check_content_type(response: ReceivedResponse) -> str | None:
    content_type = response.head.header("content-type")
    if response.events and not (content_type or "").lower().startswith("text/event-stream"):
        return f"there are events, but content-type is {content_type or 'missing'}"
    return None


def _check_line_ends(response: ReceivedResponse) -> str | None:
    if not response.events:
        return None
    kinds = Counter(end.decode() for end in _LINE_ENDS.findall(response.body))
    odd = [name for sign, name in (("\r\n", "CRLF"), ("\r", "CR")) if kinds[sign]]
    if odd == ["CRLF"] and (response.endpoint or "").startswith("audio") and not kinds["\n"]:
        return None  # as in OpenAI's own: WIRE.md §0
    suffix = " and LF" if odd and kinds["\n"] else ""
    return f"lines end in {' and '.join(odd)}{suffix}" if odd else None


_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


def _check_utf8(response: ReceivedResponse) -> str | None:
    try:
        response.body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} of the body is not UTF-8: {error.reason}"
    return None


def _check_fields(response: ReceivedResponse) -> str | None:
    if not response.events:
        return None
    lines = _LINE_ENDS.split(response.body.removeprefix(_BOM))
    names = {line.partition(b":")[0].decode("utf-8", "replace") for line in lines} - _FIELDS
    shown = _join_words(quote(shorten(name, 30)) for name in sorted(names))
    return f"there are lines with unknown fields: {shown}" if names else None


_FIELDS = {"", "data", "event", "id", "retry"}
_BOM = b"\xef\xbb\xbf"


def _check_json(response: ReceivedResponse) -> str | None:
    odd = [item for item in response.events if isinstance(item.value, Broken)]
    return (odd and f"{_locate(odd)} is not JSON") or None


def _check_objects(response: ReceivedResponse) -> str | None:
    odd = [i for i in response.events if not isinstance(i.value, dict | Broken) and not _is_done(i)]
    return (odd and f"{_locate(odd)}: JSON, but not an object") or None


def _check_compactness(response: ReceivedResponse) -> str | None:
    odd = [item for item, value in response.objects if not _is_compact(item.data, value)]
    return (odd and f"{_locate(odd)}: not the compact JSON that OpenAI writes") or None


def _is_compact(text: str, value: Any) -> bool:
    """Whether a text is the compact JSON of a value; small numbers have several notations."""
    compact = encode_json(value)
    return compact == text or _NUMBER.sub("0", compact) == _NUMBER.sub("0", text)


_NUMBER = re.compile(r"(?<=[:,\[])-?\d[\d.eE+-]*")


def _check_done(response: ReceivedResponse) -> str | None:
    if response.endpoint != CHAT or any(map(_is_done, response.events)):
        return None
    return "the stream ends without [DONE]" if response.events else None


def _check_after_done(response: ReceivedResponse) -> str | None:
    after = list(itertools.dropwhile(lambda item: not _is_done(item), response.events))[1:]
    return (after and f"{_locate(after)} after [DONE]") or None


def _check_needless_done(response: ReceivedResponse) -> str | None:
    odd = [item for item in response.events if _is_done(item)]
    ends = response.endpoint == RESPONSES and odd
    return f"{_locate(odd)}: the Responses API has no [DONE]" if ends else None


def _group_by_choice(response: ReceivedResponse, member: str) -> dict[str, list[tuple[Item, Any]]]:
    """Return the values of a member that are not null, for each index of a choice."""
    values: dict[str, list[tuple[Item, Any]]] = {}
    for item, choice in response.choices:
        entries = values.setdefault(shorten_json(choice.get("index")), [])
        if choice.get(member) is not None:
            entries.append((item, choice[member]))
    return values


def _check_finish(response: ReceivedResponse) -> str | None:
    ends = _group_by_choice(response, "finish_reason")
    odd = [index for index, finishes in ends.items() if not finishes]
    which = f" of choice {_join_words(odd)}" if len(ends) > 1 else ""
    if response.chunks and not ends:
        return "no chunk has a choice"
    return f"no chunk{which} has a finish_reason" if odd else None


def _check_finish_reasons(response: ReceivedResponse) -> str | None:
    by_choice = _group_by_choice(response, "finish_reason").values()
    finishes = [finish for entries in by_choice for _, finish in entries]
    odd = sorted({shorten_json(f) for f in finishes if f not in FINISH_REASONS})
    return f"{_join_words(odd)} is not one of OpenAI's finish reasons" if odd else None


def _check_finish_once(response: ReceivedResponse) -> str | None:
    by_choice = _group_by_choice(response, "finish_reason").values()
    odd = [entries[1][0] for entries in by_choice if len(entries) > 1]
    return (odd and f"{_locate(odd)}: the choice has a finish_reason already") or None


def _check_finish_of_calls(response: ReceivedResponse) -> str | None:
    fine = {None, "tool_calls", "length", "content_filter"}
    request = as_object(as_object(response.exchange.about.get("request")).get("json"))
    if isinstance(request.get("tool_choice"), dict):
        fine.add("stop")  # OpenAI itself ends a call with stop if the request names the function
    odd = [str(i) for i, c in enumerate(_read_choices(response))
           if c.tool_calls and c.finish_reason not in fine]  # fmt: skip
    if not odd:
        return None
    finish = _read_choices(response)[int(odd[0])].finish_reason
    return f"tool calls, but finish_reason is {quote(str(finish))}"


def _check_arguments(response: ReceivedResponse) -> str | None:
    odd: list[str] = []
    for choice in _read_choices(response):
        legacy = () if choice.function_call is None else (choice.function_call,)
        for call in (*choice.tool_calls, *legacy):
            if not isinstance(decode_json(str(call.arguments)), dict):
                odd.append(f"{call.name}({shorten(str(call.arguments), 40)})")
    return f"arguments that are not a JSON object: {_join_words(odd)}" if odd else None


def _check_first(response: ReceivedResponse) -> str | None:
    first = response.chunks[0][1] if response.chunks else {}
    if _is_azure_filter(first):
        return "the first chunk has no choices, only the results of Azure's prompt filter"
    return "the first chunk has no choices" if first.get("choices") == [] else None


def _is_azure_filter(chunk: dict[str, Any]) -> bool:
    """Return whether it is Azure's chunk of filter results, without id, model and time."""
    return chunk.get("choices") == [] and "prompt_filter_results" in chunk


def _check_constant(member: str) -> Callable[[ReceivedResponse], str | None]:
    def check(response: ReceivedResponse) -> str | None:
        values = [
            (item, chunk[member])
            for item, chunk in response.chunks
            if member in chunk and not _is_azure_filter(chunk)
        ]
        odd = [item for (_, before), (item, now) in itertools.pairwise(values) if before != now]
        return (odd and f"{member} changes at {_locate(odd)}") or None

    return check


def _check_role(response: ReceivedResponse) -> str | None:
    firsts: dict[str, Any] = {}
    for _, choice in response.choices:
        firsts.setdefault(
            shorten_json(choice.get("index")), as_object(choice.get("delta")).get("role")
        )
    odd = [index for index, role in firsts.items() if role is None]
    which = f" of choice {_join_words(odd)}" if len(firsts) > 1 else ""
    return f"the first delta{which} has no role" if odd else None


def _check_role_once(response: ReceivedResponse) -> str | None:
    earlier: set[str] = set()
    odd: list[Item] = []
    for item, choice in response.choices:
        if as_object(choice.get("delta")).get("role") is not None:
            index = shorten_json(choice.get("index"))
            if index in earlier:
                odd.append(item)
            earlier.add(index)
    return (odd and f"{_locate(odd)}: the role is repeated") or None


def _check_one_choice(response: ReceivedResponse) -> str | None:
    odd = [item for item, chunk in response.chunks if len(list_choices(chunk)) > 1]
    return (odd and f"{_locate(odd)}: several choices in one chunk") or None


def _check_deltas(response: ReceivedResponse) -> str | None:
    odd = [i for i, c in response.choices if not isinstance(c.get("delta"), dict)]
    return (odd and f"{_locate(odd)}: a choice without a delta") or None


def _check_choices(response: ReceivedResponse) -> str | None:
    odd = [
        i for i, c in response.chunks if not isinstance(c.get("choices"), list) and "error" not in c
    ]
    return (odd and f"{_locate(odd)}: a chunk without `choices`") or None


def _check_usage(response: ReceivedResponse) -> str | None:
    odd = [item for item, chunk in response.chunks if list_choices(chunk) and chunk.get("usage")]
    return (odd and f"{_locate(odd)}: usage on a chunk that has choices") or None


def _check_last_delta(response: ReceivedResponse) -> str | None:
    ends = [
        (i, choice) for i, choice in response.choices if choice.get("finish_reason") is not None
    ]
    odd = [item for item, choice in ends if as_object(choice.get("delta"))]
    return (odd and f"{_locate(odd)}: the chunk that finishes has more than an empty delta") or None


def _list_calls(response: ReceivedResponse) -> Iterator[tuple[Item, str, dict[str, Any]]]:
    for item, choice in response.choices:
        for call in as_objects(as_object(choice.get("delta")).get("tool_calls")):
            yield item, shorten_json(choice.get("index")), call


def _check_call_index(response: ReceivedResponse) -> str | None:
    odd = [
        item for item, _, call in _list_calls(response) if not isinstance(call.get("index"), int)
    ]
    return (odd and f"{_locate(odd)}: a tool call without an index") or None


def _check_call_id(response: ReceivedResponse) -> str | None:
    earlier: set[tuple[str, str]] = set()
    odd: list[Item] = []
    for item, choice, call in _list_calls(response):
        key = choice, shorten_json(call.get("index"))
        if key not in earlier and not call.get("id"):
            odd.append(item)
        earlier.add(key)
    return (odd and f"{_locate(odd)}: a tool call that begins without an id") or None


def _check_event_names(response: ReceivedResponse) -> str | None:
    odd = [item for item, _ in response.chunks if item.event and item.event.event is not None]
    return (odd and f"{_locate(odd)}: an event of a chat stream with a name") or None


def _check_event_types(response: ReceivedResponse) -> str | None:
    if response.endpoint != RESPONSES:
        return None
    if response.objects and all(
        item.event and item.event.event is None for item, _ in response.objects
    ):
        return "no event has a name; OpenAI names each event after the type in its data"
    odd = [item for item, value in response.objects
           if item.event and item.event.event != value.get("type")]  # fmt: skip
    return (odd and f"{_locate(odd)}: the event's name is not the type in its data") or None


def _check_sequence(response: ReceivedResponse) -> str | None:
    numbers = [(i, v["sequence_number"]) for i, v in response.objects if "sequence_number" in v]
    odd = [i for (_, a), (i, b) in itertools.pairwise(numbers)
           if not (isinstance(a, int) and b == a + 1)]  # fmt: skip
    return (odd and f"{_locate(odd)}: sequence_number is not one more than before") or None


def _check_obfuscation(response: ReceivedResponse) -> str | None:
    """Check that padding fills up to a multiple of 16 characters (WIRE.md §2)."""
    odd: list[Item] = []
    for item, value in response.objects:
        noise = value.get("obfuscation")
        if noise == _REDACTED:
            continue
        if isinstance(noise, str) and len(noise) not in _list_paddings(value, response.endpoint):
            odd.append(item)
    return (
        odd and f"{_locate(odd)}: obfuscation does not have the length that OpenAI gives it"
    ) or None


def _list_paddings(value: dict[str, Any], endpoint: str | None) -> set[int]:
    if endpoint == RESPONSES:
        return {-len(value["delta"]) % 16} if isinstance(value.get("delta"), str) else set()
    rest = {name: member for name, member in value.items() if name != "obfuscation"}
    # Azure adds its filter's results after the padding is computed.
    upstream = _remove_filters(rest)
    sizes = {len(encode_json(rest)), len(encode_json(upstream))}
    if '"expires_at":' in encode_json(rest):  # the end of an audio has one character more
        sizes |= {size - 1 for size in sizes}
    return {-size % 16 for size in sizes}


def _remove_filters(value: Any) -> Any:
    if isinstance(value, list):
        return [_remove_filters(entry) for entry in value]
    if isinstance(value, dict):
        return {k: _remove_filters(v) for k, v in value.items() if not k.startswith(_FILTERS)}
    return value


_REDACTED = "REDACTED"  # what recorders put in the place of a value that changes
_FILTERS = ("content_filter_", "prompt_filter_", "latency_checkpoint")


def _check_errors(response: ReceivedResponse) -> str | None:
    odd = [item for item in response.events if item.kind == "error"]
    return (odd and f"{_locate(odd)}: an error within the stream") or None


def _check_comments(response: ReceivedResponse) -> str | None:
    comments = [item for item in response.items if item.kind == "comment"]
    return f"{format_count(len(comments), 'comment')} among the events" if comments else None


def _check_withheld(response: ReceivedResponse) -> str | None:
    return "; ".join(explain_withheld(response.exchange)) or None


def _find_fault(name: str) -> Callable[[ReceivedResponse], str | None]:
    return lambda response: response.faults.get(name)


def _check_bom(response: ReceivedResponse) -> str | None:
    return "the body begins with a BOM" if response.body.startswith(_BOM) else None


def _check_reads(response: ReceivedResponse) -> str | None:
    return (
        f"reads that end within an event: {response.split_reads}" if response.split_reads else None
    )


def _check_last_event(response: ReceivedResponse) -> str | None:
    if not response.is_unfinished or not response.events:
        return None
    return "the last event has no blank line after it, so clients never dispatch it"


CHECKS: tuple[tuple[str, Callable[[ReceivedResponse], str | None]], ...] = (
    ("withheld", _check_withheld),
    ("unsendable", _find_fault("unsendable")),
    ("framing", _find_fault("framing")),
    ("length", _find_fault("length")),
    ("coding", _find_fault("coding")),
    ("content-type", _check_content_type),
    ("bom", _check_bom),
    ("line-ends", _check_line_ends),
    ("utf-8", _check_utf8),
    ("fields", _check_fields),
    ("comments", _check_comments),
    ("cut-event", _check_reads),
    ("last-line", _check_last_event),
    ("not-json", _check_json),
    ("not-object", _check_objects),
    ("not-compact", _check_compactness),
    ("error", _check_errors),
    ("no-done", _check_done),
    ("after-done", _check_after_done),
    ("needless-done", _check_needless_done),
    ("empty-first", _check_first),
    ("no-choices", _check_choices),
    ("several-choices", _check_one_choice),
    ("no-delta", _check_deltas),
    ("no-role", _check_role),
    ("role-again", _check_role_once),
    ("id-changes", _check_constant("id")),
    ("created-changes", _check_constant("created")),
    ("model-changes", _check_constant("model")),
    ("call-index", _check_call_index),
    ("call-id", _check_call_id),
    ("arguments", _check_arguments),
    ("no-finish", _check_finish),
    ("finish-again", _check_finish_once),
    ("finish-reason", _check_finish_reasons),
    ("finish-calls", _check_finish_of_calls),
    ("finish-speaks", _check_last_delta),
    ("usage-beside", _check_usage),
    ("event-name", _check_event_names),
    ("event-type", _check_event_types),
    ("sequence", _check_sequence),
    ("obfuscation", _check_obfuscation),
)  # fmt: skip
"""The checks by name. OpenAI's own streams pass all of them (WIRE.md §0)."""


def find_oddities(response: ReceivedResponse) -> list[tuple[str, str]]:
    """Return the name and the fact of each check that finds something odd."""
    return [(name, fact) for name, check in CHECKS if (fact := check(response))]


def _is_done(item: Item) -> bool:
    return item.data.startswith("[DONE]")


def _read_choices(response: ReceivedResponse) -> tuple[Choice, ...]:
    whole = response.endpoint == CHAT and isinstance(response.reply, Reply)
    return response.reply.choices if whole and isinstance(response.reply, Reply) else ()


def _locate(items: list[Item]) -> str:
    """Return the numbers of events in words: "events 2 to 4 and 7"."""
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
    return f"event{'s' * (len(numbers) > 1)} {_join_words(words)}"


def _join_words(words: Iterable[str], most: int = 4) -> str:
    """Join words with commas; beyond ``most``, only count them."""
    all_words = list(words)
    shown = all_words if len(all_words) <= most + 1 else all_words[:most]
    if more := len(all_words) - len(shown):
        shown = [*shown, f"{more} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
