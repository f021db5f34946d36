"""Descriptions, the seed and the XML of machines, and that a kind's library is asked for only when needed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.hosts import libvirt_xml as xml
from infra.hosts.cloud_init import HostKey, files, new_host_key, seed
from infra.hosts.libvirt_spec import refuse
from infra.hosts.machine import MODULES, MachineRefused, MachineSpec, spec_of
from infra.site import load_site, shipped
from tests.infra.hosts.specs import spec

KEY = HostKey("-----BEGIN OPENSSH PRIVATE KEY-----\nwords\n", "ssh-ed25519 " + "B" * 68)
WANTED = spec(
    "libvirt",
    address="127.0.0.5",
    options={
        "hypervisor": "qemu+tls://10.20.3.5/system",
        "image": "debian-12.qcow2",
        "bridge_users": "br-users",
    },
)
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["lab", "single", "parliament"])
def test_a_description_survives_the_state_file_where_numbers_are_floats(name: str) -> None:
    site = load_site(shipped(name))
    for host in site.hosts:
        described = spec_of(site, host, "ssh-ed25519 AAAA")
        stored = json.loads(json.dumps(described.plain()), parse_int=float)
        assert MachineSpec.from_plain(stored) == described


@pytest.mark.parametrize(("name", "sealed", "kind"), [("plain", False, "qemu"), ("sealed", True, "kvm")])
def test_the_definition_of_a_domain_is_this(name: str, sealed: bool, kind: str) -> None:
    described = replace(WANTED, disk_encrypted=sealed)
    written = xml.domain_xml(
        described, KEY.public, xml.Emulator(kind, "x86_64"), "default", "disk.qcow2", "seed.iso"
    )
    assert written == (GOLDEN / f"domain-{name}.xml").read_text("utf-8")


def test_kvm_is_taken_where_it_is_and_emulation_where_not() -> None:
    def capabilities(*kinds: str) -> str:
        domains = "".join(f"<domain type='{kind}'/>" for kind in kinds)
        return (
            "<capabilities><host><cpu><arch>x86_64</arch></cpu></host><guest><os_type>hvm</os_type>"
            f"<arch name='x86_64'>{domains}</arch><arch name='i686'><domain type='kvm'/></arch></guest></capabilities>"
        )

    assert xml.emulator(capabilities("qemu", "kvm")).kind == "kvm"
    assert xml.emulator(capabilities("qemu")).kind == "qemu"
    with pytest.raises(ValueError, match="runs no machines of its own architecture x86_64"):
        xml.emulator(capabilities())


def test_the_seed_is_a_cd_that_cloud_init_looks_for() -> None:
    made = seed(WANTED, new_host_key())
    assert made[0x8001:0x8006] == b"CD001"
    assert b"cidata" in made[0x8000:0x8800]


def test_no_value_of_a_seed_can_begin_another_key() -> None:
    hostile = replace(WANTED, authorized_key="ssh-ed25519 A\nruncmd: [reboot]", domain='x"\nusers: []')
    told = files(hostile, KEY)
    user = json.loads(told["user-data"].removeprefix("#cloud-config\n"))
    assert "runcmd" not in user
    assert user["users"][0]["ssh_authorized_keys"] == [hostile.authorized_key]
    assert user["ssh_pwauth"] is False
    assert user["disable_root"] is True


HOSTILE: list[tuple[dict[str, str], str]] = [
    ({"name": "box1</name>"}, "the name is"),
    ({"name": "../box1"}, "the name is"),
    ({"name": "-box1"}, "the name is"),
    ({"name": "box1\n"}, "the name is"),
    ({"site": "a/b"}, "the site is"),
    ({"authorized_key": "ssh-ed25519 AAAA\nroot"}, "has no key of the controller"),
]
HOSTILE_OPTIONS: list[tuple[dict[str, str], str]] = [
    ({"hypervisor": "qemu+tcp://10.20.3.5/system"}, "hypervisor is"),
    ({"hypervisor": "qemu+ext:///system?command=/tmp/x"}, "hypervisor is"),
    ({"hypervisor": "qemu+ssh://h/system?netcat=/tmp/x"}, "hypervisor has netcat"),
    ({"hypervisor": "qemu+ssh://h/system?command=/tmp/x"}, "hypervisor has command"),
    ({"hypervisor": "qemu+tls://h/system?no_verify=1"}, "hypervisor has no_verify"),
    ({"hypervisor": "lxc:///system"}, "hypervisor is"),
    ({"image": "../../etc/shadow"}, "image is missing or no volume's name"),
    ({"image": "/etc/shadow"}, "image is missing or no volume's name"),
    ({"image": ""}, "image is missing or no volume's name"),
    ({"storage": "a/b"}, "storage is"),
    ({"bridge_users": "br0'/><x"}, "bridge_users is"),
]


@pytest.mark.parametrize(("changed", "sentence"), HOSTILE)
def test_hostile_names_are_refused(changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(MachineRefused) as refused:
        refuse(replace(WANTED, **changed))  # type: ignore[arg-type]
    assert sentence in str(refused.value)


@pytest.mark.parametrize(("changed", "sentence"), HOSTILE_OPTIONS)
def test_hostile_options_are_refused(changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(MachineRefused) as refused:
        refuse(replace(WANTED, options={**WANTED.options, **changed}))
    assert sentence in str(refused.value)


def test_a_sealed_disk_without_a_passphrase_is_refused() -> None:
    with pytest.raises(MachineRefused, match="no passphrase of 20 characters"):
        refuse(replace(WANTED, disk_encrypted=True), "short")


WITHOUT_LIBRARIES = """
import sys
for name in ("libvirt", "sushy"):
    sys.modules[name] = None
from infra.site import load_site, shipped
from infra.guard import examine
from infra.hosts.machine import LibraryMissing, machine
examine(load_site(shipped("parliament")))
machine("existing")
for kind in ("libvirt", "redfish"):
    try:
        machine(kind)
    except LibraryMissing as missing:
        print(missing)
"""


def test_a_controller_without_the_libraries_still_checks_sites_and_says_what_a_kind_needs() -> None:
    assert set(MODULES) == {"lab", "existing", "libvirt", "redfish"}
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES], capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert "machines of the kind libvirt need the Python library libvirt" in lines[0]
    assert "machines of the kind redfish need the Python library sushy" in lines[1]
