"""What the controller keeps of a site, and the passphrase that locks its secrets."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from infra.passphrase import Passphrase, PassphraseMissing, find
from infra.state import LastUp, SiteBusy, SiteState, state_of, utc_now


@pytest.fixture
def state(tmp_path: Path) -> SiteState:
    return state_of("lab", {"XDG_STATE_HOME": str(tmp_path)})


def test_a_state_has_its_place_and_the_operator_may_choose_another(tmp_path: Path) -> None:
    assert state_of("lab", {"HOME": "/h"}).directory == Path("/h/.local/state/majlis/sites/lab")
    assert state_of("lab", {"XDG_STATE_HOME": "/x"}).directory == Path("/x/majlis/sites/lab")
    assert state_of("lab", {}, tmp_path / "mine").directory == tmp_path / "mine"


def test_a_second_command_is_told_who_holds_the_site(state: SiteState) -> None:
    with (
        state.lock("up"),
        pytest.raises(SiteBusy, match=f"`majlis site up` .process {os.getpid()}"),
        state.lock("down"),
    ):
        pass
    with state.lock("down"):
        pass


def test_a_lock_ends_with_the_process_that_held_it(state: SiteState) -> None:
    dies = f"""
import os, signal, pathlib
from infra.state import SiteState
with SiteState(pathlib.Path({str(state.directory)!r})).lock("up"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == -9
    with state.lock("up"):
        pass


def test_what_a_power_cut_leaves_is_an_interrupted_up(state: SiteState) -> None:
    assert state.empty
    state.record(LastUp("2026-11-24T10:00:00Z", "digest"))
    last = state.last_up()
    assert last is not None
    assert (last.outcome, last.whole) == ("interrupted", False)


def test_only_the_last_twenty_logs_are_kept(state: SiteState) -> None:
    now = utc_now()
    for minute in range(30):
        state.log("up", now + timedelta(minutes=minute)).touch()
    assert len(list((state.directory / "logs").iterdir())) == 20


def test_a_lab_makes_its_own_passphrase_once_and_says_where_it_is(state: SiteState) -> None:
    made = find(state, {}, only_lab=True, ask=None)
    assert len(made.text) >= 32
    assert str(state.passphrase) in made.note
    assert state.passphrase.stat().st_mode & 0o777 == 0o600
    assert find(state, {}, only_lab=True, ask=None) == Passphrase(made.text)


def test_a_real_site_keeps_its_passphrase_elsewhere(state: SiteState, tmp_path: Path) -> None:
    with pytest.raises(PassphraseMissing, match="PULUMI_CONFIG_PASSPHRASE_FILE"):
        find(state, {}, only_lab=False, ask=None)
    assert find(state, {}, only_lab=False, ask=lambda: "typed by a human") == Passphrase("typed by a human")
    with pytest.raises(PassphraseMissing, match="12 characters"):
        find(state, {}, only_lab=False, ask=lambda: "short")
    assert find(state, {"PULUMI_CONFIG_PASSPHRASE": "given"}, only_lab=True, ask=None).text == "given"
    file = tmp_path / "word"
    environment = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    with pytest.raises(PassphraseMissing, match="can't be read"):
        find(state, environment, only_lab=True, ask=None)
    file.write_text("from a file\n")
    assert find(state, environment, only_lab=False, ask=None).text == "from a file"
    assert not state.passphrase.exists()
