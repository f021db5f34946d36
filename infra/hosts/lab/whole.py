"""Files that are there whole or not at all, so that a lab broken off at any moment can be gone on with."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write beside and rename."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.replace(path)
