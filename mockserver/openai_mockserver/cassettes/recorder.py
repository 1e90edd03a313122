"""What is recorded of an exchange, line by line, and where it goes.

Rules of this file: everything passes the redaction before it is written; nothing here knows a
socket. A recording fails alone: whatever goes wrong with it is told and logged, never raised. Times
are seconds since the request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from openai_mockserver.cassettes.content_coding import Withheld
from openai_mockserver.cassettes.redact import Redaction, Redactor, resized
from openai_mockserver.cassettes.stream_file import VERSION, WITHHELD_BODY
from openai_mockserver.cassettes.writer import Recording, RecordingFolder, read_line
from openai_mockserver.request import Request
from openai_mockserver.script import Head
from openai_mockserver.sensitive import spell_controls

__all__ = ["ExchangeRecorder", "Recorder"]

logger = logging.getLogger("openai_mockserver")


class Recorder:
    """Records exchanges into a folder, each into a file of its own.

    Args:
        folder: where they go.
        redactor: what is taken out.
        finished: is given the file of each exchange that is over.
    """

    def __init__(
        self,
        folder: Path,
        redactor: Redactor | None = None,
        finished: Callable[[Path], object] | None = None,
    ) -> None:
        self.folder = RecordingFolder(folder)
        self.redactor = redactor or Redactor()
        self.finished = finished

    def begin(self, request: Request, upstream: str) -> ExchangeRecorder:
        """Begin with an exchange's request, which starts its clock.

        Args:
            request: what is asked.
            upstream: the URL of who answers.
        """
        return ExchangeRecorder(self, request, upstream)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017


class ExchangeRecorder:
    """One exchange being recorded. ``problem`` says why its recording is not whole, if it is not.

    Args:
        recorder: where it goes, and what is taken out.
        request, upstream: as `Recorder.begin` has them.
    """

    def __init__(self, recorder: Recorder, request: Request, upstream: str) -> None:
        self.problem: str | None = None
        self._began = time.monotonic()
        self._recorder = recorder
        self._about: dict[str, Any] = {}
        self._stream: Redaction | None = None
        self._head: dict[str, Any] = {}
        self._first_line: dict[str, Any] = {}
        self._recording: Recording | None = None
        self._place = recorder.folder.path
        self._received = self._kept = self._not_kept = 0
        self._is_withheld = self._ended = False
        self._try(self._take_request, request, upstream)

    def _clock(self) -> float:
        return round(time.monotonic() - self._began, 6)

    def _try(self, act: Callable[..., None], *given: Any) -> None:
        """Do this unless something has failed before; what fails now is the problem."""
        if self.problem is not None:
            return
        try:
            act(*given)
        except Exception as error:
            if self._recording is not None:
                self._recording.abandon()
            why = error.strerror if isinstance(error, OSError) else None
            why = why or f"{type(error).__name__}: {error}"
            self.problem = f"recording into {self._place} failed: {why}"
            logger.error("openai-mockserver: %s", self.problem)

    def _take_request(self, request: Request, upstream: str) -> None:
        headers = request.headers.raw
        stream = self._stream = self._recorder.redactor.stream(headers, request.query)
        # First the body: a secret that it gives may stand in the rest too.
        body = stream.body(request.body) if request.body else {}
        url = stream.url(request.target)
        about = {"method": request.method, "url": url, "headers": stream.headers(headers), **body}
        self._about = {
            "request": about,
            "recorded": {"at": _now(), "upstream": stream.url(upstream)},
        }

    def head(self, head: Head) -> None:
        """The response's head has come."""
        self._try(self._take_head, head)

    def _take_head(self, head: Head) -> None:
        assert self._stream is not None
        headers = self._stream.response(head.headers)
        if self._stream.withheld:
            self._withhold(self._stream.withheld)
        self._head = {"status": head.status, "headers": headers, "delay": self._clock()}
        # Of the URL without its secrets: a key may stand in the path, too.
        stem = self._url.partition("?")[0].strip("/").removeprefix("v1/")
        self._recording = Recording(self._recorder.folder, stem)
        self._place = self._recording.part
        self._first_line = self._describe()
        self._recording.lines(self._first_line)

    @property
    def _url(self) -> str:
        url: str = self._about["request"]["url"]
        return url

    def _describe(self) -> dict[str, Any]:
        """The first line, by what is known now."""
        assert self._stream is not None
        headers = self._head["headers"]
        if self._ended and self._stream.is_coded:
            headers = resized(headers, self._received, self._kept)
        found = {"redacted": sorted(self._stream.found)}
        response = self._head | {"headers": headers}
        return {"mockserver": VERSION, **self._about, **found, "response": response}

    def read(self, data: bytes) -> None:
        """Bytes of the body have come."""
        self._try(self._take_read, data)

    def _take_read(self, data: bytes) -> None:
        assert self._stream is not None
        if self._recording is None:
            return
        at = self._clock()
        self._received += len(data)
        if self._is_withheld:
            self._not_kept += len(data)
        lines = self._clean(partial(self._stream.read, data, at))
        if missing := self._stream.held + self._not_kept:
            # The client gets them now, so that a crash must not hide that they came.
            lines.append({"t": at, "held": missing})
        if lines:
            self._recording.lines(*lines)

    def _clean(self, act: Callable[[], list[tuple[float, bytes]]]) -> list[dict[str, Any]]:
        """The lines of what the redaction lets through; none where it cannot tell secrets."""
        if self._is_withheld:
            return []
        try:
            reads = act()
        except Withheld as why:
            self._withhold(str(why))
            return []
        self._kept += sum(len(data) for _, data in reads)
        return [read_line(data, t) for t, data in reads]

    def _withhold(self, why: str) -> None:
        assert self._stream is not None
        self._is_withheld = True
        self._stream.found.add(f"{WITHHELD_BODY}{why}")
        url = spell_controls(self._url)
        logger.warning("the rest of the body answered at %s is not recorded: %s", url, why)

    def end(self, how: str) -> None:
        """It is over: ``finish``, ``truncate``, ``reset`` or ``client left``.

        Until `close` it may still turn out that it ended in another way.
        """
        self._try(self._take_end, how)

    def _take_end(self, how: str) -> None:
        assert self._stream is not None
        if self._recording is None:
            return
        at = self._clock()
        if not self._ended:
            lines = self._clean(partial(self._stream.rest, at))
            if lines:
                self._recording.lines(*lines)
        self._recording.end({"t": at, "end": how})
        self._ended = True

    def close(self) -> None:
        """Give the recording its final name; one that has no end yet was left by its client."""
        if not self._ended:
            self.end("client left")
        self._try(self._close)

    def _close(self) -> None:
        if self._recording is None:
            return
        # What is in the body, and how long it became, is known only now.
        line = self._describe()
        self._place = self._recording.close(line if line != self._first_line else None)
        self._recording = None
        if self._recorder.finished is not None:
            self._recorder.finished(self._place)
