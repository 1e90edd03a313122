"""The recorder of a session: writes the messages of a WebSocket into a file as they come.

Rules of this file: as for `openai_mockserver.cassettes.recorder`.
"""

from __future__ import annotations

from typing import Any

import msgspec.json

from openai_mockserver.cassettes.recorder import Attempt, Recorder, format_now
from openai_mockserver.cassettes.redact import Redaction
from openai_mockserver.cassettes.sessions.file import build_head, encode_end, encode_message
from openai_mockserver.cassettes.writer import Recording
from openai_mockserver.request import Request
from openai_mockserver.script import SessionEnd, SessionMessage

__all__ = ["SessionRecorder"]


class SessionRecorder(Attempt):
    """One session being recorded. ``problem`` says why the recording failed, or is None.

    Args:
        recorder: the recorder, with its folder and redactor.
        request: the request that opened the WebSocket.
        upstream: the URL of the server that answers.
    """

    def __init__(self, recorder: Recorder, request: Request, upstream: str) -> None:
        super().__init__(recorder.folder.path)
        self._recorder = recorder
        self._redaction: Redaction = recorder.redactor.begin(request.headers.raw, request.query)
        self._has_ended = False
        self._try(self._begin, request, upstream)

    def _describe(self) -> dict[str, Any]:
        """Return the first line with everything that is known by now."""
        return self._head | {"redacted": sorted(self._redaction.redacted_kinds)}

    def _begin(self, request: Request, upstream: str) -> None:
        redaction = self._redaction
        url = redaction.redact_url(request.target)
        headers = redaction.redact_headers(request.headers.raw)
        recorded = {"at": format_now(), "upstream": redaction.redact_url(upstream)}
        self._head = build_head(url, headers, recorded=recorded)
        stem = url.partition("?")[0].strip("/").removeprefix("v1/")
        self._recording = Recording(self._recorder.folder, stem)
        self._first_line = self._describe()
        self._recording.write_lines(self._first_line)

    def record(self, message: SessionMessage) -> None:
        """Record a message."""
        self._try(self._record, message)

    def _record(self, message: SessionMessage) -> None:
        assert self._recording is not None
        data = self._redact(message.data)
        line = encode_message(SessionMessage(message.seconds, message.sender, data))
        self._recording.write_lines(line)

    def _redact(self, data: str | bytes) -> str | bytes:
        if isinstance(data, bytes):
            return self._redaction.redact_bytes(data)
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            return self._redaction.redact_text(data)
        redacted = self._redaction.redact_json(value)
        # A text without secrets is kept as it is written.
        return data if redacted == value else msgspec.json.encode(redacted).decode()

    def record_end(self, end: SessionEnd) -> None:
        """Record how the session ended; only the first end counts."""
        if not self._has_ended:
            self._has_ended = True
            self._try(self._record_end, end)

    def _record_end(self, end: SessionEnd) -> None:
        assert self._recording is not None
        reason = self._redaction.redact_text(end.reason)
        self._recording.write_end(encode_end(SessionEnd(end.seconds, end.sender, end.code, reason)))

    def close(self) -> None:
        """Give the recording its final name."""
        self._try(self._close)

    def _close(self) -> None:
        assert self._recording is not None
        line = self._describe()
        path = self._recording.close(line if line != self._first_line else None)
        self._recording = None
        if self._recorder.on_finish is not None:
            self._recorder.on_finish(path)
