"""Training without its tensors: what is learnt from, how, for how long; watching it; its record."""
