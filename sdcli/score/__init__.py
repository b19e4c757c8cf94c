"""Finished pictures measured: one by one, and as sets."""
