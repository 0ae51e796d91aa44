"""What the data is, read from disk within a time budget. Called by the command line and the server only."""
