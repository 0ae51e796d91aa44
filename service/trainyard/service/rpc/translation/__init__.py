"""Between the core's values and the contract's messages. Translates, and decides nothing."""
