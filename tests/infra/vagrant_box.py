"""A box for Vagrant's LXC, made of the lab's root file system: Debian 12 with SSH and Vagrant's own public key."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

from infra.hosts.lab.image import image

LXC = "lxc.include = /usr/share/lxc/config/common.conf\nlxc.arch = x86_64\nlxc.autodev = 1\n"
METADATA = {"provider": "lxc", "version": "1.0.0", "template-opts": {"--strip-components": "1"}}
PACKED_SECONDS = 120

# The account that every box of Vagrant has; the image below is never written to.
PREPARES = """
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/rootfs"
chroot "$2/rootfs" useradd -m -s /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD:ALL' > "$2/rootfs/etc/sudoers.d/vagrant"
install -d -m 0700 "$2/rootfs/home/vagrant/.ssh"
install -m 0600 "$3" "$2/rootfs/home/vagrant/.ssh/authorized_keys"
chroot "$2/rootfs" chown -R vagrant: /home/vagrant
chroot "$2/rootfs" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
tar -C "$2" --xattrs --xattrs-include='*' --one-file-system -cf - rootfs | gzip -1 > "$2/rootfs.tar.gz"
"""


def box(directory: Path, public_key: Path) -> Path:
    """Make the box; this takes root, and the lab's image is built when it isn't there."""
    for part in ("upper", "work", "rootfs"):
        (directory / part).mkdir()
    inside = ["unshare", "--mount", "sh", "-c", PREPARES, "sh", str(image()), str(directory), str(public_key)]
    subprocess.run(inside, check=True, timeout=PACKED_SECONDS)
    file = directory / "majlis.box"
    with tarfile.open(file, "w") as packed:
        for name, text in (("metadata.json", json.dumps(METADATA)), ("lxc-config", LXC)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
        packed.add(directory / "rootfs.tar.gz", "rootfs.tar.gz")
    (directory / "rootfs.tar.gz").unlink()
    return file
