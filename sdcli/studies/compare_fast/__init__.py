"""The same noise by every way to be faster."""
