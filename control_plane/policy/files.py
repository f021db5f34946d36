"""The directory of policies as bytes: read once, digested, cut into single policies with their lines."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCHEMA = "schema.cedarschema"
# Unicode's direction controls can make a rule read otherwise than it runs
# (CVE-2021-42574); Arabic needs none of them here.
DIRECTION_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|\S', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file, where, and how to mend it; line 0 is the file as a whole."""

    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what} ({self.mend})"


class PolicySetInvalid(Exception):
    """The set can't be loaded; `problems` names every file, line, fault and remedy that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class File:
    """One file of the set."""

    name: str
    content: bytes

    def text(self) -> str:
        """Return the content as text (raises PolicySetInvalid where it isn't plain UTF-8)."""
        try:
            text = self.content.decode("utf-8")
        except UnicodeDecodeError as broken:
            line = self.content[: broken.start].count(b"\n") + 1
            raise PolicySetInvalid(
                (Problem(self.name, line, "is not UTF-8", "save it as UTF-8"),)
            ) from broken
        if control := DIRECTION_CONTROLS.search(text):
            what = f"holds the invisible direction control U+{ord(control.group()):04X}"
            mend = "delete it: it can make a rule read otherwise than it runs"
            raise PolicySetInvalid((Problem(self.name, line_at(text, control.start()), what, mend),))
        return text


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one policy with the comment above it, where that begins and where the first word is."""

    file: str
    begins: int
    line: int
    text: str


def read(directory: Path) -> tuple[File, ...]:
    """Return the schema first and then the policies by name (raises PolicySetInvalid for what can't be read)."""
    if not directory.is_dir():
        problem = Problem(str(directory), 0, "is not a directory", "point the setting at the policies")
        raise PolicySetInvalid((problem,))
    paths = [directory / SCHEMA, *sorted(directory.glob("*.cedar"), key=lambda path: path.name)]
    if len(paths) == 1:
        raise PolicySetInvalid(
            (Problem(str(directory), 0, "holds no .cedar file", "put the policies there"),)
        )
    return tuple(_read_one(path) for path in paths)


def digest_of(files: tuple[File, ...]) -> str:
    """Return the SHA-256, in hex, of every name and content; lengths keep them from running together."""
    digest = hashlib.sha256(b"majlis policies v1\n")
    for file in files:
        name = file.name.encode()
        digest.update(b"%d %d\n" % (len(name), len(file.content)) + name + file.content)
    return digest.hexdigest()


def unread(directory: Path) -> list[str]:
    """Return the names of files in the directory that are no part of the set."""
    part = {SCHEMA, "README.md", *(path.name for path in directory.glob("*.cedar"))}
    return sorted(path.name for path in directory.iterdir() if path.name not in part)


def pieces(file: File) -> Iterator[Piece]:
    """Yield the policies of a file one by one (raises PolicySetInvalid for a last one without its `;`)."""
    text = file.text()
    begin, first = 0, None
    for token in TOKEN.finditer(text):
        if token.group().startswith("//"):
            continue
        if first is None:
            first = token.start()
        if token.group() == ";":
            yield _piece(file.name, text, begin, first, token.end())
            begin, first = token.end(), None
    if first is not None:
        mend = "end it with ; and look for a quotation mark that nothing closes"
        raise PolicySetInvalid(
            (Problem(file.name, line_at(text, first), "the last policy has no end", mend),)
        )


def _piece(file: str, text: str, begin: int, first: int, end: int) -> Piece:
    whole = text[begin:end]
    comment = begin + len(whole) - len(whole.lstrip())
    return Piece(file, line_at(text, comment), line_at(text, first), whole.strip())


def line_at(text: str, position: int) -> int:
    """Return the line, from 1, that holds the position."""
    return text.count("\n", 0, position) + 1


def _read_one(path: Path) -> File:
    try:
        return File(path.name, path.read_bytes())
    except OSError as unreadable:
        mend = "put it back, readable for the control plane's user"
        problem = Problem(path.name, 0, f"can't be read: {unreadable.strerror}", mend)
        raise PolicySetInvalid((problem,)) from unreadable
