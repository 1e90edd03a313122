"""What a question mentions, as values of JSON: places, names, numbers, dates, addresses.

Rules of this file: a value is found by the name of its member (``departure_city``), its type and
its format. What a question does not mention is made up if the name tells what is meant; nothing
made up belongs to anybody. The caller checks every value against the schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from openai_mockserver.generate.english import NAMES
from openai_mockserver.generate.pen import Pen

__all__ = ["Mentions"]

READ = 1000  # characters of a question
KEYWORD = 0.6  # share of the unknown texts that are a word of the question


class _Found(NamedTuple):
    """What a text mentions, by the kind of thing."""

    values: Mapping[str, tuple[str, ...]]
    numbers: tuple[tuple[float, str, str], ...]  # the number, and the words before and after it
    words: str  # the text in small letters, between spaces


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# Reading

_CITIES = {
    name.lower(): name
    for name in _split("""
        Amsterdam Athens Bangkok Barcelona Beijing Berlin Boston Brussels Cairo Chicago
        Copenhagen Delhi Dublin Hamburg Helsinki Istanbul Kyoto Lagos Lima Lisbon London
        Madrid Melbourne Milan Montreal Moscow Mumbai Munich Nairobi Oslo Paris Prague
        Rome Seattle Seoul Shanghai Singapore Stockholm Sydney Tokyo Toronto Vancouver
        Venice Vienna Warsaw Zurich 東京 大阪 京都 北京 上海 广州 深圳 香港 台北
        서울 부산 巴黎 伦敦 パリ ロンドン
    """)
}
"""Cities that are recognized in small letters, too, and between letters of other scripts."""
_WIDE = tuple(name for name in _CITIES.values() if not name.isascii())

_LANGUAGES = [
    "arabic",
    "chinese",
    "czech",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hebrew",
    "hindi",
    "italian",
    "japanese",
    "korean",
    "polish",
    "portuguese",
    "russian",
    "spanish",
    "swedish",
    "thai",
    "turkish",
]
_CURRENCIES = {"dollars": "USD", "euros": "EUR", "euro": "EUR", "pounds": "GBP", "yen": "JPY"}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "today",
    "tomorrow",
    "tonight",
]
_NO_NAMES = frozenset(
    [
        "I",
        "I'm",
        "I'd",
        "The",
        "A",
        "An",
        "What",
        "Where",
        "When",
        "Who",
        "Why",
        "How",
        "Is",
        "Are",
        "Can",
        "Could",
        "Please",
        "My",
        "Book",
        "Send",
        "Find",
        "Write",
        "Show",
        "Tell",
        "Give",
        "Get",
        "Translate",
        "Hello",
        "Hi",
        "Do",
        "Does",
        "Will",
        "Would",
        "Should",
        "Compare",
        "And",
        "Or",
        "If",
        "Add",
        "Create",
        "Make",
        "Schedule",
        "Convert",
        "Calculate",
        "Set",
        "Search",
        "List",
    ]
) | {word.capitalize() for word in (*_MONTHS, *_DAYS, *_LANGUAGES)}

_BEFORE_PLACE = frozenset(
    [
        "in",
        "at",
        "to",
        "from",
        "near",
        "for",
        "of",
        "around",
        "between",
        "through",
        "via",
        "nach",
        "aus",
        "bei",
        "à",
        "en",
        "de",
        "a",
        "di",
        "w",
        "в",
        "из",
        "во",
    ]
)
_FROM, _TO = ("from", "von", "aus", "desde", "da", "из"), ("to", "nach", "para", "в")

_PATTERNS = {
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "url": re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;!?]"),
    "path": re.compile(r"(?<![\w/:.])(?:[.~]?/)?(?:[\w.-]+/)*[\w-]+\.[A-Za-z]{1,5}\b(?![@\w.]*\.)"),
    "quote": re.compile(r"[\"“«„「]([^\"“”«»„「」]{1,200})[\"”»“」]|(?<!\w)'([^']{1,200})'(?!\w)"),
    "code": re.compile(r"#?\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z-])[A-Z0-9][A-Z0-9-]{3,30}\b|(?<=#)\d+"),
    "symbol": re.compile(r"\b[A-Z]{2,5}\b"),
    "time": re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\b|\b\d{1,2} ?[ap]\.?m\b", re.I),
    "sum": re.compile(r"\(?\d[\d.]*(?: ?[-+*/^×÷%] ?\(?\d[\d.]*\)?)+"),
}
_ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_DATE = re.compile(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? )?({'|'.join(_MONTHS)})"
    r"(?: (\d{1,2})(?:st|nd|rd|th)?\b)?(?:,? (\d{4}))?",
    re.I,
)
_NUMBER = re.compile(
    r"(?:([^\W\d_]+)[ #$€£]*)?(?<![\w.:/-])(\d+(?:\.\d+)?)(?![\w:/]|-\d|\.\d)"
    r"(?:[ %]*([^\W\d_]+))?"
)
_SPELLED_NUMBERS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_SPELLED = re.compile(rf"\b(?:{'|'.join(_SPELLED_NUMBERS)})\b", re.I)
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_][\w'’.-]*[\w]|[^\W_]")


@lru_cache(maxsize=256)
def _read(text: str) -> _Found:
    lower = f" {' '.join(_WORD.findall(text.lower()))} "
    values = {name: _find_all(pattern, text) for name, pattern in _PATTERNS.items()}
    plain = text
    for name in ("email", "url", "path"):
        plain = _PATTERNS[name].sub(" ", plain)
    names, places, origins, targets = _find_names(plain)
    values |= {"name": names, "place": places, "from": origins, "to": targets}
    values["date"] = (*_find_all(_ISO_DATE, text), *_find_dates(text))
    values["day"] = tuple(day for day in _DAYS if f" {day} " in lower)
    values["time"] = tuple(map(_spell_time, values["time"]))
    values["language"] = tuple(one.capitalize() for one in _LANGUAGES if f" {one} " in lower)
    values["currency"] = (
        *(one for one in values["symbol"] if one in ("USD", "EUR", "GBP", "JPY", "CHF", "CAD")),
        *(code for word, code in _CURRENCIES.items() if f" {word} " in lower),
    )
    plain = _SPELLED.sub(lambda found: str(_SPELLED_NUMBERS.index(found[0].lower()) + 2), plain)
    numbers = tuple(
        (float(found[2]), (found[1] or "").lower(), (found[3] or "").lower())
        for found in _NUMBER.finditer(_ISO_DATE.sub(" ", plain))
    )
    return _Found(values, numbers, lower)


def _find_all(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = (match.group(match.lastindex or 0) for match in pattern.finditer(text))
    return tuple(dict.fromkeys(found))


def _find_dates(text: str) -> list[str]:
    """Return dates such as "3 May" in ISO's form; without a year they are in 2026."""
    dates = []
    for day, month, other_day, year in _DATE.findall(text):
        number = int(day or other_day or 0)
        if 1 <= number <= 31:
            dates.append(f"{year or 2026}-{_MONTHS.index(month.lower()) + 1:02}-{number:02}")
    return dates


def _spell_time(text: str) -> str:
    """Return "15:00" for "3 pm"."""
    digits = text.lower().rstrip("apm. ")
    hour, _, rest = digits.partition(":")
    is_afternoon = "p" in text.lower() and int(hour) < 12
    return f"{int(hour) + 12 * is_afternoon:02}:{rest or '00'}"


_Names = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _find_names(text: str) -> _Names:
    """Return names, and those that are places, where something begins, and where it ends."""
    names: list[str] = []
    places: list[str] = []
    by_role: dict[tuple[str, ...], list[str]] = {_FROM: [], _TO: []}
    before, last_end = "", 0
    for token in _TOKEN.finditer(text):
        word, gap = token[0].rstrip(".'’"), text[last_end : token.start()]
        last_end = token.end()
        known = _CITIES.get(word.lower())
        is_first = not before or any(mark in gap for mark in ".!?\n")
        is_name = known or (word[0].isupper() and word not in _NO_NAMES and not is_first)
        if not is_name:
            before = word.lower()
            continue
        name = known or word
        if names and gap == " " and before == names[-1].lower() and not known:
            name = f"{names.pop()} {name}"  # San Francisco
            for found in (places, *by_role.values()):
                if found and found[-1].lower() == before:
                    found[-1] = name
        else:
            if known or before in _BEFORE_PLACE or (before in ("and", "or") and places):
                places.append(name)
            for role, found in by_role.items():
                if before in role:
                    found.append(name)
        names.append(name)
        before = name.lower()
    wide = [city for city in _WIDE if city in text]
    places += [city for city in wide if city not in places]
    return tuple(names), tuple(places), tuple(by_role[_FROM]), tuple(by_role[_TO])


# Names of members

_MEANINGS = {
    word: kind
    for kind, words in {
        "from": "from origin departure source",
        "to": "to destination arrival",
        "place": "city location place town venue region area where airport station country state",
        "email": "email mail",
        "url": "url link website uri page href webpage",
        "path": "path file filename filepath",
        "date": "date deadline due checkin checkout birthday when day start end",
        "time": "time hour",
        "currency": "currency",
        "language": "language lang locale",
        "symbol": "symbol ticker stock",
        "name": "name person recipient customer contact attendee participant guest author user",
        "code": "id code order ticket sku reference tracking",
        "sum": "expression equation formula calculation",
        "query": "query q search term keyword keywords topic subject theme phrase",
        "question": "question prompt input request instruction",
        "quote": "text message content body caption",
        "title": "title headline heading label summary_title",
        "sentence": "description summary reason explanation note answer reasoning comment "
        "conclusion detail thought rationale feedback step",
    }.items()
    for word in words.split()
}
"""The kind of thing that a word in the name of a member means."""

_MADE_UP = {
    "place": ["Lisbon", "Oslo", "Kyoto", "Vienna", "Nairobi", "Montreal", "Lima", "Dublin"],
    "country": ["Portugal", "Norway", "Japan", "Austria", "Kenya", "Canada", "Peru", "Ireland"],
    "name": NAMES,
    "language": ("English", "Spanish", "Japanese", "German"),
    "currency": ("EUR", "USD", "JPY"),
    "color": ["red", "green", "blue", "yellow", "orange", "violet"],
    "colour": ["red", "green", "blue", "yellow", "orange", "violet"],
    "category": ["general", "travel", "food", "music", "work", "home"],
    "tag": ["new", "small", "useful", "quick", "shared"],
    "status": ["open", "active", "done", "waiting"],
    "unit": ("piece", "hour", "meter"),
    "day": ("Monday", "Wednesday", "Friday"),
    "sentiment": ("positive", "neutral", "negative"),
    "priority": ("low", "medium", "high"),
}
"""Values for what a question does not mention."""

_RANGES: dict[str, tuple[float, float]] = {
    "latitude": (-60, 60), "lat": (-60, 60), "longitude": (-120, 120), "lon": (-120, 120),
    "lng": (-120, 120), "age": (18, 80), "year": (2000, 2026), "month": (1, 12), "day": (1, 28),
    "days": (1, 7), "hour": (0, 23), "minute": (0, 59), "minutes": (5, 90), "rating": (1, 5),
    "score": (1, 10), "percent": (0, 100), "percentage": (0, 100), "temperature": (5, 30),
    "confidence": (0.6, 0.99), "probability": (0.1, 0.9), "price": (5, 90), "quantity": (1, 9),
    "count": (1, 9), "limit": (5, 20), "people": (1, 6), "guests": (1, 6), "step": (1, 9),
    "results": (3, 10), "result": (3, 10),
}  # fmt: skip
"""Plausible numbers, by a word in the name of the member."""

_OF_CALLS = ("place", "name", "email", "url", "path", "code", "quote", "sum")
"""What a call is about: a tool is called once for each."""

_COUNTS = frozenset(
    [
        "amount",
        "budget",
        "count",
        "day",
        "guest",
        "hour",
        "limit",
        "max",
        "maximum",
        "minute",
        "month",
        "n",
        "night",
        "number",
        "people",
        "percent",
        "person",
        "price",
        "quantity",
        "size",
        "top",
        "total",
        "value",
        "week",
        "year",
    ]
)
"""Words for what the only number of a question may be."""

_SYNONYMS = {
    "people": ("person", "guest"),
    "passenger": ("people", "person"),
    "guest": ("people", "person"),
    "party": ("people",),
}


@lru_cache(maxsize=1024)
def _split_name(name: str) -> tuple[str, ...]:
    """Return the words of ``departureCity`` or ``departure_cities``: departure, city."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name[:80]))
    return tuple(_drop_plural(word.lower()) for word in words)


def _drop_plural(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


class Mentions:
    """Finds values in a question; each that it mentions is used once before any is used again.

    Args:
        text: the question.
        pen: writes texts about it.
        at: which of several values comes first; the second call is about the second city.
    """

    def __init__(self, text: str, pen: Pen, at: int = 0) -> None:
        self._text = text[:READ]
        self._pen = pen
        self._at = at
        self._counts: dict[str, int] = {}

    def write(self) -> str:
        """Return a text for a tool that takes any: the question's quotation, else a query."""
        quotes = _read(self._text).values["quote"]
        return self._take("quote", quotes) or self._pen.query()

    def begin_at(self, at: int) -> Mentions:
        """Return the same, for a call after ``at`` other calls of a tool."""
        return Mentions(self._text, self._pen, at)

    def count_calls(self) -> int:
        """Return how many calls of one tool the question is good for; 0 if any number is."""
        values = _read(self._text).values
        return max(len(values[kind]) for kind in _OF_CALLS)

    def choose(self, options: Sequence[Any]) -> Sequence[Any]:
        """Return the options that the question mentions; all of them if it mentions none."""
        words = _read(self._text).words
        return [one for one in options if self._mentions(one, words)] or options

    def _mentions(self, option: Any, words: str) -> bool:
        if isinstance(option, bool) or option is None:
            return False
        if isinstance(option, int | float):
            return any(number == option for number, _, _ in _read(self._text).numbers)
        plain = " ".join(_WORD.findall(option.lower())) if isinstance(option, str) else ""
        is_short = len(plain) < 2 or (len(plain) == 2 and not option.isupper())
        return not is_short and (f" {plain} " in words or f" {plain}s " in words)

    def count(self, name: str) -> int:
        """Return how many values the question mentions for a list of this name."""
        kind = self._find_kind(_split_name(name))
        return len(_read(self._text).values.get(kind, ()))

    def find(self, name: str, kind: str, schema: Mapping[str, Any]) -> Any:
        """Return a value for a member of this name; None if neither question nor name tell one."""
        find = _FINDERS.get(kind)
        return find(self, name, _split_name(name), schema) if find and name else None

    def _find_kind(self, words: Sequence[str]) -> str:
        # The last word says what it is: an order date is a date.
        kinds = [_MEANINGS[word] for word in reversed(words) if word in _MEANINGS]
        if kinds and kinds[0] == "place" and kinds[-1] in ("from", "to"):
            return kinds[-1]
        return kinds[0] if kinds else ""

    def _take(self, kind: str, values: Sequence[str]) -> str | None:
        """Return the next of the values."""
        if not values:
            return None
        count = self._counts[kind] = self._counts.get(kind, self._at - 1) + 1
        return values[count % len(values)]

    def _find_string(self, name: str, words: Sequence[str], schema: Mapping[str, Any]) -> Any:
        found = _read(self._text).values
        form = str(schema.get("format", ""))
        kind = _BY_FORMAT.get(form) or self._find_kind(words)
        if form == "date":
            return self._take("date", found["date"])
        if form and form not in _BY_FORMAT:
            return None
        if kind in ("from", "to"):
            if "@" in self._text and found["email"]:
                return self._take("email", found["email"])
            return self._take(kind, found[kind]) or self._take("place", found["place"])
        if kind in _WRITERS:
            return _WRITERS[kind](self)
        value = self._take(kind, found.get(kind, ()))
        if value is None and kind == "date":
            value = self._take("day", found["day"])
        if value is None and kind == "name" and len(words) > 1 and words[0] in _MEANINGS:
            value = self._take("place", found.get(_MEANINGS[words[0]], ()))
        if value is not None or form:
            return value
        made_up = next((_MADE_UP[one] for one in reversed(words) if one in _MADE_UP), None)
        made_up = made_up or _MADE_UP.get(kind)
        if made_up is not None:
            return self._pen.rng.choice(made_up)
        keywords = self._pen.question.keywords
        if not kind and keywords and self._pen.rng.random() < KEYWORD:
            return self._take("keyword", keywords)
        return None

    def _write_query(self) -> str:
        return self._pen.query()

    def _write_title(self) -> str:
        return self._pen.headline()

    def _write_question(self) -> str | None:
        return self._text.strip() or None

    def _write_sentence(self) -> str:
        return self._pen.sentence()

    def _write_quoted(self) -> str:
        quotes = _read(self._text).values["quote"]
        return self._take("quote", quotes) or self._pen.opening()

    def _find_number(self, name: str, words: Sequence[str], schema: Mapping[str, Any]) -> Any:
        numbers = _read(self._text).numbers
        wanted = {*words, *(other for word in words for other in _SYNONYMS.get(word, ()))}
        for number, before, after in numbers:
            if wanted & {before, _drop_plural(after)}:
                return int(number) if number.is_integer() else number
        if numbers and (len(name) == 1 or (len(numbers) == 1 and _COUNTS & wanted)):
            number = numbers[self._counts.setdefault("number", 0) % len(numbers)][0]
            self._counts["number"] += 1
            return int(number) if number.is_integer() else number
        low, high = next((_RANGES[word] for word in (name, *words) if word in _RANGES), (0, 0))
        if not high:
            return None
        number = low + (high - low) * self._pen.rng.random()
        return int(number) if schema.get("type") == "integer" else round(number, 2)

    def _find_boolean(self, name: str, words: Sequence[str], schema: Mapping[str, Any]) -> Any:
        """Return whether the question wants what the last word of the name says."""
        text, word = _read(self._text).words, words[-1] if words else ""
        if len(word) < 4 or f" {word}" not in text:
            return None
        return not re.search(rf" (?:no|not|without|ohne|sans|sin) (?:\w+ )?{word}", text)


_BY_FORMAT = {
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "iri": "url",
    "url": "url",
    "date": "date",
    "time": "time",
}
"""The kinds of things by the format of a text."""

_WRITERS: dict[str, Callable[[Mentions], str | None]] = {
    "query": Mentions._write_query,
    "title": Mentions._write_title,
    "question": Mentions._write_question,
    "sentence": Mentions._write_sentence,
    "quote": Mentions._write_quoted,
}
"""The kinds of things that are written about a question, not found in it."""

_Finder = Callable[[Mentions, str, Sequence[str], Mapping[str, Any]], Any]

_FINDERS: dict[str, _Finder] = {
    "string": Mentions._find_string,
    "integer": Mentions._find_number,
    "number": Mentions._find_number,
    "boolean": Mentions._find_boolean,
}
"""The functions that find a value, by its type."""
