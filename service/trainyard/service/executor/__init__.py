"""What starts, watches and ends trainer processes."""
