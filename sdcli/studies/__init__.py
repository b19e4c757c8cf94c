"""Pictures drawn to be compared: by scheduler, by setting, by step."""
