"""The Python client and the ``trainyard`` command."""
