"""How Sphinx builds the site: `scripts/docs` runs it.

Rules of this file: settings only; what is generated from the code is in `scripts/reference.py`, and
how docstrings become pages in `scripts/docstrings.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

project = "openai-mockserver"
html_title = "openai-mockserver"
copyright = "openai-mockserver's authors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["conf.py"]
nitpicky = True
smartquotes = False  # quotes and dashes are as they are typed in code
# Types in signatures are the standard library's, or names of modules that are not public.
nitpick_ignore_regex = [("py:class", ".*")]

myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    """Insert the generated parts into pages, and read docstrings as they are written."""
    import docstrings
    import reference

    def insert(_: Sphinx, page: str, content: list[str]) -> None:
        content[0] = reference.expand(content[0])

    app.connect("source-read", insert)
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", docstrings.process, priority=400)
    app.connect("autodoc-process-signature", docstrings.shorten_signature)
