"""Signatures of webhooks, as Standard Webhooks 1.0 defines them.

What is signed is ``ID.TIMESTAMP.BODY``, with HMAC-SHA256. The key is what follows ``whsec_``, in
base64. A header has several signatures, separated by spaces, while a secret is being replaced: the
receiver accepts any of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from random import Random

from openai_mockserver.exceptions import MockServerError

__all__ = ["decode_secret", "make_secret", "sign", "sign_with_all"]

_PREFIX = "whsec_"
_KEY_BYTES = 32  # 24 to 64 are allowed


def make_secret(rng: Random) -> str:
    """Return a new secret.

    >>> make_secret(Random(0))[:6]
    'whsec_'
    """
    return _PREFIX + base64.b64encode(rng.randbytes(_KEY_BYTES)).decode()


def decode_secret(secret: str) -> bytes:
    """Return the key of a secret; a secret without ``whsec_`` is itself the key, as for the SDK.

    Raises MockServerError if the secret is empty, or what follows ``whsec_`` is not base64.
    """
    if not secret.startswith(_PREFIX):
        key = secret.encode()
    else:
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise MockServerError("a webhook secret must have base64 after whsec_") from None
    if not key:
        raise MockServerError("a webhook secret must not be empty")
    return key


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return a signature, with its version.

    >>> sign("whsec_c2VjcmV0", "wh_1", 1750287078, b"{}")
    'v1,q82sD+bTqbGCra6mS3EVmOnfB6FiKFnavi5e+PD+qz8='
    """
    content = b"%s.%d.%s" % (id.encode(), timestamp, body)
    digest = hmac.new(decode_secret(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def sign_with_all(secrets: Iterable[str], id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``: a signature with each secret."""
    return " ".join(sign(secret, id, timestamp, body) for secret in secrets)
