"""A cassette: recorded exchanges that answer the requests for which they were recorded.

Rules of this file: the modes are vcrpy's. A request is redacted before it is compared, as it would
be for a recording, so that redacted values make no difference. If no recording matches, the message
shows how the request differs from the nearest one.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from openai_mockserver.cassettes.matching import (
    DEFAULT,
    MatchFunction,
    Matching,
    explain_difference,
)
from openai_mockserver.cassettes.recorded_request import (
    RequestKey,
    build_exchange_key,
    build_request_key,
)
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.cassettes.stream_file import Exchange, explain_withheld, load
from openai_mockserver.exceptions import MockServerError, StreamFileError
from openai_mockserver.script import Boundary, Pause, Script, Step

__all__ = ["MODES", "Cassette", "replay_exchange"]

MODES = ("none", "once", "new_episodes", "all")
"""``none`` never records; ``once`` records if the cassette does not exist yet; ``new_episodes``
records requests that the cassette cannot answer; ``all`` records everything again."""


def replay_exchange(exchange: Exchange, speed: float = 1.0) -> Script:
    """Return the script that replays a recording with its bytes, reads and times.

    Args:
        exchange: the recording.
        speed: 2 replays it twice as fast; 0 does not wait, but keeps the reads.
    """
    script = exchange.script
    steps: list[Step] = []
    for step in script.steps:
        if not isinstance(step, Pause):
            if steps and not isinstance(steps[-1], Pause):
                steps.append(Boundary())
            steps.append(step)
        elif speed:
            steps.append(Pause(step.seconds / speed))
    head = replace(script.head, delay=script.head.delay / speed if speed else 0.0)
    return replace(script, head=head, steps=tuple(steps))


class Cassette:
    """Recorded exchanges, by their requests.

    Args:
        path: the stream file, which need not exist yet.
        mode: one of `MODES`.
        match, ignore, normalize, normalize_patterns: how to compare requests; see `Matching`.
        speed: speed of the replay: 2 is twice as fast, 0 does not wait.
        redactor: removes secrets from recordings and from the requests compared with them.

    Raises:
        StreamFileError: if the file cannot be read.
        MockServerError: if a mode or a comparison is unknown, or the speed is negative.
    """

    def __init__(
        self,
        path: Path | str,
        mode: str = "none",
        *,
        match: Iterable[str | MatchFunction] | str | MatchFunction = DEFAULT,
        ignore: Iterable[str] = (),
        normalize: Iterable[str] = (),
        normalize_patterns: Iterable[str | re.Pattern[str]] = (),
        speed: float = 1.0,
        redactor: Redactor | None = None,
    ) -> None:
        if mode not in MODES:
            raise MockServerError(
                f"a cassette's mode must be one of {', '.join(MODES)}, not {mode!r}"
            )
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed >= 0:
            raise MockServerError(f"speed={speed!r}: speed must be a number, 0 or more")
        self.path = Path(path)
        self.mode = mode
        self.speed = speed
        self.redactor = redactor or Redactor()
        self.matching = Matching(match, ignore, normalize, normalize_patterns)
        self.was_there = self.path.exists()
        if mode == "all" and self.was_there:
            self.path.unlink()
        self.exchanges = load(self.path) if self.path.exists() else []
        try:
            keys = [(one, build_exchange_key(one, self.redactor)) for one in self.exchanges]
        except StreamFileError as error:
            raise StreamFileError(f"{self.path}: {error}") from None
        for exchange in self.exchanges:
            for problem in explain_withheld(exchange):
                warnings.warn(f"{self.path}: {problem}", stacklevel=2)
        # An exchange without a request cannot answer any.
        self._recorded = [(exchange, key) for exchange, key in keys if key is not None]
        self._selected = [self.matching.select(key) for _, key in self._recorded]
        self._used = [False] * len(self._recorded)
        self._lock = threading.Lock()
        if self._recorded and not self.records:
            for problem in self.matching.find_unknown_members(key for _, key in self._recorded):
                warnings.warn(f"{self.path}: {problem}", stacklevel=2)

    @property
    def records(self) -> bool:
        """Whether the mode lets the cassette record."""
        return self.mode in ("all", "new_episodes") or (self.mode == "once" and not self.was_there)

    def find(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        query: str = "",
    ) -> Script | str:
        """Return the recorded response to a request, or how it differs from the nearest recording.

        Raises:
            MockServerError: if a function of the user that compares requests raises.
        """
        if not self._recorded:
            return self._explain_absence()
        request_key = build_request_key(method, path, query, headers, body, self.redactor)
        selection = self.matching.select(request_key)
        matches = [
            at
            for at, recorded_selection in enumerate(self._selected)
            if recorded_selection == selection
            and self.matching.find_objection(self._recorded[at][1], request_key) is None
        ]
        if not matches:
            return self._explain_difference(request_key)
        # If the body is not compared, prefer a stream for a request that asks for one.
        matches = [
            at for at in matches if self._recorded[at][1].is_stream == request_key.is_stream
        ] or matches
        with self._lock:
            # A repeated request gets its next recording; once all are used, the last one again.
            at = next((at for at in matches if not self._used[at]), matches[-1])
            self._used[at] = True
        return replay_exchange(self._recorded[at][0], self.speed)

    def _explain_absence(self) -> str:
        """Say why the cassette cannot answer any request."""
        path = self.path.absolute()
        if self.mode == "all":
            return f"mode 'all' records everything again into {path}, but no upstream is set"
        if self.records:
            return f"{path} has to be recorded, but no upstream is set"
        if not self.was_there:
            return f"the cassette {path} does not exist: {self._explain_recording()}"
        if not self.exchanges:
            return (
                f"the cassette {path} is empty: record it again with "
                "pytest --openai-record=all, or mode='all'"
            )
        count = len(self.exchanges)
        return (
            f"{path} cannot answer: none of its {count} recording{'s' * (count != 1)} contains "
            "the request that it answers"
        )

    def _explain_recording(self) -> str:
        """Say how to create the cassette."""
        for suffix in (".yaml", ".yml"):
            if (other := self.path.with_suffix(suffix)).exists():
                return f"convert {other.name} beside it with openai-mockserver import {other}"
        return "record it with pytest --openai-record=once, or mode='once'"

    def _explain_difference(self, request_key: RequestKey) -> str:
        difference = explain_difference(
            request_key, [key for _, key in self._recorded], self.matching
        )
        return (
            f"{self.path} has no recording of this request; the nearest one differs:\n{difference}"
        )
