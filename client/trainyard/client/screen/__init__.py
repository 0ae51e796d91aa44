"""What a person or a program sees of a running job, in four ways. Knows events, and no network."""
