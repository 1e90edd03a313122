"""The control API of a server whose shared state is busy or away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.state import sqlite


def test_what_needs_the_state_gets_a_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    file = tmp_path / "state.sqlite"
    with MockOpenAI(state=file, control=True) as mock, httpx.Client(trust_env=False) as http:
        root = mock.base_url.removesuffix("v1")
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            response = http.post(f"{root}_mock/reset")
            assert http.get(f"{root}health").status_code == 200
            assert http.get(f"{root}_mock/calls").status_code == 200
            connection.execute("ROLLBACK")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.json()["detail"].endswith("database is locked")
        assert http.post(f"{root}_mock/reset").is_success
