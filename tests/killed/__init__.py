"""`kill -9` of every part of the real stack, while visitors use it."""
