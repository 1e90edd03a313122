"""The Realtime API: its sessions' configurations, the events of its responses, and its calls."""
