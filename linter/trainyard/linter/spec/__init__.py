"""The language: schema, typed model, defaults, digest. Knows nothing of rules."""
