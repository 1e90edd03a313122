"""Redaction of bodies that have a content coding, read by read as they arrive (RFC 9110 §8.4).

Rules of this file: pure. As long as no secret appears, a recording keeps the original bytes and
their times. From the first secret on, the body is encoded again in the same coding, so that it
decodes to the same text with the secrets masked. A body that cannot be decoded is withheld, and the
recording says why.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from typing import Any, Protocol

__all__ = ["CodedBody", "Withheld", "decode_body", "is_readable"]

TimedBytes = tuple[float, bytes]

MOST_DECODED = 1 << 25
"""Most bytes that a body may decode to; a longer one may be a bomb, and is withheld."""
MOST_HELD = 1 << 22
"""Most bytes of a coded body that wait until it is known whether they contain a secret."""
PIECE_SIZE = 1 << 20
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class Withheld(Exception):
    """Raised with the reason why a body cannot be decoded and is therefore not recorded."""


class Masker(Protocol):
    """Masks the secrets in decoded bytes without changing their length."""

    def mask(self, data: bytes) -> bytes: ...
    def count_uncertain(self, data: bytes) -> int: ...


def is_readable(coding: str) -> bool:
    """Return whether a body in this coding can be decoded with the installed packages."""
    coding = coding.strip().lower()
    return coding in ("", "identity", *_WBITS) or (
        coding in _PACKAGES and _import_package(coding) is not None
    )


def _import_package(coding: str) -> Any:
    try:
        return __import__(_PACKAGES[coding])
    except ImportError:
        return None


def decode_body(coding: str, body: bytes) -> bytes:
    """Decode a whole body, or as much of it as has arrived.

    Raises:
        Withheld: if the body cannot be decoded, or decodes to more than `MOST_DECODED` bytes.
    """
    if body.startswith(b"\x1f\x8b"):
        coding = "gzip"
    if coding in _WBITS:
        output = b""
        while body:
            decoder = zlib.decompressobj(_choose_wbits(coding, body))
            try:
                output += decoder.decompress(body, MOST_DECODED + 1 - len(output))
            except zlib.error:
                return output + body
            if len(output) > MOST_DECODED:
                raise Withheld(f"it is decoded to more than {MOST_DECODED >> 20} MiB")
            body = decoder.unused_data if decoder.eof else b""
        return output
    if coding not in _PACKAGES:
        return body
    package = _import_package(coding)
    if package is None:
        raise Withheld(f"decoding {coding} needs the package {_PACKAGES[coding]}")
    try:
        if coding == "br":
            # A genuine body does not decode to a thousand times its size, as a bomb does.
            text: bytes = package.Decompressor().process(body)
        else:
            text = package.ZstdDecompressor().decompressobj().decompress(body)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in (package.__name__, "_brotli"):
            raise
        return body
    if len(text) > MOST_DECODED:
        raise Withheld(f"it is decoded to more than {MOST_DECODED >> 20} MiB")
    return text


def _choose_wbits(coding: str, body: bytes) -> int:
    """Return zlib's window parameter; servers send deflate with zlib's header, or without it."""
    if coding != "deflate":
        return 31
    has_head = body[0] & 15 == 8 and int.from_bytes(body[:2].ljust(2, b"\0"), "big") % 31 == 0
    return 15 if has_head or len(body) == 1 else -15


class CodedBody:
    """Redacts a body in a content coding, read by read.

    Args:
        coding: name of the coding, as ``gzip``.
        masker: masks the secrets in the decoded bytes.
    """

    def __init__(self, coding: str, masker: Masker) -> None:
        self.coding = coding.strip().lower()
        self._masker = masker
        self._pending: list[TimedBytes] = []
        self._size = self._total = 0
        self._member: _Member | None = None
        self._is_unreadable = False

    def read(self, data: bytes, t: float) -> list[TimedBytes]:
        """Take one read and return the bytes that may be recorded now. Raises Withheld."""
        if self.coding not in _WBITS:
            self._pending.append((t, data))
            self._size += len(data)
            if self._size > MOST_DECODED:
                raise Withheld(f"it has more than {MOST_DECODED >> 20} MiB in {self.coding}")
            return []
        return _join_reads(self._read_members(data, t))

    @property
    def held_size(self) -> int:
        """Bytes that have arrived and that no call has returned yet."""
        if self.coding in _WBITS:
            return self._member.held_size if self._member else 0
        return sum(len(data) for _, data in self._pending)

    def flush(self) -> list[TimedBytes]:
        """Return the remaining bytes at the end of the body. Raises Withheld."""
        if self.coding in _WBITS:
            return _join_reads(iter(self._member.commit(end=True))) if self._member else []
        pending, self._pending = self._pending, []
        body = b"".join(data for _, data in pending)
        text = decode_body(self.coding, body)
        masked_text = self._masker.mask(text)
        if masked_text == text:
            return pending
        return [(pending[-1][0], _encode_body(self.coding, masked_text))]

    def _read_members(self, data: bytes, t: float) -> Iterator[TimedBytes]:
        while data:
            if self._is_unreadable:
                yield t, self._masker.mask(data)
                return
            if self._member is None:
                self._member = _Member(self.coding, self._masker)
            rest = yield from self._member.feed(data, t)
            self._total += self._member.decoded_size
            if self._total > MOST_DECODED:
                raise Withheld(f"it is decoded to more than {MOST_DECODED >> 20} MiB")
            if rest is None:
                self._is_unreadable, self._member = True, None
                return
            if self._member.is_over:
                self._member = None
            data = rest


class _Member:
    """One compressed stream: the whole body, or one of several gzip members."""

    def __init__(self, coding: str, masker: Masker) -> None:
        self._coding = coding
        self._masker = masker
        self._wbits = 0
        self._decoder: Any = None
        self._pending: list[TimedBytes] = []
        self._text = b""
        self._check = 1 if coding == "deflate" else 0
        self._length = 0
        self._has_begun = False
        self._encoder: Any = None
        self.decoded_size = 0
        self.is_over = False

    def feed(self, data: bytes, t: float) -> Generator[TimedBytes, None, bytes | None]:
        """Yield bytes that may be recorded; return those after the member, or None if broken."""
        if self._pending and self._decoder is None:
            data, self._pending = self._pending.pop()[1] + data, []
        if self._decoder is None:
            if len(data) < 2:
                self._pending.append((t, data))
                return b""
            self._wbits = _choose_wbits(self._coding, data)
            self._decoder = zlib.decompressobj(self._wbits)
        self.decoded_size = 0
        self._pending.append((t, data))
        undecoded_data = data
        while undecoded_data:
            decoder_before = self._decoder.copy()
            try:
                piece = self._decoder.decompress(undecoded_data, PIECE_SIZE)
            except zlib.error:
                # A wrong header or broken data: neither a client nor we can decode any further.
                valid_size, piece = _decode_valid_part(decoder_before, undecoded_data)
                self._text += piece
                self._pending[-1] = (t, data[: len(data) - len(undecoded_data) + valid_size])
                yield from self.commit(end=True)
                yield t, self._masker.mask(undecoded_data[valid_size:])
                return None
            self._text += piece
            self.decoded_size += len(piece)
            if self._decoder.eof:
                trailing: bytes = self._decoder.unused_data
                self._pending[-1] = (t, data[: len(data) - len(trailing)])
                self.is_over = True
                yield from self.commit(end=True)
                return trailing
            undecoded_data = self._decoder.unconsumed_tail
            if not undecoded_data or len(self._text) > MOST_HELD:
                yield from self.commit()
            if self.decoded_size > MOST_DECODED:
                break
        return b""

    @property
    def held_size(self) -> int:
        """Bytes that wait: coded ones, or decoded ones once the body is encoded again."""
        if self._encoder is not None:
            return len(self._text)
        return sum(len(data) for _, data in self._pending)

    def commit(self, end: bool = False) -> list[TimedBytes]:
        """Return the bytes that are known to hold no secret, or whose secrets are masked."""
        if not self._pending:
            return []
        t = self._pending[-1][0]
        held_size = 0 if end else self._masker.count_uncertain(self._text)
        safe_text = self._text[: len(self._text) - held_size]
        if self._encoder is None:
            waits = not end and (held_size or not self._is_at_block_end())
            if waits and len(self._text) <= MOST_HELD and self.held_size <= MOST_HELD:
                return []
            masked_text = self._masker.mask(safe_text)
            if masked_text == safe_text and not waits:
                reads, self._pending, self._text = self._pending, [], b""
                self._update_check(masked_text)
                self._has_begun = True
                return reads
        else:
            masked_text = self._masker.mask(safe_text)
        self._text = self._text[len(safe_text) :]
        self._pending = [(t, b"")]
        data = self._write(masked_text)
        return [(t, data)] if data else []

    def _update_check(self, text: bytes) -> None:
        update = zlib.adler32 if self._coding == "deflate" else zlib.crc32
        self._check = update(text, self._check)
        self._length += len(text)

    def _write(self, text: bytes) -> bytes:
        """Encode bytes again, as blocks that continue or begin the compressed stream."""
        output: bytes = b""
        if self._encoder is None:
            self._encoder = zlib.compressobj(6, zlib.DEFLATED, -15)
            if not self._has_begun:
                output = _HEADS[self._wbits]
        self._update_check(text)
        output += self._encoder.compress(text) + self._encoder.flush(zlib.Z_SYNC_FLUSH)
        if self.is_over:
            output += self._encoder.flush(zlib.Z_FINISH) + self._build_trailer(
                self._check, self._length
            )
        return output

    def _build_trailer(self, check: int, length: int) -> bytes:
        if self._wbits == 31:
            return check.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little")
        return check.to_bytes(4, "big") if self._wbits == 15 else b""

    def _is_at_block_end(self) -> bool:
        """Return whether a new block may follow: the last one has ended at a byte boundary."""
        check = zlib.adler32 if self._coding == "deflate" else zlib.crc32
        trailer = self._build_trailer(
            check(self._text, self._check), self._length + len(self._text)
        )
        copy = self._decoder.copy()
        try:
            more = copy.decompress(b"\x03\x00" + trailer)
        except zlib.error:
            return False
        return bool(copy.eof and not more and not copy.unused_data)


_HEADS = {31: b"\x1f\x8b\x08\0\0\0\0\0\0\xff", 15: b"\x78\x9c", -15: b""}


def _decode_valid_part(decoder: Any, data: bytes) -> tuple[int, bytes]:
    """Return how many bytes can be decoded, and the decoded bytes."""
    text = b""
    for at in range(len(data)):
        try:
            text += decoder.decompress(data[at : at + 1], PIECE_SIZE)
        except zlib.error:
            return at, text
    return len(data), text


def _encode_body(coding: str, text: bytes) -> bytes:
    package = _import_package(coding)
    body: bytes = (
        package.compress(text) if coding == "br" else package.ZstdCompressor().compress(text)
    )
    return body


def _join_reads(pieces: Iterator[TimedBytes]) -> list[TimedBytes]:
    """Join the pieces that have the same time into one read."""
    reads: list[TimedBytes] = []
    for t, data in pieces:
        if reads and reads[-1][0] == t:
            reads[-1] = (t, reads[-1][1] + data)
        elif data:
            reads.append((t, data))
    return reads
