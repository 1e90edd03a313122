"""Normalization of requests before they are compared: dates, ids and other changing parts of texts.

Rules of this file: pure; a normalization is a row of a table. It replaces each match with a word in
angle brackets, so that a difference shows what was compared. Every expression here takes time
linear in the length of the text: after an unlimited repetition, nothing follows that could fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec.json

from openai_mockserver.api.ids import ITEM_PREFIXES
from openai_mockserver.exceptions import MockServerError

__all__ = ["NORMALIZATIONS", "Normalizer", "compile_pattern"]

_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})(?![0-9A-Za-z]))"
_HALF = r"(?: ?[AaPp]\.?[Mm](?![A-Za-z]))"
_SECONDS = r"(?::[0-9]{2}(?:[.,][0-9]{1,9})?)"
_TIME = rf"[0-9]{{1,2}}:[0-9]{{2}}{_SECONDS}?{_HALF}?{_ZONE}?"
_WEEKDAY = r"(?:Mon|Tue(?:s)?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_FORMS = (
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:T{_TIME})?",
    r"[0-9]{8}T[0-9]{6}Z?",
    r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}",
    r"[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2})",
    r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}",
    rf"{_DAY}[ -](?:of )?{_MONTH},?[ -][0-9]{{4}}",
    rf"{_MONTH} {_DAY},? [0-9]{{4}}",
    rf"{_MONTH}  ?[0-9]{{1,2}} {_TIME}(?: [A-Z]{{3,4}})? [0-9]{{4}}",
)
# A date joined to a name is part of the name, as in gpt-4o-2024-08-06.
_DATES = re.compile(
    rf"(?<![\w-])(?:(?:{_WEEKDAY},? )?(?:{'|'.join(_FORMS)})(?![0-9])(?:,?(?: at)? {_TIME})?"
    rf"|[0-9]{{1,2}}:[0-9]{{2}}(?:{_SECONDS}{_HALF}?|{_HALF}){_ZONE}?)(?![0-9])"
)

_HEX = "[0-9A-Fa-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUIDS = re.compile(rf"(?<![0-9A-Za-z])(?:{_UUID}|{_HEX}{{32}})(?![0-9A-Za-z])")

_PREFIXES = (
    "asst|batch|call|chatcmpl|cmpl|conv|file|ftjob|gen|item|modr|msg|part|req|resp|run|step|thread"
    "|tool|toolu|upload|vs"
)
_IDS = re.compile(
    rf"(?<![0-9A-Za-z])({_PREFIXES}|{'|'.join(ITEM_PREFIXES.values())})([_-])"
    rf"(?:[0-9]{{1,12}}[_-])?(?:{_UUID}|(?=[A-Za-z]{{0,64}}[0-9])[0-9A-Za-z]{{8,}})(?![0-9A-Za-z])"
)
_ID_MEMBERS = frozenset({"tool_call_id", "call_id", "item_id", "previous_response_id"})


def _replace_dates(text: str) -> str:
    return _DATES.sub("<date>", text)


def _replace_uuids(text: str) -> str:
    return _UUIDS.sub("<uuid>", text)


def _replace_ids(text: str) -> str:
    return _IDS.sub(r"\1\2<id>", text)


def _collapse_whitespace(text: str) -> str:
    return " ".join(text.split())


def _sort_keys(text: str) -> str:
    """Sort the keys of a text that is JSON, as the arguments of a tool call are."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


NORMALIZATIONS: Mapping[str, Callable[[str], str]] = {
    "key_order": _sort_keys,
    "ids": _replace_ids,
    "uuids": _replace_uuids,
    "dates": _replace_dates,
    "whitespace": _collapse_whitespace,
}
"""The named normalizations, in the order in which they are applied."""


def compile_pattern(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Compile a pattern whose matches are replaced within texts.

    Args:
        pattern: a regular expression; each match is replaced as a whole.

    Raises:
        MockServerError: if it is not a regular expression for text, or matches the empty string.
    """
    try:
        expression = re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise MockServerError(
            f"the pattern {pattern!r} is not a regular expression: {error}"
        ) from None
    if not isinstance(expression.pattern, str):
        raise MockServerError(f"the pattern {expression.pattern!r} must be text, not bytes")
    if expression.search("") is not None:
        raise MockServerError(
            f"the pattern {expression.pattern!r} matches the empty string, and thus everywhere"
        )
    return expression


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Normalizes texts, and the texts in JSON values.

    Args:
        names: the normalizations to apply, from `NORMALIZATIONS`.
        patterns: expressions whose matches are replaced before that.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    def normalize_text(self, text: str) -> str:
        """Normalize a text."""
        for number, pattern in enumerate(self.patterns, 1):
            several = len(self.patterns) > 1
            word = f"<pattern {number}>" if several else "<pattern>"
            text = pattern.sub(lambda _, word=word: word, text)  # type: ignore[misc]
        for name, normalize in NORMALIZATIONS.items():
            if name in self.names:
                text = normalize(text)
        return text

    def normalize_json(self, value: Any) -> Any:
        """Normalize the texts in a JSON value; the names of members stay."""
        if not self.names and not self.patterns:
            return value
        return self._walk(value)

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.normalize_text(value)
        if isinstance(value, list):
            return [self._walk(one) for one in value]
        if isinstance(value, Mapping):
            replaces_ids = "ids" in self.names
            return {
                name: "<id>"
                if replaces_ids and isinstance(one, str) and _is_id(name, value)
                else self._walk(one)
                for name, one in value.items()
            }
        return value


def _is_id(name: str, members: Mapping[str, Any]) -> bool:
    """Return whether a member is the generated id of a call or an item.

    In an object without a type, as a stored prompt, a person has chosen the ``id``.
    """
    return name in _ID_MEMBERS or (name == "id" and "type" in members)
