"""The transparency log: entries, tree, checkpoint, verification."""
