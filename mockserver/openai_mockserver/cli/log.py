"""The log, one line for each call and event, and how many calls a server keeps.

Rules of this file: text is for people; JSON has one object a line for everything that the server
says. Both hide what looks like a key, and neither contains headers or bodies.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from openai_mockserver.sensitive import hide_keys, show_path, spell_controls
from openai_mockserver.sse import count_all

if TYPE_CHECKING:
    from openai_mockserver.journal import Call

__all__ = ["KEEPS", "KEEP_BYTES", "KEEP_CALLS", "Log", "log_format"]

KEEP_CALLS = 1000
KEEP_BYTES = 64 * 1024 * 1024
KEEPS = f"The journal keeps the last {KEEP_CALLS:,} calls, in at most {KEEP_BYTES >> 20} MiB."

log_format = click.option(
    "--log",
    "log_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the log: lines for people, or one JSON object a line.",
)


class Log:
    """Prints what a server says.

    Args:
        form: ``text`` or ``json``.
        quiet: whether to leave out calls.
    """

    def __init__(self, form: str, quiet: bool) -> None:
        self._is_json = form == "json"
        self._quiet = quiet
        if self._is_json:
            logger = logging.getLogger("openai_mockserver")
            logger.addHandler(_Handler(self))
            logger.propagate = False

    @property
    def on_end(self) -> Callable[[Call], None] | None:
        """What logs a call that has ended; None if calls are left out."""
        return None if self._quiet else self._log_call

    @property
    def on_slow(self) -> Callable[[Call], None] | None:
        """What logs a call that takes long; None if calls are left out."""
        return None if self._quiet else self._log_slow_call

    def start(self, lines: str, **fields: Any) -> None:
        """Log that the server has started.

        Args:
            lines: what to print as text.
            fields: what to log as JSON.
        """
        self._write("info", "start", lines, fields)

    def warn(self, sentence: str) -> None:
        """Log a warning about how the server was started."""
        self._write("warning", "warning", f"{sentence}\n", {"message": sentence})

    def report(self, event: str, sentence: str, level: str = "info") -> None:
        """Log an event while the server runs."""
        self._write(level, event, f"{_format_clock()} {sentence}", {"message": sentence})

    def report_reload(self, sentence: str, is_reloaded: bool) -> None:
        """Log that files were reloaded, or why not."""
        self.report("reload", sentence, "info" if is_reloaded else "error")

    def stop(self) -> None:
        """Log that the server has stopped."""
        self._write("info", "stop", "stopped", {})

    def _log_call(self, call: Call) -> None:
        self._write(_find_level(call), "call", _format_call(call), _describe_call(call, True))

    def _log_slow_call(self, call: Call) -> None:
        self._write("info", "slow_call", _format_call(call), _describe_call(call, False))

    def _write(self, level: str, event: str, text: str, fields: dict[str, Any]) -> None:
        if self._is_json:
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            entry = {"time": stamp, "level": level, "event": event, **fields}
            # Escaped, so that no character of a request acts on a terminal.
            text = json.dumps(entry, separators=(",", ":"))
        # The program or the terminal that shows the log may be gone; the streams go on.
        with contextlib.suppress(OSError):
            click.echo(text)


class _Handler(logging.Handler):
    """Writes warnings of the package to a log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.report("warning", self.format(record), record.levelname.lower())


def _format_clock() -> str:
    return time.strftime("%H:%M:%S")


def _format_call(call: Call) -> str:
    return f"{_format_clock()} {call.line()}, {time.time() - call.started:.2f} s"


def _find_level(call: Call) -> str:
    if call.problem is not None or call.unrecorded is not None:
        return "error"
    return "warning" if call.warnings else "info"


_MOST_TEXT = 200


def _shorten(text: str) -> str:
    """Return the beginning of a text from a request, without what looks like a key."""
    return hide_keys(spell_controls(text[:4096]), "…")[:_MOST_TEXT]


def _describe_call(call: Call, has_ended: bool) -> dict[str, Any]:
    """Return the fields of a call in a JSON log. An open call is not waited for."""
    fields: dict[str, Any] = {
        "call": call.number,
        "method": spell_controls(call.method),
        "path": _shorten(show_path(call.path)),
        "model": _shorten(call.model) or None,
        "user": None if call.user is None else _shorten(call.user),
        "attempt": call.attempt,
        "status": call.status,
        "seconds": round(time.time() - call.started, 3),
    }
    if call.script.is_stream:
        fields["total_events"] = count_all(call.script.steps)
    if has_ended:
        delivered = call.delivered
        fields |= {"outcome": call.ended, "events": delivered.events, "bytes": delivered.bytes}
    else:
        fields["events"] = sum(part.events for part in call.times)
    if call.problem is not None:
        fields["problem"] = call.problem_kind or "no rule matched"
    if call.unrecorded is not None:
        fields["unrecorded"] = call.unrecorded
    if call.warnings:
        fields["warnings"] = call.warnings
    return fields
