"""One module a kind of machine."""
