"""The models of the language in Keras: what shapes and parameters the linter predicted is what is built here.

Knows layers and tensors. Knows no optimizer, no loss and no batch.
"""
