"""What an oddity means for a client, in one sentence for each check.

Rules of this file: a sentence says what a client may do wrong, not what the server did.
"""

from __future__ import annotations

__all__ = ["MEANINGS"]

MEANINGS: dict[str, str] = {
    "withheld": "What is shown is not what was sent.",
    "unsendable": "HTTP cannot carry this response, so no client can have read all of it.",
    "framing": "A client's HTTP library reports a broken response, or waits for the rest.",
    "length": "A client waits for bytes that never come, or loses those that are too many.",
    "coding": "A client that cannot decode this coding reads nothing, or garbage.",
    "content-type": "A client that looks at the type does not read this as a stream.",
    "bom": "A parser that does not skip the BOM loses the first event.",
    "line-ends": "A parser that splits at LF only keeps stray characters, or finds no event.",
    "utf-8": "A strict decoder raises; a lenient one shows replacement characters.",
    "fields": "The standard says to ignore these lines; a strict parser may raise.",
    "comments": "A parser must skip comments; one that does not takes them for data.",
    "cut-event": "A client must join reads before it parses; one that does not loses events.",
    "last-line": "A client that follows the standard never sees the last event.",
    "not-json": "A client that decodes each event raises here.",
    "not-object": "A client that expects an object in each event raises here.",
    "not-compact": "Only a client that searches the text, instead of decoding it, notices.",
    "error": "A client must report this, even though the status was 200.",
    "no-done": "A client that waits for [DONE] hangs, or reports an incomplete answer.",
    "after-done": "A client that stops at [DONE] never sees this.",
    "needless-done": "A client that decodes each event as JSON raises at [DONE].",
    "empty-first": "A client that reads choices[0] without looking raises here.",
    "no-choices": "A client that reads `choices` without looking raises here.",
    "several-choices": "A client that reads only choices[0] loses the others.",
    "no-delta": "A client that reads `delta` without looking raises here.",
    "no-role": "A client that takes the role from the first delta has none.",
    "role-again": "A client that begins a message at each role shows several.",
    "id-changes": "A client that groups chunks by id takes this for several answers.",
    "created-changes": "Only a client that compares these times notices.",
    "model-changes": "A client that counts by model counts this answer for several.",
    "call-index": "A client that joins arguments by index cannot tell the calls apart.",
    "call-id": "A client cannot answer a tool call that has no id.",
    "arguments": "A client that decodes the arguments raises here.",
    "no-finish": "The answer may be cut off: a client must not take it for complete.",
    "finish-again": "A client that ends at the first finish_reason loses the rest.",
    "finish-reason": "A client with a closed list of reasons raises, or ignores this one.",
    "finish-calls": "A client that looks for tool calls only after `tool_calls` never runs them.",
    "finish-speaks": "A client that ends at finish_reason loses what this chunk says.",
    "usage-beside": "A client that adds up usage counts too much.",
    "event-name": "A client that dispatches by event name misses these events.",
    "event-type": "A client with a closed list of types raises, or ignores this one.",
    "sequence": "A client that orders events by their number confuses them.",
    "obfuscation": "Only a client that checks the padding notices.",
}
"""The sentences by the names of the checks."""
