"""The dashboard for Grafana: each of its queries finds data in a real Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.metrics import FAMILIES
from prometheus_server import RANGE, needs_prometheus, requesting, running_prometheus

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads(
    (ROOT / "deploy" / "dashboards" / "openai-mockserver.json").read_text()
)
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
VARIABLES = {"$instance": ".*", "$model_name": ".*", "$__rate_interval": RANGE}
"""What Grafana puts in the place of its variables."""


def list_queries() -> Iterator[str]:
    for panel in PANELS:
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield query


def test_the_queries_know_every_variable() -> None:
    assert len(list(list_queries())) > 30
    assert not [query for query in list_queries() if "$" in query]
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert names == {"datasource", "instance", "model_name"}


def test_the_queries_ask_for_metrics_that_exist() -> None:
    """Or Grafana would show "No data", and no error."""
    names = re.compile(r"\b(?:vllm:|openai_mockserver_|process_)\w+")
    queried_names = {name for query in list_queries() for name in names.findall(query)}
    suffix = re.compile("_(?:bucket|sum|count)$")
    ours = {suffix.sub("", name) for name in queried_names if not name.startswith("process_")}
    assert len(ours) > 20
    assert ours <= set(FAMILIES)


def test_every_panel_says_what_it_shows() -> None:
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    titles = [panel["title"] for panel in PANELS]
    assert len(titles) == len(set(titles))


def test_no_panel_covers_another() -> None:
    def list_cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        assert columns.stop <= 24, panel["title"]
        return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}

    for first, second in combinations(DASHBOARD["panels"], 2):
        assert not list_cells(first) & list_cells(second), (first["title"], second["title"])


@pytest.mark.slow
@needs_prometheus
def test_every_query_returns_data(tmp_path: Path) -> None:
    with MockOpenAI(engine="slots=4,prefill=0.02:0.0001,decode=0.01:0,cache_blocks=8") as mock:
        with requesting(mock), running_prometheus(mock.base_url.split("/")[2], tmp_path) as scraped:
            assert scraped.find_empty(list_queries()) == []
