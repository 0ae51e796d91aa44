"""Runs the rules on a spec and turns what they say into a report."""
