"""Generated from the contracts beside it; `make protos` writes it anew."""
