"""Generated ids: of responses, items, requests and deployments.

Rules of this file: the formats are those of WIRE.md §1 "Identifiers"; the caller passes the random
generator.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random

__all__ = [
    "ITEM_PREFIXES",
    "NOISE_BITS",
    "Padding",
    "item_prefix",
    "ALPHANUMERIC",
    "chat_id",
    "fill_pattern",
    "letters",
    "request_id",
]

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(ord(ALPHANUMERIC[octet % 62]) for octet in range(256))

_EPOCH = 1_576_800_000  # Unix time from which ids count seconds


def letters(n: int, rng: Random) -> str:
    """Return n random letters and digits."""
    return rng.randbytes(n).translate(_LETTERS).decode()


def chat_id(created: int, rng: Random) -> str:
    """Return ``chatcmpl-`` and 29 letters and digits, of which the first five encode the time.

    >>> chat_id(1770674929, Random(0))[:14]
    'chatcmpl-D7Tiz'
    """
    return f"chatcmpl-{_time_digits(created)}{letters(24, rng)}"


@lru_cache(maxsize=16)
def _time_digits(created: int) -> str:
    """Encode a time, in Unix seconds, as five letters and digits."""
    number, digits = created - _EPOCH, ""
    for _ in range(5):
        number, digit = divmod(number, 62)
        digits = ALPHANUMERIC[digit] + digits
    return digits


NOISE_BITS = 2
"""There are four noises (pools of random characters); each response is padded from one of them."""


@lru_cache(maxsize=1 << NOISE_BITS)
def _noise(number: int) -> str:
    return letters(511, Random(number))


class Padding:
    """Random letters and digits for one response, taken from a pool because this is faster.

    Args:
        noise: the number of the pool, of `NOISE_BITS` bits.

    >>> padding = Padding(0)
    >>> padding.letters(3) != padding.letters(3), Padding(0).letters(9) == Padding(0).letters(9)
    (True, True)
    """

    def __init__(self, noise: int) -> None:
        self._noise = _noise(noise)
        self._at = 0

    def letters(self, n: int) -> str:
        """Return the next n letters and digits; n is at most 16."""
        self._at = (self._at + 17) % 495
        return self._noise[self._at : self._at + n]

    def number(self, largest: int) -> int:
        """Return a number from 1 to ``largest``."""
        return 1 + ALPHANUMERIC.index(self.letters(1)) * largest // len(ALPHANUMERIC)


def request_id(rng: Random) -> str:
    """Return ``req_`` and 32 hexadecimal digits."""
    return f"req_{rng.getrandbits(128):032x}"


ITEM_PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "mcp_list_tools": "mcpl",
    "mcp_call": "mcp",
    "image_generation_call": "ig",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "mcp_approval_request": "mcpr",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "program": "prog",
    "program_output": "progo",
    "computer_call": "cu",
    "compaction": "cmp",
    "function_call_output": "fco",
}
"""The prefix of an item's id, by the type of the item (WIRE.md §1)."""


def item_prefix(type: str) -> str:
    """Return the id prefix of this type of item; ``item`` if the type is not in the table.

    >>> item_prefix("mcp_list_tools"), item_prefix("something_new")
    ('mcpl', 'item')
    """
    return ITEM_PREFIXES.get(type, "item")


def response_ids(created: int, rng: Random) -> Callable[[str], str]:
    """Return a function that generates the ids of one response and its items, given their prefix.

    An id is a prefix and 50 hexadecimal digits, which include the time (WIRE.md §1). The first
    digits are the same in all ids of a response.

    >>> new = response_ids(1770674929, Random(0))
    >>> one, other = new("resp"), new("msg")
    >>> one[:5], other[:4], one[5:23] == other[4:22], one[23:31]
    ('resp_', 'msg_', True, '698a5af1')
    """
    common, machine = rng.getrandbits(64), rng.getrandbits(8)

    def new(prefix: str) -> str:
        moment = 4 * rng.randrange(0x4000)
        tail = rng.getrandbits(64)
        return f"{prefix}_{common:016x}00{created:08x}{moment:04x}81{machine:02x}{tail:016x}"

    return new


def fingerprint(rng: Random) -> str:
    """Return ``fp_`` and 10 hexadecimal digits."""
    return f"fp_{rng.getrandbits(40):010x}"


_PLACEHOLDER = re.compile(r"\{([a-z]+)(\d*)\}")
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GENERATORS: Mapping[str, Callable[[int, Random], str]] = {
    "alnum": letters,
    "digits": lambda n, rng: "".join(rng.choices("0123456789", k=n)),
    "hex": lambda n, rng: f"{rng.getrandbits(4 * n):0{n}x}",
    "uuid": lambda n, rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "ulid": lambda n, rng: "01K" + "".join(rng.choices(_ULID, k=23)),
}


def fill_pattern(pattern: str, rng: Random, created: int = 0, model: str = "") -> str:
    """Return an id with this pattern.

    A placeholder is a kind of random characters and their number, such as ``{alnum20}``, or one of
    ``{created}``, ``{model}``, ``{date}``, ``{openai}``, ``{uuid}`` and ``{ulid}``.

    >>> len(fill_pattern("gen-{created}-{alnum20}", Random(0), 1762104948))
    35
    """
    if "{" not in pattern:
        return pattern

    def fill_placeholder(match: re.Match[str]) -> str:
        kind, n = match[1], int(match[2] or 0)
        if kind in _GENERATORS:
            return _GENERATORS[kind](n, rng)
        if kind == "openai":
            return chat_id(created, rng).removeprefix("chatcmpl-")
        values = {
            "created": str(created),
            "model": model,
            "date": time.strftime("%Y%m%d%H%M%S", time.gmtime(created)),
        }
        return values[kind]

    return _PLACEHOLDER.sub(fill_placeholder, pattern)
