"""One module per intention: load, decide, append."""
