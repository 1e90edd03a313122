"""Creates the recorder of a mock with an upstream.

Rules of this file: import recorders only if something is recorded.
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
    """Return the recorder for a folder or a cassette; None if nothing is recorded.

    Args:
        folder: where each exchange is written to its own file.
        cassette: to which exchanges are appended, if it records; it precedes the folder.
        redactor: redacts what is written to the folder.
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
    """Return a recorder that appends to a cassette."""
    from openai_mockserver.cassettes.recorder import Recorder
    from openai_mockserver.cassettes.writer import append_recording

    path = cassette.path
    parts_folder = path.parent / f".{path.stem}.parts"

    def finish(recording: Path) -> None:
        append_recording(path, recording)
        with contextlib.suppress(OSError):  # another exchange is still being recorded
            parts_folder.rmdir()

    return Recorder(parts_folder, cassette.redactor, finish)
