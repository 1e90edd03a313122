"""Reloading: the rules of a running mock follow the files that they come from.

`reloader` reads the files again and exchanges the rules, `watch` waits for a change on disk, and
`watcher` does both in a thread.
"""

from openai_mockserver.reload.reloader import Reloader
from openai_mockserver.reload.watcher import Watcher

__all__ = ["Reloader", "Watcher"]
