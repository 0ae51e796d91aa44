"""Judges a training spec before anything runs. ``lint`` is the front door."""
