"""``openai-mockserver generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import click

from openai_mockserver.exceptions import MockServerError


@click.command()
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write to; without it, the streams are printed.",
)
@click.option(
    "--count",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Number of streams.",
)
@click.option(
    "--seed",
    default="0",
    show_default=True,
    help="Seed for all content; another seed gives other streams.",
)
@click.option(
    "--request",
    "file",
    type=click.File("rb"),
    help="File with the JSON of the request to answer; - reads stdin.  [default: requests are "
    "generated]",
)
@click.option(
    "--model",
    help="Model to request.  [default: the one in --request, or one that fits the endpoint]",
)
@click.option(
    "--endpoint",
    default="chat",
    show_default=True,
    type=click.Choice(["chat", "responses", "completions"]),
    help="API whose responses to generate.",
)
@click.option("--no-stream", is_flag=True, help="Generate JSON bodies instead of event streams.")
@click.option("--dialect", help="Imitate this provider, such as azure or openrouter.")
@click.option(
    "--pace",
    help="Pauses between events: a profile, TTFT,ITL[,JITTER] in seconds, or a file of `cassettes "
    "calibrate`.  [default: none]",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Fault to put into every stream, such as 'reset; after=3' or 'variation(\"no role\")'; "
    "`openai-mockserver faults` lists all. May be repeated.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
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
    """Generate streams as stream files, each with its request and the expected reply.

    Without --request, the requests are generated too. They cover text, tool calls, JSON for a
    schema, several choices and more, one after another. The same arguments always give the same
    bytes. To replay the files, pass them to `openai-mockserver serve`.
    """
    from openai_mockserver.cassettes import dumps
    from openai_mockserver.corpus import corpus
    from openai_mockserver.faults import parse
    from openai_mockserver.pacing import find_pace

    exchanges = corpus(
        count,
        seed,
        request=None if file is None else _read_request(file),
        model=model,
        endpoint=endpoint,
        stream=False if no_stream else None,
        dialect=dialect,
        pace=None if pace is None else find_pace(pace),
        faults=parse(",".join(faults)),
    )
    if output is None:
        for exchange in exchanges:
            click.echo(dumps(exchange.script, exchange.about), nl=False)
        return
    files = {output / f"{e.about['name']}.jsonl": e for e in exchanges}
    existing_file = next((path for path in files if path.exists()), None)
    if existing_file is not None and not force:
        raise MockServerError(f"{existing_file} exists already; --force overwrites it")
    try:
        output.mkdir(parents=True, exist_ok=True)
        for path, exchange in files.items():
            path.write_bytes(dumps(exchange.script, exchange.about))
            click.echo(f"{path}: {exchange.about['description']}")
    except OSError as error:
        raise MockServerError(f"cannot write to {output}: {error.strerror or error}") from None


def _read_request(file: BinaryIO) -> dict[str, Any]:
    """Read a request's parameters. Raises MockServerError if they are not a JSON object."""
    import msgspec.json

    from openai_mockserver.bounded_input import InputProblem, is_deeper, read_stream

    try:
        request = msgspec.json.decode(read_stream(file, _MOST_REQUEST), type=dict[str, Any])
        if is_deeper(request):
            raise InputProblem("it is nested too deeply")
    except OSError as error:
        raise MockServerError(f"cannot read {file.name}: {error.strerror or error}") from None
    except InputProblem as error:
        raise MockServerError(f"{file.name}: {error}") from None
    except RecursionError:
        raise MockServerError(f"{file.name}: it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MockServerError(f"{file.name}: a request must be a JSON object: {error}") from None
    return request


_MOST_REQUEST = 32 * 2**20  # bytes
