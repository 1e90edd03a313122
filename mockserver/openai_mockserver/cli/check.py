"""``openai-mockserver check``."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from openai_mockserver.exceptions import CheckError, MockServerError

if TYPE_CHECKING:
    from openai_mockserver.judge import Address, Consumer, Report
    from openai_mockserver.judge.clients import Client

F = TypeVar("F", bound=Callable[..., Any])

WRONG, UNUSABLE = 1, 2
"""Exit codes: the consumer breaks a requirement; it cannot be checked."""

FORMATS = ("html", "junit", "json", "markdown", "badge")


def _path_option(name: str, what: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=f"Write {what} to this file.",
    )


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
@click.option(
    "--per-case",
    is_flag=True,
    help="Start COMMAND for each case: the prompt is on stdin, the answer is its stdout, and an "
    "exit code other than 0 is an error. {base_url}, {api_key}, {model} and {prompt} are replaced "
    "in its arguments.",
)
@click.option(
    "--url",
    help="Check an application that relays: post each request to this URL. It must use the address "
    "of --listen as its OpenAI server; COMMAND, if given, starts it.",
)
@click.option(
    "--gateway",
    metavar="URL",
    help="Check a gateway: send each request to this base URL, and compare what comes out with "
    "what went in. It must use the address of --listen; COMMAND, if given, starts it.",
)
@click.option(
    "--client",
    metavar="NAME",
    help="Check a known client, such as openai or 'ai-sdk responses': install it in an environment "
    "of its own if it is not there, and run it. --clients lists them.",
)
@click.option(
    "--clients",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, is_given: _print_clients(context) if is_given else None,
    help="List the known clients, and exit.",
)
@click.option(
    "--request-template",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --url, JSON to post instead of OpenAI's request; {{prompt}}, {{model}}, "
    "{{messages}} and {{request}} are replaced.",
)
@click.option(
    "--text-path",
    metavar="PATH",
    help="With --url, where the text is in an event that is not OpenAI's, such as delta.text.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="With --url or --gateway, a header to send. May be repeated.",
)
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    metavar="HOST:PORT",
    help="Address of the mock; port 0 chooses a free port.",
)
@click.option(
    "--case",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this case: the name of a stream, such as text or unicode@utf8, or the path of a "
    "stream file. May be repeated.",
)
@click.option(
    "--family",
    "families",
    multiple=True,
    metavar="FAMILY",
    help="Only the streams of this family. May be repeated.",
)
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="ENDPOINT",
    help="Only chat, completions, responses or transcriptions. May be repeated.",
)
@click.option(
    "--silence",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Seconds of the longest pause in a stream; longer ones are shortened.",
)
@click.option("--must-only", is_flag=True, help="Only streams whose requirement is a MUST.")
@click.option(
    "--reads",
    help="How the bytes arrive, separated by commas: recorded, whole, events, bytes, utf8, crlf, "
    "or all.  [default: recorded; a sample of streams in all of them]",
)
@click.option(
    "--draw",
    type=click.IntRange(1),
    metavar="N",
    help="Also draw N streams at random, and reduce those that fail to the smallest. Needs "
    "Hypothesis.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of --draw.")
@click.option(
    "--patience",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds after which a consumer that reports nothing hangs; choose more than its own "
    "timeout. Known clients have 30 unless it is given.",
)
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of programs, and of cases at the same time.",
)
@_path_option("html", "the report as a page")
@_path_option("junit", "the report as JUnit XML")
@_path_option("json", "the report as JSON")
@_path_option("markdown", "the report as Markdown, for a pull request")
@_path_option("badge", "the JSON of a badge for shields.io")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Known failures, such as the JSON report of an earlier check: they do not fail this one, "
    "but new failures do, and known ones that are mended.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also print what does not fail the check.")
def check(**options: Any) -> None:
    """Judge a consumer of streams: what does it make of everything that servers send?

    The consumer is COMMAND, a program that reads a line of JSON for each case (case, base_url,
    api_key, endpoint, path, request), sends the request, and writes a line of JSON with what it
    made of the answer: any of text, tool_calls, finish_reason, refusal, reasoning, usage, error,
    unsupported. What it leaves out is not judged.

    The exit code is 0 if it breaks no requirement, 1 if it does, 2 if it cannot be checked.
    """
    try:
        report = _run(options)
    except click.ClickException:
        raise
    except MockServerError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(UNUSABLE)
    if not report.ok:
        sys.exit(WRONG)


def _run(options: dict[str, Any]) -> Report:
    from dataclasses import replace

    from rich.console import Console

    from openai_mockserver.judge import check_consumer, read_baseline, select_cases
    from openai_mockserver.judge.gateway import gateway_cases, grade_gateway
    from openai_mockserver.judge.grading import grade_outcome
    from openai_mockserver.judge.terminal import print_report, show_progress

    is_gateway = options["gateway"] is not None
    client = _find_client(options)
    name, consumer = _choose_consumer(options) if client is None else _open_client(client, options)
    address = _read_address(options["listen"])
    baseline = read_baseline(options["baseline"]) if options["baseline"] else None
    cases = select_cases(
        names=options["names"],
        families=options["families"],
        endpoints=options["endpoints"] or ((client.endpoint,) if client else ()),
        must_only=options["must_only"],
        reads=_read_reads(options["reads"]),
        silence=options["silence"],
    )
    if is_gateway:
        cases = gateway_cases(cases)
    for kind in FORMATS:
        _check_writable(options[kind])
    console = Console(stderr=True)
    versions = _install(client) if client is not None else None
    with ExitStack() as stack:
        address = stack.enter_context(_start_application(options, address))
        add = stack.enter_context(show_progress(console, len(cases)))
        report = check_consumer(
            name,
            consumer,
            cases,
            workers=options["workers"],
            address=address,
            manner=client.manner if client is not None else None,
            grade=grade_gateway if is_gateway else grade_outcome,
            versions=versions,
            baseline=baseline,
            on_result=add,
        )
        if options["draw"]:
            from openai_mockserver.judge.drawing import draw_results

            drawn = draw_results(consumer, options["draw"], options["seed"], address)
            results = (*report.results, *drawn)
            report = replace(report, results=results, drawn=options["draw"])
    print_report(Console(), report, options["verbose"])
    _write_reports(report, options)
    return report


def _print_clients(context: click.Context) -> None:
    """Print the table of known clients, and exit."""
    from openai_mockserver.judge.clients import CLIENTS

    width = max(len(client.name) for client in CLIENTS)
    for client in CLIENTS:
        click.echo(f"{client.name:<{width}}  {client.language:<10}  {client.notes}")
    context.exit()


def _find_client(options: dict[str, Any]) -> Client | None:
    """Return the client that ``--client`` names."""
    from openai_mockserver.judge.clients import find_client

    if options["client"] is None:
        return None
    others = ("command", "per_case", "url", "gateway", "request_template", "text_path", "headers")
    if any(options[name] for name in others):
        raise click.UsageError("--client is the consumer: name no COMMAND, --url or --gateway")
    return find_client(options["client"])


def _open_client(client: Client, options: dict[str, Any]) -> tuple[str, Consumer]:
    """Return the name of a known client and how to open it."""
    from openai_mockserver.judge.clients import PATIENCE, open_client

    source = click.get_current_context().get_parameter_source("patience")
    is_default = source is ParameterSource.DEFAULT
    return client.name, partial(
        open_client, client, PATIENCE if is_default else options["patience"]
    )


def _install(client: Client) -> dict[str, str]:
    """Install a client if it is missing; return the versions of its packages."""
    from openai_mockserver.judge.clients import find_versions, get_folder, install, is_installed

    environment = client.environment
    if not is_installed(environment):
        folder = get_folder(environment)
        click.echo(f"installing {' '.join(environment.packages)} in {folder}", err=True)
    install(environment)
    return find_versions(environment)


def _choose_consumer(options: dict[str, Any]) -> tuple[str, Consumer]:
    """Return the name of the consumer and how to open it."""
    from openai_mockserver.judge import open_program, open_program_per_case
    from openai_mockserver.judge.gateway import open_gateway
    from openai_mockserver.judge.relay import open_relay, read_template

    command, patience = options["command"], options["patience"]
    url, gateway = options["url"], options["gateway"]
    if url is not None and gateway is not None:
        raise click.UsageError("--url and --gateway exclude each other")
    if options["per_case"] and (url is not None or gateway is not None or not command):
        raise click.UsageError("--per-case needs a COMMAND, and neither --url nor --gateway")
    if url is None and (options["request_template"] or options["text_path"]):
        raise click.UsageError("--request-template and --text-path need --url")
    headers = dict(map(_read_header, options["headers"]))
    if headers and url is None and gateway is None:
        raise click.UsageError("--header needs --url or --gateway")
    if gateway is not None:
        return gateway, partial(open_gateway, gateway, patience, headers=headers)
    if url is not None:
        template = options["request_template"]
        more = {"template": read_template(template)} if template else {}
        return url, partial(
            open_relay, url, patience, text_path=options["text_path"], headers=headers, **more
        )
    if not command:
        raise click.UsageError(
            "name the consumer: -- COMMAND, --client NAME, --url URL or --gateway URL"
        )
    opened = open_program_per_case if options["per_case"] else open_program
    return shlex.join(command), partial(opened, command, patience)


def _read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or "\n" in value:
        raise click.UsageError(f"--header {text!r}: must be NAME: VALUE")
    return name, value.strip()


def _read_address(text: str) -> Address:
    """Return the address of ``--listen``."""
    from openai_mockserver.judge import Address

    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.UsageError(f"--listen {text!r}: must be HOST:PORT")
    return Address(host.strip("[]"), int(port))


def _read_reads(text: str | None) -> tuple[str, ...] | None:
    from openai_mockserver.judge import READS

    if text is None:
        return None
    return tuple(READS) if text == "all" else tuple(text.split(","))


def _check_writable(path: Path | None) -> None:
    """Raise CheckError now rather than after the check if a report cannot be written."""
    if path is None:
        return
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise CheckError(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def _start_application(options: dict[str, Any], address: Address) -> Iterator[Address]:
    """Start the application or gateway that COMMAND names, if it does; yield the mock's address."""
    from openai_mockserver.judge.application import start_application

    target = options["url"] or options["gateway"]
    if target is None:
        yield address
        return
    command = options["command"]
    if not command and not address.port:
        raise click.UsageError(
            "--url and --gateway need a port in --listen, such as --listen 127.0.0.1:8000, which "
            "the application uses as its OpenAI server; or a COMMAND that starts it"
        )
    with start_application(command, target, address) as used:
        yield used


def _write_reports(report: Report, options: dict[str, Any]) -> None:
    from openai_mockserver.judge.reports import FORMATS as WRITERS

    for kind in FORMATS:
        path: Path | None = options[kind]
        if path is not None:
            try:
                path.write_text(WRITERS[kind](report), "utf-8")
            except OSError as error:
                raise CheckError(f"cannot write {path}: {error.strerror or error}") from None
