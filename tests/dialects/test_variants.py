"""Variants of dialects: named differences that can be combined."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import httpx2
import pytest

from openai_mockserver import MockOpenAI, MockServerError, Reply, ToolCall, Usage, sse
from openai_mockserver.api import chat
from openai_mockserver.dialects import dialects, find_dialect
from openai_mockserver.dialects.dialect import Dialect
from openai_mockserver.dialects.variants import COMMON
from openai_mockserver.script import Script

REQUEST: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
CALL = ToolCall("weather", ['{"city":', ' "Oslo"}'])
OWN = [(name, variant) for name, dialect in dialects().items() for variant in dialect.variants]


def render(reply: Reply | str, dialect: str) -> Script:
    reply = Reply(reply) if isinstance(reply, str) else reply
    return chat.render(reply, REQUEST, dialect=dialect, rng=Random(0))


def chunks(script: Script) -> list[Any]:
    events = sse.decode(sse.body(script.steps))
    return [json.loads(event.data) for event in events if event.data.startswith("{")]


@pytest.mark.parametrize("variant", COMMON)
def test_what_is_said_survives_every_common_variant(variant: str) -> None:
    reply = Reply("Hé <b>", tool_calls=[CALL], usage=Usage(3, 4))
    for base in ("compatible", "groq", "openrouter-2025", "azure"):
        again = chat.read(render(reply, f"{base}+{variant}"))
        assert isinstance(again, Reply)
        assert again.text == "Hé <b>"
        assert [str(call.arguments) for call in again.tool_calls] == ['{"city": "Oslo"}']


@pytest.mark.parametrize(("base", "variant"), OWN)
def test_a_declared_variant_changes_something_and_keeps_what_is_said(
    base: str, variant: str
) -> None:
    reply = Reply("Hi", reasoning="Hm", tool_calls=[CALL], usage=Usage(3, 4))
    dialect = dialects()[base]
    varied = dialect.with_variants([variant])
    assert varied.name == f"{base}+{variant}"
    assert _describe(varied) != _describe(dialect)
    again = chat.read(render(reply, varied.name))
    assert isinstance(again, Reply)
    assert again.text is not None
    assert again.text.endswith("Hi")
    assert [str(call.arguments) for call in again.tool_calls] == ['{"city": "Oslo"}']


def _describe(dialect: Dialect) -> str:
    """Return what a variant may change, with the order of members."""
    fields = ("layouts", "usage", "usage_chunk", "role", "calls", "finish", "style")
    return repr([getattr(dialect, field) for field in fields])


def test_variants_are_combined() -> None:
    first, *_ = chunks(render("Hi", "openrouter-2025+no-provider+no-native-reason+sorted"))
    assert list(first) == sorted(first)
    assert "provider" not in first
    assert "native_finish_reason" not in first["choices"][0]
    plain, *_ = chunks(render("Hi", "openrouter-2025"))
    assert "provider" in plain


def test_a_path_may_name_variants() -> None:
    with MockOpenAI() as mock:
        mock.reply("Hi")
        url = mock.base_url.replace("/v1", "/groq+spaced+no-done/openai/v1/chat/completions")
        body = httpx2.post(url, json=REQUEST, trust_env=False).text
    assert body.startswith('data: {"id": "chatcmpl-')
    assert "[DONE]" not in body


def test_an_unknown_variant_is_named_with_those_that_exist() -> None:
    with pytest.raises(
        MockServerError, match="the dialect 'zai' has no variant 'x'; it has empty-re"
    ):
        find_dialect("zai+x")
    with pytest.raises(MockServerError, match="unknown dialect 'x': must be openai or one of"):
        MockOpenAI(dialect="x+sorted")


def test_the_layouts_of_first_and_last_pieces() -> None:
    text = render(Reply(["a", "b"]), "dashscope-intl")
    orders = [list(chunk["choices"][0]) for chunk in chunks(text)[1:3]]
    assert orders[0][0] == "finish_reason"
    assert orders[1][0] == "delta"
    *_, before, last, _, _ = chunks(render(Reply(tool_calls=[CALL]), "dashscope"))
    calls = [one["choices"][0]["delta"]["tool_calls"][0] for one in (before, last)]
    assert next(iter(calls[0])) == "index"
    assert next(iter(calls[1])) == "function"
    assert calls[1]["id"] == ""
