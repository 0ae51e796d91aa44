"""The ``trainlint`` command."""
