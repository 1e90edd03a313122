"""The JSON shapes that the control API takes and gives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from openai_mockserver.declared import Strict

__all__ = [
    "CHECKS",
    "OPTIONS",
    "SCHEMAS",
    "CallDetail",
    "CallList",
    "CallQuery",
    "CallSummary",
    "Delivery",
    "EngineChange",
    "EngineJson",
    "EngineLimit",
    "EngineState",
    "FollowQuery",
    "HarQuery",
    "Health",
    "NewRules",
    "NewSandbox",
    "Progress",
    "RecordingList",
    "RecordingStart",
    "RecordingSummary",
    "Reset",
    "RuleJson",
    "RuleList",
    "RuleSummary",
    "SandboxList",
    "SandboxSummary",
    "Sent",
    "Settings",
    "SettingsChange",
    "Verdict",
    "VerdictQuery",
]

Limit = Annotated[int, Meta(ge=1, le=1000)]
Number = Annotated[int, Meta(ge=0, le=2**53)]

SCHEMAS = "#/components/schemas/"
"""Where the OpenAPI document has its schemas, among them those of scenario files."""

RuleJson = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": f"{SCHEMAS}rule"})]
PaceJson = Annotated[Any, Meta(extra_json_schema={"$ref": f"{SCHEMAS}any_pace"})]
EngineJson = Annotated[Any, Meta(extra_json_schema={"$ref": f"{SCHEMAS}any_engine"})]
FaultJson = Annotated[Any, Meta(extra_json_schema={"$ref": f"{SCHEMAS}fault"})]


class Health(Struct):
    """The state of the server."""

    status: Literal["ok"]
    version: str


class RuleSummary(Struct):
    """A rule. ``rule`` is what a scenario file would say; null if it is partly Python."""

    number: int
    description: str
    use_count: int
    rule: RuleJson | None
    unused: str | None
    is_pinned: bool


class NewRules(Strict):
    """Rules to add or to put in the place of all others, as in a scenario file."""

    rules: list[RuleJson]


class RuleList(Struct):
    """Rules, the oldest first. The newest rule that matches a request answers it."""

    rules: list[RuleSummary]


class Sent(Struct):
    """How many events, and bytes of the body, the client has received.

    ``exact`` is false while the response is being played, or if the counts are upper bounds.
    """

    events: int
    bytes: int
    exact: bool


class CallSummary(Struct):
    """A call.

    ``state`` is ``waiting`` (for its answer), ``in progress``, ``written`` (the client may not have
    read everything yet) or how it ended. ``silent`` is for how many seconds an open call has sent
    nothing; ``seconds`` is the time from the request to the last byte. ``events`` is how many the
    response has, and ``rule`` the number of the rule that answered. ``ttft`` is when the first
    event was written, in seconds; ``finish_reason`` is what the response says at its end, and
    ``faults`` are those that changed it, as they are in Python.
    """

    number: int
    attempt: int
    started: float
    method: str
    path: str
    model: str
    user: str | None
    stream: bool
    status: int | None
    state: str
    delivered: Sent
    events: int | None
    silent: float | None
    seconds: float | None
    rule: int | None
    rule_description: str | None
    problem: str | None
    unrecorded: str | None
    warnings: list[str]
    ttft: float | None
    finish_reason: str | None
    faults: list[str]


class CallList(Struct):
    """A page of calls. ``next`` is the ``after`` of the next page; null on the last.

    ``last_event`` identifies the newest event that these calls reflect: follow the calls after it.
    """

    calls: list[CallSummary]
    next: int | None
    total: int
    last_event: str


class Delivery(Struct):
    """A part of a response: when it was due, and when it was written, in seconds."""

    due: float
    at: float
    events: int


class CallDetail(CallSummary):
    """A call with its request and the head of its response; secrets are redacted.

    ``request`` has ``method``, ``url``, ``headers`` and the body as ``json``, ``text`` or
    ``base64``.
    """

    request: dict[str, Any]
    response_headers: list[tuple[str, str]]
    deliveries: list[Delivery]


class _Filter(Strict):
    path: str | None = None
    endpoint: str | None = None
    model: str | None = None
    rule: Number | None = None
    problem: bool | None = None
    since: float | None = None


class CallQuery(_Filter):
    """Which calls, and which page of them."""

    after: Number | None = None
    limit: Limit = 100
    order: Literal["oldest", "newest"] = "oldest"
    include: Literal["request"] | None = None


class HarQuery(_Filter):
    """Which calls; the newest if there are more than ``limit``."""

    limit: Limit = 100


class FollowQuery(Strict):
    """Where to begin: with the oldest call, with the next, or after the last event received."""

    begin: Literal["start", "now"] = "start"
    last_event_id: str | None = None


class Progress(Struct):
    """How far an open call is."""

    number: int
    events: int
    bytes: int
    silent: float


class VerdictQuery(Strict):
    """Whether rules and replies that were never used count."""

    unused: bool = False


class Verdict(Struct):
    """Whether the test may pass, as at the end of the pytest fixture; if not, why."""

    passed: bool
    message: str | None
    problems: list[CallSummary]
    forgotten_problems: int
    unused: list[str]


class Reset(Strict):
    """What to forget: everything but changed settings, by default.

    Rules that the server started with begin again. ``webhooks`` are deliveries, and the receivers
    that the server did not start with.
    """

    rules: bool = True
    calls: bool = True
    objects: bool = True
    webhooks: bool = True
    settings: bool = False


class Settings(Struct):
    """How the mock answers.

    ``api_key`` is never shown, only whether there is one. ``job_seconds`` is how long background
    responses, batches and other jobs take that begin from now on. ``use_default`` says whether
    requests that no rule matches get the server's default answer, as that of ``serve`` without
    files, or are problems.
    """

    pace: PaceJson | None
    engine: EngineJson | None
    dialect: str | None
    faults: list[Any]
    seed: int | str | None
    api_key: Literal["…"] | None
    lenient: bool
    header_faults: bool
    use_default: bool
    job_seconds: float
    fail_on_unmatched: bool
    fail_on_unused: bool


class SettingsChange(Strict):
    """The settings to change, all at once.

    ``pace``, ``engine`` and ``faults`` are as in scenario files.
    """

    pace: PaceJson | UnsetType | None = UNSET
    engine: EngineJson | UnsetType | None = UNSET
    dialect: str | UnsetType | None = UNSET
    faults: list[FaultJson] | UnsetType = UNSET
    seed: int | str | UnsetType | None = UNSET
    api_key: str | UnsetType | None = UNSET
    lenient: bool | UnsetType = UNSET
    header_faults: bool | UnsetType = UNSET
    use_default: bool | UnsetType = UNSET
    job_seconds: Annotated[float, Meta(ge=0, le=1e9)] | UnsetType = UNSET
    fail_on_unmatched: bool | UnsetType = UNSET
    fail_on_unused: bool | UnsetType = UNSET


CHECKS = ("fail_on_unmatched", "fail_on_unused")
"""The settings that are no options of how to answer."""

OPTIONS = tuple(name for name in SettingsChange.__struct_fields__ if name not in CHECKS)
"""The settings that are."""


class EngineLimit(Struct):
    """How far a limit of a key and a model is used; ``reset`` is the seconds until it is not.

    ``key`` is the end of the API key.
    """

    key: str
    model: str
    unit: str
    limit: int
    used: int
    reset: float


class EngineState(Struct):
    """The capacity of the mock, and what it does with it; without an engine it is unlimited.

    ``batch`` is how many requests decode, and ``itl`` the seconds between two of their tokens.
    ``prompt_tokens`` and ``cached_tokens`` are those of all admitted requests so far. With several
    processes, each has an engine like ``engine``; there are ``engines`` of them, and the other
    members are their totals.
    """

    engine: EngineJson | None = None
    slots: int | None = None
    queue: int | None = None
    running: int = 0
    waiting: int = 0
    batch: int = 0
    itl: float = 0.0
    cache_blocks: int = 0
    cached_blocks: int = 0
    admitted: int = 0
    refused: int = 0
    ended: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    limits: list[EngineLimit] = msgspec.field(default_factory=list)
    engines: int = 1


class EngineChange(Strict):
    """An engine as a scenario file says it, or null for unlimited capacity."""

    engine: EngineJson | None


class NewSandbox(Strict):
    """A sandbox to create; the id is random by default."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] | None = None
    rules: list[RuleJson] = msgspec.field(default_factory=list)


class SandboxSummary(Struct):
    """A sandbox: rules, calls, objects and settings of its own.

    ``base_url`` is for OpenAI clients, and ``control_url`` leads to its control API.
    """

    id: str
    base_url: str
    control_url: str
    created: float
    idle: float
    calls: int
    problems: int


class SandboxList(Struct):
    """The sandboxes, the oldest first, and after how many idle seconds one is deleted."""

    sandboxes: list[SandboxSummary]
    idle_limit: float | None


class RecordingStart(Strict):
    """The server whose responses to record, such as ``https://api.openai.com/v1``."""

    upstream: str


class RecordingSummary(Struct):
    """A recording: a stream file."""

    name: str
    size: int
    modified: float


class RecordingList(Struct):
    """The recordings, and the server that is being recorded; null if recording is off."""

    upstream: str | None
    recordings: list[RecordingSummary]
