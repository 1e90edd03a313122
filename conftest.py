"""What all tests and examples share: text is cut alike, whatever is installed."""

from __future__ import annotations

import os

# Before anything is cut; tests of the vocabularies choose otherwise.
os.environ.setdefault("OPENAI_MOCKSERVER_TOKENS", "words")
