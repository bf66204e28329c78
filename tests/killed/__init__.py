"""What dies, and what of it anybody notices: `kill -9` of every part of the real stack, with visitors on it."""
