"""A cassette: recorded exchanges that answer the requests they were recorded of.

Rules of this file: modes are those vcrpy users know. A request is compared as it would have been
recorded, so that what was redacted does not tell requests apart; what matches none is told with
what differs from the nearest.
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
    key_of_exchange,
    key_of_request,
)
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.cassettes.stream_file import Exchange, explain_withheld, load
from openai_mockserver.exceptions import MockServerError, StreamFileError
from openai_mockserver.script import Boundary, Pause, Script, Step

__all__ = ["MODES", "Cassette", "replayed"]

MODES = ("none", "once", "new_episodes", "all")
"""``none`` never records; ``once`` records where there is no cassette yet; ``new_episodes`` records
what is not in it; ``all`` records everything anew."""


def replayed(exchange: Exchange, speed: float = 1.0) -> Script:
    """The script that plays a recording back: its bytes, its reads, its times.

    Args:
        exchange: the recording.
        speed: 2 plays it twice as fast; 0 without any waiting, in the same reads.
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
        path: the stream file, which need not be there yet.
        mode: one of `MODES`.
        match, ignore, normalize, normalize_patterns: how requests are compared, as of `Matching`.
        speed: of the replay; 0 does not wait.
        redactor: what is taken out of recordings.

    Raises:
        StreamFileError: if the file cannot be read.
        MockServerError: for a mode or a comparison that is not known.
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
            raise MockServerError(f"a cassette's mode is one of {', '.join(MODES)}, not {mode!r}")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed >= 0:
            raise MockServerError(f"speed={speed!r}: a number, 0 or more; 2 is twice as fast")
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
            keys = [(one, key_of_exchange(one, self.redactor)) for one in self.exchanges]
        except StreamFileError as error:
            raise StreamFileError(f"{self.path}: {error}") from None
        for exchange in self.exchanges:
            for problem in explain_withheld(exchange):
                warnings.warn(f"{self.path}: {problem}", stacklevel=2)
        # What states no request answers none.
        self._recorded = [(exchange, key) for exchange, key in keys if key is not None]
        self._selected = [self.matching.select(key) for _, key in self._recorded]
        self._used = [False] * len(self._recorded)
        self._lock = threading.Lock()
        if self._recorded and not self.records:
            for problem in self.matching.find_unknown_members(key for _, key in self._recorded):
                warnings.warn(f"{self.path}: {problem}", stacklevel=2)

    @property
    def records(self) -> bool:
        """Whether what is not in it may be recorded."""
        return self.mode in ("all", "new_episodes") or (self.mode == "once" and not self.was_there)

    def find(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        query: str = "",
    ) -> Script | str:
        """The recorded response to this request; or what differs from the nearest recording.

        Raises:
            MockServerError: if a function that compares requests raises.
        """
        if not self._recorded:
            return self._explain_absence()
        asked = key_of_request(method, path, query, headers, body, self.redactor)
        wanted = self.matching.select(asked)
        same = [
            at
            for at, selected in enumerate(self._selected)
            if selected == wanted
            and self.matching.find_objection(self._recorded[at][1], asked) is None
        ]
        if not same:
            return self._explain_difference(asked)
        # Where the body is not compared, a stream is rather answered by a stream.
        same = [at for at in same if self._recorded[at][1].streams == asked.streams] or same
        with self._lock:
            # The same request again gives the next recording of it, and then the last again.
            at = next((at for at in same if not self._used[at]), same[-1])
            self._used[at] = True
        return replayed(self._recorded[at][0], self.speed)

    def _explain_absence(self) -> str:
        """Why it answers nothing at all."""
        path = self.path.absolute()
        if self.mode == "all":
            return f"everything is recorded anew into {path}, and there is no upstream to ask"
        if self.records:
            return f"{path} is to be recorded, and there is no upstream to ask"
        if not self.was_there:
            return f"there is no cassette {path}: {self._explain_recording()}"
        if not self.exchanges:
            return (
                f"the cassette {path} is empty, and answers nothing: record it anew with "
                "pytest --openai-record=all, or mode='all'"
            )
        count = len(self.exchanges)
        return (
            f"{path} answers nothing: of its {count} recording{'s' * (count != 1)} none states "
            "the request that it answers"
        )

    def _explain_recording(self) -> str:
        """How to get the cassette."""
        for suffix in (".yaml", ".yml"):
            if (other := self.path.with_suffix(suffix)).exists():
                return f"make it of {other.name} beside it with openai-mockserver import {other}"
        return "record it with pytest --openai-record=once, or mode='once'"

    def _explain_difference(self, asked: RequestKey) -> str:
        different = explain_difference(asked, [key for _, key in self._recorded], self.matching)
        return f"{self.path} holds no recording of this request; the nearest differs:\n{different}"
