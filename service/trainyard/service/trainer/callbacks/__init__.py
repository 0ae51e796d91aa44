"""What happens at the end of epochs, and between launches. Ours, so that their state is saved and resumed with the weights.

None of them reads a loss per step: that would wait for the device after every one.
"""
