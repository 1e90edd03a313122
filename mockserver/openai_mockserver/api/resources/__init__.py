"""The endpoints at which no model answers: stored objects, and all other endpoints of the SDK.

`operations` answers all of them by OpenAI's schema; the other files add what one endpoint needs
beyond that.
"""
