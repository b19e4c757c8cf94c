"""One picture at every step."""
