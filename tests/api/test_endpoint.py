"""Paths to endpoints."""

from __future__ import annotations

from mockserver.api.endpoint import Endpoint, Routes


def routes() -> Routes:
    known = [Endpoint(path="/v1/things/{id}"), Endpoint(path="/v1/things/special", method="GET")]
    more = [
        Endpoint(path="/v1/things/{thing_id}"),
        Endpoint(path="/v1/things/{thing_id}", method="GET"),
        Endpoint(path="/v1/things/{thing_id}/parts/{part_id}", method="GET"),
        Endpoint(path="/v1/things"),
    ]
    return Routes(known, lambda: more)


def test_a_name_comes_before_a_variable() -> None:
    found, ids = routes().find("/v1/things/special", "GET")
    assert (found["GET"].path, ids) == ("/v1/things/special", {})
    found, ids = routes().find("/v1/things/special/parts/2", "GET")
    assert ids == {"thing_id": "special", "part_id": "2"}


def test_what_is_known_at_once_wins() -> None:
    found, ids = routes().find("/v1/things/a", "POST")
    assert (found["POST"].path, ids) == ("/v1/things/{id}", {"id": "a"})
    found, ids = routes().find("/v1/things/a", "GET")
    assert (found["GET"].path, ids) == ("/v1/things/{thing_id}", {"thing_id": "a"})
    assert set(found) == {"POST", "GET"}


def test_more_is_made_only_when_it_is_needed() -> None:
    made: list[Endpoint] = []

    def more() -> list[Endpoint]:
        made.append(Endpoint(path="/b"))
        return made

    routes = Routes([Endpoint(path="/a")], more)
    assert routes.find("/a", "POST")[0]
    assert not made
    assert routes.find("/b", "POST")[0]
    assert not routes.find("/c", "POST")[0]
    assert len(made) == 1


def test_a_path_that_is_none() -> None:
    for path in ("", "/", "/v1", "/v1/things/", "/v1/things/a/parts", "/v1/things/a/parts/2/3"):
        assert routes().find(path, "GET")[0].get("GET") is None
