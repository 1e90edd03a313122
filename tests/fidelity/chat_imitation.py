"""How to imitate a recorded chat stream: the dialect, envelope and request that render it again.

The tables are searched: the dialect whose mark the stream has, then its relatives, then all others;
each with the variants that the stream shows, and with those of its own variants that make more of
the stream equal. Only if none reproduces it, the layouts are learned from the stream itself.
"""

from __future__ import annotations

import re
from random import Random

from fidelity.chat_stream import ChatStream, Imitation
from openai_mockserver import sse
from openai_mockserver.api import chat
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.dialects import Dialect, dialects
from openai_mockserver.reply import Reply
from openai_mockserver.script import Script

__all__ = ["Imitation", "imitate", "same"]


def imitate(script: Script) -> Imitation:
    """The imitation of a recorded chat stream.

    Raises ReplyError for what is no chat stream.
    """
    body = sse.body(script.steps)
    reply = chat.read(script)
    stream = ChatStream(body)
    if not isinstance(reply, Reply) or not stream.chunks:
        return Imitation(None, Envelope("", 0, ""), {"stream": True})
    named = stream.named()
    openais = stream.openais(reply)
    if openais is not None and same(_render(openais, reply), body):
        return openais
    return _by_table(stream, reply, named) or stream.learned(reply, dialects().get(named))


def _render(imitation: Imitation, reply: Reply) -> bytes:
    return sse.body(chat.render(reply, **imitation.arguments, rng=Random(0)).steps)


def _by_table(stream: ChatStream, reply: Reply, named: str) -> Imitation | None:
    """The imitation by a dialect of the tables, perhaps with variants; None if none is equal.

    The dialect that the stream names comes first, then its relatives, then all that have the
    members of its first chunk: a gateway may send what its upstream sends.
    """
    family = named.partition("-")[0]
    others = [name for name in dialects() if name != named]
    others.sort(key=lambda name: name.partition("-")[0] != family)
    for name in [named] * bool(named) + others:
        base = dialects()[name]
        if name == named or stream.may_be(base):
            found = _climb(stream, reply, base)
            if found is not None:
                return found
    return None


def _climb(stream: ChatStream, reply: Reply, base: Dialect) -> Imitation | None:
    """The imitation by a dialect and its variants, added as long as more of the stream is equal."""
    learned = stream.learned(reply, base)
    wanted = _alike(stream.body)
    starts = list(dict.fromkeys(stream.starts(learned.dialect or base, base, reply)))
    rendered: dict[tuple[str, ...], int] = {}

    def score(names: tuple[str, ...]) -> int:
        """How many bytes at the beginning are equal; -1 if all are."""
        if names not in rendered:
            imitation = stream.by_table(reply, base.with_variants(names), learned)
            ours = _alike(_render(imitation, reply))
            rendered[names] = -1 if ours == wanted else _common_prefix(ours, wanted)
        return rendered[names]

    for start in starts:
        names, best = start, score(start)
        while best >= 0:
            more = [(*names, one) for one in base.variants if one not in names]
            improved = [(score(one), one) for one in more]
            ended = next((one for points, one in improved if points < 0), None)
            if ended is not None:
                names, best = ended, -1
                break
            top = max(improved, default=(0, names), key=lambda one: one[0])
            if top[0] <= best:
                break
            best, names = top
        if best < 0:
            for name in names:  # what the stream shows may not matter
                fewer = tuple(other for other in names if other != name)
                names = fewer if score(fewer) < 0 else names
            return stream.by_table(reply, base.with_variants(names), learned)
    return None


def _common_prefix(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are equal."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


_RANDOM = re.compile(rb'("obfuscation":\s?"|"p":\s?")([^"]*)"')
_CREATED = re.compile(rb'("created":\s?)\d+')
_ID = re.compile(rb'^(data: \{"id":\s?")[^"]*"', re.MULTILINE)


def same(one: bytes, other: bytes) -> bool:
    """Whether two bodies are equal but for ids, times, and the letters (not lengths) of padding."""
    return _alike(one) == _alike(other)


def _alike(body: bytes) -> bytes:
    body = _RANDOM.sub(lambda m: m[1] + b"x" * len(m[2]) + b'"', body)
    return _ID.sub(rb'\1"', _CREATED.sub(rb"\g<1>0", body))
