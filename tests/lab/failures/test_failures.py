"""What goes wrong on a real host ends in a sentence to act on, and the next `up` goes on from there."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.lab.failures.conftest import FIRST_ROLES, HOSTS, Breakable
from tests.lab.faults import apt_source_gone

Done = subprocess.CompletedProcess[str]


def test_a_full_disk_stops_its_host_and_no_other(site: Breakable) -> None:
    with site.faults("db1").disk_full("/var"):
        stopped(
            site.up(), "db1", "base", "DiskFull: Not enough free space under /var", "Free space on the host"
        )
    recovered(site)


def test_a_clock_five_minutes_off_stops_its_host_and_no_other(site: Breakable) -> None:
    with site.faults("turn1").clock_off(300):
        stopped(site.up(), "turn1", "base", "ClockOff: The clock is", "chronyc tracking")
    recovered(site)


def test_an_expired_certificate_of_the_operator_stops_the_host_that_needs_it(site: Breakable) -> None:
    expired(site.file.parent)
    broken = site.with_lines("certificate: {certificate: public.crt, key: public.key}\n")
    stopped(
        broken.up(),
        "box1",
        "certificates",
        "CertificateEnded: public: the certificate has expired",
        "Renew your own",
    )
    recovered(site)


def test_a_host_that_goes_away_in_the_middle_is_named_and_taken_up_again(site: Breakable) -> None:
    running = site.begin()
    with ExitStack() as stack:
        first = line_of(running, "first look")
        stack.enter_context(site.faults("db1").without_power())
        said, complained = running.communicate(timeout=150)
    done = Done(running.args, running.returncode, first + said, complained)
    stopped(done, "db1", "", "HostUnreachable", "answers on port 22")
    recovered(site)


def test_an_up_that_was_killed_is_continued_by_the_next(site: Breakable) -> None:
    running = site.begin()
    line_of(running, "first look")
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=30)
    time.sleep(1)
    again = recovered(site)
    assert re.search(r"continuing: the last up, of .*, was interrupted", again.stdout)


def test_an_apt_source_that_dies_is_named_and_what_lacked_comes_afterwards(site: Breakable) -> None:
    words = ("--tags", "apt_source", "--limit", "turn1")
    with apt_source_gone("fail"):
        stopped(
            site.up(*words), "turn1", "apt_source", "SourceAway", "apt source of the site file", others=()
        )
    done = site.up(*words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_port_that_another_program_has_is_named_with_who_has_it(site: Breakable) -> None:
    words = ("--tags", "base", "--tags", "coturn")
    with site.faults("turn1").port_taken(5349):
        stopped(site.up(*words), "turn1", "coturn", "PortTaken: Port 5349/tcp", "ss -lntup", others=())
    done = site.up(*words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def stopped(
    done: Done, host: str, role: str, reason: str, advice: str, others: Iterable[str] = HOSTS
) -> None:
    """See that `up` said which host, in which role, why and what to do; and that the others came to the end."""
    everything = done.stdout + done.stderr
    assert done.returncode == 1, everything[-3000:]
    found = re.search(
        rf"^{host}  {role}.*\n  (.*(?:\n(?!  What).*)*)\n  What to do: (.*)$", done.stderr, re.M
    )
    assert found, everything[-3000:]
    assert found[1].startswith(reason), found[1]
    assert advice in found[2]
    for other in set(others) - {host}:
        assert re.search(rf"^{other} +{FIRST_ROLES[-1]} ", done.stdout, re.M), everything[-3000:]
        assert not re.search(rf"^{other} .*(FAILED|UNREACHABLE)", everything, re.M), everything[-3000:]


def recovered(site: Breakable) -> Done:
    """See that the next `up` succeeds."""
    done = site.up()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def line_of(running: "subprocess.Popen[str]", words: str) -> str:
    """Read what `up` says until the words come; return all that was read."""
    assert running.stdout is not None
    read = ""
    for line in running.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"`up` ended without {words!r}: {read[-2000:]}")


def expired(directory: Path) -> None:
    """Write a certificate for the site's pages that was good until yesterday, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meet.fail.majlis.test")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=90)).not_valid_after(now - timedelta(days=1))
    (directory / "public.crt").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "public.key").write_bytes(text)
    (directory / "public.key").chmod(0o600)
