"""Bodies in a content coding, looked into while they are recorded (RFC 9110 §8.4).

Rules of this file: pure. Where nothing is secret the very bytes are kept, at their times; where
something is, the body is written anew from there on, in its coding, so that it is decoded to the
same text without its secrets. What cannot be looked into is withheld, and that is said.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from typing import Any, Protocol

__all__ = ["CodedBody", "Withheld", "decoded", "is_readable"]

Timed = tuple[float, bytes]

MOST = 1 << 25
"""Bytes: a body that is decoded to more is withheld, as a bomb would be."""
HELD = 1 << 22
"""Bytes of a coded body that wait until it is known whether they hold a secret."""
PIECE = 1 << 20
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class Withheld(Exception):
    """Why a body cannot be looked into."""


class Plain(Protocol):
    """What takes secrets out of decoded bytes; they keep their length."""

    def mask(self, data: bytes) -> bytes: ...
    def uncertain(self, data: bytes) -> int: ...


def is_readable(coding: str) -> bool:
    """Whether a body in this coding can be looked into here."""
    coding = coding.strip().lower()
    return coding in ("", "identity", *_WBITS) or (
        coding in _PACKAGES and _package(coding) is not None
    )


def _package(coding: str) -> Any:
    try:
        return __import__(_PACKAGES[coding])
    except ImportError:
        return None


def decoded(coding: str, body: bytes) -> bytes:
    """What a whole body says, or as much of it as is there.

    Raises Withheld where that cannot be told.
    """
    if body.startswith(b"\x1f\x8b"):
        coding = "gzip"
    if coding in _WBITS:
        out = b""
        while body:
            decoder = zlib.decompressobj(_wbits(coding, body))
            try:
                out += decoder.decompress(body, MOST + 1 - len(out))
            except zlib.error:
                return out + body
            if len(out) > MOST:
                raise Withheld(f"it is decoded to more than {MOST >> 20} MiB")
            body = decoder.unused_data if decoder.eof else b""
        return out
    if coding not in _PACKAGES:
        return body
    package = _package(coding)
    if package is None:
        raise Withheld(f"to look into {coding} needs the package {_PACKAGES[coding]}")
    try:
        if coding == "br":
            # Unlike a bomb, a body that somebody wants to read is not a thousand times its size.
            found: bytes = package.Decompressor().process(body)
        else:
            found = package.ZstdDecompressor().decompressobj().decompress(body)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in (package.__name__, "_brotli"):
            raise
        return body
    if len(found) > MOST:
        raise Withheld(f"it is decoded to more than {MOST >> 20} MiB")
    return found


def _wbits(coding: str, body: bytes) -> int:
    """Of deflate two forms are sent: with zlib's head, as it should be, and without."""
    if coding != "deflate":
        return 31
    has_head = body[0] & 15 == 8 and int.from_bytes(body[:2].ljust(2, b"\0"), "big") % 31 == 0
    return 15 if has_head or len(body) == 1 else -15


class CodedBody:
    """A body in a coding on its way into a recording.

    Args:
        coding: its name, as ``gzip``.
        plain: takes secrets out of what it is decoded to.
    """

    def __init__(self, coding: str, plain: Plain) -> None:
        self.coding = coding.strip().lower()
        self._plain = plain
        self._pending: list[Timed] = []
        self._size = self._total = 0
        self._member: _Member | None = None
        self._is_unreadable = False

    def read(self, data: bytes, t: float) -> list[Timed]:
        """What may be recorded after this read. Raises Withheld."""
        if self.coding not in _WBITS:
            self._pending.append((t, data))
            self._size += len(data)
            if self._size > MOST:
                raise Withheld(f"it has more than {MOST >> 20} MiB in {self.coding}")
            return []
        return _joined(self._through_members(data, t))

    @property
    def held(self) -> int:
        """How many bytes that came are in nothing that was given back yet."""
        if self.coding in _WBITS:
            return self._member.held if self._member else 0
        return sum(len(data) for _, data in self._pending)

    def rest(self) -> list[Timed]:
        """What is left at the end, whole or not. Raises Withheld."""
        if self.coding in _WBITS:
            return _joined(iter(self._member.commit(end=True))) if self._member else []
        pending, self._pending = self._pending, []
        body = b"".join(data for _, data in pending)
        text = decoded(self.coding, body)
        masked = self._plain.mask(text)
        if masked == text:
            return pending
        return [(pending[-1][0], _encoded(self.coding, masked))]

    def _through_members(self, data: bytes, t: float) -> Iterator[Timed]:
        while data:
            if self._is_unreadable:
                yield t, self._plain.mask(data)
                return
            if self._member is None:
                self._member = _Member(self.coding, self._plain)
            left = yield from self._member.feed(data, t)
            self._total += self._member.said
            if self._total > MOST:
                raise Withheld(f"it is decoded to more than {MOST >> 20} MiB")
            if left is None:
                self._is_unreadable, self._member = True, None
                return
            if self._member.over:
                self._member = None
            data = left


class _Member:
    """One compressed stream: the body, or one of several members of gzip."""

    def __init__(self, coding: str, plain: Plain) -> None:
        self._coding = coding
        self._plain = plain
        self._wbits = 0
        self._decoder: Any = None
        self._pending: list[Timed] = []
        self._text = b""
        self._check = 1 if coding == "deflate" else 0
        self._length = 0
        self._is_begun = False
        self._encoder: Any = None
        self.said = 0
        self.over = False

    def feed(self, data: bytes, t: float) -> Generator[Timed, None, bytes | None]:
        """Yield what may be recorded; return what comes after, or None where it is broken."""
        if self._pending and self._decoder is None:
            data, self._pending = self._pending.pop()[1] + data, []
        if self._decoder is None:
            if len(data) < 2:
                self._pending.append((t, data))
                return b""
            self._wbits = _wbits(self._coding, data)
            self._decoder = zlib.decompressobj(self._wbits)
        self.said = 0
        self._pending.append((t, data))
        left = data
        while left:
            before = self._decoder.copy()
            try:
                piece = self._decoder.decompress(left, PIECE)
            except zlib.error:
                # Not what it says it is, or broken: no client can read on, and neither do we.
                good, piece = _until_broken(before, left)
                self._text += piece
                self._pending[-1] = (t, data[: len(data) - len(left) + good])
                yield from self.commit(end=True)
                yield t, self._plain.mask(left[good:])
                return None
            self._text += piece
            self.said += len(piece)
            if self._decoder.eof:
                unused: bytes = self._decoder.unused_data
                self._pending[-1] = (t, data[: len(data) - len(unused)])
                self.over = True
                yield from self.commit(end=True)
                return unused
            left = self._decoder.unconsumed_tail
            if not left or len(self._text) > HELD:
                yield from self.commit()
            if self.said > MOST:
                break
        return b""

    @property
    def held(self) -> int:
        """How many bytes wait: coded ones, or once they are written anew, what they say."""
        if self._encoder is not None:
            return len(self._text)
        return sum(len(data) for _, data in self._pending)

    def commit(self, end: bool = False) -> list[Timed]:
        """Give away what is known to hold no secret, or was freed of it."""
        if not self._pending:
            return []
        t = self._pending[-1][0]
        keep = 0 if end else self._plain.uncertain(self._text)
        sure = self._text[: len(self._text) - keep]
        if self._encoder is None:
            waits = not end and (keep or not self._is_aligned())
            if waits and len(self._text) <= HELD and self.held <= HELD:
                return []
            masked = self._plain.mask(sure)
            if masked == sure and not waits:
                out, self._pending, self._text = self._pending, [], b""
                self._count(masked)
                self._is_begun = True
                return out
        else:
            masked = self._plain.mask(sure)
        self._text = self._text[len(sure) :]
        self._pending = [(t, b"")]
        written = self._write(masked)
        return [(t, written)] if written else []

    def _count(self, said: bytes) -> None:
        check = zlib.adler32 if self._coding == "deflate" else zlib.crc32
        self._check = check(said, self._check)
        self._length += len(said)

    def _write(self, said: bytes) -> bytes:
        """Go on, or begin, in blocks of our own."""
        out: bytes = b""
        if self._encoder is None:
            self._encoder = zlib.compressobj(6, zlib.DEFLATED, -15)
            if not self._is_begun:
                out = _HEADS[self._wbits]
        self._count(said)
        out += self._encoder.compress(said) + self._encoder.flush(zlib.Z_SYNC_FLUSH)
        if self.over:
            out += self._encoder.flush(zlib.Z_FINISH) + self._trailer(self._check, self._length)
        return out

    def _trailer(self, check: int, length: int) -> bytes:
        if self._wbits == 31:
            return check.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little")
        return check.to_bytes(4, "big") if self._wbits == 15 else b""

    def _is_aligned(self) -> bool:
        """Whether a block of ours may follow what came: its last block is over, at a whole byte."""
        check = zlib.adler32 if self._coding == "deflate" else zlib.crc32
        trailer = self._trailer(check(self._text, self._check), self._length + len(self._text))
        copy = self._decoder.copy()
        try:
            more = copy.decompress(b"\x03\x00" + trailer)
        except zlib.error:
            return False
        return bool(copy.eof and not more and not copy.unused_data)


_HEADS = {31: b"\x1f\x8b\x08\0\0\0\0\0\0\xff", 15: b"\x78\x9c", -15: b""}


def _until_broken(decoder: Any, data: bytes) -> tuple[int, bytes]:
    """How many bytes can be decoded, and what they say."""
    out = b""
    for at in range(len(data)):
        try:
            out += decoder.decompress(data[at : at + 1], PIECE)
        except zlib.error:
            return at, out
    return len(data), out


def _encoded(coding: str, said: bytes) -> bytes:
    package = _package(coding)
    made: bytes = (
        package.compress(said) if coding == "br" else package.ZstdCompressor().compress(said)
    )
    return made


def _joined(timed: Iterator[Timed]) -> list[Timed]:
    """Pieces of one read are one read."""
    out: list[Timed] = []
    for t, data in timed:
        if out and out[-1][0] == t:
            out[-1] = (t, out[-1][1] + data)
        elif data:
            out.append((t, data))
    return out
