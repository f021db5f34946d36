"""The role's configuration on a relay with IPv6: the hole of mapped addresses (CVE-2026-27624) is closed.

The lab's hosts have IPv4 only, where another family is refused before any range is looked at. So Debian's coturn runs
here in a network namespace of its own, with the file that the role writes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ruamel.yaml import YAML

ROLE = Path(__file__).resolve().parents[2] / "playbooks/roles/coturn"
SECRET = "secret-of-a-test-and-of-nothing-else"
RELAY = "fd79::1"
NAMESPACE = f"majlis-turn-{os.getpid()}"
PEERS = (
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "fe80::1",
    "fc00::1",
    "2001:db8::1",
    "::1",
)

Ask = Callable[[str], dict[str, list[int]]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Ask a coturn that was told this text."""
    if os.geteuid() != 0 or not shutil.which("turnserver"):
        pytest.skip("takes root and coturn")
    certificate = ("-keyout", "turn.key", "-out", "turn.crt", "-days", "1", "-subj", "/CN=turn")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate, cwd=tmp_path)
    run("ip", "netns", "add", NAMESPACE)
    inside = ("ip", "netns", "exec", NAMESPACE)
    started = []

    def _ask(configuration: str) -> dict[str, list[int]]:
        run(*inside, "ip", "link", "set", "lo", "up")
        run(*inside, "ip", "address", "replace", f"{RELAY}/128", "dev", "lo")
        (tmp_path / "turnserver.conf").write_text(configuration)
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(
                [*inside, "turnserver", "-c", str(tmp_path / "turnserver.conf"), "--pidfile="],
                stdout=log,
                stderr=log,
            )
        started.append(server)
        program = [*inside, sys.executable, "-m", "tests.lab.turn_questions", "mapped", "127.0.0.1", *PEERS]
        for _ in range(20):
            done = subprocess.run(
                program, input=SECRET, capture_output=True, text=True, timeout=60, check=False
            )
            if done.returncode == 0:
                break
            time.sleep(0.3)
        assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
        answers: dict[str, list[int]] = json.loads(done.stdout)
        return answers

    yield _ask
    for server in started:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=10)
    run("ip", "netns", "delete", NAMESPACE)


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    """The role's file, but for where it logs and keeps its files."""
    told: dict[str, Any] = {
        **YAML(typ="safe").load(ROLE / "defaults/main.yml"),
        **YAML(typ="safe").load(ROLE / "vars/main.yml"),
        "coturn_secret": SECRET,
        "coturn_realm": "meet.majlis.test",
        "coturn_listen_address": "127.0.0.1",
        "coturn_relay_address": RELAY,
        "coturn_peers": ["10.77.1.31"],
        "coturn_certificate": tmp_path / "turn.crt",
        "coturn_key": tmp_path / "turn.key",
    }
    template = (ROLE / "templates/turnserver.conf.j2").read_text()
    text = (
        jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
        .from_string(template)
        .render(told)
    )
    return text.replace("\nsyslog\n", "\n").replace("userdb=/run/coturn", f"userdb={tmp_path}")


def test_no_ipv6_peer_is_let_through_and_no_ipv4_one_in_its_clothes(ask: Ask, configuration: str) -> None:
    assert ask(configuration) == {peer: [403, 403] for peer in PEERS}


def test_without_those_lines_the_hole_would_be_open(ask: Ask, configuration: str) -> None:
    """Else the test above would prove nothing."""
    lines = configuration.splitlines(keepends=True)
    weak = "".join(line for line in lines if not (line.startswith("denied-peer-ip") and ":" in line))
    assert ask(weak)["::ffff:10.0.0.1"] == [200, 200]


def run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
