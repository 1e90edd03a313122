"""Shows each case of `openai-mockserver check` to the OpenAI SDK, and reports what came of it.

Run it with: openai-mockserver check -- python examples/check_adapter.py
"""

import json
import sys

from openai import OpenAI

for line in sys.stdin:
    task = json.loads(line)
    outcome = {"text": "", "finish_reason": None, "error": None}
    if task["endpoint"] != "chat":
        outcome = {"unsupported": "only chat completions"}
    else:
        try:
            client = OpenAI(
                base_url=task["base_url"], api_key=task["api_key"], timeout=task["timeout"]
            )
            for chunk in client.chat.completions.create(**task["request"]):
                for choice in chunk.choices[:1]:
                    outcome["text"] += choice.delta.content or ""
                    outcome["finish_reason"] = choice.finish_reason or outcome["finish_reason"]
        except Exception as error:
            outcome["error"] = {"type": type(error).__name__, "message": str(error)}
    print(json.dumps(outcome), flush=True)
