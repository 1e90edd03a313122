"""What the consumers are known to get wrong, each with its cause.

Rules of this file: data. What is here is expected: where a version mends it, a test fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["KNOWN", "Known", "mended", "unknown"]


@dataclass(frozen=True)
class Known:
    """Something that a consumer gets wrong.

    Args:
        says: a pattern of the judge's sentence.
        why: the cause, as far as it is known.
        shown_by: streams of `test_consumers` that show it.
    """

    says: str
    why: str
    shown_by: tuple[str, ...] = ()

    def explains(self, sentence: str) -> bool:
        """Whether a sentence of the judge's says this."""
        return re.search(self.says, sentence) is not None


def unknown(consumer: str, sentences: Iterable[str]) -> list[str]:
    """The sentences that nothing known explains."""
    known = KNOWN.get(consumer, ())
    return [said for said in sentences if not any(one.explains(said) for one in known)]


def mended(consumer: str, stream: str, sentences: Iterable[str]) -> list[Known]:
    """What the stream is to show, and no sentence says."""
    said = list(sentences)
    due = [known for known in KNOWN.get(consumer, ()) if stream in known.shown_by]
    return [known for known in due if not any(map(known.explains, said))]


BOM = ("tool-call bom()",)
CUT_OFF = ("tool-call-cut-by-length",)
OPENAI_BOM = "openai-python reads a byte order mark as part of the first field's name, and drops it"

HELD_BACK = Known(
    r"when the error comes",
    "a CR that ends a read is kept for the LF that may follow, and with it the event it completes",
    ("text cr stall",),
)

KNOWN: dict[str, tuple[Known, ...]] = {
    "openai": (Known(r"^the name of call 1 is ''", OPENAI_BOM, BOM),),
    "httpx-sse": (
        Known(
            r"^the name of call 1 is '\?'",
            "a byte order mark is read as part of the first field's name, and that event is lost",
            BOM,
        ),
        HELD_BACK,
    ),
    "openai-node": (
        HELD_BACK,
        Known(
            r"^reasoning is",
            "a member of a delta that the SDK does not know replaces what came before it",
            ("reasoning", "litellm-reasoning"),
        ),
    ),
    "ai-sdk chat": (HELD_BACK,),
    "ai-sdk compatible": (HELD_BACK,),
    "eventsource-parser": (HELD_BACK,),
    "langchain-openai": (
        Known(r"^the name of call 1 is ''", OPENAI_BOM, BOM),
        Known(
            r"^refusal is ''", "deltas of a refusal are made into chunks without it", ("refusal",)
        ),
        Known(
            r"^gives a tool the arguments",
            "`tool_calls` of added chunks are completed by a parser of partial JSON",
            CUT_OFF,
        ),
    ),
    "litellm": (
        Known(r"^no calls", OPENAI_BOM, BOM),
        Known(
            r"^text is",
            "`stream_chunk_builder` joins the texts of all choices into one",
            ("n-3",),
        ),
    ),
    "pydantic-ai": (Known(r"^no calls", OPENAI_BOM, BOM),),
    "llama-index chat": (
        Known(r"^the name of call 1 is ''", OPENAI_BOM, BOM),
        Known(
            r"^gives a tool the arguments",
            "`get_tool_calls_from_response` completes JSON that was cut off, with null",
            CUT_OFF,
        ),
    ),
}
KNOWN["llama-index openai-like"] = KNOWN["llama-index chat"]
