"""The engine that an option names: a profile, values, or one in a file."""

from __future__ import annotations

from pathlib import Path

from openai_mockserver.engine import Engine, as_engine
from openai_mockserver.engine.capacity import parse_overrides
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import choose_profile, read_profiles

__all__ = ["find_engine"]


def find_engine(text: str | None) -> Engine | None:
    """Return the engine that an option names.

    Args:
        text: as for `as_engine`, or the path of a file of ``cassettes calibrate``; ``FILE:NAME``
            chooses one of its engines. Overrides may follow, as in ``paces.yaml:gpt-4o,slots=4``.

    Raises MockServerError for a file that cannot be read or has no such engine, and as `as_engine`.
    """
    if text is None:
        return None
    source, _, overrides = text.partition(",")
    path, _, name = source.partition(":") if not Path(source).exists() else (source, "", "")
    if "=" in path or Path(path).suffix.lower() not in (".json", ".yaml", ".yml"):
        return as_engine(text)
    engines = read_profiles(Path(path), "engines")
    name = choose_profile(path, engines, name or "all")
    try:
        engine = as_engine(engines[name])
    except MockServerError as error:
        raise MockServerError(f"{path}: {name}: {error}") from None
    if engine is None or not overrides:
        return engine
    return parse_overrides(engine, overrides)
