"""Prompts with choices in them, `a {red|blue} house`, and files of words: dynamicprompts' language."""
