"""The whole way on real data, told as it happens. It runs the programs as a user would, and checks what they promise."""
