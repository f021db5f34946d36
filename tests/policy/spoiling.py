"""Ways to change a copy of the policies."""

from collections.abc import Callable
from pathlib import Path

REASONS = '@reason_ar("ا")\n@reason_fr("f")\n@reason_en("e")\n@reason_zgh("ⵣ")\n'
Spoil = Callable[[Path], None]


def written(name: str, text: str) -> Spoil:
    return contained(name, text.encode())


def contained(name: str, content: bytes) -> Spoil:
    def spoil(copy: Path) -> None:
        (copy / name).write_bytes(content)

    return spoil


def changed(name: str, old: str, new: str) -> Spoil:
    def change(copy: Path) -> None:
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new, 1))

    return change


def policy(name: str, rule: str = "permit (principal, action, resource);", reasons: str = REASONS) -> str:
    return f'@id("{name}")\n{reasons}{rule}\n'
