"""The resident process that keeps models warm: how it is found, spoken to, and used as a session."""
