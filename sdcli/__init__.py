"""Pictures from words with Stable Diffusion checkpoints."""

__version__ = "0.1.0"
