"""The prefix cache: which beginnings of prompts a model server still has.

A prompt is cut into blocks of equal numbers of tokens. Each block is named by a hash of itself and
of all before it, so equal names mean equal prompts up to there (vLLM's "automatic prefix caching",
https://docs.vllm.ai/en/latest/design/prefix_caching.html).

Rules of this file: no clock; times are seconds as floats.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from hashlib import blake2b

__all__ = ["PrefixCache", "chain_blocks"]


def chain_blocks(pieces: Iterable[str], size: int) -> tuple[int, ...]:
    """Return the names of a prompt's whole blocks.

    Args:
        pieces: the tokens of the prompt, as text.
        size: tokens of a block.

    >>> first, second = chain_blocks("abcde", 2)
    >>> (first,) == chain_blocks("abX", 2), second in chain_blocks("Xbcd", 2)
    (True, False)
    """
    names: list[int] = []
    block: list[str] = []
    chain = blake2b(digest_size=8)
    for piece in pieces:
        block.append(piece)
        if len(block) == size:
            chain.update("\0".join((*block, "")).encode("utf-8", "surrogatepass"))
            names.append(int.from_bytes(chain.digest(), "big"))
            block.clear()
    return tuple(names)


class PrefixCache:
    """Blocks of prompts, of which the least recently used are forgotten first.

    Args:
        capacity: number of blocks that it holds.
        seconds: seconds after which a block that nobody used is forgotten; None for never.
    """

    def __init__(self, capacity: int, seconds: float | None = None) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._blocks: OrderedDict[int, float] = OrderedDict()  # when each was last used

    def __len__(self) -> int:
        return len(self._blocks)

    def count_hits(self, blocks: Sequence[int], now: float, others: Container[int] = ()) -> int:
        """Return how many blocks at the beginning of a prompt are cached, and mark them as used.

        Args:
            blocks: the names of the prompt's blocks.
            now: the time in seconds.
            others: names of blocks that count, too.
        """
        self._forget(now)
        hits = 0
        for name in blocks:
            if name not in self._blocks and name not in others:
                break
            hits += 1
        self._mark([name for name in blocks[:hits] if name in self._blocks], now)
        return hits

    def insert(self, blocks: Sequence[int], now: float) -> None:
        """Store the blocks of a prompt; of a prompt that is too long, the first blocks."""
        self._forget(now)
        self._mark(blocks[: self._capacity], now)
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)

    def _mark(self, blocks: Sequence[int], now: float) -> None:
        # The end of a prompt is forgotten before its beginning, without which it is useless.
        for name in reversed(blocks):
            self._blocks[name] = now
            self._blocks.move_to_end(name)

    def _forget(self, now: float) -> None:
        if self._seconds is None:
            return
        while self._blocks:
            name, used = next(iter(self._blocks.items()))
            if used + self._seconds > now:
                break
            del self._blocks[name]
