"""What Prosody reports is counted once and in order, whatever is lost, repeated or made anew."""

from datetime import timedelta

import pytest

from control_plane.audit.entries import (
    Entry,
    GateBack,
    GateUnreachable,
    Joined,
    Left,
    LobbyEntered,
    RoleChanged,
)
from control_plane.audit.service import microseconds
from control_plane.rooms.service import Counted, Event, Gap, Report, UnknownEvent, present, take_reports
from tests.rooms.conftest import Sitting


def _report(sitting: Sitting, *events: Event, epoch: str = "e1", node: str = "n1") -> Counted | Gap:
    with sitting.units.begin() as unit:
        return take_reports(unit, [Report(node, epoch, events)])[0]


def _event(sitting: Sitting, seq: int, kind: str = "gate_back", connection: str = "", **more: str) -> Event:
    return Event(seq, sitting.clock() - timedelta(seconds=10), kind, sitting.room, connection, **more)


def _kinds(sitting: Sitting, count: int) -> list[type[Entry]]:
    return [type(entry) for entry in reversed(sitting.entries(count))]


def test_events_become_entries_in_their_order_with_the_hosts_time(sitting: Sitting) -> None:
    connection = sitting.connect(sitting.actor("driss"))
    outcome = _report(
        sitting,
        _event(sitting, 1, "gate_unreachable"),
        _event(sitting, 2, "joined", connection),
        _event(sitting, 3, "role_changed", connection, role="moderator"),
        _event(sitting, 4, "left", connection, reason="closed the browser"),
        _event(sitting, 5, "gate_back"),
    )
    assert outcome == Counted(6)
    assert _kinds(sitting, 5) == [GateUnreachable, Joined, RoleChanged, Left, GateBack]
    left = sitting.records(2)[1]
    assert isinstance(left.entry, Left)
    assert left.entry.by == sitting.actor("driss").pseudonym
    assert left.entry.happened == microseconds(sitting.clock() - timedelta(seconds=10))
    assert left.readable == {"reason": "closed the browser"}


def test_what_is_sent_again_is_counted_once(sitting: Sitting) -> None:
    events = [_event(sitting, seq) for seq in (1, 2, 3)]
    _report(sitting, *events)
    before = sitting.records(1)[0].position
    assert _report(sitting, *events, _event(sitting, 4)) == Counted(5)
    assert sitting.records(1)[0].position == before + 1


def test_a_gap_is_named_and_nothing_behind_it_is_taken(sitting: Sitting) -> None:
    assert _report(sitting, _event(sitting, 1), _event(sitting, 3)) == Gap(2)
    assert _report(sitting, _event(sitting, 5)) == Gap(2)
    assert _report(sitting, _event(sitting, 2), _event(sitting, 3)) == Counted(4)


def test_a_new_spool_counts_from_one_again(sitting: Sitting) -> None:
    _report(sitting, _event(sitting, 1), _event(sitting, 2))
    assert _report(sitting, _event(sitting, 1), epoch="e2") == Counted(2)


def test_each_host_has_its_own_count(sitting: Sitting) -> None:
    _report(sitting, _event(sitting, 1), _event(sitting, 2))
    assert _report(sitting, _event(sitting, 1), node="n2") == Counted(2)


def test_an_event_of_another_release_is_refused_aloud(sitting: Sitting) -> None:
    with pytest.raises(UnknownEvent, match="joined"):
        _report(sitting, _event(sitting, 1, "teleported"))


def test_who_is_inside_and_who_waits_follows_the_events(sitting: Sitting) -> None:
    member, guest = sitting.enter(sitting.actor("driss")), sitting.connect(sitting.guest("Me Rami"))
    sitting.clock.advance(seconds=5)
    sitting.happens("lobby_entered", guest)
    assert isinstance(sitting.entries()[0], LobbyEntered)

    def there() -> list[tuple[str, str, bool]]:
        with sitting.units.begin() as unit:
            people = present(unit, sitting.permission, sitting.actor("amina"), sitting.id)
        return [(person.name, person.where, person.guest) for person in people]

    assert there() == [("Driss Alaoui", "room", False), ("Me Rami", "lobby", True)]
    sitting.happens("joined", guest)
    assert there() == [("Driss Alaoui", "room", False), ("Me Rami", "room", True)]
    sitting.happens("left", member)
    assert there() == [("Me Rami", "room", True)]
