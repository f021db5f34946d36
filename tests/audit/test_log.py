"""The log and its verification, on both databases: whatever is done to the stored record is found and named."""

from threading import Barrier, Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, text

from control_plane.audit.checkpoint import Signer
from control_plane.audit.entries import ActionRefused, Canonical, MeetingOpened, PolicySetLoaded, seal
from control_plane.audit.service import LogNotStarted, latest, newest_checkpoint
from control_plane.audit.tree import leaf_hash, root_of
from control_plane.audit.verify import Broken, Sound, verify
from control_plane.unit import RecordedRefusal, Units
from tests.conftest import StandingClock


@pytest.fixture
def written(units: Units, clock: StandingClock) -> Units:
    """Twelve entries in four commits of one, two, three and six, every other one with a readable part."""
    number = 0
    for size in (1, 2, 3, 6):
        clock.advance(seconds=1)
        with units.begin() as unit:
            for _ in range(size):
                readable = {"title": f"Séance {number} جلسة"} if number % 2 else None
                unit.record(MeetingOpened(meeting=f"m{number}", by="someone"), readable)
                number += 1
    return units


def _change(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for statement in statements:
            connection.execute(text(statement))


def test_an_honest_log_is_sound(written: Units) -> None:
    outcome = verify(written.engine, written.signer.verifier)
    assert isinstance(outcome, Sound)
    assert (outcome.size, outcome.checkpoints, outcome.erased) == (12, 4, 0)
    with written.read() as session:
        leaves = [Canonical.leaf(record.entry) for record in reversed(latest(session, limit=100))]
        checkpoint = newest_checkpoint(session)
    assert outcome.root == root_of(leaves)
    assert checkpoint is not None
    assert written.signer.verifier.open(checkpoint.note).root == outcome.root


def test_an_empty_log_is_sound(units: Units) -> None:
    assert isinstance(verify(units.engine, units.signer.verifier), Sound)


def _forge(connection: Connection, position: int) -> None:
    """Replace a leaf by another canonical one and mend its hash, as somebody with the database but no key would."""
    leaf = Canonical.leaf(MeetingOpened(meeting="forged", by="someone", at=1))
    connection.execute(
        text(
            "UPDATE log_entry SET leaf = :leaf, leaf_hash = :hash, meeting = 'forged' WHERE position = :position"
        ),
        {"leaf": leaf, "hash": leaf_hash(leaf), "position": position},
    )


TAMPERED: dict[str, tuple[list[str], int, str]] = {
    "a leaf's bytes": (["UPDATE log_entry SET leaf = leaf_hash WHERE position = 4"], 4, "altered"),
    "a leaf's hash": (["UPDATE log_entry SET leaf_hash = leaf WHERE position = 0"], 0, "altered"),
    "a searchable meeting": (["UPDATE log_entry SET meeting = 'x' WHERE position = 7"], 7, "columns"),
    "a searchable kind": (["UPDATE log_entry SET kind = 26 WHERE position = 7"], 7, "columns"),
    "a time": (["UPDATE log_entry SET at = (SELECT at FROM log_entry WHERE position = 0) WHERE position = 9"], 9, "columns"),
    "a readable part": (["UPDATE log_readable SET text = salt WHERE position = 5"], 5, "readable part"),
    "a salt": (["UPDATE log_readable SET salt = text WHERE position = 3"], 3, "readable part"),
    "an entry in the middle removed": (["DELETE FROM log_entry WHERE position = 6"], 6, "missing"),
    "the last entry removed": (["DELETE FROM log_readable WHERE position = 11", "DELETE FROM log_entry WHERE position = 11"], 11, "missing"),
    "two entries swapped": (
        [
            "UPDATE log_entry SET position = 100 WHERE position = 8",
            "UPDATE log_entry SET position = 8 WHERE position = 10",
            "UPDATE log_entry SET position = 10 WHERE position = 100",
        ],
        6,
        "reordered",
    ),
    "an entry added behind the end": (
        ["INSERT INTO log_entry SELECT 12, at, kind, meeting, leaf, leaf_hash FROM log_entry WHERE position = 0"],
        12,
        "outside the signed log",
    ),
    "a checkpoint removed": (["DELETE FROM log_checkpoint WHERE size = 12"], 6, "no signed checkpoint"),
    "a checkpoint's text": (["UPDATE log_checkpoint SET note = 'x' WHERE size = 3"], 1, "not this log's"),
    "a checkpoint of another size": (
        ["UPDATE log_checkpoint SET note = (SELECT note FROM log_checkpoint WHERE size = 3) WHERE size = 6"],
        3,
        "another root",
    ),
    "the end of the log": (["UPDATE log_head SET frontier = ''"], 12, "end"),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "position", "what"), TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_is_found_and_the_first_entry_named(
    written: Units, statements: list[str], position: int, what: str
) -> None:
    _change(written.engine, *statements)
    outcome = verify(written.engine, written.signer.verifier)
    assert isinstance(outcome, Broken)
    assert outcome.position == position
    assert what in outcome.what


SQLITE_ONLY = {
    "a leaf that is text": "UPDATE log_entry SET leaf = 'text' WHERE position = 7",
    "a hash that is a number": "UPDATE log_entry SET leaf_hash = 7 WHERE position = 7",
    "a time that is none": "UPDATE log_entry SET at = 'yesterday' WHERE position = 7",
    "a readable part that is text": "UPDATE log_readable SET text = 'text' WHERE position = 7",
}


@pytest.mark.parametrize("statement", SQLITE_ONLY.values(), ids=SQLITE_ONLY.keys())
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_keeps_any_type_in_any_column_and_that_is_found_too(written: Units, statement: str) -> None:
    _change(written.engine, statement)
    outcome = verify(written.engine, written.signer.verifier)
    assert isinstance(outcome, Broken)
    assert outcome.position == 7


def test_a_forged_leaf_with_a_mended_hash_is_found_by_the_signed_root(written: Units) -> None:
    with written.engine.begin() as connection:
        connection.execute(text("DELETE FROM log_readable"))
        _forge(connection, 4)
        connection.execute(
            text("UPDATE log_entry SET at = :at WHERE position = 4"),
            {
                "at": "1970-01-01 00:00:00.000001"
                if written.engine.dialect.name == "sqlite"
                else "1970-01-01 00:00:00.000001+00"
            },
        )
    outcome = verify(written.engine, written.signer.verifier)
    assert outcome == Broken(3, "entries 3 to 5 altered or reordered: the signed checkpoint has another root")


def test_a_log_that_somebody_else_signed_is_not_this_log(written: Units) -> None:
    other = Signer(written.signer.origin, Ed25519PrivateKey.generate())
    outcome = verify(written.engine, other.verifier)
    assert isinstance(outcome, Broken)
    assert outcome.position == 0


def test_an_erased_readable_part_leaves_the_proof_whole(written: Units) -> None:
    _change(written.engine, "DELETE FROM log_readable WHERE position = 5")
    outcome = verify(written.engine, written.signer.verifier)
    assert isinstance(outcome, Sound)
    assert outcome.erased == 1


def test_a_change_and_its_entry_are_one(units: Units) -> None:
    def fails() -> None:
        with units.begin() as unit:
            unit.session.execute(text("INSERT INTO log_checkpoint VALUES (999, '2026-01-01', 'a change')"))
            unit.record(MeetingOpened(meeting="m"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with units.read() as session:
        assert latest(session, limit=10) == []
        assert newest_checkpoint(session) is None


def test_a_change_whose_entry_can_not_be_written_did_not_happen(units: Units, clock: StandingClock) -> None:
    class BrokenPen(Signer):
        def sign(self, size: int, root: bytes) -> str:
            raise OSError("the token is gone")

    broken = Units(units.engine, BrokenPen("log", Ed25519PrivateKey.generate()), clock)

    def fails() -> None:
        with broken.begin() as unit:
            unit.session.execute(text("INSERT INTO log_checkpoint VALUES (999, '2026-01-01', 'a change')"))
            unit.record(MeetingOpened(meeting="m"))

    with pytest.raises(OSError, match="token is gone"):
        fails()
    with units.read() as session:
        assert newest_checkpoint(session) is None


def test_a_refusal_is_recorded_though_everything_else_is_dropped(units: Units) -> None:
    def refused() -> None:
        with units.begin() as unit:
            unit.record(MeetingOpened(meeting="m"))
            raise RecordedRefusal("no", ActionRefused(action="open", meeting="m"), {"why": "raison"})

    with pytest.raises(RecordedRefusal):
        refused()
    with units.read() as session:
        records = latest(session, limit=10)
    assert [type(record.entry) for record in records] == [ActionRefused]
    assert records[0].readable == {"why": "raison"}


def test_equal_readable_parts_have_different_seals(units: Units) -> None:
    with units.begin() as unit:
        for _ in range(2):
            unit.record(MeetingOpened(meeting="m"), {"title": "same"})
    with units.read() as session:
        first, second = (record.entry.sealed for record in latest(session, limit=2))
    assert first
    assert second
    assert first != second
    assert seal(b"a" * 16, b"x") != seal(b"b" * 16, b"x")


def test_many_writers_at_once_make_one_log_without_gap_or_fork(units: Units) -> None:
    writers, each = 6, 10
    start = Barrier(writers)
    failures: list[Exception] = []

    def write() -> None:
        start.wait()
        try:
            for number in range(each):
                with units.begin() as unit:
                    unit.record(PolicySetLoaded(policy_set=str(number)))
        except Exception as error:
            failures.append(error)
            raise

    threads = [Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    outcome = verify(units.engine, units.signer.verifier)
    assert isinstance(outcome, Sound)
    assert (outcome.size, outcome.checkpoints) == (writers * each, writers * each)


def test_paging_back_shows_every_entry_once(written: Units) -> None:
    seen: list[int] = []
    with written.read() as session:
        page = latest(session, limit=5)
        while page:
            seen += [record.position for record in page]
            page = latest(session, limit=5, before=page[-1].position)
        assert [record.position for record in latest(session, limit=5, meeting="m3")] == [3]
    assert seen == list(range(11, -1, -1))


def test_a_database_without_a_log_head_says_what_to_do(units: Units) -> None:
    _change(units.engine, "DELETE FROM log_head")

    def write() -> None:
        with units.begin() as unit:
            unit.record(MeetingOpened(meeting="m"))

    with pytest.raises(LogNotStarted, match="majlis"):
        write()
