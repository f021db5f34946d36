"""A set that isn't right isn't loaded, and the message says where, what and how to mend it."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from control_plane.policy import (
    KeptOld,
    LivePolicies,
    Permitted,
    PolicyEngine,
    PolicySetInvalid,
    Reloaded,
    Unchanged,
)
from control_plane.policy.cli import app
from tests.policy.conftest import POLICIES
from tests.policy.table import rows

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


def emptied(copy: Path) -> None:
    for path in copy.glob("*.cedar"):
        path.unlink()


def policy(name: str, rule: str = "permit (principal, action, resource);", reasons: str = REASONS) -> str:
    return f'@id("{name}")\n{reasons}{rule}\n'


INVALID: dict[str, tuple[Spoil, str, int, str]] = {
    "no schema": (
        lambda copy: (copy / "schema.cedarschema").unlink(),
        "schema.cedarschema",
        0,
        "can't be read",
    ),
    "no policies": (emptied, "policies", 0, "holds no .cedar file"),
    "no directory": (shutil.rmtree, "policies", 0, "is not a directory"),
    "a directory in a file's place": (lambda copy: (copy / "x.cedar").mkdir(), "x.cedar", 0, "can't be read"),
    "not UTF-8": (
        contained("x.cedar", b"// one\n// \xff\n"),
        "x.cedar",
        2,
        "is not UTF-8",
    ),
    "an invisible change of direction": (
        written("x.cedar", "// one\n// \u202e two\n" + policy("x.a")),
        "x.cedar",
        2,
        "U+202E",
    ),
    "no @id": (
        written("x.cedar", f"\n{REASONS}permit (principal, action, resource);"),
        "x.cedar",
        2,
        "has no @id",
    ),
    "an empty @id": (written("x.cedar", policy("")), "x.cedar", 1, "has no @id"),
    "an @id of another file": (written("x.cedar", policy("y.a")), "x.cedar", 1, "does not begin with"),
    "an @id nobody can type": (written("x.cedar", policy("x.a b")), "x.cedar", 1, "does not begin with"),
    "a doubled @id": (
        written("x.cedar", policy("x.a") + "\n" + policy("x.a", "forbid (principal, action, resource);")),
        "x.cedar",
        8,
        "taken by x.cedar:1",
    ),
    **{
        f"no reason in {language}": (
            written("x.cedar", policy("x.a", reasons=REASONS.replace(f"@reason_{language}", "@note"))),
            "x.cedar",
            1,
            f"has no @reason_{language}",
        )
        for language in ("ar", "fr", "en", "zgh")
    },
    "an empty reason": (
        written("x.cedar", policy("x.a", reasons=REASONS.replace('"e"', '" "'))),
        "x.cedar",
        1,
        "has no @reason_en",
    ),
    "a word too many": (
        written(
            "x.cedar", policy("x.a") + "\n" + policy("x.b", "permit (principal,\n  action verily, resource);")
        ),
        "x.cedar",
        14,
        "unexpected token `verily`",
    ),
    "no end": (
        written("x.cedar", policy("x.a") + "\npermit (principal, action, resource)"),
        "x.cedar",
        8,
        "has no end",
    ),
    "a quotation mark that nothing closes": (
        written("x.cedar", '@id("x.a)\n' + REASONS + "permit (principal, action, resource);"),
        "x.cedar",
        1,
        "",
    ),
    "a template": (
        written("x.cedar", policy("x.a", "permit (principal == ?principal, action, resource);")),
        "x.cedar",
        1,
        "is a template",
    ),
    "a word that the schema doesn't know": (
        written("x.cedar", policy("x.a", "forbid (principal, action, resource) when { context.weather };")),
        "x.cedar",
        1,
        "weather",
    ),
    "a misspelled state": (
        changed("recording.cedar", 'State::"open"', 'State::"opn"'),
        "recording.cedar",
        4,
        "opn",
    ),
    "an action that doesn't exist": (
        written("x.cedar", policy("x.a", 'permit (principal, action == Action::"teleport", resource);')),
        "x.cedar",
        1,
        "teleport",
    ),
    "a schema that can't be read": (
        changed("schema.cedarschema", "level: Long", "level Long"),
        "schema.cedarschema",
        68,
        "unexpected token",
    ),
    "a schema of unknown types": (
        changed("schema.cedarschema", "level: Long", "level: Lng"),
        "schema.cedarschema",
        68,
        "Lng",
    ),
    "a schema that wants a fact nobody gives": (
        changed("schema.cedarschema", "{ now: datetime,", "{ weather: String, now: datetime,"),
        "schema.cedarschema",
        1,
        "can't be asked about",
    ),
    "a schema without an action": (
        changed("schema.cedarschema", "manage_people, manage_policies,", "manage_policies,"),
        "duties.cedar",
        21,
        "manage_people",
    ),
}


@pytest.mark.parametrize("fault", INVALID.values(), ids=INVALID.keys())
def test_an_invalid_set_is_not_loaded_and_says_where_it_is_wrong(
    copy: Path, fault: tuple[Spoil, str, int, str]
) -> None:
    spoil, file, line, what = fault
    spoil(copy)
    with pytest.raises(PolicySetInvalid) as refused:
        PolicyEngine.load(copy)
    problem = refused.value.problems[0]
    assert (Path(problem.file).name, problem.line) == (file, line), str(problem)
    assert what in problem.what
    assert problem.mend


def test_a_link_that_leads_nowhere_is_not_passed_over(copy: Path) -> None:
    (copy / "guests.cedar").unlink()
    (copy / "guests.cedar").symlink_to(copy / "gone.cedar")
    with pytest.raises(PolicySetInvalid, match=r"guests\.cedar:0: can't be read"):
        PolicyEngine.load(copy)


def test_every_fault_is_told_at_once(copy: Path) -> None:
    written("x.cedar", policy("x.a", reasons="") + policy("y.b"))(copy)
    written("z.cedar", "permit (principal, action, resource)")(copy)
    with pytest.raises(PolicySetInvalid) as refused:
        PolicyEngine.load(copy)
    assert [(problem.file, problem.line) for problem in refused.value.problems] == [
        ("x.cedar", 1),
        ("x.cedar", 3),
        ("z.cedar", 1),
    ]


def test_a_semicolon_in_a_sentence_or_a_comment_ends_no_policy(copy: Path) -> None:
    reasons = REASONS.replace('"e"', '"one; two \\"; three // four"')
    written(
        "x.cedar", "// a; b\n" + policy("x.a", '// c; " d\nforbid (principal, action, resource);', reasons)
    )(copy)
    rule = PolicyEngine.load(copy).rules.policies["x.a"]
    assert rule.reasons["en"] == 'one; two "; three // four'
    assert rule.source.line == 2


def test_the_digest_changes_with_any_byte(copy: Path) -> None:
    before = PolicyEngine.load(copy).digest
    assert len(before) == 64
    assert before == PolicyEngine.load(POLICIES).digest
    seen = {before}
    for path in [copy / "schema.cedarschema", *sorted(copy.glob("*.cedar"))]:
        original = path.read_bytes()
        path.write_bytes(original + b"\n")
        seen.add(PolicyEngine.load(copy).digest)
        path.write_bytes(original)
    written("x.cedar", "// nothing yet\n")(copy)
    seen.add(PolicyEngine.load(copy).digest)
    assert len(seen) == 1 + 11 + 1


def test_the_digest_does_not_run_files_together(copy: Path) -> None:
    written("x.cedar", "// ab\n// c\n")(copy)
    one = PolicyEngine.load(copy).digest
    written("x.cedar", "// ab\n")(copy)
    written("y.cedar", "// c\n")(copy)
    assert PolicyEngine.load(copy).digest != one


def test_notes_beside_the_policies_are_no_part_of_the_set(copy: Path) -> None:
    before = PolicyEngine.load(copy).digest
    written("README.md", "changed")(copy)
    assert PolicyEngine.load(copy).digest == before


def test_an_invalid_change_keeps_the_old_set_and_says_so_loudly(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicies(copy)
    old = live.engine
    (copy / "guests.cedar").write_text("permit (principal, action, resource)")
    with caplog.at_level(logging.INFO):
        outcome = live.reload()
    assert isinstance(outcome, KeptOld)
    assert outcome.digest == old.digest
    assert outcome.failure.problems[0].file == "guests.cedar"
    assert live.engine is old
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "stays in force: guests.cedar:1: the last policy has no end" in record.getMessage()


def test_a_valid_change_is_in_force_at_once(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    live = LivePolicies(copy)
    before = live.engine.digest
    row = next(row for row in rows() if row.policies == "entering.members")
    assert isinstance(live.engine.ask(row.question()), Permitted)
    written("x.cedar", policy("x.closed", "forbid (principal, action, resource);"))(copy)
    with caplog.at_level(logging.WARNING):
        outcome = live.reload()
    assert outcome == Reloaded(before, live.engine.digest)
    assert live.engine.digest != before
    assert not isinstance(live.engine.ask(row.question()), Permitted)
    assert "replaced" in caplog.text


def test_an_untouched_set_is_not_loaded_again(copy: Path) -> None:
    live = LivePolicies(copy)
    old = live.engine
    assert live.reload() == Unchanged(old.digest)
    assert live.engine is old


def test_nothing_starts_without_valid_policies(tmp_path: Path) -> None:
    with pytest.raises(PolicySetInvalid, match="is not a directory"):
        LivePolicies(tmp_path / "none")


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
