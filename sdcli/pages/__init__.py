"""What the pages of the studies say: compared schedulers, a sweep, a trace."""
