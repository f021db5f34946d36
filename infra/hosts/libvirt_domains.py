"""Virtual machines on the state's own hypervisors, through libvirt's API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import libvirt  # type: ignore[import-untyped]

from infra.hosts import libvirt_xml as xml
from infra.hosts.cloud_init import HostKey, new_host_key, seed
from infra.hosts.inspection import await_answer, door, inspect
from infra.hosts.libvirt_spec import IMAGE_FORMATS, hypervisor, refuse, storage
from infra.hosts.machine import (
    Absent,
    MachineFacts,
    MachineFailed,
    MachineRefused,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
)

BOOT_SECONDS = 600.0
GIB = 2**30


class LibvirtDomains:
    """The kind `libvirt`. A disk's passphrase is in the hypervisor's memory only: after its power cut `up` gives it again."""

    def __init__(
        self,
        secrets: MachineSecrets,
        new_key: Callable[[], HostKey] = new_host_key,
        boot_seconds: float = BOOT_SECONDS,
    ) -> None:
        self._secrets, self._new_key, self._boot_seconds = secrets, new_key, boot_seconds

    def create(self, spec: MachineSpec) -> MachineFacts:
        """Make disk, seed and domain, start it, and wait until it answers (raises MachineProblem).

        A larger disk is one at once; other cores and memory hold from the machine's next start on.
        """
        refuse(spec, self._secrets.disk_passphrase)
        with _connected(spec) as there:
            pool = _pool(there, spec)
            domain = _domain(there, spec)
            if spec.disk_encrypted:
                self._give_passphrase(there, spec)
            disk = _disk(pool, spec)
            key = _key_of(domain) if domain else self._first_boot(pool, spec)
            domain = there.defineXML(
                xml.domain_xml(spec, key, _emulator(there, spec), pool.name(), disk.name(), _seed_name(spec))
            )
            domain.setAutostart(1)
            if not domain.isActive():
                domain.create()
            _grow(pool, spec, domain)
            await_answer(door(spec, self._secrets, key), self._boot_seconds)
            _forget_key(there, pool, spec, key)
            return self._facts(spec, pool, domain)

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        """Return what is there (raises MachineProblem; MachineUnreachable also when it is shut off)."""
        refuse(spec)
        with _connected(spec) as there:
            if (domain := _domain(there, spec)) is None:
                return Absent(f"{hypervisor(spec)} has no domain {xml.domain_name(spec)}")
            if not domain.isActive():
                raise MachineUnreachable(f"{spec.name}: is shut off on {hypervisor(spec)}; up starts it")
            return self._facts(spec, _pool(there, spec), domain)

    def destroy(self, spec: MachineSpec) -> None:
        """Stop the domain and remove it, its disk, its seed and its passphrase (raises MachineProblem)."""
        refuse(spec)
        with _connected(spec) as there:
            if (domain := _domain(there, spec)) is not None:
                if domain.isActive():
                    domain.destroy()
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
            pool = _pool(there, spec)
            for name in (_disk_name(spec), _seed_name(spec)):
                if (volume := _volume(pool, name)) is not None:
                    volume.delete(0)
            with suppress_missing(libvirt.VIR_ERR_NO_SECRET):
                there.secretLookupByUUIDString(xml.secret_id(spec)).undefine()

    def _give_passphrase(self, there: Any, spec: MachineSpec) -> None:
        there.secretDefineXML(xml.secret_xml(spec)).setValue(self._secrets.disk_passphrase.encode())

    def _first_boot(self, pool: Any, spec: MachineSpec) -> str:
        """Lay down the seed of a machine that has never run; return the public host key that it will show."""
        if (left := _volume(pool, _seed_name(spec))) is not None:
            left.delete(0)  # of an `up` that was interrupted here
        key = self._new_key()
        contents = seed(spec, key)
        volume = pool.createXML(xml.seed_xml(_seed_name(spec), len(contents)))
        _upload(pool.connect(), volume, contents)
        return key.public

    def _facts(self, spec: MachineSpec, pool: Any, domain: Any) -> MachineFacts:
        own = xml.made(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        disk = _volume(pool, _disk_name(spec))
        if own is None or disk is None:
            raise MachineFailed(f"{spec.name}: the domain has lost its disk {_disk_name(spec)} or its mark")
        guest = inspect(door(spec, self._secrets, own.host_key))
        return MachineFacts(
            host_key=own.host_key,
            os_release=guest.facts.os_release,
            cores=own.cores,
            memory_mib=own.memory_mib,
            disk_gib=disk.info()[1] // GIB,
            encrypted=xml.volume_facts(disk.XMLDesc())[1],
        )


def machine(secrets: MachineSecrets) -> LibvirtDomains:
    """Return the maker of this kind."""
    return LibvirtDomains(secrets)


@contextmanager
def suppress_missing(code: int) -> Iterator[None]:
    """Let libvirt's "there is no such thing" pass, and nothing else."""
    try:
        yield
    except libvirt.libvirtError as wrong:
        if wrong.get_error_code() != code:
            raise


@contextmanager
def _connected(spec: MachineSpec) -> Iterator[Any]:
    libvirt.registerErrorHandler(lambda *_: None, None)  # libvirt prints each error as well as raising it
    try:
        there = libvirt.open(hypervisor(spec))
    except libvirt.libvirtError as wrong:
        raise MachineUnreachable(f"{spec.name}: no hypervisor at {hypervisor(spec)} ({wrong})") from wrong
    try:
        yield there
    except libvirt.libvirtError as wrong:
        raise MachineFailed(f"{spec.name}: the hypervisor {hypervisor(spec)} says: {wrong}") from wrong
    finally:
        with suppress(libvirt.libvirtError):  # the connection may be what broke
            there.close()


def _domain(there: Any, spec: MachineSpec) -> Any | None:
    """Return the machine's domain; a stranger of the same name is never touched (raises MachineRefused)."""
    domain = None
    with suppress_missing(libvirt.VIR_ERR_NO_DOMAIN):
        domain = there.lookupByName(xml.domain_name(spec))
    if domain is None:
        return None
    own = xml.made(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    if own is None or (own.site, own.name) != (spec.site, spec.name):
        name = xml.domain_name(spec)
        raise MachineRefused(
            spec.name,
            (f"{hypervisor(spec)} has a domain {name} that majlis didn't make: rename one of the two",),
        )
    return domain


def _pool(there: Any, spec: MachineSpec) -> Any:
    pool = None
    with suppress_missing(libvirt.VIR_ERR_NO_STORAGE_POOL):
        pool = there.storagePoolLookupByName(storage(spec))
    if pool is None or not pool.isActive():
        raise MachineRefused(
            spec.name,
            (f"{hypervisor(spec)} has no running storage pool {storage(spec)}: make it, or name another",),
        )
    return pool


def _volume(pool: Any, name: str) -> Any | None:
    with suppress_missing(libvirt.VIR_ERR_NO_STORAGE_VOL):
        return pool.storageVolLookupByName(name)
    return None


def _disk(pool: Any, spec: MachineSpec) -> Any:
    """Return the machine's disk, made if missing; it never shrinks (raises MachineRefused)."""
    disk = _volume(pool, _disk_name(spec))
    if disk is None:
        image = _image(pool, spec)
        shape = xml.volume_facts(image.XMLDesc())[0]
        return pool.createXML(xml.disk_xml(spec, _disk_name(spec), image.path(), shape))
    if xml.volume_facts(disk.XMLDesc())[1] != spec.disk_encrypted:
        state = "isn't" if spec.disk_encrypted else "is"
        raise MachineRefused(
            spec.name, (f"its disk {state} encrypted, and that can't be changed: down and up",)
        )
    capacity = disk.info()[1]
    if capacity > spec.disk_gib * GIB:
        raise MachineRefused(
            spec.name, (f"has a disk of {capacity // GIB} GiB, which can't shrink to {spec.disk_gib}",)
        )
    return disk


def _grow(pool: Any, spec: MachineSpec, domain: Any) -> None:
    """Make a disk larger while its machine runs: nobody else may write to it then, and a sealed one is open."""
    wanted = spec.disk_gib * GIB
    if domain.blockInfo("vda")[0] < wanted:
        domain.blockResize("vda", wanted, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        pool.refresh(0)  # else the pool still tells the old size


def _image(pool: Any, spec: MachineSpec) -> Any:
    name = str(spec.options["image"])
    if (image := _volume(pool, name)) is None:
        raise MachineRefused(
            spec.name,
            (
                f"the storage pool {pool.name()} of {hypervisor(spec)} has no image {name}: "
                "put Debian's cloud image there with virsh vol-upload",
            ),
        )
    if (found := xml.volume_facts(image.XMLDesc())[0]) not in IMAGE_FORMATS:
        raise MachineRefused(
            spec.name, (f"the image {name} is {found}, may be {' or '.join(IMAGE_FORMATS)}",)
        )
    if image.info()[1] > spec.disk_gib * GIB:
        raise MachineRefused(spec.name, (f"the image {name} is larger than a disk of {spec.disk_gib} GiB",))
    return image


def _emulator(there: Any, spec: MachineSpec) -> xml.Emulator:
    try:
        return xml.emulator(there.getCapabilities())
    except ValueError as wrong:
        raise MachineRefused(spec.name, (f"the hypervisor {hypervisor(spec)} {wrong}",)) from wrong


def _key_of(domain: Any) -> str:
    own = xml.made(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    return own.host_key if own else ""


def _forget_key(there: Any, pool: Any, spec: MachineSpec, public: str) -> None:
    """Lay a seed without the private host key over the first: the machine has it now, the hypervisor's disk not.

    The seed itself stays: without one cloud-init would take the next boot for the first of another machine.
    """
    if (volume := _volume(pool, _seed_name(spec))) is None:
        return
    contents = seed(spec, HostKey("", public))
    _upload(there, volume, contents.ljust(volume.info()[1], b"\0"))


def _upload(there: Any, volume: Any, contents: bytes) -> None:
    stream = there.newStream(0)
    rest = memoryview(contents)

    def more(_stream: Any, count: int, _opaque: Any) -> bytes:
        nonlocal rest
        piece, rest = rest[:count], rest[count:]
        return bytes(piece)

    volume.upload(stream, 0, len(contents), 0)
    stream.sendAll(more, None)
    stream.finish()


def _disk_name(spec: MachineSpec) -> str:
    return f"{xml.domain_name(spec)}.qcow2"


def _seed_name(spec: MachineSpec) -> str:
    return f"{xml.domain_name(spec)}-seed.iso"
