"""What is left of a run beside its numbers: a card that a person reads, and how right the predictions were."""
