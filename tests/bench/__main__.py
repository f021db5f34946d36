"""`make bench`: measures on this machine and prints figures and, since machines differ, ratios of one run."""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from control_plane.audit.entries import PolicySetLoaded
from control_plane.audit.verify import Sound, verify
from control_plane.database import utc_now
from control_plane.policy import (  # fmt: skip
    Action,
    BodyFacts,
    Classification,
    Function,
    MeetingFacts,
    PersonFacts,
    Question,
    SignIn,
    State,
    Strength,
)
from control_plane.rooms.service import Join, answer_joins
from demo.players import Joined, JoinOutcome, Stage, players
from demo.prosody import prosody
from tests.bench.stage import Scene, furnish, served, ticket
from tests.postgres import private_cluster

CLIENTS, SECONDS = 32, 10
JOINS, CROWD = 18, 20
VERIFIED = 100_000
console = Console()


def main() -> None:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "only", nargs="*", metavar="WHAT", help=f"{', '.join(MEASURES)}; everything if not given"
    )
    chosen = parser.parse_args().only or list(MEASURES)
    unknown = [name for name in chosen if name not in MEASURES]
    if unknown:
        parser.error(f"nobody measures {', '.join(unknown)}; there is {', '.join(MEASURES)}")
    table = Table("measured", "figure", "ratio or goal", title="Majlis, one run on this machine")
    with (
        tempfile.TemporaryDirectory(prefix="majlis-bench-") as directory,
        private_cluster(durable=True) as prefix,
    ):
        scene = furnish(prefix + "postgres", Path(directory))
        for name in chosen:
            console.print(f"measuring {name} …", style="dim")
            for row in MEASURES[name](scene):
                table.add_row(*row)
        scene.desk.units.engine.dispose()
    console.print(table)


Row = tuple[str, str, str]


def over_http(scene: Scene) -> list[Row]:
    """Audited admissions over HTTP on PostgreSQL, against the same servers doing nothing.

    Two control planes are two processes with half of the clients each, as the edge would share them out; one
    listening socket for both would leave it to chance who gets how many.
    """
    rows = []
    for planes in (1, 2):
        with ExitStack() as stack:
            servers = [stack.enter_context(served(scene)) for _ in range(planes)]
            at_rest = _resident_mib(servers[0][1])
            urls = [url for url, _pid in servers]
            _load(scene, urls, "/gate/join", 2)
            plain, bare, decided = (
                _load(scene, urls, path, SECONDS)
                for path in ("/bench/nothing", "/gate/nothing", "/gate/join")
            )
        rows += [
            (f"{planes} control plane(s): audited admissions a second", f"{decided.rate:,.0f}", "goal 1,500"),
            (
                "… of a plain FastAPI route that does nothing",
                f"{plain.rate:,.0f}",
                f"{decided.rate / plain.rate:.2f}, goal 0.30",
            ),
            (
                "… of the gate's own bare route that does nothing",
                f"{bare.rate:,.0f}",
                f"{decided.rate / bare.rate:.2f}",
            ),
            (
                f"… median / p99 with {CLIENTS} clients",
                f"{decided.p50:.0f} / {decided.p99:.0f} ms",
                "goal p99 50 ms",
            ),
            ("… errors", f"{decided.errors}", "goal 0"),
        ]
        if planes == 1:
            rows.append(("memory of the control plane at rest", f"{at_rest:.0f} MiB", "goal 150"))
    return rows


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers a second of all servers together; the worst median and 99th percentile, in milliseconds."""

    rate: float
    p50: float
    p99: float
    errors: int


def _load(scene: Scene, urls: Sequence[str], path: str, seconds: int) -> Measured:
    """Ask all servers at once, each by its share of the clients."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as questions:
        questions.write("\n".join(scene.questions))
        questions.flush()
        arguments = ["--", questions.name, scene.settings["gate_secret"]]
        clients = f"-c{CLIENTS // len(urls)}"
        command = ["wrk", "-t1", clients, f"-d{seconds}s", "--timeout", "5s", "-s", str(LOAD)]
        running = [
            subprocess.Popen([*command, url + path, *arguments], stdout=subprocess.PIPE, text=True)
            for url in urls
        ]
        outputs = [process.communicate(timeout=seconds + 30)[0] for process in running]
    parts = [json.loads(output.splitlines()[-1]) for output in outputs]
    return Measured(
        sum(part["requests"] / part["seconds"] for part in parts),
        max(part["p50_ms"] for part in parts),
        max(part["p99_ms"] for part in parts),
        sum(part["errors"] for part in parts),
    )


LOAD = Path(__file__).with_name("load.lua")


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def in_process(scene: Scene) -> list[Row]:
    """Policy questions alone, and whole admissions without HTTP, by batch size."""
    rows = []
    for size in (1, 16, 64):
        questions = [_question(number) for number in range(size)]
        rate = _rate(lambda questions=questions: scene.desk.policies.engine.ask_all(questions), size)  # type: ignore[misc]
        rows.append((f"policy questions a second, {size} at once", f"{rate:,.0f}", ""))
    joins = [Join(question["connection"], question["room"]) for question in map(json.loads, scene.questions)]
    alone = 0.0
    for size in (1, 16, 64):

        def admit(size: int = size) -> None:
            with scene.desk.units.begin() as unit:
                answer_joins(scene.desk.policies.engine, scene.desk.pools, unit, joins[:size])

        rate = _rate(admit, size)
        alone = alone or rate
        rows.append(
            (
                f"audited admissions a second in process, {size} a commit",
                f"{rate:,.0f}",
                f"{rate / alone:.1f} × one a commit",
            )
        )
    return rows


def _question(number: int) -> Question:
    person = PersonFacts(
        f"p{number}",
        frozenset({("b", Function.member)}),
        frozenset(),
        represented_absent=False,
        invited=False,
    )
    now = utc_now().replace(microsecond=0)
    meeting = MeetingFacts(
        "m", BodyFacts("b", "committee", Classification.SECRET), Classification.PUBLIC, State.open, now, now
    )
    return Question(
        person, Action.enter, meeting, SignIn(Strength.PASSWORD, certificate=False, zone="parliament"), now
    )


def _rate(work: Callable[[], object], each: int, seconds: float = 2.0) -> float:
    work()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        done += each
    return done / (time.perf_counter() - began)


def verification(scene: Scene) -> list[Row]:
    """Entries verified a second, written 64 a commit."""
    units = scene.desk.units
    while _size(scene) < VERIFIED:
        with units.begin() as unit:
            for number in range(64):
                unit.record(PolicySetLoaded(policy_set=f"{number:064x}"))
    began = time.perf_counter()
    outcome = verify(units.engine, units.signer.verifier)
    seconds = time.perf_counter() - began
    if not isinstance(outcome, Sound):
        raise TypeError(f"the log of this very run does not verify: {outcome}")
    return [
        (
            "entries verified a second",
            f"{outcome.size / seconds:,.0f}",
            f"goal 50,000; {outcome.size:,} entries, {outcome.checkpoints:,} checkpoints",
        )
    ]


def _size(scene: Scene) -> int:
    with scene.desk.units.read() as session:
        return int(session.execute(text("SELECT size FROM log_head")).scalar_one())


def through_prosody(scene: Scene) -> list[Row]:
    """Connecting and joining through Prosody, with the gate and the control plane against without either, in turn."""
    alone: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    crowd: dict[bool, list[float]] = {True: [], False: []}
    with served(scene) as (url, _pid):
        for _turn in range(3):
            for gated in (True, False):
                with _stage(scene, url, gated=gated) as stage:
                    alone[gated] += _one_by_one(scene, stage)
                    crowd[gated] += _all_at_once(scene, stage)
    gate, bare = (
        [statistics.median(column) * 1000 for column in zip(*alone[gated], strict=True)]
        for gated in (True, False)
    )
    together, loose = (statistics.median(crowd[gated]) * 1000 for gated in (True, False))
    return [
        (
            "connecting through Prosody alone, gated / bare",
            f"{gate[0]:.1f} / {bare[0]:.1f} ms",
            f"{gate[0] / bare[0]:.2f} ×",
        ),
        (
            "joining alone, gated / bare",
            f"{gate[1]:.1f} / {bare[1]:.1f} ms",
            f"{gate[1] / bare[1]:.2f} ×, goal 1.30",
        ),
        (
            f"{CROWD} joining at once, gated / bare",
            f"{together:.1f} / {loose:.1f} ms",
            f"{together / loose:.2f} ×",
        ),
    ]


@contextmanager
def _stage(scene: Scene, url: str, *, gated: bool) -> Iterator[Stage]:
    domain, secrets_of = (
        scene.desk.settings.domain,
        (scene.settings["gate_secret"], scene.settings["control_secret"]),
    )
    with (
        tempfile.TemporaryDirectory() as directory,
        prosody(Path(directory), domain, f"{url}/gate", *secrets_of, gated=gated) as running,
        players(running.websocket_url, domain) as stage,
    ):
        yield stage


def _one_by_one(scene: Scene, stage: Stage) -> list[tuple[float, float]]:
    """Return the seconds that each client took to connect and to join; the first makes the room and stays."""
    times = []
    for number in range(JOINS):
        token, room = ticket(scene, number)
        began = time.perf_counter()
        player = stage.connect(f"alone{number}", token=token)
        connected = time.perf_counter()
        _must_be_inside(player.join(room))
        times.append((connected - began, time.perf_counter() - connected))
        if number:
            player.disconnect()
    return times[3:]


def _all_at_once(scene: Scene, stage: Stage) -> list[float]:
    """Return the seconds from the start until each of a crowd that is connected already was inside."""
    tickets = [ticket(scene, number) for number in range(CROWD)]
    connecting = [stage.begin_connect(f"crowd{n}", token=token) for n, (token, _) in enumerate(tickets)]
    crowd = [connect(30) for connect in connecting]
    began = time.perf_counter()
    joining = [player.begin_join(room) for player, (_, room) in zip(crowd, tickets, strict=True)]
    times = []
    for join in joining:
        _must_be_inside(join(30))
        times.append(time.perf_counter() - began)
    return times


def _must_be_inside(outcome: JoinOutcome) -> None:
    if not isinstance(outcome, Joined):
        raise TypeError(f"a join that is measured was refused: {outcome}")


MEASURES: dict[str, Callable[[Scene], list[Row]]] = {
    "over-http": over_http,
    "in-process": in_process,
    "verification": verification,
    "through-prosody": through_prosody,
}

if __name__ == "__main__":
    main()
