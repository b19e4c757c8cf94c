"""Many pictures from a file of jobs."""
