"""What identifies a response: ids, the moment it was created, the model that answered.

Rules of this file: the forms are those of WIRE.md §1 "Identifiers"; chance comes from the caller.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

__all__ = [
    "ALPHANUMERIC",
    "ORDERS",
    "MOMENT",
    "Aside",
    "Envelope",
    "Seeded",
    "apart",
    "chat_id",
    "form",
    "letters",
    "now",
    "request_id",
]

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(ord(ALPHANUMERIC[octet % 62]) for octet in range(256))

ORDERS = ("interleaved", "interleaved to the end", "in turn", "in turn, ends last")
"""How the chunks of several choices follow each other."""

_EPOCH = 1_576_800_000  # ids count seconds from here


@dataclass(frozen=True, slots=True)
class Model:
    """How OpenAI answers for a model: its dated name and which members its chunks carry."""

    snapshot: str
    fingerprint: bool = False
    logprobs_key: bool = True


# Alias → snapshot as recorded (WIRE.md §0.9, §1): reasoning models omit the `logprobs` key, and
# gpt-3.5, gpt-4, gpt-5* and the o-series have no fingerprint.
MODELS = {
    "gpt-4o": Model("gpt-4o-2024-08-06", fingerprint=True),
    "gpt-4o-mini": Model("gpt-4o-mini-2024-07-18", fingerprint=True),
    "gpt-4.1": Model("gpt-4.1-2025-04-14", fingerprint=True),
    "gpt-4.1-mini": Model("gpt-4.1-mini-2025-04-14", fingerprint=True),
    "gpt-4.1-nano": Model("gpt-4.1-nano-2025-04-14", fingerprint=True),
    "gpt-4-turbo": Model("gpt-4-turbo-2024-04-09", fingerprint=True),
    "gpt-4": Model("gpt-4-0613"),
    "gpt-3.5-turbo": Model("gpt-3.5-turbo-0125"),
    "gpt-5": Model("gpt-5-2025-08-07", logprobs_key=False),
    "gpt-5-mini": Model("gpt-5-mini-2025-08-07", logprobs_key=False),
    "gpt-5-nano": Model("gpt-5-nano-2025-08-07", logprobs_key=False),
    "gpt-5.1": Model("gpt-5.1-2025-11-13", logprobs_key=False),
    "gpt-5.2": Model("gpt-5.2-2025-12-11", logprobs_key=False),
    "gpt-5.4": Model("gpt-5.4-2026-03-05", logprobs_key=False),
    "o1": Model("o1-2024-12-17", logprobs_key=False),
    "o3": Model("o3-2025-04-16", logprobs_key=False),
    "o3-mini": Model("o3-mini-2025-01-31", logprobs_key=False),
    "o4-mini": Model("o4-mini-2025-04-16", logprobs_key=False),
}

_SNAPSHOTS = {model.snapshot: model for model in MODELS.values()}


MOMENT = 1_767_225_600
"""The time of everything that is made with a seed: the beginning of 2026, in seconds."""


class Seeded(Random):
    """Chance for which time stands still, so that what is made with it is always the same."""


def now(rng: Random) -> int:
    """The time in seconds, as this chance has it.

    >>> now(Seeded("any")) == MOMENT < now(Random("any"))
    True
    """
    return MOMENT if isinstance(rng, Seeded) else int(time.time())


def apart(rng: Random, seed: str) -> Random:
    """Other chance, of this seed, at the same time."""
    return type(rng)(seed)


def model(name: str) -> Model:
    """How this model answers; an unknown one answers under its own name."""
    if known := MODELS.get(name) or _SNAPSHOTS.get(name):
        return known
    reasoning = name.startswith(("gpt-5", "o1", "o3", "o4"))
    return Model(name, fingerprint=not reasoning, logprobs_key=not reasoning)


def letters(n: int, rng: Random) -> str:
    """So many random letters and digits."""
    return rng.randbytes(n).translate(_LETTERS).decode()


def chat_id(created: int, rng: Random) -> str:
    """``chatcmpl-`` and 29 letters and digits, the first five of which are the time.

    >>> chat_id(1770674929, Random(0))[:14]
    'chatcmpl-D7Tiz'
    """
    number, digits = created - _EPOCH, ""
    for _ in range(5):
        number, rest = divmod(number, 62)
        digits = ALPHANUMERIC[rest] + digits
    return f"chatcmpl-{digits}{letters(24, rng)}"


def request_id(rng: Random) -> str:
    """``req_`` and 32 hexadecimal digits."""
    return f"req_{rng.getrandbits(128):032x}"


def response_ids(created: int, rng: Random) -> Callable[[str], str]:
    """Makes the ids of one response and its items, of which they share the beginning.

    A prefix and 50 hexadecimal digits, among them the time (WIRE.md §1).

    >>> new = response_ids(1770674929, Random(0))
    >>> one, other = new("resp"), new("msg")
    >>> one[:5], other[:4], one[5:23] == other[4:22], one[23:31]
    ('resp_', 'msg_', True, '698a5af1')
    """
    shared, machine = rng.getrandbits(64), rng.getrandbits(8)

    def new(prefix: str) -> str:
        moment = rng.randrange(0, 0x10000, 4)
        tail = rng.getrandbits(64)
        return f"{prefix}_{shared:016x}00{created:08x}{moment:04x}81{machine:02x}{tail:016x}"

    return new


def fingerprint(rng: Random) -> str:
    """``fp_`` and 10 hexadecimal digits."""
    return f"fp_{rng.getrandbits(40):010x}"


class Aside(NamedTuple):
    """What a stream holds beside what the model says: after so many chunks, this.

    ``step`` is a step (a comment, odd bytes) or the layout of a chunk that says nothing.
    """

    after: int
    step: Any


_FORM = re.compile(r"\{([a-z]+)(\d*)\}")
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_OF: Mapping[str, Callable[[int, Random], str]] = {
    "alnum": letters,
    "digits": lambda n, rng: "".join(rng.choices("0123456789", k=n)),
    "hex": lambda n, rng: f"{rng.getrandbits(4 * n):0{n}x}",
    "uuid": lambda n, rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "ulid": lambda n, rng: "01K" + "".join(rng.choices(_ULID, k=23)),
}


def form(pattern: str, rng: Random, created: int = 0, model: str = "") -> str:
    """An id of this form: what is in braces is a kind of random characters and how many.

    >>> len(form("gen-{created}-{alnum20}", Random(0), 1762104948))
    35
    """

    def one(match: re.Match[str]) -> str:
        kind, n = match[1], int(match[2] or 0)
        if kind in _OF:
            return _OF[kind](n, rng)
        if kind == "openai":
            return chat_id(created, rng).removeprefix("chatcmpl-")
        told = {
            "created": str(created),
            "model": model,
            "date": time.strftime("%Y%m%d%H%M%S", time.gmtime(created)),
        }
        return told[kind]

    return _FORM.sub(one, pattern)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one response has around what the model says.

    Args:
        id, created, model, system_fingerprint, service_tier: what every chunk repeats.
        logprobs_key: whether choices say ``"logprobs":null``.
        omits: members that OpenAI sends now and this response does not, as in its year.
        extra: members of the provider's own, by their path, as ``provider`` or ``x_groq.id``.
        turns: those that change from chunk to chunk: their values in turn.
        asides: comments, heartbeats and other chunks that say nothing.
        paddings: the lengths of random padding, in turn; random ones by default.
        order: of the chunks of several choices: one of `ORDERS`, or the index of each chunk.
        sequence: what each chunk says, of a choice that says text after its tool calls, or the
            like: see `chunks.GROUPS`.
    """

    id: str
    created: int
    model: str
    system_fingerprint: str | None = None
    service_tier: str | None = "default"
    logprobs_key: bool = True
    omits: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)
    turns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    asides: tuple[Aside, ...] = ()
    paddings: tuple[int, ...] = ()
    order: str | tuple[int, ...] = "interleaved"
    sequence: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, request: Mapping[str, Any], rng: Random) -> Envelope:
        """A new one, as OpenAI would answer this request now."""
        created = now(rng)
        answering = model(str(request.get("model", "gpt-4o-mini")))
        return cls(
            chat_id(created, rng),
            created,
            answering.snapshot,
            # The fingerprint is the deployment's: the same for the same model.
            fingerprint(Random(answering.snapshot)) if answering.fingerprint else None,
            "default",
            answering.logprobs_key,
        )
