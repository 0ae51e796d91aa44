"""Bytes to a document: strict JSON, its faults, and the place of every key and value. Knows nothing of specs."""
