"""`sdcli serve`: jobs, their queue and their worker behind HTTP. `app.py` says how a dialect is mounted."""
