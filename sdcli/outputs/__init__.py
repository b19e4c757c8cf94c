"""Pictures and other files saved, each whole or not at all."""
