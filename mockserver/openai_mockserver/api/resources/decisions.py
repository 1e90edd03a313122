"""``/v1/decisions``: questions about an input, and an answer to each.

Rules of this file: no I/O; an answer depends on the model, the input and the question alone. The
members are those of the SDK's types/decision.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import tokens
from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "answer_question"]

Json = dict[str, Any]

_MOST_QUESTIONS = 400
_MOST_CHOICES = 255
"""Limits of OpenAI's API reference (types/decision_create_params.py)."""


def answer_question(question: Mapping[str, Any], rng: Random) -> Json:
    """Return the answer to a question.

    Args:
        question: a predicate, a choice or a score.
        rng: source of the probabilities.

    >>> answer_question({"type": "predicate", "instructions": "Is it?"}, Random(0))
    {'name': None, 'probability': 0.8444, 'type': 'predicate'}
    """
    return {"name": question.get("name"), **_ANSWERS[question["type"]](question, rng)}


def _answer_predicate(question: Mapping[str, Any], rng: Random) -> Json:
    return {"probability": round(rng.random(), 4), "type": "predicate"}


def _answer_choice(question: Mapping[str, Any], rng: Random) -> Json:
    values = [choice["value"] for choice in question["choices"]]
    probabilities = _draw_probabilities(len(values), rng)
    best = max(range(len(values)), key=probabilities.__getitem__)
    pairs = zip(probabilities, values, strict=True)
    return {
        "choice": values[best],
        "confidence": probabilities[best],
        "probabilities": [{"probability": p, "value": value} for p, value in pairs],
        "type": "choice",
    }


def _answer_score(question: Mapping[str, Any], rng: Random) -> Json:
    labels = [level["label"] for level in question["levels"]]
    probabilities = _draw_probabilities(len(labels), rng)
    return {
        "confidence": max(probabilities, default=0.0),
        "probabilities": [
            {"label": label, "probability": p, "value": value}
            for value, (label, p) in enumerate(zip(labels, probabilities, strict=True))
        ],
        "score": round(sum(value * p for value, p in enumerate(probabilities)), 4),
        "type": "score",
    }


_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Random], Json]] = {
    "predicate": _answer_predicate,
    "choice": _answer_choice,
    "score": _answer_score,
}


def _draw_probabilities(n: int, rng: Random) -> list[float]:
    """Return n probabilities that add up to 1, one of them well above the others."""
    weights = [rng.random() for _ in range(n)]
    if n:
        weights[rng.randrange(n)] += n
    total = sum(weights)
    rounded = [round(weight / total, 4) for weight in weights]
    return [*rounded[:-1], round(1 - sum(rounded[:-1]), 4)] if n else []


def create_decision(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Answer the questions of a request, in their order."""
    model, input_ = str(request.parameters["model"]), request.parameters["input"]
    questions = request.parameters["questions"]
    if (error := next(_find_errors(questions), None)) is not None:
        return errors.render(error, rng)
    text = input_ if isinstance(input_, str) else msgspec.json.encode(input_).decode()
    answers = [
        answer_question(question, Random(f"{model}\0{text}\0{msgspec.json.encode(question)!r}"))
        for question in questions
    ]
    read = tokens.count(text, model) + tokens.count(msgspec.json.encode(questions).decode(), model)
    usage = {
        "input_tokens": read,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": len(answers),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + len(answers),
    }
    return json_response({"answers": answers, "model": model, "usage": usage}, rng)


def _find_errors(questions: list[Any]) -> Iterator[ApiError]:
    if not 1 <= len(questions) <= _MOST_QUESTIONS:
        yield _refuse("questions", f"Expected 1 to {_MOST_QUESTIONS} questions.")
    for index, question in enumerate(questions):
        place = f"questions[{index}]"
        if question["type"] == "score" and not question["levels"]:
            yield _refuse(f"{place}.levels", "Expected at least one level.")
        if question["type"] != "choice":
            continue
        values = [choice["value"] for choice in question["choices"]]
        if not 2 <= len(values) <= _MOST_CHOICES:
            yield _refuse(f"{place}.choices", f"Expected 2 to {_MOST_CHOICES} choices.")
        # A text and a boolean are never the same choice.
        elif len({(type(value), value) for value in values}) < len(values):
            yield _refuse(f"{place}.choices", "Each choice must be unique.")


def _refuse(place: str, problem: str) -> ApiError:
    return ApiError(400, f"Invalid '{place}'. {problem}", code="invalid_value", param=place)


ANSWERS = {("POST", "/v1/decisions"): create_decision}
