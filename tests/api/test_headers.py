"""What a request says stays one header's value, whatever it says."""

from __future__ import annotations

import httpx2
import pytest

from openai_mockserver import MockOpenAI

NAME = "a\r\nX-Evil: 1 模"
QUOTED = "a%0D%0AX-Evil: 1 %E6%A8%A1"
AZURE = "/openai/deployments/a%0D%0AX-Evil:%201%20%E6%A8%A1"


@pytest.mark.parametrize(
    ("path", "body", "header"),
    [
        ("/v1/completions", {"prompt": "Hi", "stream": True}, "openai-model"),
        (f"{AZURE}/chat/completions?api-version=2024-10-21",
         {"messages": [{"role": "user", "content": "Hi"}]}, "x-ms-deployment-name"),
    ],
)  # fmt: skip
def test_a_model_of_any_characters_is_one_value(
    mock_openai: MockOpenAI, path: str, body: dict[str, object], header: str
) -> None:
    mock_openai.reply("Hello")
    url = mock_openai.base_url.removesuffix("/v1") + path
    with httpx2.Client(trust_env=False) as client:
        answer = client.post(url, json={"model": NAME, **body})
    assert answer.status_code == 200
    assert answer.headers[header] == QUOTED
    assert "x-evil" not in answer.headers
    assert "Hello" in answer.text
