"""``openai-mockserver serve``."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openai_mockserver import __version__
from openai_mockserver.cli.address import allow_host, describe_exposure, format_url, host, port
from openai_mockserver.cli.limits import max_body, max_upload, request_timeout
from openai_mockserver.cli.log import KEEP_BYTES, KEEP_CALLS, KEPT, log_call
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from openai_mockserver.request import Request

_THRESHOLDS = (10_000, 20, 20)
"""Of the garbage collector: a request leaves little that only it finds."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, readable=False))
@host
@port
@click.option(
    "--stream", "names", multiple=True, help="Answer with this ready-made stream; may be repeated."
)
@click.option(
    "--seed",
    help="Of all that is made up: with one, ids and times too are always the same.  "
    "[default: 0 for what is said, new ids and times]",
)
@click.option(
    "--pace",
    help="A profile, or TTFT,ITL[,JITTER] in seconds; none for no waiting.  [default: gpt-4o]",
)
@allow_host
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin ask, as in https://app.example.com, beside those of localhost; "
    "* lets every web page in; may be repeated.",
)
@click.option("--api-key", help="Refuse requests that have another key.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Of every reply, as in 'reset; after=3'; may be repeated.",
)
@click.option(
    "--allow-header-faults", is_flag=True, help="Obey the request header x-mockserver-fault."
)
@click.option("--dialect", help="Answer as this provider does, as in azure or openrouter.")
@click.option(
    "--in-turn",
    is_flag=True,
    help="Let recordings that state their request answer other requests too, in turn.",
)
@click.option(
    "--match",
    multiple=True,
    metavar="WHAT",
    help="What of a request has to equal a recorded one: method, path, query, body, or json:PATH, "
    "as in json:messages[-1].content; may be repeated.  [default: method, path, body]",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATH",
    help="Leave out this member of the body when requests are compared, as in user or "
    "messages[*].name; * is the whole body; may be repeated.",
)
@click.option(
    "--normalize",
    multiple=True,
    metavar="NAME",
    help="Even this out in all texts when requests are compared: dates, uuids, ids, whitespace, or "
    "key_order; may be repeated.",
)
@click.option(
    "--normalize-pattern",
    "normalize_patterns",
    multiple=True,
    metavar="REGEX",
    help="Even out what matches this in texts; may be repeated.",
)
@click.option("--lenient", is_flag=True, help="Let unknown request parameters pass.")
@click.option(
    "--no-coalesce",
    is_flag=True,
    help="Write each event by itself, even if several are due at the same time.",
)
@max_body
@max_upload
@request_timeout
@click.option("--quiet", "-q", is_flag=True, help="Log no calls.")
def serve(
    files: tuple[Path, ...],
    host: str,
    port: int,
    names: tuple[str, ...],
    seed: str | None,
    pace: str | None,
    allow_hosts: tuple[str, ...],
    allow_origins: tuple[str, ...],
    api_key: str | None,
    faults: tuple[str, ...],
    allow_header_faults: bool,
    dialect: str | None,
    in_turn: bool,
    match: tuple[str, ...],
    ignore: tuple[str, ...],
    normalize: tuple[str, ...],
    normalize_patterns: tuple[str, ...],
    lenient: bool,
    no_coalesce: bool,
    max_body: int,
    max_upload: int,
    request_timeout: float | None,
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
      page.har, vcr.yaml     what else `import` knows: HAR, cassettes, chunks, curl -i
      streams/               a folder of recordings and stream files

    A stream whose file states its request answers that request, at any path, and others only with
    --in-turn; streams whose files state none answer any request, in turn. --match, --ignore and
    --normalize say how requests are compared. `openai-mockserver
    streams` lists the ready-made ones, which any request can also ask for by
    model="mockserver/NAME". Options go before what a scenario says.
    """
    loading: threading.Thread | None = None
    if not (files or names):  # what is made up is cut into tokens; recordings are not
        # Beside the imports: for two thirds of its time it does not need the interpreter. No
        # daemon, as the interpreter must not go away under native code.
        loading = threading.Thread(target=_load_vocabulary)
        loading.start()

    from openai_mockserver.access import ANY
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.faults import parse
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
        lenient_faults=True,
        lenient=lenient,
        coalesce=not no_coalesce,
        dialect=dialect,
        pace=None if pace is None else profile(pace),
        fast_retries=False,
        default=None if files or names else generated,
        keep_calls=KEEP_CALLS,
        keep_bytes=KEEP_BYTES,
        on_end=None if quiet else log_call,
        host=host,
        allow_hosts=allow_hosts,
        allow_origins=allow_origins,
        max_body=max_body,
        max_upload=max_upload,
        request_timeout=request_timeout,
    )
    if files or names or match or ignore or normalize or normalize_patterns:
        from openai_mockserver.cassettes.matching import DEFAULT, Matching
        from openai_mockserver.files import add_files

        matching = Matching(match or DEFAULT, ignore, normalize, normalize_patterns)
        add_files(mock, files, names, wrong, in_turn, matching)
    mock.pace = mock.pace or profile("gpt-4o")
    listener = bind(host, port)
    url = format_url(host, listener.getsockname()[1])
    exposure = describe_exposure(host, "can ask it" + (", with the key" if api_key else ""))

    def announce() -> None:
        if loading is not None:
            loading.join()  # or the first requests would each load it themselves
        gc.set_threshold(*_THRESHOLDS)
        click.echo(f"openai-mockserver {__version__} answers on {url} (Ctrl-C stops it)")
        click.echo(KEPT)
        if missing := _describe_missing_extra():
            click.echo(missing)
        click.echo(f"  export OPENAI_BASE_URL={url}")
        click.echo(f"  export OPENAI_API_KEY={mock.api_key or API_KEY}\n")
        if exposure is not None:
            click.echo(f"{exposure}\n")
        if ANY in allow_origins:
            click.echo("Every web page that is open in a browser here can ask it, and read it.\n")

    door = replace(mock.door(), on_slow=None if quiet else log_call)
    serve_forever(door, listener, announce)
    click.echo("stopped")


def _load_vocabulary() -> None:
    from openai_mockserver.tokens import load_vocabulary

    with suppress(MockServerError):  # which the mock raises too
        load_vocabulary()


def _describe_missing_extra() -> str | None:
    """What the extra ``server`` would add; None where all of it is installed."""
    added = {"faker": "more words", "httptools": "a faster parser"}
    if sys.platform != "win32":
        added["uvloop"] = "a faster event loop"
    missing = [what for module, what in added.items() if find_spec(module) is None]
    if not missing:
        return None
    return f"pip install 'openai-mockserver[server]' adds {', '.join(missing)}."
