"""Finished pictures made larger by an upscaler: which, how large, where to, and what they carry then."""
