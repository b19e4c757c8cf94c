"""What a file is, in words."""
