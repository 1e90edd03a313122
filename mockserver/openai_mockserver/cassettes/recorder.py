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
from pathlib import Path
from typing import Any

from openai_mockserver.cassettes.redact import Redaction, Redactor
from openai_mockserver.cassettes.stream_file import VERSION
from openai_mockserver.cassettes.writer import Recording, RecordingFolder, read_line
from openai_mockserver.script import Head

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

    def begin(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        upstream: str,
    ) -> ExchangeRecorder:
        """Begin with an exchange's request, which starts its clock."""
        recorder = ExchangeRecorder(self)
        recorder.request(method, url, headers, body, upstream)
        return recorder


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017


class ExchangeRecorder:
    """One exchange being recorded. ``problem`` says why its recording is not whole, if it is not.

    Args:
        recorder: where it goes, and what is taken out.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.problem: str | None = None
        self._began = time.monotonic()
        self._recorder = recorder
        self._stem = ""
        self._about: dict[str, Any] = {}
        self._stream: Redaction | None = None
        self._recording: Recording | None = None
        self._place = recorder.folder.path
        self._ended = False

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

    def request(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        upstream: str,
    ) -> None:
        """The request has come."""
        self._try(self._take_request, method, url, headers, body, upstream)

    def _take_request(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        upstream: str,
    ) -> None:
        stream = self._stream = self._recorder.redactor.stream(headers, url.partition("?")[2])
        request = {
            "method": method,
            "url": stream.url(url),
            "headers": stream.headers(headers),
            **(stream.body(body) if body else {}),
        }
        self._about = {
            "request": request,
            "recorded": {"at": _now(), "upstream": stream.url(upstream)},
        }
        # A key may stand in the path, too.
        self._stem = request["url"].partition("?")[0].strip("/").removeprefix("v1/")

    def head(self, head: Head) -> None:
        """The response's head has come."""
        self._try(self._take_head, head)

    def _take_head(self, head: Head) -> None:
        assert self._stream is not None
        headers = self._stream.headers(head.headers)
        response = {"status": head.status, "headers": headers, "delay": self._clock()}
        about = self._about | {"redacted": sorted(self._stream.found)}
        self._recording = Recording(self._recorder.folder, self._stem)
        self._place = self._recording.part
        self._recording.lines({"mockserver": VERSION, **about, "response": response})

    def read(self, data: bytes) -> None:
        """Bytes of the body have come."""
        self._try(self._take_read, data)

    def _take_read(self, data: bytes) -> None:
        assert self._stream is not None
        if self._recording is None:
            return
        at, written = self._clock(), self._stream.read(data)
        lines = [read_line(written, at)] if written else []
        if self._stream.held:
            # The client gets them now, so that a crash must not hide that they came.
            lines.append({"t": at, "held": self._stream.held})
        if lines:
            self._recording.lines(*lines)

    def end(self, how: str) -> None:
        """It is over: ``finish``, ``truncate``, ``reset`` or ``client left``.

        Until `close` it may still turn out that it ended in another way.
        """
        self._try(self._take_end, how)

    def _take_end(self, how: str) -> None:
        assert self._stream is not None
        if self._recording is None:
            return
        at, rest = self._clock(), self._stream.rest()
        if rest:
            self._recording.lines(read_line(rest, at))
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
        self._place = self._recording.close()
        self._recording = None
        if self._recorder.finished is not None:
            self._recorder.finished(self._place)
