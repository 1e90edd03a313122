"""Checks values against JSON Schemas with jsonschema, which is not imported before."""

from __future__ import annotations

import functools
import json
from typing import Any

__all__ = ["validate"]


def validate(value: object, schema: Any) -> None:
    """Check a value and its formats, as ``jsonschema.validate``, which checks the schema each time.

    Raises:
        jsonschema.ValidationError: if the value does not conform.
        jsonschema.SchemaError: if the schema is invalid.
    """
    _make_validator(json.dumps(schema)).validate(value)


@functools.cache
def _make_validator(text: str) -> Any:
    """Check a schema, and return its validator."""
    import jsonschema

    schema = json.loads(text)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=jsonschema.FormatChecker())
