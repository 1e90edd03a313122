"""A version of what a mock answers: rules and options that belong together.

Rules of this file: values only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from openai_mockserver.dispatch.options import Options
from openai_mockserver.rules import Rule

__all__ = ["Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """The rules and options of a mock at one time."""

    rules: tuple[Rule, ...]
    options: Options

    def change_options(self, current: Options, newer: Version) -> Options:
        """Return the current options with the differences between this version and a newer one.

        What was set since by other means stays, if the newer version does not differ there.
        """
        changes = {
            field.name: getattr(newer.options, field.name)
            for field in fields(Options)
            if getattr(newer.options, field.name) != getattr(self.options, field.name)
        }
        return replace(current, **changes)
