"""The format of the Realtime API: how providers name and arrange the members of its events.

Rules of this file: data only, as recorded in 2026. The events themselves are built in OpenAI's
format, and then rearranged as a format's tables say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["BETA", "OPENAI", "Layout", "RealtimeFormat", "arrange", "own"]

Layout = Mapping[str, Any]
"""The members of an object in order: `...` for the object's own value, otherwise the value."""


def arrange(layout: Layout | None, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an object that a layout has, in its order.

    >>> arrange({"b": ..., "c": 3, "d": ...}, {"a": 1, "b": 2})
    {'b': 2, 'c': 3}
    """
    if layout is None:
        return dict(members)
    pairs = ((name, members.get(name, ...) if v is ... else v) for name, v in layout.items())
    return {name: value for name, value in pairs if value is not ...}


def own(names: str) -> dict[str, Any]:
    """Return a layout that has these members, each with its own value.

    >>> own("id type")
    {'id': Ellipsis, 'type': Ellipsis}
    """
    return dict.fromkeys(names.split(), ...)


VAD = {
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
"""OpenAI's defaults for the detection of speech."""


@dataclass(frozen=True, slots=True)
class RealtimeFormat:
    """How one provider writes the events of a Realtime session.

    Args:
        names: other names of types of events; an event with an empty name is not sent.
        parts: other names of types of content parts in items.
        first: the first members of an event; after them come the rest of its own.
        events: layouts of events, by OpenAI's type; by default an event has all its members.
        last: members that each event has at its end, unless it has them already.
        items: layouts of items, by type.
        changes: other members of the items in events, by the event's and the item's type; `...`
            omits a member.
        response: layout of the response object.
        session: how the session object is arranged: ``nested`` as OpenAI does today, ``flat`` as
            in its beta, ``mixed`` for both, as xAI does.
        session_members: layout of a flat or mixed session object.
        new_session_members: the same for ``session.created``, if it differs.
        vad: defaults of the server's detection of speech.
        updated_vad: those that differ once the session has been updated.
        transcription: more members of the configuration of transcripts, with their defaults.
        repeats_parts: whether events of a content part have it a second time, as ``content``.
        empties_parts: whether a finished content part is empty again.
        has_obfuscation: whether deltas of text have random padding.
        has_rate_limits: whether ``rate_limits.updated`` follows the start of each response.
        has_voice_objects: whether a voice is an object with name and type.
        has_conversation: whether ``conversation.created`` and ``ping`` follow the session.
        has_call_links: whether events of calls and their outputs name the item before them.
        has_call_deltas: whether the arguments of a function arrive in pieces.
        checks_type: whether an update must state the type of the session.
        sends_audio_first: whether audio precedes its transcript.
        closes_audio_last: whether the end of the audio is the last of a content part's events.
        token_kinds: counts of tokens that other providers lack. A provider that has some counts in
            the event, not in the response.
        usage: layouts of the usage, as the empty name, and of its members.
        ids: patterns of ids by prefix; see `openai_mockserver.api.ids.fill_pattern`.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ("type", "event_id")
    events: Mapping[str, Layout] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, Layout] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Layout]] = field(default_factory=dict)
    response: Layout | None = None
    session: Literal["nested", "flat", "mixed"] = "nested"
    session_members: Layout = field(default_factory=dict)
    new_session_members: Layout | None = None
    vad: Mapping[str, Any] = field(default_factory=lambda: VAD)
    updated_vad: Mapping[str, Any] = field(default_factory=dict)
    transcription: Mapping[str, Any] = field(default_factory=dict)
    repeats_parts: bool = False
    empties_parts: bool = False
    has_obfuscation: bool = True
    has_rate_limits: bool = False
    has_voice_objects: bool = False
    has_conversation: bool = False
    has_call_links: bool = True
    has_call_deltas: bool = True
    checks_type: bool = True
    sends_audio_first: bool = False
    closes_audio_last: bool = False
    token_kinds: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[str, Layout] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def pattern(self, prefix: str) -> str:
        """Return the pattern of ids with this prefix."""
        return self.ids.get(prefix) or self.ids.get("") or f"{prefix}_{{alnum21}}"


# OpenAI's own formats

_ITEMS = {
    "message": own("id type status role content phase"),
    "function_call": own("id type status name call_id arguments"),
    "function_call_output": own("id type call_id output"),
}
_RESPONSE = own(
    "object id status status_details output conversation_id output_modalities max_output_tokens "
    "audio usage metadata"
)

OPENAI = RealtimeFormat(items=_ITEMS, response=_RESPONSE, ids={"call": "call_{alnum16}"})
"""Today's format of OpenAI. No recording of it has ``rate_limits.updated``."""

BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "conversation.item.done": "",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
BETA_PARTS = {"output_text": "text", "output_audio": "audio"}
BETA_ITEMS = {
    "message": own("id object type status role content"),
    "function_call": own("id object type status name call_id arguments"),
    "function_call_output": own("id object type call_id output"),
}
BETA_RESPONSE = own(
    "object id status status_details output usage conversation_id modalities voice "
    "output_audio_format temperature max_output_tokens metadata"
)

BETA = RealtimeFormat(
    names=BETA_NAMES,
    parts=BETA_PARTS,
    first=("type", "event_id"),
    items=BETA_ITEMS,
    response=BETA_RESPONSE,
    session="flat",
    session_members=own(
        "id object model expires_at modalities instructions voice turn_detection "
        "input_audio_format output_audio_format input_audio_transcription tool_choice temperature "
        "max_response_output_tokens"
    )
    | {"client_secret": None}
    | own("tools"),
    has_obfuscation=False,
    has_rate_limits=True,
    checks_type=False,
    ids={"call": "call_{alnum16}"},
)
"""The format of OpenAI's beta, which the header ``OpenAI-Beta: realtime=v1`` requests.

It follows the SDK's beta types; no recording of it is at hand."""
