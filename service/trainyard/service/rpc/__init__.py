"""gRPC in front of the core: translates, authenticates, and decides nothing."""
