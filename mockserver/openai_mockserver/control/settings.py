"""Handlers about the settings."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from openai_mockserver.control.problem import Problem, split_place
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import CHECKS, Settings, SettingsChange
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.dialects import find_dialect
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.scenario import read_engine, read_fault, read_pace
from openai_mockserver.scenario.rule_json import encode_engine, encode_fault, encode_pace

__all__ = ["change", "get"]


def get(mock: Steerable, request: ControlRequest) -> Settings:
    """Return the settings."""
    options = mock.options
    return Settings(
        pace=None if options.pace is None else encode_pace(options.pace),
        engine=None if options.engine is None else encode_engine(options.engine),
        dialect=options.dialect,
        faults=list(map(_describe_fault, options.faults)),
        seed=options.seed,
        api_key=None if options.api_key is None else "…",
        lenient=options.lenient,
        header_faults=options.header_faults,
        use_default=options.default is not None and options.use_default,
        job_seconds=options.job_seconds,
        fail_on_unmatched=mock.fail_on_unmatched,
        fail_on_unused=mock.fail_on_unused,
    )


def _describe_fault(fault: object) -> Any:
    try:
        return encode_fault(fault)
    except MockServerError:
        return repr(fault)


def change(mock: Steerable, request: ControlRequest) -> Settings:
    """Change some settings: all of them, or none if one is invalid."""
    wanted: SettingsChange = request.body
    values: dict[str, Any] = {
        name: value
        for name in SettingsChange.__struct_fields__
        if (value := getattr(wanted, name)) is not UNSET
    }
    for_check = {name: values.pop(name) for name in CHECKS if name in values}
    try:
        if values.get("pace") is not None:
            values["pace"] = read_pace(values["pace"], "pace")
        if values.get("engine") is not None:
            values["engine"] = read_engine(values["engine"], "engine")
        if "dialect" in values:
            try:
                find_dialect(values["dialect"])
            except MockServerError as error:
                raise Problem(422, str(error), "dialect") from None
        if "faults" in values:
            faults = enumerate(values["faults"])
            values["faults"] = tuple(read_fault(one, f"faults[{i}]") for i, one in faults)
        # One assignment: each request is answered with the old settings or with the new ones.
        mock.change_options(**values)
    except (MockServerError, ValueError) as error:
        place, sentence = split_place(str(error))
        raise Problem(422, sentence, place) from None
    for name, value in for_check.items():
        setattr(mock, name, value)
    return get(mock, request)
