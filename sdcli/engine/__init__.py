"""Everything that touches a tensor. Nothing outside this folder imports torch."""
