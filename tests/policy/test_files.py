"""A set that isn't right isn't loaded, and the message says where, what and how to mend it."""

import shutil
from pathlib import Path

import pytest

from control_plane.policy import PolicyEngine, PolicySetInvalid
from tests.policy.conftest import POLICIES
from tests.policy.spoiling import REASONS, Spoil, changed, contained, policy, written


def emptied(copy: Path) -> None:
    for path in copy.glob("*.cedar"):
        path.unlink()


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
