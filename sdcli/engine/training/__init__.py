"""Training: what is learnt beside frozen weights, the loss, the loop, the files."""
