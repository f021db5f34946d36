"""The words keep up with the program: what exists is told, and what is told exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from control_plane.app import ROUTERS
from control_plane.audit.entries import KINDS
from control_plane.cli import app as majlis
from control_plane.rooms.reasons import REASONS
from control_plane.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "policies").glob("*.md")),
    *sorted((ROOT / "playbooks").rglob("*.md")),
    *sorted(DOCS.rglob("*.md")),
)
PICTURES = sorted((DOCS / "pictures").glob("*.svg"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROUTE_ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \|", re.MULTILINE)
KIND_ROW = re.compile(r"^\| (\d+) \| `(\w+)` \|", re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(text(page) for page in PAGES)


def commands() -> list[str]:
    group = get_command(majlis)
    assert isinstance(group, TyperGroup)
    return list(_commands(group, "majlis"))


def _commands(group: TyperGroup, path: str) -> Iterator[str]:
    context = group.make_context(path, [], resilient_parsing=True)
    for name in group.list_commands(context):  # also those that other packages add
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that a reader's program makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_sysadmin_is_told_every_setting_and_no_other() -> None:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    assert len(settings) >= 17
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \|", text(DOCS / "sysadmin.md"), re.MULTILINE)
    assert sorted(rows) == sorted(settings)


def test_the_command_lists_the_same_settings_with_what_they_are_when_not_set() -> None:
    listed = CliRunner().invoke(majlis, ["settings"], env={"COLUMNS": "300"}).output
    assert sorted(re.findall(rf"{PREFIX}\w+", listed)) == sorted(
        PREFIX + n.upper() for n in Settings.model_fields
    )
    assert listed.count("it must be set") == 2
    assert "Undefined" not in listed
    assert "*" not in listed


def test_every_command_is_told_somewhere() -> None:
    told, found = everything(), commands()
    assert len(found) >= 12
    assert [command for command in found if command not in told] == []


def test_no_command_is_told_that_is_not_there() -> None:
    words = {command.split()[1] for command in commands()}
    told = set(re.findall(r"(?:^|`)majlis ([a-z]+)", everything(), re.MULTILINE))
    assert len(told) >= 8
    assert told - words == set()


def test_every_target_of_the_makefile_is_told_to_developers() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", text(ROOT / "Makefile"), re.MULTILINE)
    assert {"demo", "test", "check", "bench"} <= set(targets)
    for target in set(targets) - {"help", "setup"}:
        assert f"make {target}" in text(ROOT / "README.md")


def test_every_package_that_is_installed_is_told_beforehand() -> None:
    recipes = text(ROOT / "Makefile").replace("\\\n", " ")
    asked = re.findall(r"tools/system-packages (.+)$", recipes, re.MULTILINE)
    packages = {pair.partition(":")[2] for line in asked for pair in line.split()}
    packages |= set(re.findall(r'missing="\$missing ([a-z0-9-]+)"', text(ROOT / "tools/system-packages")))
    assert len(packages) >= 25
    assert "" not in packages
    told = text(ROOT / "README.md")
    assert [package for package in sorted(packages) if f"`{package}`" not in told] == []


def test_every_policy_file_is_told_to_the_security_officer() -> None:
    files = [*(ROOT / "policies").glob("*.cedar"), *(ROOT / "policies").glob("*.cedarschema")]
    assert len(files) >= 11
    told = text(ROOT / "policies/README.md")
    assert [file.name for file in files if f"`{file.name}`" not in told] == []


def test_every_kind_of_entry_is_told_with_its_number() -> None:
    rows = KIND_ROW.findall(text(DOCS / "security-officer.md"))
    assert {int(number): name for number, name in rows} == {n: kind.__name__ for n, kind in KINDS.items()}
    assert len(rows) == len(KINDS) >= 56


def test_every_word_of_a_refusal_at_the_gate_is_told() -> None:
    words = set(REASONS) - {"waiting", "sent_back"}  # those who wait were not refused
    assert len(words) >= 20
    told = text(DOCS / "security-officer.md")
    assert [word for word in sorted(words) if f"`{word}`" not in told] == []


def test_every_route_is_told_and_every_told_route_is_there() -> None:
    there = {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert len(there) >= 50
    told = set(ROUTE_ROW.findall(text(DOCS / "api.md")))
    assert (sorted(there - told), sorted(told - there)) == ([], []), "not in docs/api.md; told, but not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(text(page)):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        reached = (page.parent / file).resolve() if file else page
        assert reached.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(reached), f"{target}: no such heading"


def test_the_index_of_decisions_is_whole_and_numbered_without_a_gap() -> None:
    records = sorted(record.name for record in (DOCS / "decisions").glob("[0-9]*.md"))
    assert len(records) >= 10
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    listed = LINK.findall(text(DOCS / "decisions/README.md"))
    assert sorted(listed) == records
    for name in records:
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text(DOCS / "decisions" / name), f"{name} lacks {part}"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_can_be_read_by_day_by_night_and_aloud_and_fetches_nothing(picture: Path) -> None:
    drawn = text(picture)
    for needed in ("prefers-color-scheme: dark", "<title ", "<desc ", 'role="img"', "<text "):
        assert needed in drawn
    assert re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)[^\"'#)]", drawn) == []
    assert "@import" not in drawn


def test_every_picture_is_shown_on_some_page() -> None:
    assert len(PICTURES) >= 2
    shown = everything()
    assert [picture.name for picture in PICTURES if f"pictures/{picture.name}" not in shown] == []


def test_a_missing_setting_route_or_kind_is_noticed() -> None:
    """Breaks the promises on purpose, so that the tests above can be believed."""
    assert ROUTE_ROW.findall("| `GET /nowhere` | x | |") == [("GET", "/nowhere")]
    assert KIND_ROW.findall("| 7 | `Seven` | x |") == [("7", "Seven")]
    assert LINK.findall("see [a](b.md#c) and ![d](e.svg)") == ["b.md#c", "e.svg"]
