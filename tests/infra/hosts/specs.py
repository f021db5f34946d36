"""Descriptions of machines for these tests."""

from infra.hosts.machine import Attachment, MachineSecrets, MachineSpec, Plain
from tests.infra.hosts.answering import Answering


def spec(
    kind: str,
    *,
    address: str = "127.0.0.1",
    name: str = "box1",
    site: str = "trial",
    options: dict[str, Plain] | None = None,
    cores: int = 1,
    memory_mib: int = 256,
    disk_gib: int = 1,
    disk_encrypted: bool = False,
) -> MachineSpec:
    """Describe a small machine in a site of one network."""
    return MachineSpec(
        site=site,
        name=name,
        kind=kind,
        networks={"inside": Attachment(address, "127.0.0.0/8", ("users", "cluster", "management"))},
        cores=cores,
        memory_mib=memory_mib,
        disk_gib=disk_gib,
        disk_encrypted=disk_encrypted,
        authorized_key="ssh-ed25519 " + "A" * 68,
        domain="meet.trial.test",
        controller="127.0.0.1",
        options=options or {},
    )


def door_of(host: Answering, **more: Plain) -> dict[str, Plain]:
    """Return the options that lead to the host that answers."""
    return {"port": host.port, "user": host.user, "host_key": host.host.public, **more}


def secrets_of(host: Answering) -> MachineSecrets:
    """Return the key that opens it, and words for what else wants one."""
    return MachineSecrets(
        ssh_key=host.client.private, board_password="board-password-of-this-trial", disk_passphrase="p" * 40
    )
