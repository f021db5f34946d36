"""`majlis policy check`: what it lists, what it warns of, and how it fails."""

from pathlib import Path

from typer.testing import CliRunner

from control_plane.policy import PolicyEngine
from control_plane.policy.cli import app
from tests.policy.conftest import POLICIES
from tests.policy.spoiling import changed, policy, written


def test_check_lists_the_files_the_count_and_the_digest(engine: PolicyEngine) -> None:
    result = CliRunner().invoke(app, ["check", str(POLICIES)])
    assert result.exit_code == 0, result.output
    assert "62 policies" in result.output
    assert engine.digest in result.output
    assert "in-camera.cedar" in result.output
    assert "warning" not in result.output


def test_check_warns_of_what_is_valid_and_hardly_meant(copy: Path) -> None:
    written("guests.cedar.old", "")(copy)
    changed(
        "duties.cedar",
        'permit (principal is Person, action == Action::"read_log"',
        'forbid (principal is Person, action == Action::"read_log"',
    )(copy)
    written(
        "x.cedar",
        policy("x.a", "forbid (principal is Ghost, action, resource);".replace("Ghost", "Guest"))
        + policy("x.b", "forbid (principal is Guest, action, resource);"),
    )(copy)
    result = CliRunner().invoke(app, ["check", str(copy)])
    assert result.exit_code == 0, result.output
    assert "guests.cedar.old is not read" in result.output
    assert 'no policy permits "read_log"' in result.output
    assert "x.b says the same as x.a" in result.output


def test_check_fails_with_file_and_line(copy: Path) -> None:
    written("x.cedar", policy("x.a", reasons=""))(copy)
    result = CliRunner().invoke(app, ["check", str(copy)])
    assert result.exit_code == 1
    assert "x.cedar:1 has no @reason_ar" in result.output
    assert "write a sentence" in result.output
