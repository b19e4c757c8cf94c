"""Files of weights, read without torch: what they hold, and under which names."""
