"""How far two pictures are apart, in numbers."""
