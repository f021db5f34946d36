"""What libvirt is told of a virtual machine, its disks and its passphrase: XML, built as a tree so nothing escapes.

Source: libvirt's formatdomain, formatstorage, formatsecret and formatcaps.
"""

import uuid
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from infra.hosts.cloud_init import mac
from infra.hosts.machine import MachineSpec

NAMESPACE = "urn:majlis:machine"
OURS = uuid.UUID("6f6e2c0e-6a0b-5d7c-9b58-6d616a6c6973")
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Made:
    """What a domain of ours says of itself: whose it is, its host key, and its size."""

    site: str
    name: str
    host_key: str
    cores: int
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Emulator:
    """What runs machines there: kvm where the processor helps, qemu (TCG) where it doesn't."""

    kind: str
    arch: str


def domain_name(spec: MachineSpec) -> str:
    """Return the domain's name; the site's prefix keeps sites on one hypervisor apart."""
    return f"{spec.site}-{spec.name}"


def domain_id(spec: MachineSpec) -> str:
    """Return the domain's UUID: the same each time, so that a definition replaces the one before."""
    return str(uuid.uuid5(OURS, f"domain/{domain_name(spec)}"))


def secret_id(spec: MachineSpec) -> str:
    """Return the id under which the hypervisor holds the passphrase of the disk."""
    return str(uuid.uuid5(OURS, f"disk/{domain_name(spec)}"))


def emulator(capabilities: str) -> Emulator:
    """Return the fastest way to run a machine of the hypervisor's own architecture (raises ValueError)."""
    tree = ET.fromstring(capabilities)  # noqa: S314 — from our own hypervisor, over its authenticated socket
    arch = tree.findtext("host/cpu/arch", "")
    offered = {
        domain.get("type")
        for guest in tree.iter("guest")
        if guest.findtext("os_type") == "hvm"
        for found in guest.findall("arch")
        if found.get("name") == arch
        for domain in found.findall("domain")
    }
    for kind in ("kvm", "qemu"):
        if kind in offered:
            return Emulator(kind, arch)
    raise ValueError(f"runs no machines of its own architecture {arch or '(unknown)'}")


def domain_xml(spec: MachineSpec, host_key: str, runs: Emulator, pool: str, disk: str, seed: str) -> str:
    """Return the definition of a machine whose disk and seed are volumes of the pool."""
    domain = ET.Element("domain", type=runs.kind)
    _text(domain, "name", domain_name(spec))
    _text(domain, "uuid", domain_id(spec))
    _text(domain, "title", f"{spec.name}, Majlis site {spec.site}")
    metadata = ET.SubElement(domain, "metadata")
    ET.register_namespace("majlis", NAMESPACE)
    ET.SubElement(
        metadata, f"{{{NAMESPACE}}}machine", {"site": spec.site, "name": spec.name, "host_key": host_key}
    )
    _text(domain, "memory", str(spec.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(spec.cores))
    system = ET.SubElement(domain, "os")
    _text(system, "type", "hvm", arch=runs.arch)
    ET.SubElement(system, "boot", dev="hd")
    features = ET.SubElement(domain, "features")
    ET.SubElement(features, "acpi")
    if runs.kind == "kvm":
        ET.SubElement(domain, "cpu", mode="host-model")  # moves between hypervisors, unlike host-passthrough
    ET.SubElement(domain, "clock", offset="utc")
    for event, then in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "restart")):
        _text(domain, event, then)
    _devices(domain, spec, pool, disk, seed)
    return _written(domain)


def disk_xml(spec: MachineSpec, name: str, image: str, image_format: str) -> str:
    """Return the volume of a machine's disk: what it writes over the image it shares with others.

    A sealed one is a LUKS volume: the image below is Debian's and no secret, each block written is sealed.
    """
    volume = ET.Element("volume")
    _text(volume, "name", name)
    _text(volume, "capacity", str(spec.disk_gib * GIB), unit="bytes")
    target = ET.SubElement(volume, "target")
    ET.SubElement(target, "format", type="qcow2")
    if spec.disk_encrypted:
        _encryption(target, spec)
    backing = ET.SubElement(volume, "backingStore")
    _text(backing, "path", image)
    ET.SubElement(backing, "format", type=image_format)
    return _written(volume)


def seed_xml(name: str, size: int) -> str:
    """Return the volume of a seed of so many bytes; only the owner may read it."""
    volume = ET.Element("volume")
    _text(volume, "name", name)
    _text(volume, "capacity", str(size), unit="bytes")
    target = ET.SubElement(volume, "target")
    ET.SubElement(target, "format", type="raw")
    _text(ET.SubElement(target, "permissions"), "mode", "0600")
    return _written(volume)


def secret_xml(spec: MachineSpec) -> str:
    """Return the hypervisor's entry for a passphrase that it keeps in memory and gives to no client."""
    secret = ET.Element("secret", ephemeral="yes", private="yes")
    _text(secret, "uuid", secret_id(spec))
    _text(secret, "description", f"disk of {spec.name}, Majlis site {spec.site}")
    usage = ET.SubElement(secret, "usage", type="volume")
    _text(usage, "volume", f"majlis/{domain_name(spec)}")
    return _written(secret)


def made(domain: str) -> Made | None:
    """Return what a domain's definition says of itself; None when it isn't one of ours."""
    tree = ET.fromstring(domain)  # noqa: S314 — as above
    ours = tree.find(f"metadata/{{{NAMESPACE}}}machine")
    if ours is None:
        return None
    return Made(
        site=ours.get("site", ""),
        name=ours.get("name", ""),
        host_key=ours.get("host_key", ""),
        cores=int(tree.findtext("vcpu", "0")),
        memory_mib=int(tree.findtext("memory", "0")) // 1024,  # libvirt answers in KiB whatever it was told
    )


def volume_facts(volume: str) -> tuple[str, bool]:
    """Return a volume's format and whether it is sealed."""
    tree = ET.fromstring(volume)  # noqa: S314 — as above
    form = tree.find("target/format")
    return (form.get("type", "") if form is not None else "", tree.find("target/encryption") is not None)


def bridge(spec: MachineSpec, network: str) -> str:
    """Return the hypervisor's bridge for a network: named in the options by what it carries, else br-NETWORK."""
    named = (str(spec.options.get(f"bridge_{use}", "")) for use in spec.networks[network].uses)
    return next(filter(None, named), f"br-{network}"[:15])


def _devices(domain: ET.Element, spec: MachineSpec, pool: str, disk: str, seed: str) -> None:
    devices = ET.SubElement(domain, "devices")
    first = ET.SubElement(devices, "disk", type="volume", device="disk")
    ET.SubElement(first, "driver", name="qemu", type="qcow2", discard="unmap")
    source = ET.SubElement(first, "source", pool=pool, volume=disk)
    if spec.disk_encrypted:
        _encryption(source, spec)
    ET.SubElement(first, "target", dev="vda", bus="virtio")
    cd = ET.SubElement(devices, "disk", type="volume", device="cdrom")
    ET.SubElement(cd, "driver", name="qemu", type="raw")
    ET.SubElement(cd, "source", pool=pool, volume=seed)
    ET.SubElement(cd, "target", dev="sda", bus="sata")
    ET.SubElement(cd, "readonly")
    for network in spec.networks:
        card = ET.SubElement(devices, "interface", type="bridge")
        ET.SubElement(card, "mac", address=mac(spec, network))
        ET.SubElement(card, "source", bridge=bridge(spec, network))
        ET.SubElement(card, "model", type="virtio")
    serial = ET.SubElement(devices, "serial", type="pty")  # virsh console, when SSH answers no more
    ET.SubElement(serial, "target", port="0")
    _random(devices)


def _random(devices: ET.Element) -> None:
    """Give the machine randomness from its first second: its keys are made then."""
    rng = ET.SubElement(devices, "rng", model="virtio")
    _text(rng, "backend", "/dev/urandom", model="random")


def _encryption(parent: ET.Element, spec: MachineSpec) -> None:
    encryption = ET.SubElement(parent, "encryption", format="luks")
    ET.SubElement(encryption, "secret", type="passphrase", uuid=secret_id(spec))


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _written(tree: ET.Element) -> str:
    ET.indent(tree)
    return ET.tostring(tree, encoding="unicode") + "\n"
