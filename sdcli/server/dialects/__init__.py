"""The languages that clients speak, a package each. `server/http/app.py` says how one is mounted."""
