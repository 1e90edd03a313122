"""``python -m openai_mockserver`` is the command."""

from openai_mockserver.cli import main

main()
