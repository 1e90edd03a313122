"""Clients that are written for the judge: a correct one, and the same with one mistake planted.

The correct client reads an event stream as the HTML Standard says and accumulates as OpenAI's
schema says, with the tolerance that the catalogue asks for. Each planted mistake was seen in a real
client, and changes one method.
"""

from __future__ import annotations

import codecs
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from openai_mockserver.judge import Task
from openai_mockserver.judge.post import Response, post

Chunk = dict[str, Any]
REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call", "end_turn", "eos", ""}
LONGEST_WAIT = 2.0  # seconds
JSON = {"Content-Type": "application/json"}


class ClientError(Exception):
    """What the application gets."""


class Client:
    """A correct client of chat completions."""

    timeout = 3.0
    retries = 1

    def __init__(self) -> None:
        self.text = self.reasoning = self.refusal = ""
        self.calls: dict[object, dict[str, str]] = {}
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] | None = None

    def __call__(self, task: Task) -> dict[str, Any]:
        self.__init__()  # type: ignore[misc]
        error = None
        if task.endpoint != "chat":
            return {"unsupported": "only chat"}
        try:
            self.read(self.send(task))
        except Exception as problem:
            error = {"type": type(problem).__name__, "message": str(problem)}
        return self.report() | {"error": error}

    def report(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "reasoning": self.reasoning,
            "refusal": self.refusal,
            "tool_calls": list(self.calls.values()),
            "finish_reason": self.finish_reason,
            "usage": self.usage,
        }

    # HTTP

    def send(self, task: Task) -> Response:
        body = json.dumps(task.request).encode()
        for attempt in range(self.retries + 1):
            response = post(task.base_url + task.path, body, JSON, self.timeout)
            is_last = attempt == self.retries
            if not self.should_retry(response) or is_last:
                break
            if (delay := self.find_delay(response)) > LONGEST_WAIT:
                break
            time.sleep(max(0.0, delay))
        if response.status >= 400:
            raise ClientError(response.body.decode())
        if response.status == 0:
            raise ClientError(f"no response: {response.error}")
        return response

    def should_retry(self, response: Response) -> bool:
        return response.status in (0, 408, 409, 429) or response.status >= 500

    def find_delay(self, response: Response) -> float:
        milliseconds = response.headers.get("retry-after-ms", "")
        if milliseconds.isdigit():
            return int(milliseconds) / 1000
        wait = response.headers.get("retry-after", "")
        if wait.isdigit():
            return float(wait)
        try:
            return (parsedate_to_datetime(wait) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.01

    # Event stream

    def decode(self, reads: list[bytes]) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = "".join(map(decoder.decode, reads)) + decoder.decode(b"", True)
        return text.removeprefix("\ufeff")

    def parse(self, data: str) -> Any:
        chunk = json.loads(data)
        # A text that cannot be encoded as UTF-8 would break whoever prints it.
        return json.loads(re.sub(r"[\ud800-\udfff]", "�", json.dumps(chunk, ensure_ascii=False)))

    def split_lines(self, text: str) -> list[str]:
        *lines, _ = re.split(r"\r\n|\r|\n", text)
        return lines

    def read_field(self, line: str) -> tuple[str, str]:
        name, _, value = line.partition(":")
        return name, value.removeprefix(" ")

    def join_data(self, data: list[str]) -> str:
        return "\n".join(data)

    def events(self, response: Response) -> Iterator[tuple[str, str]]:
        kind, data = "", list[str]()
        for line in self.split_lines(self.decode([part for _, part in response.reads])):
            if not line:
                if data:
                    yield kind, self.join_data(data)
                kind, data = "", []
                continue
            name, value = self.read_field(line)
            if name == "event":
                kind = value
            elif name == "data":
                data.append(value)

    # Chunks

    def read(self, response: Response) -> None:
        is_done = False
        for kind, data in self.events(response):
            if data.startswith("[DONE]"):
                is_done = True
                break
            if data.strip():
                self.add_event(kind, self.parse(data))
        self.check_end(response, is_done)

    def add_event(self, kind: str, chunk: Any) -> None:
        if not isinstance(chunk, dict):
            return
        if chunk.get("error") or kind == "error":
            self.add_error(chunk.get("error") or chunk)
        self.add_usage(chunk)
        for choice in self.list_choices(chunk):
            self.add_choice(choice)

    def add_error(self, error: Any) -> None:
        raise ClientError(error.get("message") if isinstance(error, dict) else str(error))

    def add_usage(self, chunk: Chunk) -> None:
        self.usage = chunk.get("usage") or self.usage

    def list_choices(self, chunk: Chunk) -> list[Chunk]:
        return [one for one in chunk.get("choices") or () if not one.get("index")]

    def add_choice(self, choice: Chunk) -> None:
        delta = choice.get("delta") or {}
        self.text += self.read_content(delta.get("content"))
        self.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
        self.refusal += delta.get("refusal") or ""
        for n, fragment in enumerate(delta.get("tool_calls") or ()):
            self.add_call(n, fragment)
        self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def read_content(self, content: Any) -> str:
        if isinstance(content, list):
            parts = (part for part in content if part.get("type") == "text")
            return "".join(part.get("text") or "" for part in parts)
        return "" if content is None else str(content)

    def find_key(self, n: int, fragment: Chunk) -> object:
        """Return the index; another id at the same index is another call (several engines)."""
        index, id = fragment.get("index", n), fragment.get("id")
        keys = [key for key in self.calls if isinstance(key, tuple) and key[0] == index]
        is_new = bool((fragment.get("function") or {}).get("name"))
        if keys and (not id or not is_new or self.calls[keys[-1]]["id"] in ("", id)):
            return keys[-1]
        return index, len(self.calls)

    def add_call(self, n: int, fragment: Chunk) -> None:
        empty = {"id": "", "name": "", "arguments": ""}
        call = self.calls.setdefault(self.find_key(n, fragment), empty)
        function = fragment.get("function") or {}
        call["id"] = call["id"] or fragment.get("id") or ""
        call["name"] = self.join_name(call["name"], function.get("name") or "")
        arguments = function.get("arguments") or ""
        call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def join_name(self, name: str, part: str) -> str:
        return name if name == part else name + part

    def check_end(self, response: Response, is_done: bool) -> None:
        if self.finish_reason not in (None, *REASONS):
            raise ClientError(f"the model ended with {self.finish_reason}")
        if is_done and self.finish_reason is not None:
            return
        if response.error is not None:
            raise ClientError(f"the connection broke: {response.error!r}")
        if self.finish_reason is None:
            raise ClientError("the stream ended early")


class ReadByRead(Client):
    def decode(self, reads: list[bytes]) -> str:
        return "".join(read.decode("utf-8", "replace") for read in reads)


class OnlyLineFeeds(Client):
    def split_lines(self, text: str) -> list[str]:
        return text.split("\n")[:-1]


class SplitLines(Client):
    def split_lines(self, text: str) -> list[str]:
        return text.splitlines()


class CallsByPlace(Client):
    def find_key(self, n: int, fragment: Chunk) -> object:
        return n


class OneCall(Client):
    def find_key(self, n: int, fragment: Chunk) -> object:
        return None


class NeedsSpace(Client):
    def read_field(self, line: str) -> tuple[str, str]:
        name, _, value = line.partition(": ")
        return name, value


class ReadsComments(Client):
    def read_field(self, line: str) -> tuple[str, str]:
        name, value = super().read_field(line)
        return name or "data", value


class LastDataLine(Client):
    def join_data(self, data: list[str]) -> str:
        return data[-1]


class KeepsMark(Client):
    def decode(self, reads: list[bytes]) -> str:
        return b"".join(reads).decode("utf-8", "replace")


class IgnoresErrors(Client):
    def add_error(self, error: Any) -> None:
        self.finish_reason = "stop"


class HidesErrors(Client):
    def add_error(self, error: Any) -> None:
        raise ClientError("something went wrong")


class IgnoresEnd(Client):
    def check_end(self, response: Response, is_done: bool) -> None:
        return None


class NeedsDone(Client):
    def check_end(self, response: Response, is_done: bool) -> None:
        if not is_done:
            raise ClientError("no [DONE]")


class FirstChoice(Client):
    def list_choices(self, chunk: Chunk) -> list[Chunk]:
        return [chunk["choices"][0]]


class AllChoices(Client):
    def list_choices(self, chunk: Chunk) -> list[Chunk]:
        return chunk.get("choices") or []


class NeedsContent(Client):
    def add_choice(self, choice: Chunk) -> None:
        super().add_choice(choice)
        self.text += choice["delta"]["content"][:0]


class LosesUsage(Client):
    def add_usage(self, chunk: Chunk) -> None:
        if chunk.get("choices"):
            super().add_usage(chunk)


class SumsUsage(Client):
    def add_usage(self, chunk: Chunk) -> None:
        usage = chunk.get("usage") or {}
        names = "prompt_tokens", "completion_tokens"
        if usage:
            before = self.usage or dict.fromkeys(names, 0)
            self.usage = {name: before[name] + (usage.get(name) or 0) for name in names}


class RepeatsNames(Client):
    def join_name(self, name: str, part: str) -> str:
        return name + part


class Hammers(Client):
    def find_delay(self, response: Response) -> float:
        return 0.0


class RetriesAll(Client):
    def should_retry(self, response: Response) -> bool:
        return response.status != 200


class NeverGivesUp(Client):
    timeout = 60.0


class ReportsTextOnly(Client):
    def report(self) -> dict[str, Any]:
        return {"text": self.text}


class OtherWords(Client):
    def report(self) -> dict[str, Any]:
        return super().report() | {"finish_reason": (self.finish_reason or "").replace("_", "-")}


class NeverRetries(Client):
    retries = 0
