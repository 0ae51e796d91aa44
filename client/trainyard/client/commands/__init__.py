"""The client's commands, one module each. They decide about options, streams and exit codes, and nothing else."""
