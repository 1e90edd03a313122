"""The formats of recorded sessions: our own, and the cassettes of pydantic-ai.

Rules of this file: an error is one sentence that names the file. A cassette has neither times nor
the request that opened the WebSocket; its messages are replayed without pauses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import msgspec.json

from openai_mockserver.bounded_input import InputProblem, check_yaml, read_file
from openai_mockserver.cassettes.sessions.file import is_session_head, load_session
from openai_mockserver.cassettes.stream_file import PART
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.script import RecordedSession, SessionMessage

__all__ = ["find_session", "read_session"]

_LONGEST_HEAD = 1 << 20  # bytes

REALTIME = "/v1/realtime"
"""The path of a session whose recording does not name one."""


class _Message(msgspec.Struct):
    """A message in a cassette of pydantic-ai; ``data`` is the event, or text."""

    kind: Literal["message"]
    direction: Literal["sent", "received"]
    data: Any


class _Cassette(msgspec.Struct):
    interactions: list[dict[str, Any]]


def read_session(path: Path | str) -> RecordedSession:
    """Read a recorded session of any format.

    Raises:
        StreamFileError: the file cannot be read, or contains no session.
    """
    try:
        session = _read(Path(path))
    except OSError as error:
        raise StreamFileError(f"cannot read {path}: {error.strerror}") from None
    if session is None:
        raise StreamFileError(f"{path} contains no WebSocket session")
    return session


def find_session(path: Path | str) -> RecordedSession | None:
    """Return the session in a file; None if it contains something else, or cannot be read.

    Sessions are in files with the suffix ``.jsonl``, ``.yaml`` or ``.yml``.

    Raises:
        StreamFileError: its session is damaged.
    """
    try:
        return _read(Path(path))
    except OSError:
        return None


def _read(path: Path) -> RecordedSession | None:
    suffix = Path(path.name.removesuffix(PART)).suffix.lower()
    if suffix == ".jsonl" and _begins_as_session(path):
        return load_session(path)
    if suffix in (".yaml", ".yml"):
        try:
            content = read_file(path)
        except InputProblem as error:
            raise StreamFileError(f"cannot read {path}: {error}") from None
        if b"direction: received" in content and b"kind: message" in content:
            return _read_cassette(content, str(path))
    return None


def _begins_as_session(path: Path) -> bool:
    with path.open("rb") as file:
        return is_session_head(file.readline(_LONGEST_HEAD))


def _read_cassette(content: bytes, source: str) -> RecordedSession | None:
    import yaml

    try:
        text = content.decode()
        check_yaml(text)
        document = yaml.load(text, Loader=_make_loader(yaml))  # noqa: S506: it is a safe loader
        cassette = msgspec.convert(document, _Cassette)
        # Others are HTTP exchanges, such as the one that opened a call.
        interactions = [one for one in cassette.interactions if one.get("kind") == "message"]
        recorded = msgspec.convert(interactions, list[_Message])
    except (yaml.YAMLError, InputProblem, UnicodeError) as error:
        raise StreamFileError(f"{source}: {error}") from None
    except msgspec.ValidationError as error:
        raise StreamFileError(f"{source}: {error}") from None
    messages = tuple(
        SessionMessage(0.0, "client" if one.direction == "sent" else "server", _encode(one.data))
        for one in recorded
    )
    return RecordedSession(REALTIME, messages) if messages else None


def _make_loader(yaml: Any) -> Any:
    """Return a safe loader that leaves dates as text, as JSON has them."""
    loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.yaml_implicit_resolvers = {
        first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return loader


def _encode(data: Any) -> str:
    return data if isinstance(data, str) else msgspec.json.encode(data).decode()
