"""What the site knows: things (singular, frozen, pure) and their collections (plural, async, with the verbs)."""
