"""What is secret: the one list of headers, parameters, members of JSON and shapes of keys.

Rules of this file: data, and questions about it. What hides a secret (a repr, a log line, the
redaction of a recording) asks here what one is, and how a text from outside is shown. Every search
is linear in the length of its text: no pattern looks at a character more often than a fixed number
of times.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

__all__ = [
    "LONGEST_KEY",
    "find_keys",
    "hide_keys",
    "is_random",
    "is_secret_header",
    "is_secret_member",
    "is_secret_parameter",
    "show_header",
    "show_path",
    "spell_controls",
    "stands_alone",
    "unfinished_key",
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
)
# Whatever comes before these words: gateways pass on the headers of others under a prefix, as
# LiteLLM's ``llm_provider-set-cookie``. ``X-Session`` is one, ``azureml-model-session`` none.
_HEADER = re.compile(rf"(?:x-)?session|(?:^|.*[-_])(?:{'|'.join(_HEADERS)})", re.IGNORECASE)
# A provider's key in a header named for it, as ``X-Openai-Key``; these keys open nothing.
_KEY_HEADER = re.compile(r"(?:.*[-_])?key", re.IGNORECASE)
_OPEN_KEYS = re.compile(
    r"(?:.*[-_])?(?:affinity|cache|idempotency|limit|partition|ratelimit|request|routing|shard|sort"
    r"|surrogate|websocket)-key",
    re.IGNORECASE,
)

# Of a query, by the end of the name, with words apart: ``X-Amz-Signature`` is ``x_amz_signature``.
_PARAMETER = re.compile(
    r"(?:.*_)?(?:(?:aws)?access_?key(?:_?id)?|api_?key|auth|authorization|credentials?|jwt|passphrase"
    r"|passw(?:or)?d|pwd|secret|secret_?key|sig|signature|subscription_?key|token)|code|key"
)
_OPEN_PARAMETERS = re.compile(r"(?:.*_)?(?:continuation|cursor|next|page|prev|skip|sync)_token")
# Of JSON, where a name alone tells less: ``token`` is a piece of text, ``key`` an attribute's name.
_MEMBERS = frozenset(
    {"access_key", "access_token", "api_key", "apikey", "authorization", "aws_secret_access_key",
     "client_secret", "connection_string", "encoded_api_key", "id_token", "passphrase", "passwd",
     "password", "private_key", "refresh_token", "secret_access_key", "secret_key",
     "subscription_key"}
)  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _words(name: str) -> str:
    """A name in lower case with ``_`` between its words: ``clientSecret`` is ``client_secret``."""
    return re.sub(r"[-.]", "_", _HUMP.sub("_", name)).lower()


def is_secret_header(name: str) -> bool:
    """Whether the value of a header is never shown and never kept.

    >>> is_secret_header("x-goog-api-key"), is_secret_header("Proxy-Authorization")
    (True, True)
    >>> is_secret_header("content-type"), is_secret_header("idempotency-key")
    (False, False)
    """
    if _HEADER.fullmatch(name) is not None:
        return True
    return _KEY_HEADER.fullmatch(name) is not None and _OPEN_KEYS.fullmatch(name) is None


def is_secret_parameter(name: str) -> bool:
    """Whether the value of a query parameter is never kept.

    >>> is_secret_parameter("X-Amz-Signature"), is_secret_parameter("page_token")
    (True, False)
    """
    words = _words(unquote(name))
    return _PARAMETER.fullmatch(words) is not None and _OPEN_PARAMETERS.fullmatch(words) is None


def is_secret_member(name: str, begun: bool = False) -> bool:
    """Whether the text of a member of JSON is never kept.

    Args:
        name: of the member.
        begun: whether more of the name may follow.
    """
    words = _words(name)
    return words in _MEMBERS or (begun and any(m.startswith(words) for m in _MEMBERS))


# Keys

# What keys look like, by the ones who give them out: how they begin, the expression of the rest,
# and whether the rest must look as if dice had made it. The lengths are lower than today's of
# the real ones, in brackets: it is the dice that tell a key from words.
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
# Of two that begin alike, the longer first.
_ANY = "|".join(re.escape(start) for start in sorted(_BY_START, key=len, reverse=True))
_START = re.compile(_ANY)
# Looked up for each read: what a read may end in that goes on as the start of a key.
_BEGUN = frozenset(start[:size] for start in _BY_START for size in range(1, len(start) + 1))
_LONGEST_BEGUN = max(map(len, _BY_START)) - 1
LONGEST_KEY = 16384
"""Characters: nothing longer is a key."""

_IN_A_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=\\"
_IN_A_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
# A key may also follow an escaped character, whose last letter is no part of a word.
_ESCAPED = re.compile(r"\\[bfnrt]\Z|\\u[0-9a-fA-F]{4}\Z|%[0-9A-Fa-f]{2}\Z")


def stands_alone(text: str, begin: int, end: int) -> bool:
    """Whether what is there is a word of its own; one may follow an escaped character."""
    return _is_at_a_boundary(text, begin) and text[end : end + 1] not in _IN_A_WORD


def _is_at_a_boundary(text: str, at: int) -> bool:
    if at == 0 or text[at - 1] not in _IN_A_WORD:
        return True
    before = text[max(0, at - 6) : at]
    return ("\\" in before or "%" in before) and _ESCAPED.search(before) is not None


def is_random(text: str, together: int = 10) -> bool:
    """Whether a text looks as if dice had made it, rather than somebody who writes words.

    Args:
        text: what may be a key, without what every key of its family begins with.
        together: how many letters and digits in a row tell so, where they are mixed.

    >>> is_random("T3aV9sQx7Lm2Bn4Kp8Zr"), is_random("management-tool-of-2024")
    (True, False)
    """
    if len(set(text)) < 4:
        return False  # a row of X
    kinds = (str.isdigit, str.isupper, str.islower)
    if len(text) >= 16 and all(any(map(kind, text)) for kind in kinds):
        return True
    parts = re.findall(r"[A-Za-z0-9]+", text)
    for part in parts:
        if len(part) >= together and any(map(str.isdigit, part)) and not part.isdigit():
            return True
        # Words in CamelCase have no two capitals in a row so often.
        if len(part) >= 20 and not part.isupper() and len(re.findall("[A-Z](?=[A-Z])", part)) > 2:
            return True
    numbers = [part for part in parts if len(part) >= 10 and part.isdigit()]
    return len(numbers) > 1  # Slack's


def find_keys(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where keys stand in a text: their beginnings and ends, in order.

    Args:
        text: what is searched.
        start: where to begin; what is before only tells whether a word begins there.
    """
    at = start
    while found := _START.search(text, at):
        begin, end = found.span()
        at = end
        if not _is_at_a_boundary(text, begin):
            continue
        shape, random = _BY_START[found[0]]
        rest = shape.match(text, end)
        if rest is None or rest.end() - begin > LONGEST_KEY:
            continue
        if not random and found[0] != "eyJ" and text[rest.end() : rest.end() + 1].isalnum():
            continue
        if random and not is_random(rest[0], 8 if found[0] == "Bearer " else 10):
            continue
        at = rest.end()
        yield begin, at


def hide_keys(text: str, mask: str | None = None) -> str:
    """A text without its keys: ``mask`` in the place of each, else as many X as it is long.

    >>> hide_keys("use sk-abcdefghijklmnop1234 today", "…")
    'use … today'
    """
    parts, done = [], 0
    for begin, end in find_keys(text):
        parts += [text[done:begin], "X" * (end - begin) if mask is None else mask]
        done = end
    return "".join(parts) + text[done:] if parts else text


def unfinished_key(text: str) -> int:
    """How many characters at the end may be the beginning of a key that goes on."""
    tail = text[-LONGEST_KEY:]
    run = len(tail.rstrip(_IN_A_KEY))
    # ``Bearer `` has a space within.
    run = run - 7 if tail.endswith("Bearer ", 0, run) else run
    for found in _START.finditer(tail, run):
        if _is_at_a_boundary(tail, found.start()):
            return len(tail) - found.start()
    for size in range(min(len(tail), _LONGEST_BEGUN), 0, -1):
        if tail[-size:] in _BEGUN and _is_at_a_boundary(tail, len(tail) - size):
            return size
    return 0


# What a person may see: no secret, and nothing that leaves its line or that a terminal obeys

_SPELT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Of Unicode: control and format characters, unassigned, private, surrogates, ends of lines.
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def spell_controls(text: str, but: str = "") -> str:
    """A text in one line, in which every character can be seen.

    Args:
        text: the text.
        but: characters that stay as they are.

    >>> spell_controls("GET /v1/a\\nb\\x1b[2J\\u202e")
    'GET /v1/a\\\\nb\\\\x1b[2J\\\\u202e'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in but else _spell(char) for char in text)


def _spell(char: str) -> str:
    if char in _SPELT:
        return _SPELT[char]
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def show_header(name: str, value: str) -> str:
    """A header's value as a person may see it: ``…`` for what is secret.

    >>> show_header("Authorization", "Bearer sk-1"), show_header("accept", "*/*")
    ('…', '*/*')
    """
    return "…" if is_secret_header(name) else hide_keys(value, "…")


def show_path(path: str) -> str:
    """A path as a person may see it, in one line.

    >>> show_path("/v1/keys/sk-abcdefghijklmnop1234/models\\n")
    '/v1/keys/…/models\\\\n'
    """
    hidden = hide_keys(path, "…")
    if "%" in hidden:
        parts = hidden.split("/")
        hidden = "/".join("…" if any(find_keys(unquote(part))) else part for part in parts)
    return spell_controls(hidden)
