"""Files on this machine: by name, by content, and from elsewhere."""
