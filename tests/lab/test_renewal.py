"""A certificate that `up` renewed is the one that people and hosts are shown, without anybody restarting anything."""

from typing import Any

import pytest

from tests.lab.conftest import Lab

TLS = "/etc/majlis/tls"
# The edge answers nobody who doesn't ask for a name of the site; two others begin in plain.
ASKED = {
    443: "-servername meet.lab.majlis.test",
    5222: "-starttls xmpp -xmpphost meet.lab.majlis.test",
    5432: "-starttls postgres",
}
# Host, port, and which certificate is shown there.
LISTENERS = [
    ("edge1", 443, "public"),
    ("signal1", 5222, "xmpp"),
    ("signal1", 5281, "host"),
    ("bridge1", 9090, "host"),
    ("turn1", 5349, "turn"),
    ("db1", 5432, "host"),
    ("control1", 8000, "host"),
    ("monitor1", 9090, "host"),
    ("monitor1", 19532, "host"),
    ("witness1", 9100, "host"),
]
# Which service takes which certificate as it runs: what it has open stays open.
RELOADED = [("edge1", "public", 443, "haproxy"), ("turn1", "turn", 5349, "coturn")]


def in_file(host: Any, name: str) -> str:
    """Return the serial number of a host's certificate."""
    return str(host.check_output("openssl x509 -noout -serial -in %s", f"{TLS}/{name}.crt"))


def shown(host: Any, port: int) -> str:
    """Return the serial number of the certificate that is shown at a port of this host."""
    where = host.check_output(f"ss -Hlnt sport = :{port} | awk 'NR == 1 {{print $4}}'")
    where = where.replace("*:", "127.0.0.1:").replace("0.0.0.0:", "127.0.0.1:")
    asked = f"openssl s_client -connect {where} {ASKED.get(port, '')} </dev/null 2>/dev/null"
    return str(host.run(f"timeout 10 {asked} | openssl x509 -noout -serial").stdout.strip())


def main_process(host: Any, unit: str) -> str:
    return str(host.check_output("systemctl show --value --property=MainPID %s", unit))


def put_another_in_place(host: Any, name: str, unit: str) -> None:
    """Have a service show a certificate of nobody, as if it were the one from before the renewal."""
    made = (
        f"cd {TLS} && umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        f"-subj /CN=before -keyout before.key -out before.crt 2>/dev/null && "
        f"cat before.crt >{name}.crt && cat before.key >{name}.key && rm before.crt before.key && "
        f"systemctl reload {unit}"
    )
    done = host.run(made)
    assert done.rc == 0, done.stderr


@pytest.mark.parametrize(("name", "port", "leaf"), LISTENERS)
def test_the_certificate_in_the_file_is_the_one_that_is_shown(
    lab: Lab, name: str, port: int, leaf: str
) -> None:
    host = lab.hosts[name]
    assert shown(host, port) == in_file(host, leaf) != ""


def test_up_brings_a_renewed_certificate_into_use(lab: Lab) -> None:
    before = {}
    for name, leaf, port, unit in RELOADED:
        host = lab.hosts[name]
        put_another_in_place(host, leaf, unit)
        before[name] = (shown(host, port), main_process(host, unit))
    signal = lab.hosts["signal1"]
    prosody = main_process(signal, "prosody")
    signal.check_output("touch %s", f"{TLS}/host.crt")

    limit = [word for name in ("edge1", "turn1", "signal1") for word in ("--limit", name)]
    # All roles, since others of these hosts hold the same certificate and a later `up` shall find no work.
    said = lab.majlis("up", *limit, within=300)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]

    for name, leaf, port, unit in RELOADED:
        host = lab.hosts[name]
        serial, process = before[name]
        assert shown(host, port) == in_file(host, leaf) != serial
        assert main_process(host, unit) == process
    assert main_process(signal, "prosody") != prosody
