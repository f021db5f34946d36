"""A real libvirtd for these tests, in namespaces of its own: its bridges, sockets and machines end with it.

/dev/kvm is masked: where it can't be used each probe of it takes a minute, and without it QEMU emulates (TCG).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("libvirtd", "virtlogd", "qemu-system-x86_64", "qemu-img", "genisoimage", "unshare", "virsh")
LIMIT_SECONDS = 30

# libvirt's own directories are swapped for private ones; its cgroups are left alone, there is no systemd to ask.
STARTS = """
set -e
mount --make-rprivate /
if [ -e /dev/kvm ]; then mount --bind /dev/null /dev/kvm; fi
for pair in etc:/etc/libvirt run:/run/libvirt lib:/var/lib/libvirt log:/var/log/libvirt cache:/var/cache/libvirt; do
  mkdir -p "$1/${pair%%:*}" "${pair#*:}"
  mount --bind "$1/${pair%%:*}" "${pair#*:}"
done
cp "$1/qemu.conf" /etc/libvirt/qemu.conf
ip link set lo up
ip link add br-inside type bridge
ip link set br-inside up
virtlogd -d -f "$1/virtlogd.conf" -p "$1/virtlogd.pid"
libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid" &
wait $!  # a shell as first process takes in the machines that end; libvirtd would not
"""


@dataclass(frozen=True)
class Hypervisor:
    """Where it is spoken to, and where its storage pool lies."""

    uri: str
    storage: Path

    def virsh(self, *words: str) -> str:
        """Return what Debian's own client says."""
        command = ["virsh", "-q", "-c", self.uri, *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS
        ).stdout


@contextmanager
def hypervisor(directory: Path) -> Iterator[Hypervisor]:
    """Run libvirtd until the end of the block, with a pool `default` that holds a blank image of 1 GiB."""
    missing = [
        program
        for program in PROGRAMS
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None
    ]
    if missing or os.geteuid() != 0:
        pytest.skip(f"no libvirtd here: {', '.join(missing) or 'only root may run it'}")
    (directory / "libvirtd.conf").write_text('auth_unix_rw = "none"\nauth_unix_ro = "none"\n')
    (directory / "virtlogd.conf").write_text("")
    (directory / "qemu.conf").write_text(
        'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n'
    )
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with (directory / "libvirtd.log").open("w") as log:
        server = subprocess.Popen(
            [*namespaces, "sh", "-c", STARTS, "sh", str(directory)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _await(directory / "run" / "libvirt-sock", server, directory / "libvirtd.log")
        running = Hypervisor(
            f"qemu+unix:///system?socket={directory}/run/libvirt-sock", directory / "lib" / "images"
        )
        _storage(running)
        yield running
    finally:
        server.kill()  # unshare lets no gentler signal through; its first process dies with it, and all others with that
        server.wait(LIMIT_SECONDS)


def _storage(on: Hypervisor) -> None:
    on.storage.mkdir(parents=True, exist_ok=True)
    image = ["qemu-img", "create", "-q", "-f", "qcow2", str(on.storage / "debian-12.qcow2"), "1G"]
    subprocess.run(image, check=True, timeout=LIMIT_SECONDS)
    on.virsh("pool-define-as", "default", "dir", "--target", "/var/lib/libvirt/images")
    on.virsh("pool-start", "default")


def _await(socket: Path, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while not socket.exists():
        if server.poll() is not None or time.monotonic() > until:
            pytest.fail(f"libvirtd did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)
