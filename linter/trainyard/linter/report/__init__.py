"""The report as people and programs read it."""
