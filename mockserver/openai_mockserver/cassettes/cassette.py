"""A cassette: recorded exchanges that answer the requests they were recorded of.

Rules of this file: modes are those vcrpy users know. A request is compared as it would have been
recorded, so that what was redacted does not tell requests apart; what matches none is told with
what differs from the nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from openai_mockserver.cassettes.matching import (
    RequestKey,
    explain_difference,
    key_of_exchange,
    key_of_request,
)
from openai_mockserver.cassettes.redact import Redactor, steps_of
from openai_mockserver.cassettes.stream_file import Exchange, load
from openai_mockserver.exceptions import MockServerError
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
        ignore: members of the request's JSON that do not tell requests apart, as in ``user`` or
            ``messages[*].name``.
        speed: of the replay; 0 does not wait.
        redactor: what is taken out of recordings.

    Raises:
        StreamFileError: where the file cannot be read.
    """

    def __init__(
        self,
        path: Path | str,
        mode: str = "none",
        *,
        ignore: Iterable[str] = (),
        speed: float = 1.0,
        redactor: Redactor | None = None,
    ) -> None:
        if mode not in MODES:
            raise MockServerError(f"a cassette's mode is one of {', '.join(MODES)}, not {mode!r}")
        self.path = Path(path)
        self.mode = mode
        self.speed = speed
        self.redactor = redactor or Redactor()
        self._ignore = tuple(map(steps_of, ignore))
        self.was_there = self.path.exists()
        if mode == "all" and self.was_there:
            self.path.unlink()
        self.exchanges = load(self.path) if self.path.exists() else []
        self._keys = [
            self._without_ignored(key_of_exchange(one, self.redactor)) for one in self.exchanges
        ]
        self._used = [0] * len(self.exchanges)

    @property
    def records(self) -> bool:
        """Whether what is not in it may be recorded."""
        return self.mode in ("all", "new_episodes") or (self.mode == "once" and not self.was_there)

    def find(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Script | str:
        """The recorded response to this request; or what differs from the nearest recording."""
        if self.mode == "all":
            return "everything is recorded anew"
        asked = self._without_ignored(key_of_request(method, path, headers, body, self.redactor))
        keys = self._keys
        same = [at for at, key in enumerate(keys) if key == asked]
        if not same:
            return self._difference(asked, keys)
        # The same request again gives the next recording of it, and then the last again.
        at = next((at for at in same if not self._used[at]), same[-1])
        self._used[at] += 1
        return replayed(self.exchanges[at], self.speed)

    def _without_ignored(self, key: RequestKey | None) -> RequestKey:
        if key is None:
            return RequestKey("POST", "/")
        body = key.body
        for steps in self._ignore:
            body = _dropped(body, steps)
        return replace(key, body=body)

    def _difference(self, asked: RequestKey, keys: list[RequestKey]) -> str:
        if not keys:
            return f"{self.path} holds no recording"
        return (
            f"{self.path} holds no recording of this request; the nearest differs:\n"
            f"{explain_difference(asked, keys)}"
        )


def _dropped(value: Any, steps: tuple[str | int | None, ...]) -> Any:
    """A value without the member that the steps lead to."""
    step, rest = steps[0], steps[1:]
    if isinstance(value, list) and not isinstance(step, str):
        return [
            (_dropped(one, rest) if rest else None) if step in (None, at) else one
            for at, one in enumerate(value)
        ]
    if isinstance(value, Mapping) and step in value:
        if not rest:
            return {k: v for k, v in value.items() if k != step}
        return {k: _dropped(v, rest) if k == step else v for k, v in value.items()}
    return value
