"""Generated messages become values of ours, here and nowhere else."""
