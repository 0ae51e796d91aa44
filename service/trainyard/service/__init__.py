"""The training server and its trainer."""
