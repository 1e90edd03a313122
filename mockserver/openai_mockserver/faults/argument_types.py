"""The types of the faults' arguments, as scenario files write them, and as JSON Schema.

Rules of this file: types come from the signatures of the faults, limits from `ARGUMENT_CHECKS`, and
choices from the tables of the faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec.json

from openai_mockserver import declared
from openai_mockserver.declared import Parameter
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.compression import CODINGS
from openai_mockserver.faults.event_stream import LINE_ENDS
from openai_mockserver.faults.fault import ARGUMENT_CHECKS
from openai_mockserver.faults.parser import FAULTS
from openai_mockserver.faults.reads import INSIDE
from openai_mockserver.faults.variations import VARIATIONS

__all__ = ["check_argument", "describe_argument", "list_arguments"]

_ALLOWED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("encoded", "coding"): {"enum": (*CODINGS, "identity")},
    ("encoded", "flush"): {"enum": ("event", "end")},
    ("line_ends", "kind"): {"enum": tuple(LINE_ENDS)},
    ("slice", "inside"): {"enum": (*INSIDE, None)},
    ("status", "code"): {"minimum": 100, "maximum": 999},
    ("unterminated", "newlines"): {"enum": (0, 1)},
    ("variation", "name"): {"enum": VARIATIONS},
}
"""What else a fault allows as an argument, as JSON Schema."""


def list_arguments(fault: str) -> Mapping[str, Parameter]:
    """Return the arguments of a fault by name.

    >>> list_arguments("latency")["seconds"].is_required
    True
    """
    return declared.list_parameters(FAULTS[fault])


def check_argument(fault: str, name: str | None, value: Any) -> None:
    """Raise FaultError if an argument has the wrong type. Unknown names are not checked.

    Args:
        fault: the name of the fault; nothing is checked if there is no such fault.
        name: the name of the argument; None for the first.
        value: the argument.
    """
    if fault not in FAULTS:
        return
    try:
        if name is None:
            declared.check_positional(FAULTS[fault], [value])
        else:
            declared.check_argument(FAULTS[fault], name, value)
    except TypeError as error:
        raise FaultError(str(error)) from None


def describe_argument(fault: str, name: str) -> dict[str, Any]:
    """Return the JSON Schema of an argument.

    >>> describe_argument("latency", "seconds")
    {'type': 'number', 'minimum': 0}
    """
    schema = msgspec.json.schema(list_arguments(fault)[name].type)
    check = ARGUMENT_CHECKS.get(name)
    limits = {**(check.schema if check else {}), **_ALLOWED.get((fault, name), {})}
    return schema | {key: list(v) if isinstance(v, tuple) else v for key, v in limits.items()}
