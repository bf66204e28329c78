"""Tools that know nothing of this site: they take plain values and could serve any other."""
