"""LoRA files: their modules, their kinds, and how much of them fits a model."""
