"""A page in Chromium as a person or a screen reader uses it: by roles and accessible names."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from chromium import Chromium, Message, Page

__all__ = ["PageView"]

_KEYS = {"/": 191, "?": 191, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38}


class PageView(Page):
    """One tab."""

    def __init__(self, chromium: Chromium) -> None:
        super().__init__(chromium)
        chromium.events.clear()
        for domain in ("Runtime", "Log", "Network", "Accessibility", "DOM"):
            self._call(f"{domain}.enable")
        self.resize(1400, 900)

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def _call(self, method: str, **params: object) -> Message:
        return self.chromium.call(method, self.session, **params)

    def wait(self, condition: str) -> Any:
        """Wait until a JavaScript expression is true, and return its value."""
        return self.evaluate(f"""
            new Promise((resolve, reject) => {{
                const check = () => {{
                    const value = {condition};
                    if (!value) return;
                    observer.disconnect();
                    resolve(value);
                }};
                const observer = new MutationObserver(check);
                const changes = {{
                    subtree: true, childList: true, characterData: true, attributes: true,
                }};
                observer.observe(document, changes);
                setTimeout(() => reject(new Error("timeout")), 15_000);
                check();
            }})
        """)

    def _query(self, role: str, name: str | None) -> list[Message]:
        root = self._call("DOM.getDocument", depth=0)["root"]["nodeId"]
        more = {} if name is None else {"accessibleName": name}
        nodes = self._call("Accessibility.queryAXTree", nodeId=root, role=role, **more)["nodes"]
        return [node for node in nodes if not node["ignored"]]

    def names(self, role: str) -> list[str]:
        """Return the names of all elements with a role."""
        return [node["name"]["value"] for node in self._query(role, None) if "name" in node]

    def find(self, role: str, name: str) -> str:
        """Wait for the element with a role and a name, and return its object."""
        for _ in range(100):
            if nodes := self._query(role, name):
                node = nodes[0]["backendDOMNodeId"]
                found = self._call("DOM.resolveNode", backendNodeId=node)
                return str(found["object"]["objectId"])
            self.evaluate("""
                new Promise((resolve) => {
                    const changes = { subtree: true, childList: true, attributes: true };
                    new MutationObserver(resolve).observe(document, changes);
                    setTimeout(resolve, 150);
                })
            """)
        raise AssertionError(f"no {role} {name!r} among {self.names(role)}")

    def apply(self, role: str, name: str, body: str) -> Any:
        """Run the body of a function with the element as ``this``."""
        declaration = f"function() {{ {body} }}"
        result = self._call(
            "Runtime.callFunctionOn",
            objectId=self.find(role, name),
            functionDeclaration=declaration,
            returnByValue=True,
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, role: str, name: str) -> None:
        self.apply(role, name, "this.click()")

    def read(self, role: str, name: str) -> str:
        """Return the text of an element."""
        return str(self.apply(role, name, "return this.innerText"))

    def fill(self, role: str, name: str, text: str) -> None:
        """Set the value of a field, as if it was typed."""
        self.apply(
            role,
            name,
            f"this.focus(); this.value = {json.dumps(text)};"
            "for (const kind of ['input', 'change'])"
            " this.dispatchEvent(new Event(kind, { bubbles: true }));",
        )

    def press(self, key: str) -> None:
        """Press a key, and release it."""
        code = _KEYS.get(key) or ord(key.upper())
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        values = {"key": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", **values, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **values)

    def complaints(self) -> list[str]:
        """Return what the browser has logged as an error or a warning.

        It logs every answer that is an error, also those that the page expects.
        """
        expected = ("status of 409", "status of 422")
        return [
            json.dumps(event["params"])
            for event in self.chromium.events
            if event.get("sessionId") == self.session
            and (
                event["method"] == "Runtime.exceptionThrown"
                or (
                    event["method"] == "Log.entryAdded"
                    and not any(one in event["params"]["entry"]["text"] for one in expected)
                )
                or (
                    event["method"] == "Runtime.consoleAPICalled"
                    and event["params"]["type"] in ("error", "warning")
                )
            )
        ]

    def origins(self) -> set[str]:
        """Return the origins that were asked for something."""
        urls = [
            urlsplit(event["params"]["request"]["url"])
            for event in self.chromium.events
            if event["method"] == "Network.requestWillBeSent"
            and event.get("sessionId") == self.session
        ]
        return {f"{url.scheme}://{url.netloc}" for url in urls}
