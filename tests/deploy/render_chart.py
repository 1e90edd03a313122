"""Renders the chart with Helm, and validates what comes out against the schemas of Kubernetes.

It runs in an environment of its own: the chart's folder is its argument, a list of values is its
input, and its output has, for each, the documents and notes, or the error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml

FOREIGN = {"ServiceMonitor"}  # kinds that Kubernetes itself does not have
KUBERNETES = "1.37.0"


def render(chart: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return the documents of a release called ``demo`` in the namespace ``load``."""
    import helm_python  # not there where tests are collected
    import kubernetes_validate

    try:
        chart.validate_schema(values)
    except helm_python.HelmError as error:
        return {"error": str(error)}
    texts = chart.render(values, name="demo", namespace="load")
    notes = next(text for name, text in texts.items() if name.endswith("NOTES.txt"))
    documents = [
        document
        for name, text in texts.items()
        if name.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document is not None
    ]
    for document in documents:
        if document["kind"] not in FOREIGN:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
    return {"documents": documents, "notes": notes}


def main() -> None:
    import helm_python

    folder = sys.argv[1]
    findings = helm_python.lint(folder, strict=True)
    with helm_python.Chart.load(folder) as chart:
        releases = [render(chart, values) for values in json.load(sys.stdin)]
    json.dump({"errors": findings["errors"], "releases": releases}, sys.stdout)


if __name__ == "__main__":
    main()
