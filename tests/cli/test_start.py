"""What `serve` has imported when it starts to listen, which is what its start takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import catalogue
from openai_mockserver.tokens import VARIABLE

pytestmark = pytest.mark.slow

PROGRAM = """if True:
    import http.client, json, signal, sys, threading
    from openai_mockserver import server
    from openai_mockserver.cli import main

    run = server.serve
    QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}

    def report(what, **more):
        print(json.dumps({"when": what, "modules": sorted(sys.modules), **more}), flush=True)

    def ask(address):
        try:
            connection = http.client.HTTPConnection(*address)
            connection.request("POST", "/v1/chat/completions", json.dumps(QUESTION))
            report("answered", status=connection.getresponse().status)
        finally:
            signal.raise_signal(signal.SIGINT)

    def serve(door, listener, ready, tls=None):
        def announce():
            ready()
            report("listening")
            threading.Thread(target=ask, args=(listener.getsockname(),)).start()

        run(door, listener, announce, tls)

    server.serve = serve
    sys.argv[1:1] = ["serve", "--port", "0", "--pace", "none", "--quiet"]
    main()
"""

UNUSED = {"faker", "hypothesis", "httpx", "httpx2", "openai", "openai_mockserver.transport", "rich"}
"""What no server needs, whatever it answers."""

FOR_UPSTREAMS = {"openai_mockserver.server.relay", "openai_mockserver.server.connect"}

FOR_FEW_REQUESTS = {
    "openai_mockserver.api.audio",
    "openai_mockserver.api.completions",
    "openai_mockserver.api.resources",
    "openai_mockserver.api.responses",
    "openai_mockserver.cassettes.redact",
    "openai_mockserver.generate.json_schema",
    "openai_mockserver.generate.lark_grammar",
    "lark",
}

FOR_FILES = {"openai_mockserver.catalogue", "openai_mockserver.cassettes.importers"}

FOR_YAML = {"yaml", "openai_mockserver.scenario"}


def start(*arguments: object) -> dict[str, dict[str, Any]]:
    """What a server reports that starts, answers one question and stops, by when it does."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name != VARIABLE}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert ran.returncode == 0, ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return {one["when"]: {**one, "modules": set(one["modules"])} for one in lines}


@pytest.fixture(scope="module")
def bare() -> dict[str, dict[str, Any]]:
    """A server without files."""
    return start()


def test_a_server_that_listens_has_imported_only_what_any_request_needs(
    bare: dict[str, dict[str, Any]],
) -> None:
    late = UNUSED | FOR_UPSTREAMS | FOR_FEW_REQUESTS | FOR_FILES | FOR_YAML
    assert not late & bare["listening"]["modules"]


def test_the_first_answer_imports_none_of_it_either(bare: dict[str, dict[str, Any]]) -> None:
    assert bare["answered"]["status"] == 200
    late = UNUSED | FOR_UPSTREAMS | FOR_FEW_REQUESTS | FOR_FILES | FOR_YAML
    assert not late & bare["answered"]["modules"]


def test_the_vocabulary_is_loaded_before_the_first_request(bare: dict[str, dict[str, Any]]) -> None:
    pytest.importorskip("splintr")
    assert "splintr" in bare["listening"]["modules"]


def test_a_scenario_imports_what_reads_it_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("rules:\n  - reply: Hello\n")
    modules = start(file)["listening"]["modules"]
    assert modules >= FOR_YAML
    assert not (UNUSED | FOR_UPSTREAMS | FOR_FEW_REQUESTS) & modules


def test_a_folder_of_recordings_imports_no_yaml_and_no_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "one.sse").write_bytes(catalogue.stream("litellm-text").bytes())
    reports = start(tmp_path)
    late = UNUSED | FOR_UPSTREAMS | FOR_YAML | {"splintr"}
    assert not late & reports["listening"]["modules"]
    assert reports["answered"]["status"] == 200
