"""Whether a request is one that OpenAI takes, and the error it answers if not."""
