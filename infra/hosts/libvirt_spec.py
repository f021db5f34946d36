"""Which descriptions of a virtual machine are refused before a hypervisor is spoken to."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from infra.hosts.machine import MachineRefused, MachineSpec

NAME = r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?"
HYPERVISOR = r"(qemu|test)(\+(ssh|tls|unix|libssh2))?://[^\s#]*"
# Others of libvirt's URI parameters run a command of their own or turn verification off.
PARAMETERS = frozenset({"socket", "pkipath", "keyfile", "known_hosts", "mode"})
# The guest writes its own disk; were the image's format guessed, it could point to a file of the hypervisor.
IMAGE_FORMATS = ("qcow2", "raw")


def refuse(spec: MachineSpec, passphrase: str | None = None) -> None:
    """Refuse what no hypervisor should be told (raises MachineRefused with every problem).

    passphrase: None where no disk is to be sealed or opened, as when one only looks.
    """
    if problems := tuple(_wrong(spec, passphrase)):
        raise MachineRefused(spec.name, problems)


def hypervisor(spec: MachineSpec) -> str:
    """Return libvirt's address of the hypervisor."""
    return str(spec.options.get("hypervisor", ""))


def storage(spec: MachineSpec) -> str:
    """Return the storage pool's name."""
    return str(spec.options.get("storage", "default"))


def _wrong(spec: MachineSpec, passphrase: str | None) -> Iterator[str]:
    for what, name in (
        ("site", spec.site),
        ("name", spec.name),
        *(("network", net) for net in spec.networks),
    ):
        if not re.fullmatch(NAME, name):
            yield f"the {what} is {name!r}, may be small letters, digits and dashes"
    yield from _wrong_options(spec)
    if not re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/=]{68}", spec.authorized_key):
        yield "has no key of the controller to let in"
    if spec.disk_encrypted and passphrase is not None and len(passphrase) < 20:
        yield "shall have an encrypted disk, and there is no passphrase of 20 characters or more"
    if spec.address("management") is None:
        yield "has no address in the network that carries management"


def _wrong_options(spec: MachineSpec) -> Iterator[str]:
    where = hypervisor(spec)
    if not re.fullmatch(HYPERVISOR, where):
        yield f"hypervisor is {where!r}, may be an address such as qemu+tls://10.20.3.5/system"
    elif strange := {key for key, _ in parse_qsl(urlsplit(where).query, keep_blank_values=True)} - PARAMETERS:
        yield f"hypervisor has {', '.join(sorted(strange))}, which runs commands or skips verification"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", str(spec.options.get("image", ""))):
        yield "image is missing or no volume's name, may be debian-12.qcow2"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", storage(spec)):
        yield f"storage is {storage(spec)!r}, may be a storage pool's name such as default"
    for use in ("users", "cluster", "management"):
        if (name := spec.options.get(f"bridge_{use}")) and not re.fullmatch(
            r"[a-z][a-z0-9.-]{0,14}", str(name)
        ):
            yield f"bridge_{use} is {name!r}, may be a bridge's name such as br-{use}"
