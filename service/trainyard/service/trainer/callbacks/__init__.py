"""What happens at the end of epochs, and between batches. Ours, so that their state can be saved and resumed.

None of them reads a loss per batch: that would wait for the device after every step.
"""
