"""A host's disk: its own layer of files over the image that all hosts share, kept until the host is destroyed."""

import ipaddress
import json
import os
import shutil
from pathlib import Path

from infra.hosts.lab.names import Names, interface
from infra.hosts.lab.packages import PORT
from infra.hosts.lab.programs import run
from infra.hosts.lab.whole import write_whole
from infra.hosts.machine import MachineSpec

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def ensure_disk(names: Names, spec: MachineSpec, key: str) -> None:
    """Make the host's own layer of files, or leave it as it is; one that was half made is made again."""
    place = names.host_directory(spec.name)
    if not (place / "spec.json").exists():
        unmount(place / "root")
        shutil.rmtree(place, ignore_errors=True)
        for part in ("upper", "work", "root"):
            (place / part).mkdir(parents=True)
        _write_files(place / "upper", spec, key)
    # Written last: who finds it finds a whole disk.
    write_whole(place / "spec.json", json.dumps(spec.plain()))


def ensure_mounted(names: Names, host: str, image: Path) -> None:
    """Lay the host's own files over the image."""
    place = names.host_directory(host)
    if os.path.ismount(place / "root"):
        return
    # The image a disk was begun on stays under it: other files below would mix two systems.
    below = place / "image"
    if not below.exists():
        write_whole(below, str(image))
    layers = f"lowerdir={below.read_text()},upperdir={place / 'upper'},workdir={place / 'work'}"
    run("mount", "-t", "overlay", f"majlis-{names.site}-{host}", "-o", layers, str(place / "root"))


def unmount(root: Path) -> None:
    """Take the mount away, and those that lie in it or over it."""
    while os.path.ismount(root):
        run("umount", "--recursive", str(root))


def host_key(names: Names, host: str) -> str:
    """Return the host's public SSH key, as known_hosts has it."""
    kind, key, *_ = (names.host_directory(host) / "upper" / f"{HOST_KEY}.pub").read_text().split()
    return f"{kind} {key}"


def own_key(names: Names) -> str:
    """Return the public half of the key of a lab that was given none, made now if need be."""
    if not names.key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"majlis-{names.site}", "-f", str(names.key))
    return names.key.with_suffix(".pub").read_text().strip()


def _write_files(upper: Path, spec: MachineSpec, key: str) -> None:
    files = {
        "etc/hostname": f"{spec.name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {spec.name}\n::1 localhost ip6-localhost ip6-loopback\n",
        "etc/apt/apt.conf.d/20lab-proxy": f'Acquire::http::Proxy "http://{spec.controller}:{PORT}";\n',
        "root/.ssh/authorized_keys": f"{key}\n",
        **{f"etc/systemd/network/20-{name}.network": _network(spec, name) for name in spec.networks},
    }
    for path, text in files.items():
        (upper / path).parent.mkdir(parents=True, exist_ok=True)
        (upper / path).write_text(text)
    for private in ("root", "root/.ssh"):
        (upper / private).chmod(0o700)
    (upper / HOST_KEY).parent.mkdir(parents=True, exist_ok=True)
    # Made here and not by the host, so that its key is known before the first word is spoken to it.
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{spec.name}", "-f", str(upper / HOST_KEY))


def _network(spec: MachineSpec, network: str) -> str:
    attachment = spec.networks[network]
    length = ipaddress.ip_network(attachment.cidr).prefixlen
    return (
        f"[Match]\nName={interface(network)}\n\n"
        f"[Network]\nAddress={attachment.address}/{length}\nIPv6AcceptRA=no\nLLMNR=no\n"
    )
