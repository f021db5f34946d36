"""The operator's file as plain values with the line of each: YAML without the parts that surprise people."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

SIZE = 256 * 1024  # bytes; a parliament's file has 8 KiB
DEPTH = 12  # our deepest value is at 5
TAG = "tag:yaml.org,2002:"
# Characters that would end a line of a configuration file, and marks that Ansible would run.
ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|\{\{|\{%|\{#")

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
Where = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a file: its line (1 is the first), the key's path, and what may stand there."""

    line: int
    path: str
    says: str

    def sentence(self, file: str) -> str:
        """Return the line for the operator."""
        return (
            f"{file}:{self.line}: {self.path}: {self.says}"
            if self.path
            else f"{file}:{self.line}: {self.says}"
        )


@dataclass
class Contents:
    """What a file holds; `problems` is what made parts of it unusable."""

    value: Plain = None
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, where: Where) -> int:
        """Return the line of a value, or that of the nearest thing around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read(file: Path) -> Contents:
    """Return the plain values of a YAML file; never raises for what it holds (raises OSError)."""
    with file.open("rb") as opened:
        raw = opened.read(SIZE + 1)
    if len(raw) > SIZE:
        return Contents(problems=[Problem(1, "", f"holds more than {SIZE // 1024} KiB, may hold a site")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        return Contents(problems=[Problem(line, "", "holds bytes that are not UTF-8, may hold text")])
    return parse(text)


def parse(text: str) -> Contents:
    """Return the plain values of YAML text; what is wrong with it is in `problems`."""
    contents = Contents()
    try:
        contents.problems = _forbidden(text)
        if contents.problems:
            return contents
        root = _yaml().compose(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        contents.problems.append(Problem(mark.line + 1 if mark else 1, "", f"is not YAML: {_why(wrong)}"))
        return contents
    except YAMLError as wrong:
        line = text.count("\n", 0, getattr(wrong, "position", 0)) + 1
        contents.problems.append(Problem(line, "", f"is not YAML: {' '.join(str(wrong).split())}"))
        return contents
    if root is not None:
        contents.value = _plain(root, (), contents)
    return contents


def spelled(where: Where) -> str:
    """Return a key's path as people write it: hosts.edge1.roles[0]."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).lstrip(".")


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _why(wrong: MarkedYAMLError) -> str:
    said = " ".join(str(wrong.problem or wrong.context or wrong).split())
    return f"{said} (indent with blanks)" if "'\\t'" in said else said


def _forbidden(text: str) -> list[Problem]:
    """Look at the events before anything is built: references and depth can cost memory, tags could run code."""
    found: list[Problem] = []
    depth = 0
    for event in _yaml().parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, NodeEvent) and event.anchor:
            found.append(
                Problem(line, "", "holds a reference (& or *), may hold the value itself, written out")
            )
        elif tag := getattr(event, "tag", None):
            found.append(Problem(line, "", f"holds the tag {tag}, may hold plain values without tags"))
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                return [*found, Problem(line, "", f"holds values more than {DEPTH} levels deep")]
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
    return found


def _plain(node: Node, where: Where, contents: Contents) -> Plain:
    contents.lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return _mapping(node, where, contents)
    if isinstance(node, SequenceNode):
        return [_plain(item, (*where, number), contents) for number, item in enumerate(node.value)]
    return _scalar(node, where, contents)


def _mapping(node: MappingNode, where: Where, contents: Contents) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode) or key.tag != TAG + "str" or ODD.search(key.value):
            said = (
                f"holds the key {_short(key.value)}"
                if isinstance(key, ScalarNode)
                else "holds a key that is no word"
            )
            contents.problems.append(Problem(line, spelled(where), f"{said}, may hold a word as key"))
            continue
        if key.value in found:
            first = contents.lines[(*where, key.value)]
            says = f"stands there twice, may stand once (first in line {first})"
            contents.problems.append(Problem(line, spelled((*where, key.value)), says))
            continue
        contents.lines[(*where, key.value)] = line
        found[key.value] = _plain(value, (*where, key.value), contents)
    return found


def _scalar(node: Node, where: Where, contents: Contents) -> Plain:
    kind, said = str(node.tag).removeprefix(TAG), node.value
    match kind:
        case "str":
            if (odd := ODD.search(said)) is None:
                return str(said)
            kind, may = f"with {odd.group()!r}", "text of one line that is no template"
        case "null":
            return None
        case "bool":
            return bool(said.lower() == "true")
        case "int" if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", said):
            return int(said)
        case "int" | "float":
            may = "a number in plain decimal digits, or text in quotes"
        case _:
            may = "text in quotes"
    contents.problems.append(
        Problem(node.start_mark.line + 1, spelled(where), f"holds {_short(said)} ({kind}), may hold {may}")
    )
    return None


def _short(said: str) -> str:
    text = said.encode("unicode_escape").decode()
    return text if len(text) <= 60 else f"{text[:57]}…"
