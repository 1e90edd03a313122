"""``openai-mockserver cassettes``: what recordings say, and what they must not say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from openai_mockserver.cassettes.redact import Redactor

_Command = Callable[..., Any]
_PATH = click.Path(path_type=Path, readable=False)


@click.group()
def cassettes() -> None:
    """Look at recordings, compare them, and keep secrets out of them.

    Recordings are stream files, or files in any format that `import` reads. PATHS are files, or
    folders in which recordings are searched; by default, the current folder.
    """


def _paths(command: _Command) -> _Command:
    return click.argument("paths", nargs=-1, type=_PATH)(command)


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print_problem(problem: str) -> None:
    click.echo(f"skipped: {problem}", err=True)


def _print_json(value: Any) -> None:
    import msgspec.json

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())


def _print_blocks(blocks: Iterable[RenderableType]) -> None:
    from rich.console import Console

    columns = min(shutil.get_terminal_size((100, 24)).columns, 140)
    console = Console(width=columns, legacy_windows=False, highlight=False)
    for block in blocks:
        console.print(block)


@cassettes.command()
@_paths
@_as_json
def stats(paths: tuple[Path, ...], as_json: bool) -> None:
    """Count recordings by provider, endpoint and model.

    The provider is found by its host, its paths or the marks of its dialect. TTFT is the time to
    the first token, ITL the time between two tokens; recordings of other tools have no times. The
    age is that of the newest recording.
    """
    from datetime import datetime, timezone

    from openai_mockserver.cassettes.analysis.reading import read_recordings
    from openai_mockserver.cassettes.analysis.statistics import collect_statistics
    from openai_mockserver.cassettes.analysis.tables import draw_statistics

    statistics = collect_statistics(read_recordings(paths or (Path(),), _print_problem))
    if as_json:
        _print_json(statistics)
    else:
        _print_blocks(draw_statistics(statistics, datetime.now(timezone.utc)))  # noqa: UP017


def _add_redaction(command: _Command) -> _Command:
    """Add the options of `record` that say what is secret too."""
    for option, name, metavar, what in (
        ("--redact-pattern", "patterns", "REGEX", "text that matches this regular expression"),
        ("--redact-path", "members", "PATH", "a member of JSON bodies, such as user,"),
        ("--redact-header", "headers", "NAME", "this header"),
    ):
        text = f"Take {what} for a secret too; may be repeated."
        command = click.option(option, name, multiple=True, metavar=metavar, help=text)(command)
    return command


@cassettes.command()
@_paths
@click.option("--check", "only_checks", is_flag=True, help="Change nothing; exit with 1 instead.")
@_add_redaction
def scrub(
    paths: tuple[Path, ...],
    only_checks: bool,
    headers: tuple[str, ...],
    members: tuple[str, ...],
    patterns: tuple[str, ...],
) -> None:
    """Remove secrets from stream files, by today's rules.

    Only the lines with a secret change, and the head of their exchange, which says what was
    redacted; a file without a secret is not touched. Files are replaced as a whole or not at all.
    Recordings of other tools are not changed: `import` removes their secrets.
    """
    from openai_mockserver.cassettes.analysis.reading import list_files
    from openai_mockserver.cassettes.analysis.secret_files import is_stream_file, scrub_file
    from openai_mockserver.cassettes.writer import write_file
    from openai_mockserver.exceptions import MockServerError

    redactor = _build_redactor(headers, members, patterns)
    changed = 0
    for path, is_named in list_files(paths or (Path(),)):
        if not is_stream_file(path):
            if is_named:
                raise MockServerError(f"{path} is no stream file; `import` makes one of it")
            continue
        scrubbed = scrub_file(path, redactor)
        for note in scrubbed.notes:
            click.echo(f"{path}: {note}", err=True)
        if not scrubbed.findings:
            continue
        changed += 1
        if not only_checks:
            mode = path.stat().st_mode & 0o777
            try:
                write_file(path, scrubbed.content)
                path.chmod(mode)
            except OSError as error:
                raise MockServerError(f"cannot write {path}: {error.strerror or error}") from None
        count = len(scrubbed.findings)
        would = "would be" if only_checks else "was" if count == 1 else "were"
        click.echo(f"{path}: {count} secret{'s' * (count != 1)} {would} removed")
    if changed and only_checks:
        raise SystemExit(1)


@cassettes.command()
@_paths
@_add_redaction
def check(
    paths: tuple[Path, ...],
    headers: tuple[str, ...],
    members: tuple[str, ...],
    patterns: tuple[str, ...],
) -> None:
    """Find secrets in recordings.

    Exits with 1 if there is one. Each secret is reported with its file, its line and its kind,
    and is never shown. Any file can be checked; one that is no recording is searched as text.
     `scrub` removes the secrets of stream
    files.
    """
    from openai_mockserver.cassettes.analysis.reading import list_files
    from openai_mockserver.cassettes.analysis.secret_files import search_file

    redactor = _build_redactor(headers, members, patterns)
    count = 0
    for path, _ in list_files(paths or (Path(),)):
        searched = search_file(path, redactor)
        for note in searched.notes:
            click.echo(f"{path}: {note}", err=True)
        for finding in searched.findings:
            click.echo(f"{path}:{finding.line}: {finding.kind}")
        count += len(searched.findings)
    if count:
        raise SystemExit(1)


def _build_redactor(
    headers: tuple[str, ...], members: tuple[str, ...], patterns: tuple[str, ...]
) -> Redactor:
    import re

    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.exceptions import MockServerError

    try:
        return Redactor(headers, members, patterns)
    except re.error as error:
        raise MockServerError(f"--redact-pattern: {error.pattern!r}: {error}") from None


@cassettes.command()
@_paths
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write: JSON, or YAML if its name says so.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def calibrate(paths: tuple[Path, ...], output: Path, force: bool) -> None:
    """Measure the pace of recorded streams.

    `serve --pace FILE` and `generate --pace FILE` play it. The file has a profile for each
    provider and model, and one called all. A profile contains the quantiles of TTFT and ITL,
    from which a server draws its times. FILE:MODEL chooses a profile.

    `serve --engine FILE` plays its engines: TTFT by the length of the prompt, and ITL by how many
    recorded streams ran at the same time.
    """
    from openai_mockserver.cassettes.analysis.calibration import calibrate, write_paces
    from openai_mockserver.cassettes.analysis.engine_calibration import (
        calibrate_engines,
        encode_engines,
    )
    from openai_mockserver.cassettes.analysis.reading import read_recordings
    from openai_mockserver.cassettes.analysis.statistics import collect_facts
    from openai_mockserver.cassettes.analysis.tables import draw_paces
    from openai_mockserver.exceptions import MockServerError

    if output.exists() and not force:
        raise MockServerError(f"{output} exists already; --force overwrites it")
    recordings = list(read_recordings(paths or (Path(),), _print_problem))
    calibrations = calibrate(recordings)
    engines = calibrate_engines(collect_facts(one.exchange) for one in recordings)
    is_yaml = output.suffix.lower() in (".yaml", ".yml")
    try:
        output.write_bytes(write_paces(calibrations, is_yaml, encode_engines(engines)))
    except OSError as error:
        raise MockServerError(f"cannot write {output}: {error.strerror or error}") from None
    _print_blocks([draw_paces(calibrations)])


_exact = click.option(
    "--exact", is_flag=True, help="Let ids, times and random padding count as differences too."
)


@cassettes.command()
@click.argument("old")
@click.argument("new")
@_exact
@_as_json
def diff(old: str, new: str, exact: bool, as_json: bool) -> None:
    """Compare two recordings.

    Exits with 0 if they are equal, and with 1 if they differ. First comes what was said: text,
    reasoning, calls, finish reason, usage; then the wire: status, headers, framing, and the
    chunks, which are aligned. OLD and NEW are files; FILE:2 is the second exchange in a file.
    When something came does not count. Neither do ids, times and random padding, unless --exact
    is given.
    """
    from openai_mockserver.cassettes.analysis.difference import compare_exchanges
    from openai_mockserver.cassettes.analysis.reading import read_one
    from openai_mockserver.cassettes.analysis.tables import draw_difference

    difference = compare_exchanges(read_one(old).exchange, read_one(new).exchange, exact)
    if as_json:
        _print_json(difference)
    elif difference:
        _print_blocks(draw_difference(difference))
    if difference:
        raise SystemExit(1)


@cassettes.command()
@click.argument("old")
@click.argument("new")
@_as_json
def drift(old: str, new: str, as_json: bool) -> None:
    """Compare the form of two recordings.

    They answer the same request. Exits with 1 if the form has changed. What is said does not
    count, only which members there are, their types and order, the kinds of chunks, the framing
    and the headers. Each change is followed by the clients that were measured to have trouble
    with it, and by the types of the SDK that promise something else. OLD and NEW are files;
    FILE:2 is the second exchange in a file.
    """
    from openai_mockserver.cassettes.analysis.drift import find_drift
    from openai_mockserver.cassettes.analysis.reading import read_one
    from openai_mockserver.cassettes.analysis.tables import draw_drift

    drifts = find_drift(read_one(old).exchange, read_one(new).exchange)
    if as_json:
        _print_json(drifts)
    elif drifts:
        _print_blocks(draw_drift(drifts))
    if drifts:
        raise SystemExit(1)
