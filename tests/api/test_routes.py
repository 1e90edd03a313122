"""Paths to endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from openai_mockserver.api.endpoint import Endpoint
from openai_mockserver.api.routes import Routes, decode_path


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


def test_what_is_encoded_is_within_a_part() -> None:
    path = decode_path("/v1/things/a%2fb%20c%252F/parts/%C3%A9")
    found, ids = routes().find(path, "GET")
    assert found["GET"].path == "/v1/things/{thing_id}/parts/{part_id}"
    assert ids == {"thing_id": "a/b c%2F", "part_id": "é"}


class Slow(str):
    """A method that is looked up so slowly that others have loaded everything in the meantime."""

    loads: Callable[[], object] = staticmethod(lambda: None)
    __eq__ = str.__eq__

    def __hash__(self) -> int:
        loads, self.loads = self.loads, lambda: None
        loads()
        return super().__hash__()


def test_what_another_thread_has_loaded_is_found() -> None:
    routes = Routes([], lambda: [Endpoint(path="/a")])
    method = Slow("POST")
    with ThreadPoolExecutor() as pool:
        method.loads = lambda: pool.submit(routes.find, "/a", "POST").result()
        assert "POST" in routes.find("/a", method)[0]


def test_threads_never_see_half_of_what_is_loaded() -> None:
    def more() -> Iterator[Endpoint]:
        yield Endpoint(path="/things/special")
        found, _ = pool.submit(routes.find, "/things/special", "GET").result(timeout=9)
        assert found["GET"].path == "/things/{id}"

    routes = Routes([Endpoint(path="/things/{id}", method="GET")], more)
    with ThreadPoolExecutor() as pool:
        assert "POST" in routes.find("/things/special", "POST")[0]
