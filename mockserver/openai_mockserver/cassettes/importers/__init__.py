"""Import of recordings made by other tools: one module for each format.

Rules of this package: the content of a file is converted into declared shapes, so that an error
says in one sentence what is wrong and where.
"""

from __future__ import annotations

from openai_mockserver.cassettes.importers.file import bare_name, find_recordings
from openai_mockserver.cassettes.importers.formats import import_file

__all__ = ["bare_name", "find_recordings", "import_file"]
