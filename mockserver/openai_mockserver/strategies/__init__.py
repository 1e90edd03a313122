"""Hypothesis strategies: random streams, each with the result that a correct consumer must reach.

Theory of operation
-------------------

Hypothesis draws one buffer of bytes for each stream, which is its fastest operation, and shrinks a
failing example by making bytes smaller. So each byte has a fixed position and meaning, and a
smaller byte means a simpler stream: in every table plain entries come first, and small values of
most bytes mean that something is absent. All zeros are the reply ``a`` in three events, in plain
chunks, one event in each read. The modules below build values from a buffer with pure functions, so
the same bytes are the same stream in every process.

The buffer of `streams` (`strategy._prepare_streams` computes the positions):

    position   module         meaning
    0          reply_bytes    kind of reply: text, tool calls, reasoning, refusal, …
    1          reply_bytes    finish reason: from 226 ``length``, from 246 ``content_filter``
    2          reply_bytes    usage: none below 190
    3          reply_bytes    multiplies the code points of random characters
    4-7        reply_bytes    pieces of text: below 150 an empty slot (``a`` in the first slot),
                              then an entry of ``PIECES``, from ``_RANDOM_CHARACTERS`` on any
                              character
    8-9        reply_bytes    pieces of reasoning
    10-11      reply_bytes    pieces of the second choice's text
    12-23      reply_bytes    three calls of four bytes: name, arguments, cut, id; the second and
                              third exist from 170
    24         strategy       from 250, the stream is of a dialect instead of plain chunks
    25         strategy       which dialect
    26-29      variations     places of habits, such as the position of an inserted comment
    30-        variations     one byte for each of ``ASPECTS``: from 243, the stream has a habit
    last 10    splits         way to split into reads (from 90), size of reads, four places

`scripts` has the same buffer without the last ten bytes. `faulty` draws eight more bytes for a
stream (`failures`): which fault, its place (two bytes), a byte for its details, and the same four
for an additional harmless fault.

An example: three bytes that are not 0 turn the plainest stream into "Hello world" with a separate
role chunk.

>>> import json
>>> from openai_mockserver.strategies.strategy import _prepare_streams
>>> size, build = _prepare_streams("chat/completions", quirks=True, without=(), partition=0)
>>> data = bytearray(size)
>>> build(data).reply.text.pieces
('a',)
>>> data[4] = 153  # 150 + 3: the piece PIECES[3]
>>> data[5] = 155  # the piece PIECES[5]
>>> data[30] = 243  # the first habit of the first aspect: "role apart"
>>> stream = build(data)
>>> stream.reply.text.pieces, stream.description
(('Hello', ' world'), 'role apart')
>>> for event in stream.script.events[:3]:
...     print(json.loads(event.data)["choices"][0]["delta"])
{'role': 'assistant', 'content': ''}
{'content': 'Hello'}
{'content': ' world'}

Hypothesis shrinks towards the first stream again: it lowers byte 30, and the habit disappears; it
lowers byte 5, and the second piece disappears; it lowers byte 4, and the first piece is ``a``.

Rules of this package: strategies draw bytes, and `reply_bytes`, `variations`, `splits` and
`failures` interpret them; zeros are the shortest and plainest value. The `repr` of a drawn value is
code.
"""

from __future__ import annotations

from openai_mockserver.exceptions import MissingDependency

try:
    import hypothesis as _hypothesis
except ImportError:
    raise MissingDependency("this needs the hypothesis package: pip install hypothesis") from None

from openai_mockserver.strategies.agent import AgentMachine
from openai_mockserver.strategies.conversation import Conversation, Turn
from openai_mockserver.strategies.strategy import (
    api_errors,
    conversations,
    faulty,
    partitions,
    replies,
    scripts,
    streams,
    tool_calls,
)

__all__ = [
    "AgentMachine",
    "Conversation",
    "Turn",
    "api_errors",
    "conversations",
    "faulty",
    "partitions",
    "replies",
    "scripts",
    "streams",
    "tool_calls",
]

assert _hypothesis
