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
    is_same_server,
    port,
)
from openai_mockserver.cli.environment import add_variables
from openai_mockserver.cli.limits import max_body, max_upload, request_timeout
from openai_mockserver.cli.log import KEEP_BYTES, KEEP_CALLS, KEEPS, Log, log_format
from openai_mockserver.cli.tls import make_tls, tls_options
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.journal import Call


@add_variables
@click.command()
@click.option(
    "--upstream",
    required=True,
    help="Base URL to forward requests to, such as https://api.openai.com/v1.",
)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to write to."
)
@host
@port
@allow_host
@click.option(
    "--redact-header", "headers", multiple=True, help="Redact this header too; may be repeated."
)
@click.option(
    "--redact-path",
    "paths",
    multiple=True,
    help="Redact this member of JSON bodies, such as user or messages[*].name; may be repeated.",
)
@click.option(
    "--redact-pattern",
    "patterns",
    multiple=True,
    help="Redact text that matches this regular expression; may be repeated.",
)
@tls_options
@max_body
@max_upload
@request_timeout
@click.option("--quiet", "-q", is_flag=True, help="Do not log calls.")
@log_format
def record(
    upstream: str,
    output: Path,
    host: str,
    port: int,
    allow_hosts: tuple[str, ...],
    headers: tuple[str, ...],
    paths: tuple[str, ...],
    patterns: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_self_signed: bool,
    max_body: int,
    max_upload: int,
    request_timeout: float | None,
    quiet: bool,
    log_format: str,
) -> None:
    """Forward requests to an upstream and record its responses.

    The client receives the upstream's stream unchanged. Each exchange is written to its own stream
    file, from which keys, cookies, organization ids and project ids are redacted. Requests from web
    pages are answered only if the page comes from localhost.
    """
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.server import bind
    from openai_mockserver.server import serve as serve_forever

    try:
        redactor = Redactor(headers, paths, patterns)
    except re.error as error:
        raise MockServerError(f"--redact-pattern: {error}") from None
    log = Log(log_format, quiet)
    tls = make_tls(tls_cert, tls_key, tls_self_signed, (host, *allow_hosts))
    context = None if tls is None else tls.context
    log_call = log.on_end
    problems: dict[int, str] = {}
    count = 0

    def note_problem(call: Call) -> None:
        nonlocal count
        count = max(count, call.number)
        if call.unrecorded is not None:
            problems[call.number] = call.unrecorded

    def on_end(call: Call) -> None:
        note_problem(call)
        if log_call is not None:
            log_call(call)

    mock = MockOpenAI(
        upstream=upstream,
        record=output,
        redactor=redactor,
        keep_calls=KEEP_CALLS,
        keep_bytes=KEEP_BYTES,
        on_end=on_end,
        tls=context,
        host=host,
        allow_hosts=allow_hosts,
        max_body=max_body,
        max_upload=max_upload,
        request_timeout=request_timeout,
    )
    import_module("openai_mockserver.server.relay")  # now rather than during the first request
    listener = bind(host, port)
    own_port = listener.getsockname()[1]
    if is_same_server(upstream, host, own_port):
        listener.close()
        raise MockServerError(
            f"the upstream {upstream} is this server itself (it listens on {host}, port "
            f"{own_port}): give the upstream's URL, or choose another --port"
        )
    url = format_url(host, own_port, tls is not None)
    exposure = describe_exposure(host, "can send requests to the upstream, which are recorded")

    def announce() -> None:
        lines = [f"openai-mockserver {__version__} records {upstream} on {url}", KEEPS]
        if tls is not None:
            lines.append(tls.describe())
        lines.append(f"  export OPENAI_BASE_URL={url}\n")
        fields = {"upstream": upstream, "tls": tls and tls.fingerprint}
        log.start("\n".join(lines), version=__version__, url=url, **fields)
        if exposure is not None:
            log.warn(exposure)

    serve_forever(replace(mock.door(), on_slow=log.on_slow), listener, announce, context)
    log.stop()
    # A call that was interrupted when the server stopped may not have been recorded.
    for call in mock.calls:
        note_problem(call)
    # Problems of calls that the journal has dropped are only counted.
    if n := max(len(problems), mock.calls.problem_counts.unrecorded_calls):
        first = f": {problems[min(problems)]}" if problems else ""
        raise MockServerError(f"{n} of {count} calls were not recorded completely{first}")
