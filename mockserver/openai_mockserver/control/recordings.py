"""Handlers about recordings: an upstream's responses, as stream files.

Rules of this file: a request never names a folder or a path. What is recorded at a request's wish
goes to a temporary folder, which is deleted when the server ends, unless it was started with one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from openai_mockserver.cassettes.recorder import Recorder
from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest, Download
from openai_mockserver.control.shapes import RecordingList, RecordingStart, RecordingSummary
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.upstream import Upstream

__all__ = ["download", "list_all", "start", "stop"]


def list_all(mock: Steerable, request: ControlRequest) -> RecordingList:
    """Return the recordings in the server's folder."""
    upstream = mock.options.upstream
    files = sorted(_list_files(mock).values())
    return RecordingList(
        None if upstream is None else upstream.url,
        [
            RecordingSummary(file.name, stat.st_size, stat.st_mtime)
            for file in files
            if (stat := _stat(file)) is not None
        ],
    )


def _stat(file: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):  # it was deleted meanwhile
        return file.stat()
    return None


def _list_files(mock: Steerable) -> dict[str, Path]:
    recorder = mock.options.recorder
    if recorder is None or not recorder.folder.path.is_dir():
        return {}
    return {file.name: file for file in recorder.folder.path.iterdir() if file.suffix == ".jsonl"}


def download(mock: Steerable, request: ControlRequest) -> Download:
    """Return a recording."""
    name = request.variables["name"]
    file = _list_files(mock).get(name)
    content = None
    if file is not None:
        with contextlib.suppress(OSError):
            content = file.read_bytes()
    if content is None:
        raise Problem(404, f"there is no recording {name!r:.120}")
    return Download(content, name)


def start(mock: Steerable, request: ControlRequest) -> RecordingList:
    """Send requests that no rule answers to an upstream, and record its responses."""
    wanted: RecordingStart = request.body
    recorder = mock.options.recorder
    try:
        upstream = Upstream(wanted.upstream)
        # Pages of other origins must not reach the upstream.
        access = replace(mock.access, relays=True)
    except (MockServerError, ValueError) as error:
        raise Problem(422, str(error), "upstream") from None
    if _is_itself(wanted.upstream, request.origin):
        raise Problem(422, "the server cannot be its own upstream", "upstream")
    if recorder is None:
        recorder = _make_temporary_recorder()
    mock.access = access
    mock.change_options(upstream=upstream, recorder=recorder)
    return list_all(mock, request)


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


def _is_itself(upstream: str, origin: str) -> bool:
    """Whether an upstream is the mock that was asked, by this or by another name of its server.

    Another sandbox of the same server is another mock.
    """
    theirs, ours = urlsplit(upstream), urlsplit(origin)
    hosts = {theirs.hostname, ours.hostname}
    is_server = theirs.port == ours.port and (len(hosts) == 1 or hosts <= _LOOPBACK)
    return is_server and _find_sandbox(theirs.path) == _find_sandbox(ours.path)


def _find_sandbox(path: str) -> str | None:
    """Return the id of the sandbox that a path leads to."""
    start, _, rest = path.removeprefix("/").partition("/")
    return rest.partition("/")[0] if start == "s" else None


def _make_temporary_recorder() -> Recorder:
    """Return a recorder whose folder is deleted with it."""
    folder = tempfile.mkdtemp(prefix="openai-mockserver-")
    recorder = Recorder(Path(folder))
    weakref.finalize(recorder, shutil.rmtree, folder, ignore_errors=True)
    return recorder


def stop(mock: Steerable, request: ControlRequest) -> RecordingList:
    """Stop recording; the recordings stay."""
    mock.change_options(upstream=None)
    mock.access = replace(mock.access, relays=False)
    return list_all(mock, request)
