"""Shows each case of `openai-mockserver check` to the OpenAI SDK, and reports what came of it.

Run it with: openai-mockserver check -- python examples/check_adapter.py
"""

import json
import sys

from openai import OpenAI

for line in sys.stdin:
    task = json.loads(line)
    if task["endpoint"] != "chat":
        print(json.dumps({"unsupported": "only chat completions"}), flush=True)
        continue
    text, finish_reason, error = "", None, None
    try:
        client = OpenAI(base_url=task["base_url"], api_key=task["api_key"], timeout=task["timeout"])
        for chunk in client.chat.completions.create(**task["request"]):
            for choice in chunk.choices[:1]:
                text += choice.delta.content or ""
                finish_reason = choice.finish_reason or finish_reason
    except Exception as problem:
        error = {"type": type(problem).__name__, "message": str(problem)}
    outcome = {"text": text, "finish_reason": finish_reason, "error": error}
    print(json.dumps(outcome), flush=True)
