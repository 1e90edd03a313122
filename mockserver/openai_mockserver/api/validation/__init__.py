"""Check requests as OpenAI does, and return its error for an invalid one."""
