"""The control API: steers a running server over HTTP, under ``/_mock/``.

A route is a row in `routes`: its method and path, a function of the mock and the request, and the
shapes of what it takes and gives. The router (`routing`), the OpenAPI document (`openapi`) and the
reference are made from these rows. `control` is what a server's door calls.

Rules of this package: a handler computes, and never waits. Every error is a `Problem`. Secrets of
requests are redacted as in recordings.
"""

from openai_mockserver.control.control import Control, find_route
from openai_mockserver.control.openapi import build_document
from openai_mockserver.control.routes import ROUTES
from openai_mockserver.control.routing import Route

__all__ = ["ROUTES", "Control", "Route", "build_document", "find_route"]
