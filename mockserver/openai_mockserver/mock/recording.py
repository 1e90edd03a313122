"""What records the responses of an upstream, for a mock that has one.

Rules of this file: recorders are imported when something is to be recorded.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai_mockserver.cassettes.cassette import Cassette
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.redact import Redactor

__all__ = ["make_recorder"]


def make_recorder(
    folder: Path | str | None, cassette: Cassette | None, redactor: Redactor | None
) -> Recorder | None:
    """What records, if something is to be recorded.

    Args:
        folder: into which each exchange goes as a file.
        cassette: at whose end exchanges go, if it records.
        redactor: what is taken out of what goes into the folder.
    """
    if cassette is not None and cassette.records:
        return _make_recorder_into(cassette)
    if folder is None:
        return None
    from openai_mockserver.cassettes.recorder import Recorder

    recorder = Recorder(Path(folder), redactor)
    recorder.folder.prepare()
    return recorder


def _make_recorder_into(cassette: Cassette) -> Recorder:
    """What records at the end of a cassette."""
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.writer import append_recording

    path = cassette.path
    beside = path.parent / f".{path.stem}.parts"

    def finish(recording: Path) -> None:
        append_recording(path, recording)
        with contextlib.suppress(OSError):  # another exchange is still being recorded
            beside.rmdir()

    return Recorder(beside, cassette.redactor, finish)
