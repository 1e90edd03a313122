"""The recorder: turns an exchange into the lines of a recording as it happens.

Rules of this file: everything is redacted before it is written; nothing here knows a socket. A
recording that fails does not disturb the exchange: the error is logged and kept in ``problem``,
never raised. Times are seconds since the request.
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
from openai_mockserver.cassettes.redact import Redaction, Redactor, adjust_content_length
from openai_mockserver.cassettes.stream_file import VERSION, WITHHELD_BODY
from openai_mockserver.cassettes.writer import Recording, RecordingFolder, read_line
from openai_mockserver.request import Request
from openai_mockserver.script import Head
from openai_mockserver.sensitive import spell_controls

__all__ = ["Attempt", "ExchangeRecorder", "Recorder", "format_now"]

logger = logging.getLogger("openai_mockserver")


class Recorder:
    """Records exchanges into a folder, each into a separate file.

    Args:
        folder: the folder for the recordings.
        redactor: removes secrets.
        on_finish: called with the file of each exchange that is over.
    """

    def __init__(
        self,
        folder: Path,
        redactor: Redactor | None = None,
        on_finish: Callable[[Path], object] | None = None,
    ) -> None:
        self.folder = RecordingFolder(folder)
        self.redactor = redactor or Redactor()
        self.on_finish = on_finish

    def begin(self, request: Request, upstream: str) -> ExchangeRecorder:
        """Begin to record an exchange; its clock starts now.

        Args:
            request: the request.
            upstream: the URL of the server that answers.
        """
        return ExchangeRecorder(self, request, upstream)


def format_now() -> str:
    """Return the time of now, as recordings write it (RFC 3339)."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017


class Attempt:
    """One recording, whose failure disturbs nothing but itself.

    Args:
        folder: the folder of the recording.

    Attributes:
        problem: why the recording failed; None if it did not.
    """

    def __init__(self, folder: Path) -> None:
        self.problem: str | None = None
        self._recording: Recording | None = None
        self._path = folder

    def _try(self, act: Callable[..., None], *args: Any) -> None:
        """Call a function unless the recording has failed; an exception becomes the problem."""
        if self.problem is not None:
            return
        try:
            act(*args)
        except Exception as error:
            if self._recording is not None:
                self._recording.abandon()
            reason = error.strerror if isinstance(error, OSError) else None
            reason = reason or f"{type(error).__name__}: {error}"
            self.problem = f"recording into {self._path} failed: {reason}"
            logger.error("openai-mockserver: %s", self.problem)


class ExchangeRecorder(Attempt):
    """One exchange being recorded. ``problem`` says why the recording failed, or is None.

    Args:
        recorder: the recorder, with its folder and redactor.
        request, upstream: as in `Recorder.begin`.
    """

    def __init__(self, recorder: Recorder, request: Request, upstream: str) -> None:
        super().__init__(recorder.folder.path)
        self._began = time.monotonic()
        self._recorder = recorder
        self._about: dict[str, Any] = {}
        self._redaction: Redaction | None = None
        self._head: dict[str, Any] = {}
        self._first_line: dict[str, Any] = {}
        self._received_size = self._recorded_size = self._withheld_size = 0
        self._is_withheld = self._has_ended = False
        self._try(self._take_request, request, upstream)

    def _measure_elapsed(self) -> float:
        return round(time.monotonic() - self._began, 6)

    def _take_request(self, request: Request, upstream: str) -> None:
        headers = request.headers.raw
        redaction = self._redaction = self._recorder.redactor.begin(headers, request.query)
        # The body comes first: its secrets may occur in the URL and the headers too.
        body = redaction.redact_body(request.body) if request.body else {}
        url = redaction.redact_url(request.target)
        about = {
            "method": request.method,
            "url": url,
            "headers": redaction.redact_headers(headers),
            **body,
        }
        self._about = {
            "request": about,
            "recorded": {"at": format_now(), "upstream": redaction.redact_url(upstream)},
        }

    def record_head(self, head: Head) -> None:
        """Record the head of the response."""
        self._try(self._take_head, head)

    def _take_head(self, head: Head) -> None:
        assert self._redaction is not None
        headers = self._redaction.redact_response_headers(head.headers)
        if self._redaction.withheld:
            self._withhold(self._redaction.withheld)
        self._head = {"status": head.status, "headers": headers, "delay": self._measure_elapsed()}
        # The name comes from the redacted URL, because its path may contain a key too.
        stem = self._url.partition("?")[0].strip("/").removeprefix("v1/")
        self._recording = Recording(self._recorder.folder, stem)
        self._path = self._recording.part_path
        self._first_line = self._describe()
        self._recording.write_lines(self._first_line)

    @property
    def _url(self) -> str:
        url: str = self._about["request"]["url"]
        return url

    def _describe(self) -> dict[str, Any]:
        """Return the first line with everything that is known by now."""
        assert self._redaction is not None
        headers = self._head["headers"]
        if self._has_ended and self._redaction.is_coded:
            headers = adjust_content_length(headers, self._received_size, self._recorded_size)
        redaction = {"redacted": sorted(self._redaction.redacted_kinds)}
        response = self._head | {"headers": headers}
        return {"mockserver": VERSION, **self._about, **redaction, "response": response}

    def record_read(self, data: bytes) -> None:
        """Record bytes of the body that have arrived in one read."""
        self._try(self._take_read, data)

    def _take_read(self, data: bytes) -> None:
        assert self._redaction is not None
        if self._recording is None:
            return
        at = self._measure_elapsed()
        self._received_size += len(data)
        if self._is_withheld:
            self._withheld_size += len(data)
        lines = self._redact_lines(partial(self._redaction.read, data, at))
        if missing := self._redaction.held_size + self._withheld_size:
            # The client gets these bytes now; after a crash the recording must show that they came.
            lines.append({"t": at, "held": missing})
        if lines:
            self._recording.write_lines(*lines)

    def _redact_lines(
        self, read_redacted: Callable[[], list[tuple[float, bytes]]]
    ) -> list[dict[str, Any]]:
        """Return the lines of redacted reads; none if the redaction withholds the body."""
        if self._is_withheld:
            return []
        try:
            reads = read_redacted()
        except Withheld as error:
            self._withhold(str(error))
            return []
        self._recorded_size += sum(len(data) for _, data in reads)
        return [read_line(data, t) for t, data in reads]

    def _withhold(self, reason: str) -> None:
        assert self._redaction is not None
        self._is_withheld = True
        self._redaction.redacted_kinds.add(f"{WITHHELD_BODY}{reason}")
        url = spell_controls(self._url)
        logger.warning("the rest of the response body of %s is not recorded: %s", url, reason)

    def record_end(self, end: str) -> None:
        """Record how the exchange ended: ``finish``, ``truncate``, ``reset`` or ``client left``.

        A later call before `close` corrects the end.
        """
        self._try(self._take_end, end)

    def _take_end(self, end: str) -> None:
        assert self._redaction is not None
        if self._recording is None:
            return
        at = self._measure_elapsed()
        if not self._has_ended:
            lines = self._redact_lines(partial(self._redaction.flush, at))
            if lines:
                self._recording.write_lines(*lines)
        self._recording.write_end({"t": at, "end": end})
        self._has_ended = True

    def close(self) -> None:
        """Give the recording its final name; without an end yet, the client has left."""
        if not self._has_ended:
            self.record_end("client left")
        self._try(self._close)

    def _close(self) -> None:
        if self._recording is None:
            return
        # Only now are the redacted parts of the body and its final length known.
        line = self._describe()
        self._path = self._recording.close(line if line != self._first_line else None)
        self._recording = None
        if self._recorder.on_finish is not None:
            self._recorder.on_finish(self._path)
