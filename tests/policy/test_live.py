"""A changed set comes into force only if it is valid; else the old one stays, and says so loudly."""

import logging
from pathlib import Path

import pytest

from control_plane.policy import (
    KeptOld,
    LivePolicies,
    Permitted,
    PolicySetInvalid,
    Reloaded,
    Settling,
    Unchanged,
)
from tests.policy.spoiling import policy, written
from tests.policy.table import rows


def test_an_invalid_change_keeps_the_old_set_and_says_so_loudly(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicies(copy)
    old = live.engine
    (copy / "guests.cedar").write_text("permit (principal, action, resource)")
    with caplog.at_level(logging.INFO):
        assert isinstance(live.reload(), Settling)
        outcome = live.reload()
    assert isinstance(outcome, KeptOld)
    assert outcome.digest == old.digest
    assert outcome.failure.problems[0].file == "guests.cedar"
    assert live.engine is old
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "stays in force: guests.cedar:1: the last policy has no end" in record.getMessage()


def test_the_same_fault_is_told_once_and_the_next_one_again(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicies(copy)
    original = (copy / "guests.cedar").read_text()
    for text in ("permit", "permit", "\npermit", original, "\npermit"):
        (copy / "guests.cedar").write_text(text)
        live.reload()
        live.reload()
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [line.partition("guests.cedar:")[2][0] for line in told] == ["1", "2", "2"]


def test_a_valid_change_is_in_force_once_two_looks_found_the_same(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicies(copy)
    before = live.engine.digest
    row = next(row for row in rows() if row.policies == "entering.members")
    assert isinstance(live.engine.ask(row.question()), Permitted)
    written("x.cedar", policy("x.closed", "forbid (principal, action, resource);"))(copy)
    with caplog.at_level(logging.WARNING):
        assert isinstance(live.reload(), Settling)
        assert live.engine.digest == before
        outcome = live.reload()
    assert outcome == Reloaded(before, live.engine.digest)
    assert live.engine.digest != before
    assert not isinstance(live.engine.ask(row.question()), Permitted)
    assert "replaced" in caplog.text


def test_a_set_that_is_still_being_copied_is_not_loaded(copy: Path) -> None:
    live = LivePolicies(copy)
    before = live.engine
    for number in range(3):
        written("x.cedar", policy(f"x.part{number}", "forbid (principal, action, resource);"))(copy)
        assert isinstance(live.reload(), Settling)
    assert live.engine is before


def test_a_file_that_has_gone_takes_no_forbid_with_it(copy: Path) -> None:
    """Without in-camera.cedar the rest is valid, and lets guests stay in camera."""
    live = LivePolicies(copy)
    before = live.engine
    (copy / "in-camera.cedar").unlink()
    for _ in range(3):
        outcome = live.reload()
        assert isinstance(outcome, KeptOld)
        assert "in-camera.cedar" in str(outcome.failure)
        assert "restart" in str(outcome.failure)
    assert live.engine is before


def test_an_untouched_set_is_not_loaded_again(copy: Path) -> None:
    live = LivePolicies(copy)
    old = live.engine
    assert live.reload() == Unchanged(old.digest)
    assert live.engine is old


def test_nothing_starts_without_valid_policies(tmp_path: Path) -> None:
    with pytest.raises(PolicySetInvalid, match="is not a directory"):
        LivePolicies(tmp_path / "none")
