"""What is recorded of an exchange, line by line, and where it goes.

Rules of this file: everything passes the redaction before it is written; nothing here knows a
socket. Times are seconds since the request.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.cassettes.stream_file import VERSION
from openai_mockserver.cassettes.writer import Recording, read_line
from openai_mockserver.script import Head

__all__ = ["ExchangeRecorder", "Recorder"]


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
        self.folder = folder
        self.redactor = redactor or Redactor()
        self._finished = finished

    def begin(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        upstream: str,
    ) -> ExchangeRecorder:
        """Begin with an exchange's request, which starts its clock."""
        query = url.partition("?")[2]
        stream = self.redactor.stream(headers, query)
        request = {
            "method": method,
            "url": stream.url(url),
            "headers": stream.headers(headers),
            **(stream.body(body) if body else {}),
        }
        about = {"request": request, "recorded": {"at": _now(), "upstream": stream.url(upstream)}}
        return ExchangeRecorder(self.folder, url, about, stream, self._finished)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017


class ExchangeRecorder:
    """One exchange being recorded."""

    def __init__(
        self,
        folder: Path,
        url: str,
        about: dict[str, Any],
        stream: Any,
        finished: Callable[[Path], object] | None,
    ) -> None:
        self._began = time.monotonic()
        self._stem = url.partition("?")[0].strip("/").removeprefix("v1/")
        self._folder = folder
        self._about = about
        self._stream = stream
        self._finished = finished
        self._recording: Recording | None = None

    def _clock(self) -> float:
        return time.monotonic() - self._began

    def head(self, head: Head) -> None:
        """The response's head has come."""
        self._recording = Recording(self._folder, self._stem)
        headers = self._stream.headers(head.headers)
        response = {"status": head.status, "headers": headers, "delay": round(self._clock(), 6)}
        about = self._about | {"redacted": sorted(self._stream.found)}
        self._recording.line({"mockserver": VERSION, **about, "response": response})

    def read(self, data: bytes) -> None:
        """Bytes of the body have come."""
        self._write(self._stream.read(data))

    def _write(self, data: bytes) -> None:
        if data and self._recording is not None:
            self._recording.line(read_line(data, self._clock()))

    def end(self, how: str) -> None:
        """It is over: ``finish``, ``truncate``, ``reset`` or ``client left``."""
        if self._recording is None:
            return
        self._write(self._stream.rest())
        self._recording.line({"t": round(self._clock(), 6), "end": how})
        path = self._recording.close()
        self._recording = None
        if self._finished is not None:
            self._finished(path)
