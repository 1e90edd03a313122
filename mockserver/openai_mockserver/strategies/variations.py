"""The habits of a drawn stream: bytes select them from the table in `openai_mockserver.faults`.

Rules of this file: each aspect of a stream has one byte, which selects one of its habits, or none
if it is small; other bytes select places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openai_mockserver import sse
from openai_mockserver.faults.habits import ASPECTS, Aspect, Habit, dump_compact
from openai_mockserver.reply import Reply
from openai_mockserver.script import STREAM_HEAD, Event, Script
from openai_mockserver.strategies.plain_chunks import build_chunks
from openai_mockserver.strategies.reply_bytes import pick

__all__ = [
    "HEAD",
    "apply_framing",
    "build_chat_script",
    "count_bytes",
    "select_aspects",
    "select_habits",
]

HEAD = STREAM_HEAD
"""The head of drawn streams."""
ON = 243  # values of an aspect's byte from here on turn a habit on
PLACES = 4  # number of bytes that select the places of habits


SelectedHabits = list[tuple[str, Habit, int]]
"""Habits, each with its level and the byte for its place."""


def select_aspects(quirks: bool = True, without: Iterable[str] = ()) -> tuple[Aspect, ...]:
    """Return the aspects with the permitted habits, without empty ones.

    Args:
        quirks: whether quirks are permitted.
        without: names of habits that are not permitted.
    """
    excluded_names = set(without)
    permitted = [
        Aspect(
            aspect.level,
            tuple(
                habit
                for habit in aspect.habits
                if habit.name not in excluded_names and (quirks or not habit.is_quirk)
            ),
        )
        for aspect in ASPECTS
    ]
    return tuple(aspect for aspect in permitted if aspect.habits)


def count_bytes(aspects: Sequence[Aspect]) -> int:
    """Return the number of bytes for the habits of a stream: places, and one for each aspect."""
    return PLACES + len(aspects)


def select_habits(aspects: Sequence[Aspect], data: bytes) -> SelectedHabits:
    """Return the habits that the bytes turn on, in the order of their aspects."""
    return [
        (level, pick(habits, octet, ON), data[n % PLACES])
        for n, octet in enumerate(data[PLACES:])
        if octet >= ON
        for level, habits in (aspects[n],)
    ]


def build_chat_script(reply: Reply, selected_habits: SelectedHabits) -> Script:
    """Return the chat stream of a reply, with the habits of chunks and of JSON."""
    chunks, dumps = build_chunks(reply), dump_compact
    for level, habit, place in selected_habits:
        if level == "chunks":
            chunks = habit.change(chunks, place)
        elif level == "json":
            dumps = habit.change
    return Script(HEAD, (*[Event(dumps(chunk)) for chunk in chunks], sse.DONE))


def apply_framing(script: Script, selected_habits: SelectedHabits) -> Script:
    """Return the script with the habits of framing."""
    for level, habit, place in selected_habits:
        if level == "framing":
            script = habit.change(script, place)
    return script
