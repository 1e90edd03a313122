"""``openai-mockserver serve``."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openai_mockserver import __version__
from openai_mockserver.cli.address import allow_host, describe_exposure, format_url, host, port
from openai_mockserver.cli.environment import add_variables
from openai_mockserver.cli.hangup import reload_on_hangup
from openai_mockserver.cli.limits import max_body, max_upload, request_timeout
from openai_mockserver.cli.log import KEEP_BYTES, KEEP_CALLS, KEEPS, Log, log_format
from openai_mockserver.cli.steering import control_token, no_control, sandbox_idle
from openai_mockserver.cli.telemetry import exporting_metrics
from openai_mockserver.cli.tls import make_tls, tls_options
from openai_mockserver.cli.webhooks import add_endpoints, webhook_options
from openai_mockserver.cli.workers import find_state, run_workers, workers
from openai_mockserver.exceptions import MockServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai_mockserver.request import Request
    from openai_mockserver.server import Door
    from openai_mockserver.sources import Sources

_THRESHOLDS = (10_000, 20, 20)
"""Of the garbage collector: a request leaves little that only it finds."""


@add_variables
@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, readable=False))
@host
@port
@click.option(
    "--stream", "names", multiple=True, help="Answer with this ready-made stream; may be repeated."
)
@click.option(
    "--seed",
    help="Seed for generated content, ids and timestamps.  [default: seed 0 for content; ids and "
    "timestamps are always new]",
)
@click.option(
    "--pace",
    help="Pauses between events: a profile, TTFT,ITL[,JITTER] in seconds, a file of `cassettes "
    "calibrate`, or none.  [default: gpt-4o]",
)
@workers
@click.option(
    "--engine",
    metavar="PROFILE",
    help="Capacity: a profile such as h100-8b or openai-tier-1, with overrides as in "
    "h100-8b,slots=4,rpm=60, overrides alone, or a file of `cassettes calibrate`. It sets the "
    "pace.  [default: unlimited]",
)
@allow_host
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Accept requests from web pages of this origin, such as https://app.example.com; * "
    "accepts any page. Pages of localhost are always accepted. May be repeated.",
)
@click.option("--api-key", help="Refuse requests with any other API key.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Fault to put into every reply, such as 'reset; after=3' or 'variation(\"no role\")'; "
    "`openai-mockserver faults` lists all. May be repeated.",
)
@click.option(
    "--allow-header-faults",
    is_flag=True,
    help="Obey the request headers x-mockserver-fault and x-mockserver-error.",
)
@click.option("--dialect", help="Imitate this provider, such as azure or openrouter.")
@click.option(
    "--in-turn",
    is_flag=True,
    help="Let recordings that contain a request answer other requests too, one after another.",
)
@click.option(
    "--match",
    multiple=True,
    metavar="WHAT",
    help="Part of a request that must equal the recorded one: method, path, query, body, or "
    "json:PATH, such as json:messages[-1].content; may be repeated.  [default: method, path, body]",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATH",
    help="Member of the body to ignore when requests are compared, such as user or "
    "messages[*].name; * for the whole body; may be repeated.",
)
@click.option(
    "--normalize",
    multiple=True,
    metavar="NAME",
    help="Differences to ignore when requests are compared: dates, uuids, ids, whitespace or "
    "key_order; may be repeated.",
)
@click.option(
    "--normalize-pattern",
    "normalize_patterns",
    multiple=True,
    metavar="REGEX",
    help="Ignore differences in text that matches this regular expression; may be repeated.",
)
@click.option(
    "--no-reload", is_flag=True, help="Do not reload FILES when they change; SIGHUP still does."
)
@click.option("--lenient", is_flag=True, help="Accept unknown request parameters.")
@click.option(
    "--job-seconds",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds that background responses, batches and other jobs take.",
)
@click.option(
    "--state",
    metavar="FILE|URL",
    help="Keep the objects that requests create in this file of SQLite, or on a Redis server "
    "(redis://, rediss://); several servers can share them.  [default: in memory]",
)
@webhook_options
@click.option(
    "--no-coalesce",
    is_flag=True,
    help="Write each event by itself, even if several are due at the same time.",
)
@tls_options
@max_body
@max_upload
@request_timeout
@no_control
@control_token
@sandbox_idle
@click.option("--quiet", "-q", is_flag=True, help="Do not log calls.")
@log_format
def serve(
    files: tuple[Path, ...],
    host: str,
    port: int,
    names: tuple[str, ...],
    seed: str | None,
    pace: str | None,
    workers: int,
    engine: str | None,
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
    no_reload: bool,
    lenient: bool,
    job_seconds: float,
    state: str | None,
    webhook_urls: tuple[str, ...],
    webhook_secret: str | None,
    no_coalesce: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_self_signed: bool,
    max_body: int,
    max_upload: int,
    request_timeout: float | None,
    no_control: bool,
    control_token: str | None,
    sandbox_idle: float | None,
    quiet: bool,
    log_format: str,
) -> None:
    """Serve OpenAI's API.

    Without FILES, the server answers every request with plausible text at a realistic pace. The
    same request always gets the same answer; with --seed, the answer has the same bytes on every
    machine. FILES choose the answers instead:

    \b
      scenario.yaml, .json   rules and replies
      recording.sse          the body of a recorded stream, replayed byte for byte
      stream.jsonl           a stream file
      session.jsonl          a recorded WebSocket session
      page.har, vcr.yaml     any other format that `import` reads: HAR, cassettes, curl -i
      streams/               a folder of recordings and stream files

    A stream file that contains a request answers only that request, under any path; --in-turn lets
    it answer other requests too. Stream files without a request answer all requests, one after
    another. --match, --ignore and --normalize choose how requests are compared.
    Files that change are reloaded; after a mistake in one of them, the earlier rules stay.
    `openai-mockserver streams` lists the ready-made streams; any request can choose one with
    model="mockserver/NAME". Options override the settings in a scenario.
    """
    loading: threading.Thread | None = None
    if not (files or names):  # only generated text is cut into tokens
        # In parallel with the imports: for two thirds of its time it does not need the
        # interpreter. Not a daemon, because the interpreter must outlive native code.
        loading = threading.Thread(target=_load_vocabulary)
        loading.start()

    from openai_mockserver.access import ANY
    from openai_mockserver.cli.engine import find_engine
    from openai_mockserver.clients import API_KEY
    from openai_mockserver.faults import parse
    from openai_mockserver.generate import generate
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.pacing import find_pace, profile
    from openai_mockserver.reload import Reloader, Watcher
    from openai_mockserver.rules import ReplyFunction, faulty
    from openai_mockserver.server import bind
    from openai_mockserver.server import serve as serve_forever

    log = Log(log_format, quiet)
    tls = make_tls(tls_cert, tls_key, tls_self_signed, (host, *allow_hosts))
    context = None if tls is None else tls.context
    parsed_faults = parse(",".join(faults))

    def generate_reply(request: Request) -> object:
        return faulty(generate(request.json, "0" if seed is None else seed), *parsed_faults)

    make_mock = partial(
        MockOpenAI,
        api_key=api_key,
        seed=seed,
        header_faults=allow_header_faults,
        lenient_faults=True,
        lenient=lenient,
        clock="real",
        job_seconds=job_seconds,
        coalesce=not no_coalesce,
        dialect=dialect,
        pace=None if pace is None else find_pace(pace),
        engine=find_engine(engine),
        fast_retries=False,
        default=None if files or names else ReplyFunction(generate_reply, is_quick=True),
        keep_calls=KEEP_CALLS,
        keep_bytes=KEEP_BYTES,
        on_end=log.on_end,
        tls=context,
        host=host,
        allow_hosts=allow_hosts,
        allow_origins=allow_origins,
        max_body=max_body,
        max_upload=max_upload,
        request_timeout=request_timeout,
        control=not no_control,
        control_token=control_token,
        sandbox_idle=sandbox_idle,
    )

    def read_files(mock: MockOpenAI, sources: Sources) -> None:
        if files or names or match or ignore or normalize or normalize_patterns:
            from openai_mockserver.cassettes.matching import DEFAULT, Matching
            from openai_mockserver.files import add_files

            matching = Matching(match or DEFAULT, ignore, normalize, normalize_patterns)
            add_files(mock, files, names, parsed_faults, in_turn, matching, sources)
        mock.pace = mock.pace or profile("gpt-4o")

    mock = make_mock(state=find_state(state, workers))
    receivers = add_endpoints(mock, webhook_urls, webhook_secret, None if quiet else log.report)
    reloader = Reloader(mock, make_mock, read_files)
    reloader.load()
    mock.rules.pin()
    watcher = Watcher(reloader, log.report_reload, watches=bool(files) and not no_reload)
    listener = bind(host, port)
    url = format_url(host, listener.getsockname()[1], tls is not None)
    exposure = describe_exposure(
        host,
        "can send requests"
        + (" with the API key" if api_key else "")
        + ("" if no_control or control_token else " and steer the server (--control-token)"),
    )

    def announce() -> None:
        if loading is not None:
            loading.join()  # otherwise each of the first requests would load it
        lines = [f"openai-mockserver {__version__} answers on {url} (Ctrl-C stops it)", KEEPS]
        if not no_control:
            lines.append(f"The page at {url.removesuffix('v1')} shows them, and steers the server.")
        if receivers:
            lines.append(f"Webhooks of jobs that end go to {', '.join(receivers)}.")
        if missing := _describe_missing_extra():
            lines.append(missing)
        if tls is not None:
            lines.append(tls.describe())
        lines.append(f"  export OPENAI_BASE_URL={url}")
        lines.append(f"  export OPENAI_API_KEY={mock.api_key or API_KEY}\n")
        log.start("\n".join(lines), version=__version__, url=url, tls=tls and tls.fingerprint)
        if exposure is not None:
            log.warn(exposure)
        if ANY in allow_origins:
            log.warn(
                "Every web page open in a browser on this machine can send requests and read the "
                "responses."
            )

    def find_door() -> Door:  # its access changes while something is recorded
        return replace(mock.door(), on_slow=log.on_slow)

    def run(find_door: Callable[[], Door], on_ready: Callable[[], object], is_late: bool) -> None:
        if is_late and reloader.sources.list_changed():
            reloader.reload()
        gc.set_threshold(*_THRESHOLDS)
        with exporting_metrics(mock.counts, log), reload_on_hangup(watcher.ask):
            watcher.start()
            serve_forever(find_door, listener, on_ready, context)
        watcher.stop()
        mock.stop()

    if workers == 1:
        run(find_door, announce, False)
    else:
        if loading is not None:
            loading.join()  # a process that is forked has only the thread that forks it
        run_workers(workers, mock, find_door, run, announce, partial(log.report, "worker"))
    log.stop()


def _load_vocabulary() -> None:
    from openai_mockserver.tokens import load_vocabulary

    with suppress(MockServerError):  # the mock raises it again
        load_vocabulary()


def _describe_missing_extra() -> str | None:
    """Return what the extra ``server`` would add; None if it is installed completely."""
    benefits = {"faker": "more words", "httptools": "a faster parser", "lark": "grammars"}
    if sys.platform != "win32":
        benefits["uvloop"] = "a faster event loop"
    missing = [benefit for module, benefit in benefits.items() if find_spec(module) is None]
    if not missing:
        return None
    return f"pip install 'openai-mockserver[server]' adds {', '.join(missing)}."
