"""Bodies that a recording keeps in files beside it.

Rules of this file: a file outside of its folder is not read, because recordings come from anybody.
"""

from __future__ import annotations

from pathlib import Path

from openai_mockserver.bounded_input import read_file
from openai_mockserver.cassettes.importers.recording import ImportProblem


def read_body_file(folder: Path, name: str) -> bytes:
    """Read the file with a body. Raises ImportProblem.

    Args:
        folder: the folder of these files.
        name: the name in the recording, relative to the folder.
    """
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ImportProblem(f"the body's file {name} is outside of the folder {folder.name}")
        return read_file(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImportProblem(f"the body's file {name} cannot be read: {reason}") from None
