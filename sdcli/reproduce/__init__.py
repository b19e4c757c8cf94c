"""A picture drawn again, and held against what it was."""
