"""What can be set, by name and from text."""
