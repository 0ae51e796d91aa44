"""What a run will do before it runs: split, weights, learning rate, memory, time, disk, and how it may end."""
