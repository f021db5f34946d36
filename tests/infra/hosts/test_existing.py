"""Machines that are there: looked at through a real sshd, refused with every reason, never touched."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.hosts.existing import Existing
from infra.hosts.inspection import Door, Inspection, inspect
from infra.hosts.machine import (
    Absent,
    HostKeyWrong,
    MachineFacts,
    MachineRefused,
    MachineSecrets,
    MachineUnreachable,
)
from tests.infra.hosts.answering import Answering, free_port, key_pair
from tests.infra.hosts.specs import door_of, secrets_of, spec

FIT = Inspection(
    MachineFacts("ssh-ed25519 AAAA", "debian 12", cores=4, memory_mib=7900, disk_gib=100, encrypted=True),
    clock_offset=0.2,
    root_rights="free",
)
WANTED = spec(
    "existing", cores=4, memory_mib=8192, disk_gib=100, disk_encrypted=True, options={"host_key": "k"}
)


def test_a_real_host_tells_what_it_is(host: Answering) -> None:
    made = Existing(secrets_of(host)).create(spec("existing", options=door_of(host)))
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    assert made.host_key == host.host.public
    assert made.os_release == f"{release['ID']} {release['VERSION_ID']}".replace('"', "")
    assert made.cores == len(os.sched_getaffinity(0))
    assert made.memory_mib == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def test_another_host_key_than_the_sites_is_refused_loudly(host: Answering, tmp_path: Path) -> None:
    other = key_pair(tmp_path, "other").public
    with pytest.raises(HostKeyWrong, match=r"another host key than the site's.*somebody stands between"):
        Existing(secrets_of(host)).create(spec("existing", options=door_of(host, host_key=other)))


def test_a_host_without_a_pinned_key_is_never_trusted_but_its_key_is_shown(host: Answering) -> None:
    options = door_of(host)
    del options["host_key"]
    with pytest.raises(MachineRefused, match="has no host_key in the site file") as refused:
        Existing(secrets_of(host)).create(spec("existing", options=options))
    assert host.host.public in str(refused.value)


def test_a_host_that_lets_us_not_in_is_told_which_line_to_add(host: Answering, tmp_path: Path) -> None:
    stranger = MachineSecrets(ssh_key=key_pair(tmp_path, "stranger").private)
    wanted = spec("existing", options=door_of(host))
    with pytest.raises(MachineRefused, match=r"authorized_keys there: ssh-ed25519 AAAA") as refused:
        Existing(stranger).create(wanted)
    assert wanted.authorized_key in str(refused.value)


def test_a_host_that_does_not_answer_is_unreachable_for_create_and_absent_for_examine(
    host: Answering,
) -> None:
    nobody = spec("existing", options=door_of(host, port=free_port()))
    with pytest.raises(MachineUnreachable, match=r"no answer by SSH from 127\.0\.0\.1"):
        Existing(secrets_of(host)).create(nobody)
    assert Existing(secrets_of(host)).examine(nobody) == Absent()


def test_the_private_key_is_on_no_disk_and_in_no_repr(host: Answering) -> None:
    secrets = secrets_of(host)
    opened = Door("box1", host.address, host.host.public, host.user, host.port, host.client.private)
    assert inspect(opened).root_rights
    for shown in (repr(secrets), repr(opened)):
        assert "PRIVATE KEY" not in shown
        assert "board-password" not in shown


WRONG = [
    ({"os_release": "debian 11"}, {}, "runs debian 11, must run debian 12"),
    ({"os_release": "ubuntu 22.04"}, {}, "runs ubuntu 22.04, must run debian 12"),
    ({"os_release": ""}, {}, "runs an unknown system"),
    ({"cores": 3}, {}, "has 3 cores, the site file wants 4"),
    ({"memory_mib": 7000}, {}, "has 7000 MiB of memory, the site file wants 8192"),
    ({"disk_gib": 99}, {}, "has a disk of 99 GiB, the site file wants 100"),
    ({"encrypted": False}, {}, "has mounted disks or swap that aren't encrypted"),
    ({}, {"clock_offset": 300.4}, "has a clock 300 s ahead"),
    ({}, {"clock_offset": -5.1}, "has a clock 5 s behind"),
    ({}, {"root_rights": "none"}, "has no sudo for majlis-admin"),
]


@pytest.mark.parametrize(("facts", "seen", "sentence"), WRONG)
def test_each_shortcoming_is_refused_in_a_sentence(
    facts: dict[str, object], seen: dict[str, object], sentence: str
) -> None:
    found = replace(FIT, facts=replace(FIT.facts, **facts), **seen)  # type: ignore[arg-type]
    with pytest.raises(MachineRefused) as refused:
        Existing(MachineSecrets(), look=lambda _: found).create(WANTED)
    assert len(refused.value.problems) == 1
    assert sentence in refused.value.problems[0]


@pytest.mark.parametrize(
    "found", [FIT, replace(FIT, clock_offset=-5.0), replace(FIT, root_rights="password")]
)
def test_a_host_that_is_good_enough_is_taken(found: Inspection) -> None:
    assert Existing(MachineSecrets(), look=lambda _: found).create(WANTED) == found.facts


def test_all_shortcomings_are_told_at_once() -> None:
    poor = MachineFacts("k", "alpine 3.20", cores=1, memory_mib=900, disk_gib=8, encrypted=False)
    found = Inspection(poor, clock_offset=301.0, root_rights="none")
    with pytest.raises(MachineRefused) as refused:
        Existing(MachineSecrets(), look=lambda _: found).create(WANTED)
    assert len(refused.value.problems) == 7


def test_destroy_asks_the_host_nothing() -> None:
    def never(_: Door) -> Inspection:
        pytest.fail("destroy spoke to the host")

    Existing(MachineSecrets(), look=never).destroy(WANTED)


def test_a_clock_that_is_off_is_seen_on_a_real_host(host: Answering) -> None:
    opened = Door("box1", host.address, host.host.public, host.user, host.port, host.client.private)
    assert inspect(opened).clock_offset == 0
    assert inspect(opened, clock=lambda: time.time() - 300).clock_offset == pytest.approx(300, abs=5)
    assert inspect(opened, clock=lambda: time.time() + 300).clock_offset == pytest.approx(-300, abs=5)
