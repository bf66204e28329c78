"""Tools that know nothing of this site: they take and return plain values, and could serve any other."""
