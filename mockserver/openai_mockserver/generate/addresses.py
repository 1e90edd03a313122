"""Words and addresses for generated values.

Rules of this file: all randomness comes from the caller. Every address is reserved for
documentation, so that none belongs to anybody (RFC 2606, RFC 5737, RFC 3849).
"""

from __future__ import annotations

from random import Random
from uuid import UUID

from openai_mockserver.generate.languages import load_words

__all__ = [
    "make_email",
    "make_hostname",
    "make_ipv4",
    "make_ipv6",
    "make_url",
    "make_uuid",
    "make_word",
]

_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


def make_word(rng: Random) -> str:
    """Return an English word."""
    return rng.choice(load_words("en"))


def make_email(rng: Random) -> str:
    """Return an address such as ``ann.lee@example.org``."""
    return f"{make_word(rng)}.{make_word(rng)}@example.{rng.choice(('com', 'net', 'org'))}"


def make_hostname(rng: Random) -> str:
    """Return a host such as ``web-17.example.com``."""
    return f"{make_word(rng)}-{rng.randint(1, 99)}.example.com"


def make_url(rng: Random) -> str:
    """Return a URL of such a host."""
    return f"https://{make_hostname(rng)}/{make_word(rng)}"


def make_ipv4(rng: Random) -> str:
    """Return an address such as ``192.0.2.17``."""
    return f"{rng.choice(_NETWORKS)}.{rng.randint(1, 254)}"


def make_ipv6(rng: Random) -> str:
    """Return an address such as ``2001:db8:1f:2e::3d``."""
    a, b, c = (rng.randint(1, 0xFFFF) for _ in range(3))
    return f"2001:db8:{a:x}:{b:x}::{c:x}"


def make_uuid(rng: Random) -> str:
    """Return a random UUID of version 4."""
    return str(UUID(int=rng.getrandbits(128), version=4))
