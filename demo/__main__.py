"""`make demo`: a parliament's morning on this machine, then the appliance stays up to be looked at.

With `--cluster` the same morning is played against a cluster of a site, through its edge.
"""

import argparse
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from control_plane.audit.entries import ConnectionRefused, Decided, GuestLinkRefused
from control_plane.audit.service import latest
from demo.appliance import DOMAIN, Appliance, ControlPlaneFailed, appliance
from demo.cluster import ClusterAway, cluster_morning
from demo.morning import Morning
from demo.players import PlayersMissing, players
from demo.prosody import ProsodyFailed, ProsodyMissing
from demo.showing import accounts, played, show, telling

DIRECTORY = Path(".demo")
#: a file or a pipe has no width of its own, and 80 columns are too few for the table
console = Console(width=None if sys.stdout.isatty() else 140)


def main() -> int:
    """Run the demo and return the exit status."""
    options = _options()
    if options.cluster:
        return _on_a_cluster(options)
    began = time.monotonic()
    if options.port and not _free(options.port):
        console.print(
            f"port {options.port} of 127.0.0.1 is taken; take another: make demo PORT=8010", style="red"
        )
        return 2
    if options.directory.exists():
        shutil.rmtree(options.directory)
    try:
        with appliance(options.directory.resolve(), port=options.port) as running:
            if not _play(running):
                return 1
            console.print(f"\nThe morning took {time.monotonic() - began:.0f} s.", highlight=False)
            if not options.once:
                _stay(running)
    except (ProsodyMissing, ProsodyFailed, ControlPlaneFailed, PlayersMissing) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    return 0


def _on_a_cluster(options: argparse.Namespace) -> int:
    """Play against a cluster that runs; its administrator's address and password are on standard input."""
    address, password = (sys.stdin.readline().strip() for _ in range(2))
    try:
        return 0 if cluster_morning(console, options.cluster, options.authority, address, password) else 1
    except (ClusterAway, PlayersMissing) as error:
        console.print(str(error), style="red", markup=False)
        return 2


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the morning instead of staying up")
    parser.add_argument(
        "--port", type=int, default=8000, help="port of the pages on 127.0.0.1; 0 takes a free one"
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the demo keeps its files")
    parser.add_argument(
        "--cluster",
        default="",
        metavar="URL",
        help="play against this cluster; two lines on standard input: its administrator's address and password",
    )
    parser.add_argument("--authority", type=Path, help="file of the authority that signed its certificates")
    return parser.parse_args()


def _play(running: Appliance) -> bool:
    desk = running.desk()

    def decided_by() -> str:
        with desk.units.read() as session:
            entries = [record.entry for record in latest(session, limit=20)]
        return next((_deciding(entry) for entry in entries if _deciding(entry)), "")

    with players(running.prosody.websocket_url, DOMAIN) as stage, telling(console) as say:
        morning = Morning(running.url, stage, running.parliament, running.password, say, decided_by)
        failure = played(morning)
    show(console, morning, failure)
    if failure:
        console.print(
            f"what the services said: {running.directory}/control-plane.log, {running.prosody.log_path}"
        )
        return False
    return _verify(running)


def _deciding(entry: object) -> str:
    """Return what decided, as far as this entry is a decision."""
    if isinstance(entry, ConnectionRefused | GuestLinkRefused):
        return f"({entry.why.replace('_', ' ')})"
    if isinstance(entry, Decided) and entry.policy_set:
        return ", ".join(entry.policies) or "no policy permits"
    return ""


def _verify(running: Appliance) -> bool:
    """Verify the log, then alter one byte in a copy of the database and verify that."""
    database = running.directory / "majlis.db"
    console.print("\n[bold]majlis audit verify[/]")
    sound = _majlis_verify(running, database)
    altered = running.directory / "altered.db"
    position = _altered_copy(database, altered)
    console.print(
        f"\n[bold]majlis audit verify[/] of a copy in which one byte of entry {position} was altered"
    )
    found = _majlis_verify(running, altered)
    if sound.returncode != 0 or found.returncode != 1 or f"entry {position}:" not in found.stderr:
        console.print("the log did not verify as it should", style="red")
        return False
    return True


def _majlis_verify(running: Appliance, database: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **{f"MAJLIS_{name.upper()}": value for name, value in running.settings.items()},
    }
    command = [
        sys.executable,
        "-m",
        "control_plane",
        "audit",
        "verify",
        "--database",
        f"sqlite:///{database}",
    ]
    outcome = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    console.print(outcome.stdout.strip(), highlight=False)
    # The progress bar goes to the same place as the verdict; only the verdict is worth keeping.
    console.print(
        "\n".join(line for line in outcome.stderr.splitlines() if "broken" in line),
        style="red",
        highlight=False,
    )
    return outcome


def _altered_copy(database: Path, copy: Path) -> int:
    """Copy the database while it is in use, and change one bit of an admission in the middle of the log."""
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        position, leaf = target.execute(
            "SELECT position, leaf FROM log_entry WHERE kind = 42 ORDER BY position LIMIT 1 OFFSET 5"
        ).fetchone()
        middle = len(leaf) // 2
        target.execute(
            "UPDATE log_entry SET leaf = ? WHERE position = ?",
            (leaf[:middle] + bytes([leaf[middle] ^ 1]) + leaf[middle + 1 :], position),
        )
    source.close()
    target.close()
    return int(position)


def _stay(running: Appliance) -> None:
    console.print(f"\nThe appliance stays up at [bold]{running.url}/[/] until you press Ctrl-C.")
    console.print("Videobridges are not part of the demo: there is signalling, and no picture or sound.")
    console.print(accounts(running.password))
    console.print(
        f"Its files are in {running.directory}; address of the log's database: majlis.db", highlight=False
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nstopping")


sys.exit(main())
