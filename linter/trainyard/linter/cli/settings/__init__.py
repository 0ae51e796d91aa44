"""How files and flags become a ``Configuration``: discovery, reading, overrides, and where each value came from."""
