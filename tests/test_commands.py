"""`majlis` with and without the packages that add commands to it."""

from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from control_plane import commands
from control_plane.cli import app

SITE = EntryPoint("site", "infra.cli:app", commands.GROUP)
ABSENT = EntryPoint("moon", "lunar_infra.cli:app", commands.GROUP)
HALF = EntryPoint("dark", "infra.far_side:app", commands.GROUP)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "entry_points", lambda group: [SITE, ABSENT, HALF])


def test_the_command_of_an_installed_package_is_listed_and_runs() -> None:
    assert " site " in CliRunner().invoke(app, ["--help"]).output
    shown = CliRunner().invoke(app, ["site", "--help"])
    assert shown.exit_code == 0
    assert "check" in shown.output


def test_a_host_without_the_package_neither_lists_the_command_nor_breaks() -> None:
    listed = CliRunner().invoke(app, ["--help"])
    assert listed.exit_code == 0
    assert "moon" not in listed.output
    assert "dark" not in listed.output
    assert CliRunner().invoke(app, ["moon"]).exit_code == 2
