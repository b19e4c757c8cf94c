"""A training: run, and told on a page."""
