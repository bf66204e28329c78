"""What staff do, in the process that may block."""
