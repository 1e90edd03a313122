"""An application that prints what a model says, with nothing but Python's own library."""

import json
import os
import urllib.request

request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions",
    json.dumps(
        {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "How is the weather?"}],
            "stream": True,
        }
    ).encode(),
    {
        "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as response:
    for line in response:
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                print(choice["delta"].get("content") or "", end="", flush=True)
print()
