"""One class per rule; each says what is wrong, why, and what to write. Pure: no file, no network, no clock."""
