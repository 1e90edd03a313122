"""``openai-mockserver generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import click

from openai_mockserver.exceptions import MockServerError


@click.command()
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
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Of every answer, as in 'reset; after=3'; may be repeated.",
)
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
        raise MockServerError(f"{file.name}: a request is a JSON object: {error}") from None
    return request


_MOST_REQUEST = 32 * 2**20
