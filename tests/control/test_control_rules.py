"""Health, rules, settings, errors and access of the control API, over sockets."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import openai
import pytest

from openai_mockserver import MockOpenAI, MockServerError
from openai_mockserver.engine import Engine
from steered import Steered


@pytest.mark.parametrize("path", ["/health", "/_mock/health/live", "/_mock/health/ready"])
def test_health(steered: Steered, path: str) -> None:
    response = steered.http.get(path)
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert steered.http.head(path).content == b""
    assert not steered.mock.calls, "it is no call of a model"


def test_a_server_is_ready_when_its_engine_has_started() -> None:
    engine = Engine(start_up=0.5)
    with MockOpenAI(engine=engine, control=True) as mock:
        mock.reply("Hello")
        with httpx.Client(base_url=mock.base_url.removesuffix("/v1")) as http:
            refused = http.get("/_mock/health/ready")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["detail"].startswith("the engine starts up; it is ready in 0.")
            assert http.get("/_mock/health/live").status_code == 200
            end = time.monotonic() + 10
            while http.get("/_mock/health/ready").status_code == 503 and time.monotonic() < end:
                threading.Event().wait(0.02)
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
            headers = {"authorization": "Bearer key"}
            # The first request, so that the engine has started without one.
            assert http.post("/v1/chat/completions", json=body, headers=headers).status_code == 200
            mock.reset_engine()
            assert http.get("/_mock/health/ready").status_code == 503


def test_a_rule_is_what_a_scenario_says(steered: Steered) -> None:
    rule = {"user": {"contains": "Hi"}, "replies": ["one", {"error": {"status": 429}}]}
    added = steered.http.post("/_mock/rules", json=rule)
    assert added.status_code == 201
    (summary,) = added.json()["rules"]
    assert summary["rule"] == rule
    assert steered.ask("Hi there") == "one"
    with pytest.raises(openai.RateLimitError):
        steered.ask("Hi there")
    assert steered.http.get(f"/_mock/rules/{summary['number']}").json()["use_count"] == 2


def test_rules_in_yaml(steered: Steered) -> None:
    yaml = "rules:\n- reply: first\n- user: Hi\n  reply: second\n"
    headers = {"content-type": "application/yaml"}
    assert steered.http.post("/_mock/rules", content=yaml, headers=headers).status_code == 201
    assert (steered.ask("Hi"), steered.ask("Ho")) == ("second", "first")


def test_rules_are_deleted(steered: Steered) -> None:
    added = steered.http.post("/_mock/rules", json=[{"reply": "old"}, {"reply": "new"}]).json()
    assert steered.ask() == "new"
    number = added["rules"][1]["number"]
    assert steered.http.delete(f"/_mock/rules/{number}").status_code == 204
    assert steered.ask() == "old"
    assert steered.http.delete(f"/_mock/rules/{number}").status_code == 404
    assert steered.http.delete("/_mock/rules").status_code == 204
    assert steered.http.get("/_mock/rules").json() == {"rules": []}


def test_all_rules_are_replaced_at_once(steered: Steered) -> None:
    """Each request is answered by one version."""
    versions = [[{"reply": f"{n}"}, {"user": "Ho", "reply": f"{n} Ho"}] for n in range(2)]
    steered.http.put("/_mock/rules", json=versions[0])
    done = threading.Event()

    def replace() -> None:
        with httpx.Client(base_url=steered.url, trust_env=False) as http:
            for n in range(40):
                assert http.put("/_mock/rules", json=versions[n % 2]).status_code == 200
        done.set()

    thread = threading.Thread(target=replace)
    thread.start()
    answers = set()
    while not done.is_set():
        answers |= {steered.ask("Hi"), steered.ask("Ho")}
    thread.join()
    assert answers <= {"0", "1", "0 Ho", "1 Ho"}
    assert len(steered.http.get("/_mock/rules").json()["rules"]) == 2
    assert not steered.mock.problems


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"reply": {"finsh_reason": "stop"}}, 422, "reply.finsh_reason"),
        ([{"reply": "x"}, {"reply": 3}], 422, "rules[1].reply"),
        ({"reply": "x", "faults": ["resett"]}, 422, "faults[0]"),
        ({"reply": {"file": "/etc/passwd"}}, 422, "reply.file"),
        ({"reply": {"stream": "../secret.jsonl"}}, 422, "reply.stream"),
        ("text", 422, None),
        (b"{]", 400, "<body>:1:2"),
        (b"", 400, None),
    ],
)
def test_a_mistake_is_one_problem_with_its_place(
    steered: Steered, body: Any, status: int, place: str | None
) -> None:
    steered.mock.reply("before")
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    for method in ("POST", "PUT"):
        response = steered.http.request(method, "/_mock/rules", **given)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (problem["status"], problem.get("place")) == (status, place)
        assert problem["detail"]
    assert steered.ask() == "before", "an invalid list changes nothing"


def test_a_path_and_a_method_must_exist(steered: Steered) -> None:
    assert steered.http.get("/_mock/nothing").status_code == 404
    response = steered.http.post("/_mock/settings", json={})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PATCH")
    options = steered.http.options("/_mock/settings")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")


def test_a_body_is_limited(steered: Steered) -> None:
    response = steered.http.post("/_mock/rules", content=b" " * (9 << 20))
    assert (response.status_code, response.json()["status"]) == (413, 413)
    assert steered.http.get("/health").status_code == 200


def test_settings_change_at_once(steered: Steered) -> None:
    steered.mock.reply("Hello")
    changed = steered.http.patch(
        "/_mock/settings",
        json={"dialect": "groq", "faults": [{"reset": {"after": 1}}], "pace": "0,0", "seed": 7},
    ).json()
    assert changed["faults"] == [{"reset": {"after": 1}}]
    assert (steered.mock.dialect, steered.mock.seed) == ("groq", 7)
    with pytest.raises(openai.APIConnectionError):
        steered.ask(stream=True)
    assert steered.ask() == "Hello", "a default fault that cannot happen is a warning"
    assert "reset" in steered.mock.calls[-1].warnings[0]
    for change, place in [
        ({"seed": 8, "dialect": "nobody"}, "dialect"),
        ({"seed": 8, "faults": ["resett"]}, "faults[0]"),
        ({"seed": 8, "pace": {"ttft": -1}}, "pace"),
        ({"seed": 8, "paces": 1}, "paces"),
    ]:
        response = steered.http.patch("/_mock/settings", json=change)
        assert (response.status_code, response.json()["place"]) == (422, place)
    assert steered.mock.seed == 7


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"seed": "\\ud800"}', 422),
        ('{"api_key": "\\udc00"}', 422),
        ('{"seed": NaN}', 422),
    ],
)
def test_what_no_text_or_number_is_refused(steered: Steered, body: str, status: int) -> None:
    assert steered.http.patch("/_mock/settings", content=body).status_code == status
    assert steered.http.get("/_mock/settings").json()["seed"] is None


@pytest.mark.parametrize(
    "rule",
    [
        {"user": {"regex": "(" * 5000 + ")" * 5000}, "reply": "a"},
        {"user": {"regex": "a{99999999999999999999}"}, "reply": "a"},
        {"reply": {"template": "{{ " + "9" * 5000 + " }}"}},
    ],
)
def test_what_another_library_cannot_take_is_a_mistake(steered: Steered, rule: Any) -> None:
    assert steered.http.post("/_mock/rules", json=rule).status_code == 422


@pytest.mark.parametrize("token", ["", "schlüssel", "a\nb"])
def test_a_token_must_fit_into_a_header(token: str) -> None:
    with pytest.raises(MockServerError, match="control_token"):
        MockOpenAI(control=True, control_token=token)


def test_a_server_is_not_its_own_upstream(steered: Steered) -> None:
    for host in ("127.0.0.1", "localhost"):
        url = f"http://{host}:{httpx.URL(steered.url).port}/v1"
        response = steered.http.post("/_mock/recordings/start", json={"upstream": url})
        assert (response.status_code, response.json()["place"]) == (422, "upstream")
    sandbox = steered.http.post("/_mock/sandboxes").json()
    other = {"upstream": sandbox["base_url"]}
    assert steered.http.post("/_mock/recordings/start", json=other).status_code == 200
    url = f"{sandbox['control_url']}/recordings/start"
    assert steered.http.post(url, json=other).status_code == 422


def test_settings_go_back_to_those_of_the_start(steered: Steered) -> None:
    steered.http.patch("/_mock/settings", json={"pace": "gpt-4o", "faults": ["reset"], "seed": 9})
    steered.http.post("/_mock/reset")
    assert steered.mock.seed == 9, "they are not part of what is forgotten by default"
    steered.http.post("/_mock/reset", json={"settings": True})
    settings = steered.http.get("/_mock/settings").json()
    assert (settings["pace"], settings["faults"], settings["seed"]) == (None, [], None)


def test_the_api_key_is_set_but_not_shown(steered: Steered) -> None:
    steered.mock.reply("Hello")
    response = steered.http.patch("/_mock/settings", json={"api_key": "secret"})
    assert response.json()["api_key"] == "…"
    with pytest.raises(openai.AuthenticationError):
        steered.ask()


def test_reset_keeps_what_the_server_started_with(steered: Steered) -> None:
    steered.mock.reply("one", "two")
    steered.mock.rules.pin()
    steered.mock.on(user="Hi").reply("at run time")
    assert steered.ask("Ho") == "one"
    assert steered.http.post("/_mock/reset").status_code == 204
    assert not steered.mock.calls
    assert (steered.ask("Hi"), steered.ask("Hi")) == ("one", "two")


# Access


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}], ids=str
)
def test_foreign_hosts_and_pages_are_refused(steered: Steered, headers: dict[str, str]) -> None:
    response = steered.http.post("/_mock/rules", json={"reply": "x"}, headers=headers)
    assert (response.status_code, response.json()["title"]) == (403, "Forbidden")
    assert not steered.mock.rules


def test_a_page_of_this_machine_may_steer(steered: Steered) -> None:
    origin = {"origin": "http://localhost:3000"}
    preflight = {**origin, "access-control-request-method": "PATCH"}
    response = steered.http.options("/_mock/settings", headers=preflight)
    assert response.headers["access-control-allow-methods"] == "PATCH"
    response = steered.http.patch("/_mock/settings", json={"seed": 1}, headers=origin)
    assert response.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_a_token_guards_all_but_health() -> None:
    with MockOpenAI(control=True, control_token="s3cret") as mock:
        url = mock.base_url.removesuffix("/v1")
        with httpx.Client(base_url=url, trust_env=False) as http:
            assert http.get("/health").status_code == 200
            refused = http.get("/_mock/rules")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            wrong = {"authorization": "Bearer s3creT"}
            assert http.get("/_mock/rules", headers=wrong).status_code == 401
            right = {"authorization": "Bearer s3cret"}
            assert http.get("/_mock/rules", headers=right).status_code == 200


def test_without_control_only_health_is_there() -> None:
    with MockOpenAI() as mock, httpx.Client(trust_env=False) as http:
        url = mock.base_url.removesuffix("/v1")
        assert http.get(f"{url}/health").status_code == 200
        response = http.get(f"{url}/_mock/rules")
        assert response.json()["error"]["message"].startswith("Invalid URL")
        assert [call.path for call in mock.calls] == ["/_mock/rules"]


def test_the_default_answer_can_be_switched_off() -> None:
    with MockOpenAI(control=True, default=lambda request: "by default") as mock:
        one = Steered(mock)
        with one.http as http:
            assert one.ask() == "by default"
            assert http.get("/_mock/settings").json()["use_default"]
            assert not http.patch("/_mock/settings", json={"use_default": False}).json()[
                "use_default"
            ]
            with pytest.raises(openai.BadRequestError, match="no rule matches"):
                one.ask()
            assert not http.get("/_mock/verify").json()["passed"]
            http.patch("/_mock/settings", json={"use_default": True})
            assert one.ask() == "by default"
