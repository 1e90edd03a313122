"""What a Live session shows: its configuration, what is said in it, and its operations."""
