"""Machines that are files in a directory: made, looked at and removed as real ones are, in any process."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from infra.hosts.machine import (
    Absent,
    Machine,
    MachineFacts,
    MachineFailed,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
)


@dataclass(frozen=True)
class FakeMachines:
    """Gives the maker of any kind of machine, as infra.hosts.machine.machine does."""

    directory: Path

    def __call__(self, kind: str, secrets: MachineSecrets) -> Machine:
        assert "PRIVATE KEY" in secrets.ssh_key
        return FakeMachine(self.directory)


@dataclass(frozen=True)
class FakeMachine:
    """A machine is NAME.json. NAME.fails makes every verb fail with its text; NAME.slow makes `create` take that long."""

    directory: Path

    def create(self, spec: MachineSpec) -> MachineFacts:
        self._obey(spec)
        self._note(f"create {spec.name}")
        if (slow := self.directory / f"{spec.name}.slow").exists():
            (self.directory / f"{spec.name}.begun").touch()
            time.sleep(float(slow.read_text()))
        place = self.directory / f"{spec.name}.json"
        if not place.exists():
            key = f"ssh-ed25519 AAAA{os.urandom(24).hex()}"
            place.write_text(json.dumps({"host_key": key, "spec": spec.plain()}))
        held = json.loads(place.read_text())
        place.write_text(json.dumps(held | {"spec": spec.plain()}))
        return self._facts(spec, held["host_key"])

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        self._obey(spec)
        place = self.directory / f"{spec.name}.json"
        if not place.exists():
            return Absent("no file")
        return self._facts(spec, json.loads(place.read_text())["host_key"])

    def destroy(self, spec: MachineSpec) -> None:
        self._obey(spec)
        self._note(f"destroy {spec.name}")
        (self.directory / f"{spec.name}.json").unlink(missing_ok=True)

    def _facts(self, spec: MachineSpec, host_key: str) -> MachineFacts:
        return MachineFacts(
            host_key, "debian 12", spec.cores, spec.memory_mib, spec.disk_gib, spec.disk_encrypted
        )

    def _note(self, line: str) -> None:
        with (self.directory / "verbs").open("a") as verbs:
            verbs.write(f"{line}\n")

    def _obey(self, spec: MachineSpec) -> None:
        if (fails := self.directory / f"{spec.name}.fails").exists():
            raise MachineFailed(fails.read_text())
        if (away := self.directory / f"{spec.name}.away").exists():
            raise MachineUnreachable(away.read_text())
