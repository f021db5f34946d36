"""Failures on purpose for hosts of a lab: each is bounded, and undone when its block ends.

A container shares this machine's clock, which no test may set, and sshd's sandbox dies of a library that fakes it.
So `clock_off` is told to two askers on the host: `date`, and `time.time()` of Python, which Ansible's modules ask.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.hosts.lab import power
from infra.hosts.lab.boot import first_process
from infra.hosts.lab.cgroups import cells
from infra.hosts.lab.names import Names
from infra.hosts.lab.network import NAMESPACES
from infra.hosts.lab.packages import ensure_cache

PYTHON = "usr/local/lib/python3.11/dist-packages"  # of Debian 12


@dataclass(frozen=True)
class Faults:
    """What can go wrong on one host of a running lab."""

    site: str
    host: str

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Pull all the host's cables: it runs on and reaches nobody."""
        plugs = self._plugs()
        _each("ip", "link", "set", plugs, "down")
        try:
            yield
        finally:
            _each("ip", "link", "set", plugs, "up")

    @contextlib.contextmanager
    def without_power(self) -> Iterator[None]:
        """Cut the power, and give it back at the end."""
        power.cut(self.site, self.host)
        try:
            yield
        finally:
            power.on(self.site, self.host)

    @contextlib.contextmanager
    def disk_full(self, where: str = "/var", left_mib: int = 1) -> Iterator[None]:
        """Leave so little room under a directory of the host; what is written there meanwhile is gone afterwards.

        A small file system of memory is laid over the directory: the host's own layer lies on this machine's disk,
        which is not to be filled. Programs that had files open there before go on with those.
        """
        place = "/run/majlis-full"
        layers = f"lowerdir={where},upperdir={place}/upper,workdir={place}/work"
        self._inside("mkdir", place)
        self._inside("mount", "-t", "tmpfs", "-o", f"size={left_mib}m", "majlis-full", place)
        self._inside("mkdir", f"{place}/upper", f"{place}/work")
        self._inside("mount", "-t", "overlay", "-o", layers, "majlis-full", where)
        try:
            yield
        finally:
            self._inside("umount", "--lazy", where, place)
            self._inside("rmdir", place)

    @contextlib.contextmanager
    def port_taken(self, port: int, address: str = "0.0.0.0") -> Iterator[None]:
        """Listen on a TCP port of the host before the service does; ends by itself after ten minutes."""
        script = (
            f"import socket,time; s=socket.create_server(({address!r},{port})); print('listens',flush=True); "
            "time.sleep(600)"
        )
        with subprocess.Popen(
            ["nsenter", self._net(), sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
        ) as listener:
            try:
                assert listener.stdout is not None
                assert listener.stdout.readline() == "listens\n", f"{port} on {self.host} was taken already"
                yield
            finally:
                listener.terminate()
                listener.wait(10)

    @contextlib.contextmanager
    def clock_off(self, seconds: int) -> Iterator[None]:
        """Let `date` and Python's `time.time()` be off on the host, in what starts from now on."""
        fakes = {
            "usr/local/bin/date": '#!/bin/sh\nexec /usr/bin/date -d "@$(($(/usr/bin/date +%s) + OFF))" "$@"\n',
            f"{PYTHON}/majlis-clock.pth": "import time; time.time = lambda real=time.time: real() + OFF\n",
        }
        for path, text in fakes.items():
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            (self._root / path).write_text(text.replace("OFF", f"({seconds})"))
            (self._root / path).chmod(0o755)
        try:
            yield
        finally:
            for path in fakes:
                (self._root / path).unlink()

    @contextlib.contextmanager
    def loss(self, percent: int) -> Iterator[None]:
        """Lose so many of a hundred packets on their way to and from the host, at random."""
        plugs = ", ".join(f'"{plug}"' for plug in self._plugs())
        table = f"{Names(self.site).table}_loss"
        rules = "\n".join(
            f"chain {hook} {{ type filter hook {hook} priority -200; "
            f"{side} {{ {plugs} }} numgen random mod 100 < {percent} counter drop; }}"
            for hook, side in (("prerouting", "iifname"), ("postrouting", "oifname"))
        )
        _nft(f"table bridge {table} {{\n{rules}\n}}\n")
        try:
            yield
        finally:
            _nft(f"delete table bridge {table}\n")

    @property
    def _root(self) -> Path:
        return Names(self.site).host_directory(self.host) / "root"

    def _plugs(self) -> list[str]:
        names = Names(self.site)
        return [names.plug(self.host, network) for network in power.spec(self.site, self.host).networks]

    def _enter(self) -> list[str]:
        first = first_process(Names(self.site), cells(), self.host)
        return [
            "nsenter",
            f"--target={first}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--root",
            "--wd=/",
        ]

    def _net(self) -> str:
        return f"--net={NAMESPACES / Names(self.site).namespace(self.host)}"

    def _inside(self, *command: str) -> None:
        subprocess.run([*self._enter(), *command], check=True, env={"PATH": os.defpath + ":/usr/sbin:/sbin"})


@contextlib.contextmanager
def apt_source_gone(site: str) -> Iterator[None]:
    """End the lab's apt cache, in the middle of whatever it was sending; it runs again at the end."""
    names, holds = Names(site), cells()
    holds.end(names.packages_cell)
    try:
        yield
    finally:
        any_host = next(each.name for each in names.hosts.iterdir())
        ensure_cache(names, holds, power.spec(site, any_host).controller)


def _each(*command: str | list[str]) -> None:
    """Run the command once for each name in its one list."""
    (many,) = [part for part in command if isinstance(part, list)]
    for one in many:
        subprocess.run([one if part is many else str(part) for part in command], check=True)


def _nft(rules: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
