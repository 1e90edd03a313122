"""``python -m mockserver`` is the command."""

from mockserver.cli import main

main()
