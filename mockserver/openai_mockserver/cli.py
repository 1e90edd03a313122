"""The command: ``openai-mockserver``.

Rules of this file: it reads arguments and prints; what it does is done elsewhere, and imported when
a subcommand needs it. Bad input ends in one sentence and a non-zero exit, never in a traceback.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from openai_mockserver import __version__
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.cassettes import Exchange
    from openai_mockserver.journal import Call
    from openai_mockserver.request import Request

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="openai-mockserver")
def commands() -> None:
    """A fake OpenAI-compatible server, for testing code that consumes model streams."""


def main() -> None:
    """The entry point of the command."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MockServerError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


@commands.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free."
)
@click.option("--stream", "names", multiple=True, help="Answer with this ready-made stream.")
@click.option(
    "--seed",
    help="Of all that is made up: with one, ids and times too are always the same.  "
    "[default: 0 for what is said, new ids and times]",
)
@click.option(
    "--pace",
    help="A profile, or TTFT,ITL[,JITTER] in seconds; none for no waiting.  [default: gpt-4o]",
)
@click.option("--api-key", help="Refuse requests that have another key.")
@click.option("--fault", "faults", multiple=True, help="Of every reply, as in 'reset; after=3'.")
@click.option(
    "--allow-header-faults", is_flag=True, help="Obey the request header x-mockserver-fault."
)
@click.option("--dialect", help="Answer as this provider does, as in azure or openrouter.")
@click.option("--lenient", is_flag=True, help="Let unknown request parameters pass.")
@click.option("--quiet", "-q", is_flag=True, help="Log no calls.")
def serve(
    files: tuple[Path, ...],
    host: str,
    port: int,
    names: tuple[str, ...],
    seed: str | None,
    pace: str | None,
    api_key: str | None,
    faults: tuple[str, ...],
    allow_header_faults: bool,
    dialect: str | None,
    lenient: bool,
    quiet: bool,
) -> None:
    """Serve OpenAI's API.

    Without FILES it answers anything, with plausible text at a realistic pace; the same request
    gets the same answer, and with --seed the same bytes on every machine. FILES say what to answer
    instead:

    \b
      scenario.yaml, .json   rules and replies
      recording.sse          the body of a recorded stream, replayed byte for byte
      stream.jsonl           a stream file
      streams/               a folder of recordings and stream files

    A stream whose file says what was asked answers that request; to others all recordings and
    streams answer in turn. `openai-mockserver streams` lists the ready-made ones,
    which any request can also ask for by model="mockserver/NAME". Options go before what a
    scenario says.
    """
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.faults import parse
    from openai_mockserver.files import add_files
    from openai_mockserver.generate import generate as made_up
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.pacing import profile
    from openai_mockserver.rules import faulty
    from openai_mockserver.server import bind
    from openai_mockserver.server import serve as serve_forever

    wrong = parse(",".join(faults))

    def generated(request: Request) -> object:
        return faulty(made_up(request.json, "0" if seed is None else seed), *wrong)

    mock = MockOpenAI(
        api_key=api_key,
        seed=seed,
        header_faults=allow_header_faults,
        lenient=lenient,
        dialect=dialect,
        pace=None if pace is None else profile(pace),
        fast_retries=False,
        default=None if files or names else generated,
        keep_calls=1000,
        on_end=None if quiet else _log,
    )
    add_files(mock, files, names, wrong)
    mock.pace = mock.pace or profile("gpt-4o")
    listener = bind(host, port)
    port = listener.getsockname()[1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"

    def announce() -> None:
        click.echo(f"openai-mockserver {__version__} answers on {url} (Ctrl-C stops it)\n")
        click.echo(f"  export OPENAI_BASE_URL={url}")
        click.echo(f"  export OPENAI_API_KEY={mock.api_key or API_KEY}\n")

    serve_forever(mock.respond, listener, announce)
    click.echo("stopped")


def _log(call: Call) -> None:
    took = time.time() - call.started
    # Whoever read the log may be gone; the streams go on.
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"{time.strftime('%H:%M:%S')} {call.line()}, {took:.2f} s")


@commands.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder to write into; else printed."
)
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--seed", default="0", show_default=True, help="Another gives other streams.")
@click.option(
    "--request",
    "file",
    type=click.File("rb"),
    help="The JSON that is asked; - reads it from stdin.",
)
@click.option("--model", help="Whom to ask.  [default: the request's, or one of the endpoint's]")
@click.option(
    "--endpoint",
    default="chat",
    show_default=True,
    type=click.Choice(["chat", "responses", "completions"]),
)
@click.option("--no-stream", is_flag=True, help="Ask for bodies instead of streams.")
@click.option("--dialect", help="Answer as this provider does, as in azure or openrouter.")
@click.option("--pace", help="A profile, or TTFT,ITL[,JITTER] in seconds.  [default: none]")
@click.option("--fault", "faults", multiple=True, help="Of every answer, as in 'reset; after=3'.")
@click.option("--force", is_flag=True, help="Write over files that are there already.")
def generate(
    output: Path | None,
    count: int,
    seed: str,
    file: BinaryIO | None,
    model: str | None,
    endpoint: str,
    no_stream: bool,
    dialect: str | None,
    pace: str | None,
    faults: tuple[str, ...],
    force: bool,
) -> None:
    """Make streams up, each with its request and its right answer, as stream files.

    Without a request of yours, requests are made up too: for text, tool calls, JSON of a schema,
    several choices and what else there is, in turn. The same arguments give the same bytes;
    `openai-mockserver serve` answers with them.
    """
    from openai_mockserver.cassettes import dumps
    from openai_mockserver.corpus import corpus
    from openai_mockserver.faults import parse
    from openai_mockserver.pacing import profile

    exchanges = corpus(
        count,
        seed,
        request=None if file is None else _request(file),
        model=model,
        endpoint=endpoint,
        stream=False if no_stream else None,
        dialect=dialect,
        pace=None if pace is None else profile(pace),
        faults=parse(",".join(faults)),
    )
    if output is None:
        for exchange in exchanges:
            click.echo(dumps(exchange.script, exchange.about), nl=False)
        return
    made = {output / f"{e.about['name']}.jsonl": e for e in exchanges}
    there = next((path for path in made if path.exists()), None)
    if there is not None and not force:
        raise MockServerError(f"{there} is there already; --force writes over it")
    try:
        output.mkdir(parents=True, exist_ok=True)
        for path, exchange in made.items():
            path.write_bytes(dumps(exchange.script, exchange.about))
            click.echo(f"{path}: {exchange.about['description']}")
    except OSError as error:
        raise MockServerError(f"cannot write to {output}: {error.strerror or error}") from None


def _request(file: BinaryIO) -> dict[str, Any]:
    """A request's parameters. Raises MockServerError where they are no JSON object."""
    import msgspec.json

    try:
        return msgspec.json.decode(file.read(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MockServerError(f"{file.name}: a request is a JSON object: {error}") from None


@commands.command()
@click.option(
    "--upstream", required=True, help="The base URL to ask, as https://api.openai.com/v1."
)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to record into."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free."
)
@click.option("--redact-header", "headers", multiple=True, help="Take out this header too.")
@click.option("--redact-path", "paths", multiple=True, help="Take out this member of JSON bodies.")
@click.option("--redact-pattern", "patterns", multiple=True, help="Take out what matches this.")
@click.option("--quiet", "-q", is_flag=True, help="Log no calls.")
def record(
    upstream: str,
    output: Path,
    host: str,
    port: int,
    headers: tuple[str, ...],
    paths: tuple[str, ...],
    patterns: tuple[str, ...],
    quiet: bool,
) -> None:
    """Pass requests on to an upstream, and record what it answers.

    The client sees the untouched stream. Each exchange goes into a stream file of its own, without
    keys, cookies and ids of organisations and projects.
    """
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.server import bind
    from openai_mockserver.server import serve as serve_forever

    try:
        redactor = Redactor(headers, paths, patterns)
    except re.error as error:
        raise MockServerError(f"--redact-pattern: {error}") from None
    mock = MockOpenAI(
        upstream=upstream,
        record=output,
        redactor=redactor,
        keep_calls=1000,
        on_end=None if quiet else _log,
    )
    listener = bind(host, port)
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/v1"

    def announce() -> None:
        click.echo(f"openai-mockserver {__version__} records {upstream} on {url}\n")
        click.echo(f"  export OPENAI_BASE_URL={url}\n")

    serve_forever(mock.respond, listener, announce)
    click.echo("stopped")


@commands.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--json", "as_text", is_flag=True, help="The same facts for machines, a line each.")
@click.option("--width", type=click.IntRange(40), help="Columns; by default the terminal's.")
def show(files: tuple[Path, ...], as_text: bool, width: int | None) -> None:
    """Draw recorded streams against time, and say what they mean and what is odd about them.

    FILES are stream files, or recordings of any kind that `import` reads; or the name of a
    ready-made stream.
    """
    import msgspec.json

    from openai_mockserver.show import as_json, draw

    columns = width or min(shutil.get_terminal_size((100, 24)).columns, 140)
    for file in files:
        for exchange in _exchanges(file):
            if as_text:
                click.echo(msgspec.json.encode(as_json(exchange)).decode())
            else:
                click.echo(f"{draw(exchange, columns)}\n")


def _exchanges(file: Path) -> list[Exchange]:
    """The exchanges of a file of any kind, or of a ready-made stream."""
    from openai_mockserver import catalogue
    from openai_mockserver.cassettes import Exchange
    from openai_mockserver.cassettes.importers import import_file

    name = str(file)
    if name in catalogue.names() and not file.exists():
        found = catalogue.stream(name)
        return [Exchange(found.script, {"name": name, "description": found.description})]
    return import_file(file)


@commands.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to write into."
)
@click.option("--keep-secrets", is_flag=True, help="Take nothing out.")
def import_(files: tuple[Path, ...], output: Path, keep_secrets: bool) -> None:
    """Turn recordings of other tools into stream files.

    vcrpy, go-vcr and Ruby VCR cassettes, HAR, Vercel .chunks.txt, .sse, JSON lines of chunks. Keys,
    cookies and ids of organisations and projects are taken out.
    """
    from openai_mockserver.cassettes import dump
    from openai_mockserver.cassettes.importers import import_file
    from openai_mockserver.cassettes.redact import Redactor, without_secrets

    redactor = Redactor(enabled=not keep_secrets)
    read = [(file, import_file(file)) for file in files]
    try:
        output.mkdir(parents=True, exist_ok=True)
        for file, exchanges in read:
            target = output / f"{file.name.split('.')[0]}.jsonl"
            if target.exists():
                raise MockServerError(f"{target} is there already")
            dump(target, [without_secrets(exchange, redactor) for exchange in exchanges])
            click.echo(f"{target}: {len(exchanges)} exchange{'s' * (len(exchanges) != 1)}")
    except OSError as error:
        raise MockServerError(f"cannot write to {output}: {error.strerror or error}") from None


@commands.command()
@click.argument("family", required=False)
def streams(family: str | None) -> None:
    """List the ready-made streams, or those of a FAMILY."""
    from openai_mockserver import catalogue

    for one in catalogue.streams(family):
        click.echo(f"{one.family:<12} {one.name:<26} {one.description}")
