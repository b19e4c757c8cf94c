"""Prompts: their syntax, their tokens, and what becomes of them."""
