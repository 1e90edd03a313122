"""httpx-sse: the data of the events of `connect_sse`."""

import httpx
from consuming import run
from httpx_sse import connect_sse


def consume(task, outcome):
    outcome["events"] = []
    url = task["base_url"] + task["path"]
    headers = {"Authorization": f"Bearer {task['api_key']}"}
    with httpx.Client(timeout=task["timeout"], headers=headers) as client:
        with connect_sse(client, "POST", url, json=task["request"]) as source:
            if source.response.is_error:
                raise RuntimeError(source.response.read().decode())
            for event in source.iter_sse():
                outcome["events"].append(event.data)


run(consume)
