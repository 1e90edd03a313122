"""``openai-mockserver import``."""

from __future__ import annotations

from pathlib import Path

import click

from openai_mockserver.exceptions import MockServerError


@click.command(name="import")
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
            try:
                dump(target, [without_secrets(exchange, redactor) for exchange in exchanges])
            except RecursionError:
                raise MockServerError(f"{file}: a request in it is nested too deeply") from None
            click.echo(f"{target}: {len(exchanges)} exchange{'s' * (len(exchanges) != 1)}")
    except OSError as error:
        raise MockServerError(f"cannot write to {output}: {error.strerror or error}") from None
