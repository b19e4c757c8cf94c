"""The same noise under several schedulers."""
