"""Datasets into memory: decode once, name what is bad, split once. Knows numpy, knows no Keras."""
