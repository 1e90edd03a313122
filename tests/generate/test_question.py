"""Questions: their subject, the form that they ask for, and their most telling words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver.generate.question import LONGEST, read_question


@pytest.mark.parametrize(
    ("text", "about", "task"),
    [
        ("How do I rename my branch?", "renaming your branch", "rename your branch"),
        ("Can you help me set up a server?", "setting up a server", "set up a server"),
        ("What is the best way to tie a tie?", "tying a tie", "tie a tie"),
        ("Plan a trip to Rome.", "planning a trip to Rome", "plan a trip to Rome"),
        ("How does a heat pump work?", "the way a heat pump works", ""),
        ("Explain why the sky is blue.", "the reason why the sky is blue", ""),
        ("What's the weather like in Paris?", "the weather in Paris", ""),
        ("Tell me about the French Revolution", "the French Revolution", ""),
        ("Write a function that tries dates", "trying dates", ""),
        ("Hello! What is your name?", "my name", ""),
        ("What is wrong with it?", "", ""),
        ("Why is the sky blue?", "the reason why the sky is blue", ""),
        ("Why does it rain?", "", ""),
        ("When was the Eiffel Tower built?", "the Eiffel Tower", ""),
        ("Where is the new bed?", "the new bed", ""),
        ("Who wrote Hamlet?", "Hamlet", ""),
        ("How many planets are there?", "the number of planets", ""),
        ("What time is it in Tokyo?", "the time in Tokyo", ""),
        ("What should I cook tonight?", "what to cook tonight", ""),
        ("I feel sad today.", "feeling sad today", ""),
        ("Recommend a laptop", "a laptop", ""),
        ("Explain recursion to a child.", "recursion", ""),
        ("Wie geht das?", "", ""),
        ("", "", ""),
    ],
)
def test_the_subject_of_a_question_is_found(text: str, about: str, task: str) -> None:
    question = read_question(text)
    assert (question.about, question.task) == (about, task)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Hi there!", "greeting"),
        ("Thanks a lot!", "thanks"),
        ("Say this is a test", "say"),
        ("Count to ten.", "count"),
        ("Compare tea and coffee in a table", "table"),
        ("Give me 5 ideas for dinner", "list"),
        ("Write a Python function to reverse a list", "code"),
        ("Give me step-by-step instructions", "steps"),
        ("Write a haiku", "poem"),
        ("Answer in JSON", "json"),
        ("How do I sort a list?", ""),
        ("How is it?", ""),
    ],
)
def test_the_form_of_the_answer_is_found(text: str, form: str) -> None:
    assert read_question(text).form == form


def test_a_question_names_the_language_of_the_code() -> None:
    assert read_question("How do I print in Python?").code == "python"
    assert read_question("How do I rename a branch in git?").code == "bash"
    assert read_question("How do I boil an egg?").code == ""


def test_two_things_are_compared() -> None:
    assert read_question("Which is better, Vim or Emacs?").options == ("Vim", "Emacs")
    assert read_question("Tea or milk").options == ()


def test_the_last_question_of_a_long_text_counts() -> None:
    text = "Here is my text. " * 500 + "How do I shorten my text?"
    assert read_question(text).task == "shorten your text"


@given(st.text(max_size=300))
def test_every_text_can_be_read(text: str) -> None:
    question = read_question(text)
    assert max(len(question.about), len(question.quote)) <= LONGEST + len("the reason why ")
    assert not re.search(r"[`*<>|{}\[\]\\\n]", question.about + question.quote)
