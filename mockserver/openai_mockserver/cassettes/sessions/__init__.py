"""Recorded WebSocket sessions: our own `file`, its `recorder`, and the `formats` that are read."""
