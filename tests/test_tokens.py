"""Text is cut as a model would emit it, and counted as a model would count it."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splintr import Tokenizer

from openai_mockserver import Logprob, MockOpenAI, Reply, Text, tokens
from openai_mockserver.api import chat, completions, responses
from openai_mockserver.exceptions import MockServerError, ReplyError
from openai_mockserver.generate import generate
from openai_mockserver.script import Head, Raw, Script
from properties import examples

FAMILY = "👨\u200d👩\u200d👧\u200d👦"

any_cutter = pytest.mark.parametrize("cutter", ["words", "o200k_base", "cl100k_base"])
any_vocabulary = pytest.mark.parametrize("vocabulary", ["o200k_base", "cl100k_base"])
one_cutter_a_time = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


load_tokenizer = cache(Tokenizer.from_pretrained)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut text as if the variable is not set and the vocabularies are installed."""
    monkeypatch.delenv(tokens.VARIABLE)


# Pieces


@any_cutter
@one_cutter_a_time
@given(text=st.text() | st.text("👨\u200d👩👍🏽e\u0301\ufe0f🇩🇪नि ஔ\r\n '"))
def test_the_pieces_join_to_the_text(
    cutter: str, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, cutter)
    cut = tokens.cut(text)
    assert "".join(cut.pieces) == text
    assert all(cut.pieces), "no piece is empty"
    assert len(cut.sizes) == len(cut.pieces)
    assert all(size > 0 for size in cut.sizes)


@any_vocabulary
@one_cutter_a_time
@given(text=st.text() | st.text("👨\u200d👩👍🏽e\u0301\ufe0f🇩🇪नि ஔ\r\n '"))
def test_a_cut_is_where_a_token_ends(
    vocabulary: str, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """And every end of a token between code points is a cut."""
    monkeypatch.setenv(tokens.VARIABLE, vocabulary)
    tokenizer, data = load_tokenizer(vocabulary), text.encode()
    ends = [0]
    for token in tokenizer.encode_ordinary(text):
        ends.append(ends[-1] + len(tokenizer.decode_token_bytes(token)))
    between = {len(text[:at].encode()) for at in range(len(text) + 1)}
    cuts = [end for end in ends if end in between]
    parts = [data[a:b].decode() for a, b in pairwise(cuts)]
    assert list(tokens.pieces(text)) == parts
    assert tokens.count(text) == len(ends) - 1


@given(st.text(), st.lists(st.integers(1, 9), min_size=1).map(tuple))
def test_a_cycle_joins_to_the_text(text: str, lengths: tuple[int, ...]) -> None:
    cut = tokens.cycle(text, lengths)
    assert "".join(cut) == text
    assert all(len(piece) == lengths[i % len(lengths)] for i, piece in enumerate(cut[:-1]))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("a  b", ["a", " ", " b"]),
        ("line\n\n  indented", ["line", "\n\n ", " indented"]),
        ("你好", ["你", "好"]),
        ("1234567", ["123", "456", "7"]),
        ("Donaudampfschifffahrt", ["Donaudampfsc", "hifffahrt"]),
        ("don't", ["don", "'", "t"]),
    ],
)
def test_words(text: str, pieces: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, "words")
    assert list(tokens.words(text)) == list(tokens.pieces(text)) == pieces


def test_words_are_as_long_as_recorded_pieces() -> None:
    """WIRE.md §1: content length is 1/4/11 characters at p5/50/95, 28 at most."""
    text = (
        "Streaming lets an application show the first words of an answer while the model is still "
        "writing the rest. It costs nothing extra, but the consumer has to put the pieces together."
    )
    sizes = sorted(map(len, tokens.words(text)))
    assert 3 <= median(sizes) <= 6
    assert sizes[-1] <= 13


@pytest.mark.parametrize(
    ("vocabulary", "text", "ids"),
    [
        ("o200k_base", "hello world", [24912, 2375]),
        ("cl100k_base", "hello world", [15339, 1917]),
        ("cl100k_base", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
    ],
)
def test_the_vocabularies_are_the_real_ones(vocabulary: str, text: str, ids: list[int]) -> None:
    """As OpenAI's cookbook and the tests of tiktoken have them."""
    assert load_tokenizer(vocabulary).encode_ordinary(text) == ids


@pytest.mark.parametrize(
    ("vocabulary", "text", "pieces", "sizes"),
    [
        ("o200k_base", "", (), ()),
        ("o200k_base", "Don't you?", ("Don't", " you", "?"), (1, 1, 1)),
        ("cl100k_base", "Don't you?", ("Don", "'t", " you", "?"), (1, 1, 1, 1)),
        ("o200k_base", "Здравствуйте", ("Здравствуйте",), (1,)),
        ("cl100k_base", "Здравствуйте", ("З", "д", "рав", "ств", "уй", "те"), (1,) * 6),
        ("o200k_base", "你好世界", ("你好", "世界"), (1, 1)),
        ("cl100k_base", "你好世界", ("你", "好", "世", "界"), (1, 1, 2, 1)),
        ("o200k_base", "a\n\n\n    b", ("a", "\n\n\n", "   ", " b"), (1, 1, 1, 1)),
        (
            "o200k_base",
            FAMILY,
            ("👨", "\u200d", "👩", "\u200d", "👧", "\u200d", "👦"),
            (2, 1) * 3 + (2,),
        ),
        ("o200k_base", "<|endoftext|>", ("<", "|", "end", "of", "text", "|", ">"), (1,) * 7),
    ],
)
def test_real_pieces(
    vocabulary: str,
    text: str,
    pieces: tuple[str, ...],
    sizes: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, vocabulary)
    cut = tokens.cut(text)
    assert cut.pieces == pieces
    assert cut.sizes == sizes
    assert tokens.count(text) == sum(cut.sizes)


def test_a_lone_surrogate_is_cut_but_is_no_text(real: None) -> None:
    assert "".join(tokens.pieces("a\ud800b")) == "a\ud800b"
    with pytest.raises(ReplyError, match="lone surrogate"):
        Text("a\ud800b")


def test_a_text_prints_as_what_makes_it_again(real: None) -> None:
    for text in (Text(f"a {FAMILY}"), Text(["a", f" {FAMILY}"]), Text(["a ", "b"])):
        again = Text(eval(repr(text)))
        assert (again, again.pieces, again.sizes) == (text, text.pieces, text.sizes)


@pytest.mark.parametrize(("kind", "api"), [("chat", chat), ("responses", responses)])
def test_recorded_streams_are_cut_as_we_cut_them(
    kind: str, api: Any, shared: Path, real: None
) -> None:
    """OpenAI's streams with one call or text each; web searches send longer pieces."""
    head, compared_texts = Head(200, (("Content-Type", "text/event-stream"),)), 0
    for file in sorted((shared / "wire" / "examples").glob(f"openai-{kind}-*.sse")):
        reply = api.read(Script(head, (Raw(file.read_bytes()),)))
        if not isinstance(reply, Reply) or "web-search" in file.name:
            continue
        if len(reply.tool_calls) > 1 or len(reply.output) > 2:
            continue
        for text in (reply.text, reply.refusal, *(call.arguments for call in reply.tool_calls)):
            pieces = tuple(filter(None, text.pieces)) if text is not None else ()
            assert pieces == tokens.pieces(text or ""), file.name
            compared_texts += bool(pieces)
    assert compared_texts >= 8


def test_sizes_belong_to_pieces() -> None:
    assert Text(["a", "b"], [1, 2]).tokens == 3
    with pytest.raises(ReplyError, match="text has 2 pieces but 1 sizes"):
        Text(["a", "b"], [1])


# Which vocabulary


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo-2024-04-09", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("openai/gpt-4-turbo", "cl100k_base"),
        ("ft:gpt-3.5-turbo-0125:mine::1", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("ft:gpt-4o-mini:mine::1", "o200k_base"),
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-oss-20b", "o200k_base"),
        ("llama-3", "o200k_base"),
        (None, "o200k_base"),
        (7, "o200k_base"),
    ],
)
def test_a_model_has_its_vocabulary(model: object, vocabulary: str, real: None) -> None:
    assert tokens.vocabulary(model) == vocabulary


@any_cutter
def test_the_variable_decides_for_every_model(cutter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, cutter)
    assert {tokens.vocabulary(model) for model in ("gpt-4", "gpt-4o", None)} == {cutter}


def test_an_unknown_vocabulary_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, "gpt2")
    with pytest.raises(MockServerError) as error:
        Reply("Hello")
    message = "OPENAI_MOCKSERVER_TOKENS='gpt2': must be one of words, o200k_base, cl100k_base"
    assert str(error.value) == message


def cut_without_vocabularies(name: str) -> str:
    """Run a program that cuts text without installed vocabularies; return what it prints."""
    code = (
        "import sys; sys.modules['splintr'] = None\n"
        "from openai_mockserver import Reply, MissingDependency\n"
        "try: print(Reply('你好').text.pieces)\n"
        "except MissingDependency as error: print(error)\n"
    )
    command = [sys.executable, "-c", code]
    environment = {"OPENAI_MOCKSERVER_TOKENS": name, "PYTHONUTF8": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment).stdout.strip()


def test_without_the_extra_words_are_cut() -> None:
    assert cut_without_vocabularies("") == cut_without_vocabularies("words") == "('你', '好')"


def test_a_vocabulary_without_the_extra_says_what_to_install() -> None:
    assert cut_without_vocabularies("o200k_base") == (
        "OPENAI_MOCKSERVER_TOKENS=o200k_base needs its vocabulary: "
        "pip install 'openai-mockserver[tokens]'"
    )


def test_nothing_is_loaded_before_the_first_cut() -> None:
    code = "import sys, openai_mockserver.reply, openai_mockserver.mock\n"
    code += "print('splintr' in sys.modules)"
    program = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert program.stdout.strip() == "False"


def test_threads_may_cut_at_once(real: None) -> None:
    tokens._tokenizer.cache_clear()
    with ThreadPoolExecutor(3) as pool:
        cuts = list(pool.map(lambda n: tokens.cut(f"hello world {n}"), range(200)))
    assert all("".join(cut.pieces) == f"hello world {n}" for n, cut in enumerate(cuts))


# Counts


def test_a_conversation_is_counted() -> None:
    plain = [{"role": "user", "content": "Hello there"}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}]
    assert tokens.count_messages(plain) == tokens.count_messages(parts) == 3 + 1 + 3 + 2
    assert tokens.count_messages(None) == 0


# OpenAI's cookbook (How_to_count_tokens_with_tiktoken), where the API itself counts so many.
COOKBOOK = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate "
        "jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
        "for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client "
        "deliverable.",
    },
]


@pytest.mark.parametrize(
    ("model", "expected_count"), [("gpt-3.5-turbo", 129), ("gpt-4", 129), ("gpt-4o", 124)]
)
def test_a_conversation_is_counted_as_openai_counts_it(
    model: str, expected_count: int, real: None
) -> None:
    assert tokens.count_messages(COOKBOOK, model) == expected_count


def test_a_reasoning_model_has_one_priming_token_less(real: None) -> None:
    """In recordings, gpt-5-mini and o4-mini count 19 tokens for this conversation."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant"},
        {"role": "user", "content": "Say hi in Portuguese"},
    ]
    counts = {model: tokens.count_messages(messages, model) for model in ("gpt-5-mini", "o4-mini")}
    assert counts == {"gpt-5-mini": 19, "o4-mini": 19}
    assert tokens.count_messages(messages, "gpt-4o-mini") == 20


def render_and_read(reply: Reply, **parameters: Any) -> Reply:
    """Render and read a chat completion; a stream and a JSON body must have the same content."""
    request = {"messages": [], "stream_options": {"include_usage": True}} | parameters
    from_body = chat.read(chat.render(reply, request))
    from_stream = chat.read(chat.render(reply, request | {"stream": True}))
    assert isinstance(from_body, Reply)
    assert isinstance(from_stream, Reply)
    assert (from_body.text, from_body.usage) == (from_stream.text, from_stream.usage)
    return from_stream


def completion_tokens(reply: Reply) -> int:
    assert reply.usage is not None
    return reply.usage.completion_tokens


@pytest.mark.parametrize(("model", "expected_count"), [("gpt-4o", 17), ("gpt-4", 29)])
def test_usage_has_the_models_own_count(model: str, expected_count: int, real: None) -> None:
    text = f"Здравствуйте {FAMILY} don't stop! ஔ"
    reply = render_and_read(Reply(text), model=model)
    assert completion_tokens(reply) == expected_count == tokens.count(text, model)
    assert reply.text is not None
    assert tuple(filter(None, reply.text.pieces)) == tokens.pieces(text, model)


def test_usage_counts_the_pieces_that_were_given(real: None) -> None:
    assert (
        completion_tokens(render_and_read(Reply([FAMILY, " don't stop", "!"]), model="gpt-4")) == 3
    )


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50))
@given(text=st.text(max_size=30), limit=st.integers(0, 20))
def test_no_more_tokens_than_max_tokens(model: str, text: str, limit: int, real: None) -> None:
    reply = render_and_read(Reply(text), model=model, max_tokens=limit)
    whole = tokens.count(text, model)
    assert completion_tokens(reply) <= limit
    assert reply.choices[0].finish_reason == ("stop" if whole <= limit else "length")
    assert text.startswith(reply.text or "")
    if whole <= limit:
        assert completion_tokens(reply) == whole


def test_a_piece_that_exceeds_the_limit_is_omitted(real: None) -> None:
    reply = render_and_read(Reply(FAMILY), model="gpt-4o", max_tokens=4)
    assert (reply.text, completion_tokens(reply)) == ("👨\u200d", 3)


def test_pieces_that_something_refers_to_stay(real: None) -> None:
    """Log probabilities and citations belong to pieces, so these are not cut again."""
    logprobs = [Logprob("Don't", -0.1), Logprob(" you", -0.2)]
    reply = render_and_read(Reply("Don't you", logprobs=logprobs), model="gpt-4", logprobs=True)
    assert [entries[0].token for entries in reply.logprobs or ()] == ["Don't", " you"]


def test_a_response_has_the_models_own_count(real: None) -> None:
    reply = Reply("Don't you?", reasoning="Don't I?")
    for model, expected_count in (("gpt-4", 8), ("gpt-4o", 6)):
        result = responses.read(responses.render(reply, {"model": model, "input": "Don't"}))
        assert isinstance(result, Reply)
        assert result.usage is not None
        assert result.usage.completion_tokens == expected_count
        assert result.usage.prompt_tokens == 3 + 3 + 1 + tokens.count("Don't", model)
    cut = responses.read(
        responses.render(Reply(FAMILY), {"model": "gpt-4o", "input": "", "max_output_tokens": 4})
    )
    assert isinstance(cut, Reply)
    assert (cut.text, completion_tokens(cut), cut.choices[0].finish_reason) == (
        "👨\u200d",
        3,
        "length",
    )


def test_a_completion_has_the_models_own_count(real: None) -> None:
    request = {"model": "gpt-3.5-turbo-instruct", "prompt": f"{FAMILY} don't"}
    result = completions.read(completions.render(Reply("Don't you?"), request))
    assert isinstance(result, Reply)
    assert result.usage is not None
    assert result.usage.prompt_tokens == tokens.count(request["prompt"], "gpt-3.5-turbo-instruct")
    assert result.usage.completion_tokens == 4


def test_an_embedding_counts_by_its_model(real: None) -> None:
    with MockOpenAI() as mock:
        result = mock.client().embeddings.create(model="text-embedding-3-small", input="Don't")
    assert result.usage.prompt_tokens == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [], "prediction": {"content": "Здравствуйте, it isn't internationalization"}},
        {"messages": [], "response_format": {"type": "json_object"}},
    ],
)
def test_generated_replies_do_not_depend_on_the_vocabulary(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = []
    for cutter in ("words", "o200k_base", "cl100k_base"):
        monkeypatch.setenv(tokens.VARIABLE, cutter)
        replies.append([generate(parameters, seed) for seed in range(20)])
    assert replies[0] == replies[1] == replies[2]


# Long texts


@pytest.mark.slow
@any_cutter
def test_a_long_text_has_as_many_tokens_in_pieces_as_whole(
    cutter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, cutter)
    rng = Random(1)
    odd = [*" \n\té漢1!", "  ", "\r\n", "'s", "\u00a0", "👍", "don't", "Hello ", "it's "]
    for _ in range(20):
        text = "".join(rng.choices(odd, k=20_000))
        assert tokens.count(text) == sum(tokens.cut(text).sizes)


@pytest.mark.parametrize(
    ("text", "whole"), [("a" * 1_000_000, 125_000), ("word " * 400_000, 400_001)]
)
def test_a_long_text_is_never_cut_whole(
    text: str, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, "o200k_base")
    tokens.count("")
    tracemalloc.start()
    total = tokens.count(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == pytest.approx(whole, rel=0.001)
    assert peak < 1_000_000


def test_a_long_text_with_a_lone_surrogate_is_counted() -> None:
    assert tokens.count("\ud800" + " word" * 10_000) == 10_001


@pytest.mark.slow
@pytest.mark.parametrize("name", ["words", "o200k_base"])
def test_long_texts_are_not_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, name)
    tokens.count("warm up")
    prompts = [f"{n} " + "some words of a prompt, " * 1000 for n in range(10)]
    tracemalloc.start()
    try:
        counts = [tokens.count(prompt) for prompt in prompts]
        assert counts == [len(tokens.cut(prompt).pieces) for prompt in prompts]
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_a_long_text_that_comes_again_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = "the same long prompt again, " * 2000
    total = tokens.count(prompt)
    monkeypatch.setattr(tokens, "_count_long", None)
    assert tokens.count(prompt) == total
