"""What all tests and examples share: text is cut alike, whether the vocabularies are here or not."""

from __future__ import annotations

import os

# Before anything is cut; tests of the vocabularies choose otherwise.
os.environ["MOCKSERVER_TOKENS"] = "words"
