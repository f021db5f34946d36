"""What goes wrong on hosts gets its name from what programs say."""

import pytest

from infra.events import Status, TaskEnded
from infra.failures import (
    KINDS,
    CertificateEnded,
    ClockOff,
    DiskFull,
    Failure,
    HostKeyChanged,
    HostUnreachable,
    PortTaken,
    SourceAway,
    SudoRefused,
    TaskFailed,
    name,
)

SAID: tuple[tuple[type[Failure], str], ...] = (
    (DiskFull, "dpkg: error processing archive: failed to write (No space left on device)"),
    (DiskFull, "E: You don't have enough free space in /var/cache/apt/archives/."),
    (DiskFull, "OSError: [Errno 28] No space left on device: '/etc/nftables.conf'"),
    (SudoRefused, "Incorrect sudo password"),
    (SudoRefused, "Missing sudo password"),
    (SudoRefused, "sudo: a password is required"),
    (SudoRefused, "sudo password is incorrect"),
    (SudoRefused, "majlis-admin is not in the sudoers file."),
    (HostKeyChanged, "Host key verification failed."),
    (
        HostKeyChanged,
        "Host key checking is enabled, and SSH reported an unrecognized or mismatching host key.",
    ),
    (HostKeyChanged, "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"),
    (CertificateEnded, "x509: certificate has expired or is not yet valid"),
    (ClockOff, "the clock is 300 seconds ahead of the controller's"),
    (PortTaken, "bind: Address already in use"),
    (PortTaken, "port 443 is taken by apache2"),
    (SourceAway, "Failed to fetch http://10.84.3.1:3142/debian/pool/main/p/prosody.deb  Connection failed"),
    (SourceAway, "Failed to update apt cache: unknown reason"),
    (SourceAway, "No package matching 'jicofo' is available"),
    (SourceAway, "E: Unable to locate package jicofo"),
    (
        TaskFailed,
        "the database does not answer: connection failed: connection to server failed: Connection refused",
    ),
    (TaskFailed, "the disk is of the wrong colour"),
    (TaskFailed, "no reason given"),
)


@pytest.mark.parametrize(("kind", "message"), SAID)
def test_a_message_gets_the_name_of_what_happened(kind: type[Failure], message: str) -> None:
    failure = name(TaskEnded("db1", "postgresql", "Install", Status.failed, message, 1.0, ""))
    assert type(failure) is kind
    assert failure.advice
    assert failure.where == "postgresql: Install"


def test_every_kind_was_tried_and_says_something_of_its_own_to_do() -> None:
    assert {kind for kind, _ in SAID} == {*KINDS, TaskFailed}  # HostUnreachable: below
    every: tuple[type[Failure], ...] = (*KINDS, HostUnreachable, TaskFailed)
    assert len({kind.advice for kind in every}) == 9


def test_a_host_that_ansible_lost_is_away_whatever_it_said_last() -> None:
    gone = TaskEnded("db1", "", "Gathering Facts", Status.unreachable, "something odd", 1.0, "")
    assert type(name(gone)) is HostUnreachable
