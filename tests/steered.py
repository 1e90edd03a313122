"""A mock with the control API, and clients of it."""

from __future__ import annotations

from typing import Any

import httpx
import openai

from openai_mockserver import MockOpenAI

__all__ = ["Steered"]


class Steered:
    """A mock, a client of its control API, and a client of its OpenAI API."""

    def __init__(self, mock: MockOpenAI) -> None:
        self.mock = mock
        self.url = mock.base_url.removesuffix("/v1")
        self.http = httpx.Client(base_url=self.url, trust_env=False)

    def ask(self, text: str = "Hi", sandbox: str = "", stream: bool = False) -> str:
        """Return the answer of the model."""
        http = openai.DefaultHttpxClient(trust_env=False)
        url = f"{self.url}{sandbox}/v1"
        messages: Any = [{"role": "user", "content": text}]
        with openai.OpenAI(base_url=url, api_key="k", max_retries=0, http_client=http) as client:
            if not stream:
                chat = client.chat.completions.create(model="gpt-4o", messages=messages)
                return str(chat.choices[0].message.content)
            chunks = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
            return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
