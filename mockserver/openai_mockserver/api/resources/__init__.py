"""The endpoints at which no model answers: created objects, and what else the SDK knows.

`operations` answers all of them from OpenAI's schema; a file of its own has what is special of one.
"""
