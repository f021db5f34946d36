"""Bare machines through OpenStack's Redfish emulator; what answers SSH for them is an sshd on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from infra.hosts.machine import (
    Absent,
    MachineRefused,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
    Plain,
)
from infra.hosts.redfish import Redfish
from tests.infra.hosts.answering import Answering, free_port
from tests.infra.hosts.board import Board, board
from tests.infra.hosts.specs import door_of, secrets_of, spec

TODAY = date(2026, 11, 24)


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[Board]:
    """Give the board of a machine that is off."""
    with board(tmp_path) as running:
        yield running


def maker(host: Answering, install_seconds: float = 5) -> Redfish:
    """Return the maker; today is the 24th of November 2026."""
    return Redfish(secrets_of(host), today=lambda: TODAY, install_seconds=install_seconds)


def wanted(host: Answering, bmc: Board, **more: Plain) -> MachineSpec:
    """Describe the machine behind the board."""
    options = door_of(
        host,
        bmc=bmc.url,
        image=bmc.image,
        board_authority=str(bmc.authority),
        install_until="2026-11-24",
    )
    return spec("redfish", options=options | more)


def without(described: MachineSpec, key: str) -> MachineSpec:
    """Return the description without one of its options."""
    return replace(described, options={k: v for k, v in described.options.items() if k != key})


def test_a_machine_is_installed_once_and_never_installed_over(host: Answering, bmc: Board) -> None:
    machine = wanted(host, bmc)
    silent = wanted(host, bmc, port=free_port())
    assert maker(host).examine(machine) == Absent()
    with pytest.raises(MachineUnreachable):  # up is interrupted while the installer runs
        maker(host, install_seconds=0).create(silent)
    assert maker(host).examine(silent) == Absent()
    made = maker(host).create(without(machine, "install_until"))  # waited for, without a new consent
    assert made.host_key == host.host.public
    with pytest.raises(MachineUnreachable):  # the medium is out: nobody takes its silence for an installer's
        maker(host).examine(silent)
    with pytest.raises(MachineUnreachable):  # it runs, and its disk is not to be touched
        maker(host, install_seconds=0).create(silent)


def test_a_machine_that_is_off_is_not_installed_without_a_word_that_still_counts(
    host: Answering, bmc: Board
) -> None:
    for refused in (
        without(wanted(host, bmc), "install_until"),
        wanted(host, bmc, install_until="2026-11-23"),
    ):
        with pytest.raises(MachineRefused, match="is off, and installing it overwrites its disks"):
            maker(host).create(refused)
    assert maker(host).examine(wanted(host, bmc)) == Absent()


def test_a_board_whose_certificate_nobody_vouches_for_is_not_given_the_password(
    host: Answering, bmc: Board
) -> None:
    with pytest.raises(MachineUnreachable, match="name that one's PEM file as board_authority"):
        maker(host).examine(without(wanted(host, bmc), "board_authority"))
    accepted = without(wanted(host, bmc, accept_any_certificate=True), "board_authority")
    assert maker(host).examine(accepted) == Absent()


def test_a_wrong_password_is_told_and_never_shown(host: Answering, bmc: Board) -> None:
    secrets = replace(secrets_of(host), board_password="quite-another-word")
    with pytest.raises(MachineRefused, match="doesn't take the account or its password") as refused:
        Redfish(secrets).examine(wanted(host, bmc))
    shown = f"{refused.value} {refused.value.__cause__} {secrets!r} {wanted(host, bmc)!r}"
    assert "quite-another-word" not in shown


WRONG: list[tuple[dict[str, str], str]] = [
    ({"bmc": ""}, "bmc is missing or no plain address"),
    ({"bmc": "https://root:word@127.0.0.1"}, "bmc is missing or no plain address"),
    ({"bmc": "ftp://127.0.0.1"}, "bmc is missing or no plain address"),
    ({"bmc": "http://127.0.0.1"}, "bmc is http"),
    ({"image": "file:///etc/shadow"}, "image is missing or no plain address"),
    ({"image": "http://127.0.0.1/a.iso?token=1"}, "image is missing or no plain address"),
    ({"board_authority": "/nowhere.pem"}, "board_authority names /nowhere.pem, which is no file"),
    ({"install_until": "tomorrow"}, "install_until is tomorrow, may be a day"),
    ({"install_until": "2026-13-01"}, "install_until is 2026-13-01, may be a day"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_a_wrong_description_is_refused_before_a_board_is_spoken_to(
    host: Answering, options: dict[str, str], sentence: str
) -> None:
    nobody = Board("https://127.0.0.1:9", Path(__file__), "http://127.0.0.1:9/debian.iso")
    described = wanted(host, nobody)
    described = replace(described, options={**described.options, **options})
    for verb in (maker(host).create, maker(host).examine, maker(host).destroy):
        with pytest.raises(MachineRefused) as refused:
            verb(described)
        assert sentence in str(refused.value)


def test_a_board_without_a_password_is_refused(host: Answering) -> None:
    nobody = Board("https://127.0.0.1:9", Path(__file__), "http://127.0.0.1:9/debian.iso")
    with pytest.raises(MachineRefused, match="there is no password for its account"):
        Redfish(MachineSecrets()).examine(wanted(host, nobody))
