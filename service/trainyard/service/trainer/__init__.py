"""Trains one run in a process of its own. The only room that knows Keras; it knows no server."""
