"""Amazon Bedrock's endpoint of the Responses API, which AWS calls Mantle."""

from __future__ import annotations

from dataclasses import replace

from openai_mockserver.dialects.chat import chat_dialect
from openai_mockserver.dialects.responses import Order, ResponsesFormat

_SORTED = Order()

# OpenAI's own models: its events, with all members sorted and the name after the data. The members
# of the echoed tools' parameters come in any order.
_RESPONSES = ResponsesFormat(
    event=_SORTED,
    item=_SORTED,
    part=_SORTED,
    response=Order((), ("user", "moderation")),
    usage=_SORTED,
    has_empty_padding=True,
    has_data_first=True,
    id="resp_{alnum52}",
    item_id="{prefix}_{hex32}",
)

# The open models: events as vLLM writes them, without names.
_GPT_OSS = replace(
    _RESPONSES,
    response=_SORTED,
    has_event_lines=False,
    obfuscated_events=frozenset(),
    with_status=frozenset({"reasoning"}),
    part_logprobs=False,
    initial_items={"reasoning": {"content": ...}},
    reasoning_part="reasoning_part",
    counts_all_parts=True,
    cache_writes=False,
    item_id="msg_{hex16}",
    members=(
        "background",
        "created_at",
        "error",
        "id",
        "incomplete_details",
        "instructions",
        "metadata",
        "model",
        "object",
        "output",
        "parallel_tool_calls",
        "service_tier",
        "status",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
    ),
)

# Its chat completions were never recorded: they are like OpenAI's.
DIALECTS = (
    chat_dialect("bedrock-mantle", responses=_RESPONSES),
    chat_dialect("bedrock-mantle-gpt-oss", responses=_GPT_OSS),
)

PATHS: tuple[tuple[str, str], ...] = ()
