"""Handlers about the engine: the capacity of the mock, and what it does with it."""

from __future__ import annotations

from openai_mockserver.control.problem import Problem, split_place
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import EngineChange, EngineLimit, EngineState
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.engine import Level, Snapshot
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.scenario import read_engine
from openai_mockserver.scenario.rule_json import encode_engine

__all__ = ["change", "get"]


def get(mock: Steerable, request: ControlRequest) -> EngineState:
    """Return the state of the engine."""
    snapshot = mock.engine
    return EngineState() if snapshot is None else _describe(snapshot)


def change(mock: Steerable, request: ControlRequest) -> EngineState:
    """Begin with another engine, which serves no request yet."""
    wanted: EngineChange = request.body
    try:
        engine = None if wanted.engine is None else read_engine(wanted.engine, "engine")
    except MockServerError as error:
        place, sentence = split_place(str(error))
        raise Problem(422, sentence, place) from None
    mock.change_options(engine=engine)
    return get(mock, request)


def _describe(snapshot: Snapshot) -> EngineState:
    engine = snapshot.engine
    return EngineState(
        encode_engine(engine),
        engine.slots,
        engine.queue,
        snapshot.running,
        snapshot.waiting,
        snapshot.batch,
        snapshot.itl,
        engine.cache_blocks,
        snapshot.cached_blocks,
        snapshot.admitted,
        snapshot.refused,
        snapshot.ended,
        snapshot.cancelled,
        snapshot.prompt_tokens,
        snapshot.cached_tokens,
        [_describe_limit(name, level) for name, level in snapshot.limits.items()],
    )


def _describe_limit(name: tuple[str, ...], level: Level) -> EngineLimit:
    key, model, unit = name
    return EngineLimit(_hide_key(key), model, unit, level.limit, level.used, level.reset)


def _hide_key(key: str) -> str:
    """Return as much of a key as tells it from others.

    >>> _hide_key("sk-1234567890abcd"), _hide_key("short"), _hide_key("")
    ('…abcd', '…', '')
    """
    return f"…{key[-4:] if len(key) >= 12 else ''}" if key else ""
