"""One picture under several settings."""
