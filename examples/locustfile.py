"""Streams chat completions with locust, and times the first token and the rest of each stream.

    locust -f examples/locustfile.py --headless -u 100 -r 100 -t 60s -H http://127.0.0.1:8000

Besides locust's own row, which ends with the head of the response, the report has "first token",
"stream" (to the end) and "token" (the mean time between two), all in milliseconds. These variables
change what is sent: `MODEL`, `OPENAI_API_KEY`, `PROMPT_WORDS` (each prompt has as many, and begins
in a way of its own, so that none is cached), and `ONCE` (a user asks once).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from locust import task
from locust.contrib.fasthttp import FastHttpUser

MODEL = os.environ.get("MODEL", "gpt-4o")
PROMPT = "word " * int(os.environ.get("PROMPT_WORDS", "4"))
HEADERS = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'any')}"}
ONCE = bool(os.environ.get("ONCE"))
NUMBERS = count(1000)


def find_token_times(read_event: Callable[[], bytes]) -> Iterator[float]:
    """Yield when each piece of text arrives. Raises EOFError if the stream ends too early."""
    while event := read_event():
        now = time.perf_counter()
        data = event.strip().removeprefix(b"data: ")
        if data == b"[DONE]":
            return
        choices = json.loads(data)["choices"]
        if choices and choices[0]["delta"].get("content"):
            yield now
    raise EOFError("the stream ended without [DONE]")


class Reader(FastHttpUser):  # type: ignore[misc, unused-ignore]
    """A user who asks for one story after another."""

    @task  # type: ignore[untyped-decorator, unused-ignore]
    def read_story(self) -> None:
        content = f"{next(NUMBERS)} {PROMPT}"
        question = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
        start = time.perf_counter()
        with self.client.post(
            "/v1/chat/completions",
            json=question | {"stream": True},
            headers=HEADERS,
            stream=True,
            catch_response=True,
            name="head",
        ) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
            else:
                try:
                    times = list(find_token_times(partial(response.stream.readline, b"\n\n")))
                except (OSError, ValueError, EOFError) as error:
                    response.failure(f"{type(error).__name__}: {error}")
                else:
                    self.report_times(start, times)
        if ONCE:
            self.stop()

    def report_times(self, start: float, times: list[float]) -> None:
        """Add a stream to the report; the times are seconds of `perf_counter`."""
        rows = {"first token": times[0] - start, "stream": times[-1] - start}
        if len(times) > 1:
            rows["token"] = (times[-1] - times[0]) / (len(times) - 1)
        for name, seconds in rows.items():
            self.environment.events.request.fire(
                request_type="SSE",
                name=name,
                response_time=seconds * 1000,
                response_length=0,
                exception=None,
                context={},
            )
