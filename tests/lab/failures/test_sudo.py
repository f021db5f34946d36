"""A wrong sudo password, told to a real sshd and a real sudo: a lab's first contact is root, an existing host's isn't."""

import os
import subprocess
from pathlib import Path

import pytest

from infra import play
from infra.cli import open_machines
from infra.failures import HostsFailed, SudoRefused
from infra.hosts.lab.trial import read
from infra.memory import in_memory
from infra.passphrase import find
from infra.ssh import Access, arguments
from infra.state import state_of
from tests.lab.failures.conftest import Breakable

ADDRESS = "10.87.3.51"
ACCOUNT = """set -e
id clerk >/dev/null 2>&1 || useradd --create-home --shell /bin/sh clerk
echo clerk:right-for-a-test | chpasswd
echo 'clerk ALL=(ALL) ALL' > /etc/sudoers.d/clerk
install -d -o clerk -m 0700 /home/clerk/.ssh
install -o clerk -m 0600 /root/.ssh/authorized_keys /home/clerk/.ssh/authorized_keys
sed -i -E 's/^(AllowUsers .*)/\\1 clerk/' /etc/ssh/sshd_config.d/00-majlis.conf  # the next `up` writes it anew
systemctl reload ssh
"""
PLAY = "- hosts: all\n  become: true\n  gather_facts: false\n  tasks:\n    - name: Ask who we are\n      command: id -u\n"


def test_a_wrong_sudo_password_is_named_and_the_right_one_goes_through(
    site: Breakable, tmp_path: Path
) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    described, state = read(str(site.file)), state_of("fail", os.environ, site.state)
    built = open_machines(described, state, find(state, os.environ, only_lab=True, ask=None).text).built()
    assert built is not None
    with in_memory("key", built.ssh_key) as key:
        access = Access(state.known_hosts, key)
        root = ["ssh", *arguments(access, connect_seconds=10), f"root@{ADDRESS}", "sh -s"]
        subprocess.run(root, input=ACCOUNT, text=True, check=True)
        with pytest.raises(HostsFailed) as stopped:
            played(access, tmp_path, "wrong")
        (failure,) = stopped.value.failures
        assert isinstance(failure, SudoRefused), failure
        assert failure.host == "db1"
        assert "--ask-sudo-password" in failure.advice
        played(access, tmp_path, "right-for-a-test")


def played(access: Access, place: Path, password: str) -> None:
    """Become root on the host with this password (raises HostsFailed)."""
    told = {"ansible_host": ADDRESS, "ansible_user": "clerk", "ansible_become_password": password}
    told["ansible_python_interpreter"] = "/usr/bin/python3"
    options = play.Options(playbook=place / "play.yml")
    play.run({"all": {"hosts": {"db1": told}}}, access, place / "log", options=options)
