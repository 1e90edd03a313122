"""Send 100 questions as one batch, wait for it, and match the answers with their questions."""

import json
import time
from typing import Any

from openai import OpenAI
from openai.types import Batch

POLL = 5.0  # seconds between two polls, unless the server says how many
ENDED = ("completed", "failed", "expired", "cancelled")

QUESTIONS = {f"square-{n}": f"What is {n} squared?" for n in range(1, 101)}


def make_line(custom_id: str, question: str) -> str:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}]}
    line = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line)


def wait_for_end(client: OpenAI, batch: Batch) -> Batch:
    """Poll a batch until it has ended, and print each new state."""
    status: str = batch.status
    print(status)
    while batch.status not in ENDED:
        answer = client.batches.with_raw_response.retrieve(batch.id)
        batch = answer.parse()
        if batch.status != status:
            status = batch.status
            print(status)
        time.sleep(float(answer.headers.get("openai-poll-after-ms", POLL * 1000)) / 1000)
    return batch


def read_lines(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    """Return the lines of a batch's file by their custom_id; their order means nothing."""
    if file_id is None:  # no line succeeded, or none failed
        return {}
    lines = map(json.loads, client.files.content(file_id).text.splitlines())
    return {line["custom_id"]: line for line in lines}


def describe_failure(line: dict[str, Any]) -> str:
    """Return why a line failed: an error of the API, or no response at all."""
    error = line["error"] or line["response"]["body"]["error"]
    return f"{error['code']}: {error['message']}"


def main() -> None:
    client = OpenAI()
    data = "\n".join(make_line(*item) for item in QUESTIONS.items()).encode()
    file = client.files.create(file=("questions.jsonl", data), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    batch = wait_for_end(client, batch)
    for mistake in (batch.errors.data or ()) if batch.errors else ():
        print(f"line {mistake.line}: {mistake.message}")
    answers = read_lines(client, batch.output_file_id)
    failures = read_lines(client, batch.error_file_id)
    print(f"{len(answers)} answers, {len(failures)} failures")
    for custom_id, question in QUESTIONS.items():
        if custom_id in failures:
            print(f"{question} {describe_failure(failures[custom_id])}")


if __name__ == "__main__":
    main()
