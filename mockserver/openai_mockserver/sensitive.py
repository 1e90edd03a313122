"""What is secret: the one list of headers, parameters, JSON members and key formats.

Rules of this file: data, and functions that look things up in it. Every part that hides secrets (a
repr, a log line, the redaction of a recording) uses this list, and the functions here that make
text from outside safe to show. Every search takes time linear in the length of the text: no pattern
visits a character more than a fixed number of times.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

__all__ = [
    "LONGEST_KEY",
    "count_unfinished_key",
    "find_keys",
    "hide_keys",
    "is_random",
    "is_secret_header",
    "is_secret_member",
    "is_secret_parameter",
    "is_whole_word",
    "show_header",
    "show_path",
    "spell_controls",
]

# Names

_HEADERS = (
    r"access-key",
    r"api-?key",
    r"auth",
    r"authorization",
    r"client-principal",
    r"cookie",
    r"(?<!allow-)credentials?",
    r"function-key",
    r"functions-key",
    r"jwt(?:-assertion)?",
    r"oidc-data",
    r"openai-organization",
    r"openai-project",
    r"passw(?:or)?d",
    r"secret",
    r"signature(?:-\d+)?",
    r"subscription-key",
    r"token",
    r"websocket-protocol",  # a browser has no other place for its key
)
# Any prefix may precede these words, because gateways prefix the headers that they pass on, as in
# LiteLLM's ``llm_provider-set-cookie``. ``X-Session`` is secret, ``azureml-model-session`` is not.
_HEADER = re.compile(rf"(?:x-)?session|(?:^|.*[-_])(?:{'|'.join(_HEADERS)})", re.IGNORECASE)
# A provider's key in a header named after it, as ``X-Openai-Key``; the second list is not secret.
_KEY_HEADER = re.compile(r"(?:.*[-_])?key", re.IGNORECASE)
_HARMLESS_KEYS = re.compile(
    r"(?:.*[-_])?(?:affinity|cache|idempotency|limit|partition|ratelimit|request|routing|shard|sort"
    r"|surrogate|websocket)-key",
    re.IGNORECASE,
)

# Query parameters, by the end of the name in snake case, as ``x_amz_signature``.
_PARAMETER = re.compile(
    r"(?:.*_)?(?:(?:aws)?access_?key(?:_?id)?|api_?key|auth|authorization|credentials?|jwt|passphrase"
    r"|passw(?:or)?d|pwd|secret|secret_?key|sig|signature|subscription_?key|token)|code|key"
)
_HARMLESS_PARAMETERS = re.compile(r"(?:.*_)?(?:continuation|cursor|next|page|prev|skip|sync)_token")
# JSON members; the list is narrower, because ``token`` may be a piece of text and ``key`` a name.
_MEMBERS = frozenset(
    {"access_key", "access_token", "api_key", "apikey", "authorization", "aws_secret_access_key",
     "client_secret", "connection_string", "encoded_api_key", "id_token", "passphrase", "passwd",
     "password", "private_key", "refresh_token", "secret_access_key", "secret_key",
     "subscription_key"}
)  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _to_snake_case(name: str) -> str:
    """Return a name in snake case: ``clientSecret`` becomes ``client_secret``."""
    return re.sub(r"[-.]", "_", _HUMP.sub("_", name)).lower()


def is_secret_header(name: str) -> bool:
    """Return whether the value of a header is secret: never shown and never recorded.

    >>> is_secret_header("x-goog-api-key"), is_secret_header("Proxy-Authorization")
    (True, True)
    >>> is_secret_header("content-type"), is_secret_header("idempotency-key")
    (False, False)
    """
    if _HEADER.fullmatch(name) is not None:
        return True
    return _KEY_HEADER.fullmatch(name) is not None and _HARMLESS_KEYS.fullmatch(name) is None


def is_secret_parameter(name: str) -> bool:
    """Return whether the value of a query parameter is secret.

    >>> is_secret_parameter("X-Amz-Signature"), is_secret_parameter("page_token")
    (True, False)
    """
    words = _to_snake_case(unquote(name))
    return _PARAMETER.fullmatch(words) is not None and _HARMLESS_PARAMETERS.fullmatch(words) is None


def is_secret_member(name: str, is_prefix: bool = False) -> bool:
    """Return whether the text of a JSON member is secret.

    Args:
        name: the name of the member.
        is_prefix: whether ``name`` may be only the start of the name.
    """
    words = _to_snake_case(name)
    return words in _MEMBERS or (is_prefix and any(m.startswith(words) for m in _MEMBERS))


# Keys

# Key formats by provider: the prefix, an expression for the rest, and whether the rest must look
# random. The minimum lengths are below today's real ones (in brackets), because randomness is what
# distinguishes a key from words.
_WORD = r"[A-Za-z0-9_-]"
_FAMILIES: tuple[tuple[str, str, bool], ...] = (
    ("sk-", _WORD + "{16,}", True),  # OpenAI [48, 156], Anthropic, OpenRouter, LiteLLM [22]…
    ("sk_", r"[A-Za-z0-9_]{16,}", True),  # Stripe, ElevenLabs [48]
    ("rk-", _WORD + "{16,}", True),
    ("rk_", r"[A-Za-z0-9_]{16,}", True),
    ("ek_", r"[A-Za-z0-9_]{16,}", True),  # OpenAI's client secrets [32]
    ("sess-", r"[A-Za-z0-9]{16,}", True),  # OpenAI's sessions [40]
    ("org-", r"[A-Za-z0-9]{16,}", True),  # OpenAI's ids of organisations [24]
    ("proj_", r"[A-Za-z0-9]{16,}", True),  # and of projects [24]
    ("whsec_", r"(?:[A-Za-z0-9+/=]|\\/|\\u00[23][bBdD]){16,}", True),  # webhooks [32, 44]
    ("gsk_", r"[A-Za-z0-9]{20,}", True),  # Groq [52]
    ("xai-", r"[A-Za-z0-9]{20,}", True),  # xAI [80]
    ("pplx-", r"[A-Za-z0-9]{20,}", True),  # Perplexity [48]
    ("hf_", r"[A-Za-z0-9]{20,}", True),  # Hugging Face [34]
    ("api_org_", r"[A-Za-z0-9]{20,}", True),
    ("r8_", _WORD + "{20,}", True),  # Replicate [37]
    ("fw_", r"[A-Za-z0-9]{16,}", True),  # Fireworks [22]
    ("csk-", _WORD + "{20,}", True),  # Cerebras [48]
    ("csk_", _WORD + "{20,}", True),
    ("nvapi-", _WORD + "{30,}", True),  # NVIDIA [64]
    ("tgp_v1_", _WORD + "{20,}", True),  # Together [43]
    ("vck_", _WORD + "{20,}", True),  # Vercel
    ("pcsk_", _WORD + "{20,}", True),  # Pinecone
    ("tvly-", _WORD + "{20,}", True),  # Tavily
    ("lsv2_", r"(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", False),  # LangSmith
    ("dapi", r"[a-f0-9]{32}(?:-\d)?", False),  # Databricks
    ("AIza", _WORD + "{30,}", True),  # Google [35]
    ("ya29.", r"(?:[a-z]\.)?[A-Za-z0-9_-]{20,}", True),
    ("AKIA", r"[A-Z0-9]{16}", False),  # AWS
    ("ASIA", r"[A-Z0-9]{16}", False),
    ("ghp_", r"[A-Za-z0-9]{30,}", True),  # GitHub [36]
    ("gho_", r"[A-Za-z0-9]{30,}", True),
    ("ghu_", r"[A-Za-z0-9]{30,}", True),
    ("ghs_", r"[A-Za-z0-9]{30,}", True),
    ("ghr_", r"[A-Za-z0-9]{30,}", True),
    ("github_pat_", r"[A-Za-z0-9_]{30,}", True),  # [82]
    ("glpat-", _WORD + "{20,}", True),  # GitLab [20]
    ("xoxb-", r"[A-Za-z0-9-]{20,}", True),  # Slack [50 and more]
    ("xoxa-", r"[A-Za-z0-9-]{20,}", True),
    ("xoxp-", r"[A-Za-z0-9-]{20,}", True),
    ("xoxr-", r"[A-Za-z0-9-]{20,}", True),
    ("xoxs-", r"[A-Za-z0-9-]{20,}", True),
    ("xoxe-", r"[A-Za-z0-9-]{20,}", True),
    ("xapp-", r"[A-Za-z0-9-]{20,}", True),
    ("eyJ", _WORD + r"{10,}+\." + _WORD + r"{10,}+\." + _WORD + "+", False),  # JSON web tokens
    ("Bearer ", r"(?:[A-Za-z0-9_~+/=-]|\\/|\.(?=\w)){8,}", True),
)
_BY_START = {start: (re.compile(rest), random) for start, rest, random in _FAMILIES}
# The longer of two overlapping prefixes comes first.
_ANY = "|".join(re.escape(start) for start in sorted(_BY_START, key=len, reverse=True))
_ANY_START = re.compile(_ANY)
# Incomplete prefixes with which a read may end; looked up for each read.
_PREFIXES_OF_STARTS = frozenset(
    start[:size] for start in _BY_START for size in range(1, len(start) + 1)
)
_LONGEST_PREFIX = max(map(len, _BY_START)) - 1
LONGEST_KEY = 16384
"""Most characters of a key."""

_IN_A_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=\\"
_IN_A_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
# A key may follow an escaped character, whose last letter does not belong to a word.
_ESCAPED = re.compile(r"\\[bfnrt]\Z|\\u[0-9a-fA-F]{4}\Z|%[0-9A-Fa-f]{2}\Z")


def is_whole_word(text: str, begin: int, end: int) -> bool:
    """Return whether a span is a whole word; an escaped character may precede it."""
    return _is_at_a_boundary(text, begin) and text[end : end + 1] not in _IN_A_WORD


def _is_at_a_boundary(text: str, at: int) -> bool:
    if at == 0 or text[at - 1] not in _IN_A_WORD:
        return True
    before = text[max(0, at - 6) : at]
    return ("\\" in before or "%" in before) and _ESCAPED.search(before) is not None


def is_random(text: str, shortest_run: int = 10) -> bool:
    """Return whether a text looks random rather than like words.

    Args:
        text: a possible key without the prefix of its format.
        shortest_run: how many mixed letters and digits in a row count as random.

    >>> is_random("T3aV9sQx7Lm2Bn4Kp8Zr"), is_random("management-tool-of-2024")
    (True, False)
    """
    if len(set(text)) < 4:
        return False  # already masked with X
    kinds = (str.isdigit, str.isupper, str.islower)
    if len(text) >= 16 and all(any(map(kind, text)) for kind in kinds):
        return True
    parts = re.findall(r"[A-Za-z0-9]+", text)
    for part in parts:
        if len(part) >= shortest_run and any(map(str.isdigit, part)) and not part.isdigit():
            return True
        # Words in CamelCase rarely have two capitals in a row.
        if len(part) >= 20 and not part.isupper() and len(re.findall("[A-Z](?=[A-Z])", part)) > 2:
            return True
    numbers = [part for part in parts if len(part) >= 10 and part.isdigit()]
    return len(numbers) > 1  # as in Slack's keys


def find_keys(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the begin and end of every key in a text, in order.

    Args:
        text: the text to search.
        start: offset at which to start; the text before it only shows whether a word begins there.
    """
    at = start
    while match := _ANY_START.search(text, at):
        begin, end = match.span()
        at = end
        if not _is_at_a_boundary(text, begin):
            continue
        shape, must_be_random = _BY_START[match[0]]
        rest = shape.match(text, end)
        if rest is None or rest.end() - begin > LONGEST_KEY:
            continue
        if not must_be_random and match[0] != "eyJ" and text[rest.end() : rest.end() + 1].isalnum():
            continue
        if must_be_random and not is_random(rest[0], 8 if match[0] == "Bearer " else 10):
            continue
        at = rest.end()
        yield begin, at


def hide_keys(text: str, mask: str | None = None) -> str:
    """Replace every key in a text with ``mask``, or by default with an X for each character.

    >>> hide_keys("use sk-abcdefghijklmnop1234 today", "…")
    'use … today'
    """
    parts, position = [], 0
    for begin, end in find_keys(text):
        parts += [text[position:begin], "X" * (end - begin) if mask is None else mask]
        position = end
    return "".join(parts) + text[position:] if parts else text


def count_unfinished_key(text: str) -> int:
    """Count the characters at the end that may be an unfinished key."""
    tail = text[-LONGEST_KEY:]
    run = len(tail.rstrip(_IN_A_KEY))
    # ``Bearer `` contains a space.
    run = run - 7 if tail.endswith("Bearer ", 0, run) else run
    for match in _ANY_START.finditer(tail, run):
        if _is_at_a_boundary(tail, match.start()):
            return len(tail) - match.start()
    for size in range(min(len(tail), _LONGEST_PREFIX), 0, -1):
        if tail[-size:] in _PREFIXES_OF_STARTS and _is_at_a_boundary(tail, len(tail) - size):
            return size
    return 0


# Safe display: no secrets, no line breaks, and no control sequences for a terminal

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Unicode categories: control, format, unassigned, private use, surrogate, line separators.
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def spell_controls(text: str, but: str = "") -> str:
    """Escape the characters of a text that are invisible or end the line.

    Args:
        text: the text.
        but: characters to leave as they are.

    >>> spell_controls("GET /v1/a\\nb\\x1b[2J\\u202e")
    'GET /v1/a\\\\nb\\\\x1b[2J\\\\u202e'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in but else _escape(char) for char in text)


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if unicodedata.category(char) not in _HIDDEN_CATEGORIES:
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def show_header(name: str, value: str) -> str:
    """Return a header's value for display, with ``…`` in place of secrets.

    >>> show_header("Authorization", "Bearer sk-1"), show_header("accept", "*/*")
    ('…', '*/*')
    """
    return "…" if is_secret_header(name) else hide_keys(value, "…")


def show_path(path: str) -> str:
    """Return a path for display, on one line and without keys.

    >>> show_path("/v1/keys/sk-abcdefghijklmnop1234/models\\n")
    '/v1/keys/…/models\\\\n'
    """
    masked_path = hide_keys(path, "…")
    if "%" in masked_path:
        parts = masked_path.split("/")
        masked_path = "/".join("…" if any(find_keys(unquote(part))) else part for part in parts)
    return spell_controls(masked_path)
