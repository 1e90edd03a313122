"""A file to import: its content as text, as lines or as one document."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import msgspec.json

from openai_mockserver.bounded_input import is_deeper, read_file, unpack
from openai_mockserver.cassettes.importers.recording import GZIP, ImportProblem
from openai_mockserver.cassettes.stream_file import is_json

_SUFFIXES = re.compile(
    r"(?:\.(?:ya?ml|json|jsonl|ndjson|har|sse|txt|chunks|httprr|cassette|gz))+\Z", re.I
)
_RECORDING_NAME = re.compile(
    r"\.(?:ya?ml|json|jsonl|ndjson|har|sse|httprr|chunks\.txt)(?:\.gz)?\Z", re.I
)
BOM = b"\xef\xbb\xbf"


def bare_name(path: Path) -> str:
    """Return a file's name without the suffixes of its format, as valid UTF-8.

    Args:
        path: the file.
    """
    name = path.name.encode("utf-8", "replace").decode()
    return _SUFFIXES.sub("", name) or name


def find_recordings(folder: Path) -> list[Path]:
    """Return the files in a folder and below whose names may be recordings, sorted.

    Args:
        folder: the folder.
    """
    files = (
        file for file in folder.rglob("*") if _RECORDING_NAME.search(file.name) and file.is_file()
    )
    return sorted(
        file for file in files if not file.name.startswith(".") and not _is_body(file, folder)
    )


def _is_body(file: Path, folder: Path) -> bool:
    """Return whether a file is a body to which a mapping of WireMock refers, not a recording."""
    return any(
        parent.name == "__files" and (parent.parent / "mappings").is_dir()
        for parent in file.relative_to(folder).parents
        for parent in [folder / parent]
    )


def read_content(path: Path) -> bytes:
    """Read a file and unpack it if it is compressed. Raises ImportProblem."""
    try:
        content = read_file(path)
    except OSError as error:
        raise ImportProblem(f"it cannot be read: {error.strerror or error}") from None
    try:
        return unpack(content) if content.startswith(GZIP) else content
    except (EOFError, zlib.error):
        raise ImportProblem("its gzip compression is broken or cut off") from None


class RecordedFile:
    """The content of a file, decoded as far as a format needs it."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.content = content
        if not content.removeprefix(BOM).strip():
            raise ImportProblem("it is empty")

    @cached_property
    def text(self) -> str:
        """The content as text; formats of bytes do not need it."""
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise ImportProblem(
                f"it is not UTF-8 text: {error.reason} at byte {error.start}"
            ) from None

    @property
    def stem(self) -> str:
        """The file name without the suffixes of its format."""
        return bare_name(self.path)

    @cached_property
    def lines(self) -> list[tuple[int, bytes]]:
        """The lines that are not blank, with their numbers."""
        lines = self.content.removeprefix(BOM).split(b"\n")
        return [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip()]

    @cached_property
    def document(self) -> Any:
        """The JSON or YAML document in the file; None if it is something else.

        Several cassettes in YAML are one document.
        """
        if self._is_json:
            return self._decode_json(self.text.removeprefix("\ufeff"))
        if not self.yaml_documents:
            return None
        from openai_mockserver.cassettes.importers.yaml_loader import join_documents

        return join_documents(self.yaml_documents)

    @property
    def _is_json(self) -> bool:
        return self.text.removeprefix("\ufeff").lstrip(" \t\r\n").startswith(("{", "["))

    @cached_property
    def yaml_documents(self) -> list[Any]:
        """The documents in a YAML file; none if it is something else."""
        if self._is_json or not (
            self.path.suffix.lower() in (".yaml", ".yml") or _CASSETTE.search(self.text)
        ):
            return []
        from openai_mockserver.cassettes.importers.yaml_loader import load_yaml

        return load_yaml(self.text)

    def _decode_json(self, text: str) -> Any:
        try:
            document = msgspec.json.decode(text)
            if is_deeper(document):
                raise RecursionError
            return document
        except (msgspec.DecodeError, UnicodeError) as error:
            if len(self.lines) > 1 and is_json(self.lines[0][1]):
                return None  # these are JSON lines
            raise ImportProblem(f"it is not JSON: {error}") from None


# A cassette has one of these keys; other YAML is not parsed, and so causes no error.
_CASSETTE = re.compile(r"^\ufeff?[\"']?(?:(?:http_)?interactions|when)[\"']?[ \t]*:", re.M)


Shape = TypeVar("Shape")


def decode_content(file: RecordedFile, shape: type[Shape]) -> Shape:
    """Decode a JSON file into its declared shape; its raw values keep their spelling."""
    try:
        return msgspec.json.decode(file.content.removeprefix(BOM), type=shape, strict=False)
    except msgspec.ValidationError as error:
        raise ImportProblem(f"it does not have the expected shape: {error}") from None


def convert_document(document: Any, shape: type[Any]) -> Any:
    """Convert a document into its declared shape; numbers may be text, as they are from YAML."""
    try:
        return msgspec.convert(document, shape, strict=False)
    except msgspec.ValidationError as error:
        raise ImportProblem(f"it does not have the expected shape: {error}") from None


def has_keys(*keys: str) -> Callable[[RecordedFile], bool]:
    """Return a predicate: whether a file is a document with these keys."""
    return lambda file: isinstance(file.document, dict) and set(keys) <= set(file.document)
