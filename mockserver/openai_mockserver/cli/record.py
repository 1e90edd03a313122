"""``openai-mockserver record``."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openai_mockserver import __version__
from openai_mockserver.cli.address import (
    allow_host,
    describe_exposure,
    format_url,
    host,
    leads_to,
    port,
)
from openai_mockserver.cli.limits import max_body, max_upload, request_timeout
from openai_mockserver.cli.log import KEEP_BYTES, KEEP_CALLS, KEPT, log_call
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.journal import Call


@click.command()
@click.option(
    "--upstream", required=True, help="The base URL to ask, as https://api.openai.com/v1."
)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to record into."
)
@host
@port
@allow_host
@click.option(
    "--redact-header", "headers", multiple=True, help="Take out this header too; may be repeated."
)
@click.option("--redact-path", "paths", multiple=True, help="Take out this member of JSON bodies.")
@click.option("--redact-pattern", "patterns", multiple=True, help="Take out what matches this.")
@max_body
@max_upload
@request_timeout
@click.option("--quiet", "-q", is_flag=True, help="Log no calls.")
def record(
    upstream: str,
    output: Path,
    host: str,
    port: int,
    allow_hosts: tuple[str, ...],
    headers: tuple[str, ...],
    paths: tuple[str, ...],
    patterns: tuple[str, ...],
    max_body: int,
    max_upload: int,
    request_timeout: float | None,
    quiet: bool,
) -> None:
    """Pass requests on to an upstream, and record what it answers.

    The client sees the untouched stream. Each exchange goes into a stream file of its own, without
    keys, cookies and ids of organisations and projects. Web pages are answered only if they come
    from localhost.
    """
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.server import bind
    from openai_mockserver.server import serve as serve_forever

    try:
        redactor = Redactor(headers, paths, patterns)
    except re.error as error:
        raise MockServerError(f"--redact-pattern: {error}") from None
    failed: dict[int, str] = {}
    count = 0

    def note(call: Call) -> None:
        nonlocal count
        count = max(count, call.number)
        if call.unrecorded is not None:
            failed[call.number] = call.unrecorded

    def on_end(call: Call) -> None:
        note(call)
        if not quiet:
            log_call(call)

    mock = MockOpenAI(
        upstream=upstream,
        record=output,
        redactor=redactor,
        keep_calls=KEEP_CALLS,
        keep_bytes=KEEP_BYTES,
        on_end=on_end,
        host=host,
        allow_hosts=allow_hosts,
        max_body=max_body,
        max_upload=max_upload,
        request_timeout=request_timeout,
    )
    import_module("openai_mockserver.server.relay")  # now, and not within the first request
    listener = bind(host, port)
    own_port = listener.getsockname()[1]
    if leads_to(upstream, host, own_port):
        listener.close()
        raise MockServerError(
            f"the upstream {upstream} is this server itself, which listens on {host}, port "
            f"{own_port}: name the upstream's own URL, or choose another --port"
        )
    url = format_url(host, own_port)
    exposure = describe_exposure(host, "can send requests to the upstream, and is recorded")

    def announce() -> None:
        click.echo(f"openai-mockserver {__version__} records {upstream} on {url}")
        click.echo(KEPT)
        click.echo(f"  export OPENAI_BASE_URL={url}\n")
        if exposure is not None:
            click.echo(f"{exposure}\n")

    door = replace(mock.door(), on_slow=None if quiet else log_call)
    serve_forever(door, listener, announce)
    click.echo("stopped")
    # What was broken off by the end may have failed after it.
    for call in mock.calls:
        note(call)
    # What is no longer kept may have failed after it was over, and is only counted.
    if n := max(len(failed), mock.calls.problem_counts.unrecorded_calls):
        first = f": {failed[min(failed)]}" if failed else ""
        raise MockServerError(f"{n} of {count} calls were not recorded whole{first}")
