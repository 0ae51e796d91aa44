"""Where jobs and events are kept."""
