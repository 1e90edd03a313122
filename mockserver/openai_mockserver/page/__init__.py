"""The page that shows a running server in a browser, as it is served.

`static/` has the page: HTML, CSS and ES modules, without a build step and without a library. It
uses the control API only. `files` finds a file of it, with its type and its policy.

Rules of this package: the page inserts every text of a call as text, loads nothing from another
host, and has no script or style within its HTML.
"""

from openai_mockserver.page.files import PageFile, find_file

__all__ = ["PageFile", "find_file"]
