"""The page at ``/`` and ``/_mock/``.

Rules of this file: the page and its files need no token, because they say nothing about a mock;
what the page then asks for needs it. They are not part of the API, and not in its document.
"""

from __future__ import annotations

from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest, Route
from openai_mockserver.page import find_file
from openai_mockserver.page.files import HEADERS
from openai_mockserver.server.door import SideResponse

__all__ = ["PAGE_ROUTES"]


def show(mock: object, request: ControlRequest) -> SideResponse:
    """Return the page, or the file of it that the path names."""
    name = request.variables.get("name", "index.html")
    file = find_file(name)
    if file is None:
        raise Problem(404, f"the page has no file {name!r:.80}")
    headers = (("content-type", file.media), ("content-length", str(len(file.content))))
    return SideResponse(200, (*headers, *HEADERS), file.content)


PAGE_ROUTES = (
    *(
        Route(
            method="GET", path=path, handle=show, summary="The page", name="showPage", is_open=True
        )
        for path in ("/", "/_mock", "/_mock/")
    ),
    Route(
        method="GET",
        path="/_mock/page/{name}",
        handle=show,
        summary="A file of the page",
        name="getPageFile",
        is_open=True,
        place="server",
    ),
)
