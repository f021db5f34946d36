"""Virtual machines on a real libvirtd, emulated (TCG); what answers SSH for them is an sshd on loopback."""

import subprocess
from pathlib import Path

import pytest

from infra.hosts.cloud_init import HostKey
from infra.hosts.libvirt_domains import LibvirtDomains
from infra.hosts.machine import (
    Absent,
    MachineFailed,
    MachineRefused,
    MachineSpec,
    MachineUnreachable,
    Plain,
)
from tests.infra.hosts.answering import Answering, free_port
from tests.infra.hosts.hypervisor import Hypervisor
from tests.infra.hosts.specs import secrets_of, spec

# A machine without /dev/kvm emulates its guests, and a busy one takes a minute for what takes seconds.
pytestmark = pytest.mark.timeout(300)


def maker(host: Answering, boot_seconds: float = 5) -> LibvirtDomains:
    """Return the maker, whose machines get the key of the host that answers."""
    key = HostKey(host.host.private, host.host.public)
    return LibvirtDomains(secrets_of(host), new_key=lambda: key, boot_seconds=boot_seconds)


def wanted(host: Answering, virtual: Hypervisor, *, sealed: bool = False, **more: Plain) -> MachineSpec:
    """Describe a machine on this hypervisor."""
    options: dict[str, Plain] = {
        "hypervisor": virtual.uri,
        "image": "debian-12.qcow2",
        "port": host.port,
        "user": host.user,
        **more,
    }
    return spec("libvirt", options=options, disk_gib=2, disk_encrypted=sealed)


def test_a_machine_runs_starts_with_the_hypervisor_and_leaves_nothing(
    host: Answering, virtual: Hypervisor
) -> None:
    machine = wanted(host, virtual)
    before = sorted(file.name for file in virtual.storage.iterdir())
    made = maker(host).create(machine)
    try:
        assert (made.host_key, made.cores, made.memory_mib, made.disk_gib, made.encrypted) == (
            host.host.public,
            1,
            256,
            2,
            False,
        )
        info = virtual.virsh("dominfo", "trial-box1")
        assert "State:          running" in info
        assert "Autostart:      enable" in info
        assert "vda" in virtual.virsh("domblklist", "trial-box1")
        assert "br-inside" in virtual.virsh("domiflist", "trial-box1")
    finally:
        maker(host).destroy(machine)
    assert virtual.virsh("list", "--all", "--name").split() == []
    assert sorted(file.name for file in virtual.storage.iterdir()) == before


def test_the_private_host_key_stays_not_on_the_hypervisor(host: Answering, virtual: Hypervisor) -> None:
    machine = wanted(host, virtual)
    seed = virtual.storage / "trial-box1-seed.iso"
    with pytest.raises(MachineUnreachable):  # up is interrupted: the machine hasn't answered yet
        maker(host, boot_seconds=0).create(wanted(host, virtual, port=free_port()))
    try:
        assert b"OPENSSH PRIVATE KEY" in seed.read_bytes()
        maker(host).create(machine)
        assert b"PRIVATE KEY" not in seed.read_bytes()
        assert b"cidata" in seed.read_bytes()
    finally:
        maker(host).destroy(machine)


def test_a_sealed_disk_is_luks_and_its_passphrase_lies_nowhere(host: Answering, virtual: Hypervisor) -> None:
    machine = wanted(host, virtual, sealed=True)
    try:
        assert maker(host).create(machine).encrypted
        disk = virtual.storage / "trial-box1.qcow2"
        told = subprocess.run(
            ["qemu-img", "info", "-U", str(disk)], capture_output=True, text=True, check=True, timeout=30
        )
        assert "encrypted: yes" in told.stdout
        passphrase = secrets_of(host).disk_passphrase
        kept = [
            file
            for part in ("etc", "lib", "log", "run")
            for file in (virtual.storage.parents[1] / part).rglob("*")
            if file.is_file() and file.stat().st_size < 2**22
        ]
        assert len(kept) > 3
        assert not [file for file in kept if passphrase.encode() in file.read_bytes()]
    finally:
        maker(host).destroy(machine)
    assert virtual.virsh("secret-list").strip() == ""


def test_more_memory_and_a_larger_disk_are_written_down_and_nothing_shrinks(
    host: Answering, virtual: Hypervisor
) -> None:
    first = wanted(host, virtual)
    larger = spec("libvirt", options=dict(first.options), disk_gib=3, memory_mib=384)
    try:
        maker(host).create(first)
        grown = maker(host).create(larger)
        assert (grown.memory_mib, grown.disk_gib) == (384, 3)
        with pytest.raises(MachineRefused, match="can't shrink to 2"):
            maker(host).create(first)
        with pytest.raises(MachineRefused, match="isn't encrypted, and that can't be changed"):
            maker(host).create(wanted(host, virtual, sealed=True))
    finally:
        maker(host).destroy(first)


def test_a_machine_that_was_shut_off_is_started_again(host: Answering, virtual: Hypervisor) -> None:
    machine = wanted(host, virtual)
    try:
        made = maker(host).create(machine)
        virtual.virsh("destroy", "trial-box1")
        with pytest.raises(MachineUnreachable, match="is shut off"):
            maker(host).examine(machine)
        assert maker(host).create(machine) == made
    finally:
        maker(host).destroy(machine)


def test_a_stranger_of_the_same_name_is_never_touched(
    host: Answering, virtual: Hypervisor, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.xml"
    stranger.write_text(
        "<domain type='qemu'><name>trial-box1</name><memory>65536</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64'>hvm</type></os></domain>"
    )
    virtual.virsh("define", str(stranger))
    try:
        for verb in (maker(host).create, maker(host).examine, maker(host).destroy):
            with pytest.raises(MachineRefused, match="that majlis didn't make"):
                verb(wanted(host, virtual))
        assert "trial-box1" in virtual.virsh("list", "--all", "--name")
    finally:
        virtual.virsh("undefine", "trial-box1")


WRONG: list[tuple[dict[str, str], str]] = [
    ({"image": "no-such.qcow2"}, "has no image no-such.qcow2"),
    ({"storage": "elsewhere"}, "has no running storage pool elsewhere"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_what_the_hypervisor_lacks_is_told(
    host: Answering, virtual: Hypervisor, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(MachineRefused, match=sentence):
        maker(host).create(wanted(host, virtual, sealed=False, **options))
    assert virtual.virsh("list", "--all", "--name").split() == []


def test_a_bridge_that_is_not_there_ends_in_the_hypervisors_own_words(
    host: Answering, virtual: Hypervisor
) -> None:
    machine = wanted(host, virtual, bridge_users="br-nowhere")
    try:
        with pytest.raises(MachineFailed, match="br-nowhere"):
            maker(host).create(machine)
    finally:
        maker(host).destroy(machine)
    assert maker(host).examine(machine) == Absent()


def test_a_hypervisor_that_is_not_there_is_unreachable(host: Answering, tmp_path: Path) -> None:
    nobody = Hypervisor(f"qemu+unix:///system?socket={tmp_path}/none", tmp_path)
    with pytest.raises(MachineUnreachable, match="no hypervisor at qemu"):
        maker(host).create(wanted(host, nobody))
