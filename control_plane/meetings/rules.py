"""What holds for every sitting: the course of its states, its notice, its length, and who can't be in two."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from control_plane.policy import Classification, State

LONGEST = timedelta(hours=24)  # conflicts are searched among meetings that began at most so long before
MOST_ATTEMPTS = 100
CLOSED_TO_READERS = frozenset({Classification.CONFIDENTIAL, Classification.SECRET})
RUNNING = frozenset({State.open, State.in_camera})
AHEAD = frozenset({State.draft, State.convened})
OVER = frozenset({State.closed, State.cancelled})

# A sitting may end in camera: opening the doors for its last second would let in those who had to go out.
COURSE: dict[State, frozenset[State]] = {
    State.draft: frozenset({State.convened, State.cancelled}),
    State.convened: frozenset({State.open, State.cancelled}),
    State.open: frozenset({State.in_camera, State.closed}),
    State.in_camera: frozenset({State.open, State.closed}),
    State.closed: frozenset(),
    State.cancelled: frozenset(),
}


class NotInState(Exception):
    """The meeting is in `state`, from where the course of a sitting does not lead to what was `wanted`."""

    def __init__(self, state: State, wanted: Iterable[State]) -> None:
        self.state, self.wanted = state, tuple(sorted(wanted))
        super().__init__(f"the meeting is {state.value}; this needs it to be {' or '.join(self.wanted)}")


class NoticeTooShort(Exception):
    """The convocation would come later than the body's rules want, and no reason was given."""

    def __init__(self, wanted: timedelta, left: timedelta) -> None:
        self.wanted, self.left = wanted, left
        super().__init__(
            f"the notice period is {wanted}, and the meeting begins in {max(left, timedelta())}; give the reason"
        )


class TimesRefused(Exception):
    """The meeting would end before it begins, last more than a day, or be over already."""


def step(state: State, wanted: State) -> State:
    """Return `wanted` if the course of a sitting leads there from `state` (raises NotInState)."""
    must_be(state, frozenset(before for before, after in COURSE.items() if wanted in after))
    return wanted


def must_be(state: State, wanted: frozenset[State]) -> None:
    """Raise NotInState unless the state is one of those wanted."""
    if state not in wanted:
        raise NotInState(state, wanted)


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raise TimesRefused unless the meeting lasts more than nothing and at most a day, and isn't over at `now`.

    It may have begun: a sitting called in an emergency is booked for this very minute.
    """
    if not timedelta() < ends_at - starts_at <= LONGEST:
        raise TimesRefused(f"the meeting would last {ends_at - starts_at}; more than 0 and at most 24 hours")
    if ends_at <= now:
        raise TimesRefused(f"the meeting would be over already, since {ends_at:%Y-%m-%d %H:%M} UTC")


def short_notice(starts_at: datetime, now: datetime, notice_hours: int, reason: str) -> bool:
    """Return whether the notice is cut short, for which a reason must be given (raises NoticeTooShort)."""
    period = timedelta(hours=notice_hours)
    if starts_at - now >= period:
        return False
    if not reason.strip():
        raise NoticeTooShort(period, starts_at - now)
    return True


@dataclass(frozen=True, slots=True)
class Sitting:
    """A meeting as far as conflicts go: when it is, whose, who has to be there, and how many may.

    `guests` is how many people without account are expected beside chairs and members, `capacity` the body's.
    """

    id: str
    body_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    chairs: frozenset[str]
    members: frozenset[str]
    guests: int
    capacity: int

    def overlaps(self, other: "Sitting") -> bool:
        """Return whether both go on at some moment; one may begin when the other ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a meeting can't be held well: `kind` is body, chair, member or capacity.

    `who` is the id of the person, or of the body, and `name` what people call them; what follows is the meeting
    in the way, or for capacity the meeting itself.
    """

    kind: str
    who: str
    name: str
    meeting_id: str
    title: str
    starts_at: datetime
    ends_at: datetime


class Conflicting(Exception):
    """Somebody or something would be needed twice at once; the message names the first five."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        self.conflicts = conflicts
        told = "; ".join(
            f"{each.kind} {each.name}: {each.title}, "
            f"{each.starts_at:%Y-%m-%d %H:%M}–{each.ends_at:%Y-%m-%d %H:%M} UTC"
            for each in conflicts[:5]
        )
        more = f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        super().__init__(f"the meeting conflicts with others: {told}{more}")


def conflicts(wanted: Iterable[Sitting], others: Iterable[Sitting]) -> tuple[Conflict, ...]:
    """Return what stands in the way of the wanted sittings: a sitting of the same body, people, seats.

    Somebody who chairs either meeting is a chair conflict, for that one can't be held without them. Here the
    names are still the ids.
    """
    ordered = sorted(others, key=_start)
    return tuple(conflict for sitting in wanted for conflict in _conflicts(sitting, ordered))


def _conflicts(sitting: Sitting, ordered: list[Sitting]) -> Iterator[Conflict]:
    if len(sitting.chairs | sitting.members) + sitting.guests > sitting.capacity:
        yield _conflict("capacity", sitting.body_id, sitting)
    near = islice(ordered, bisect_left(ordered, sitting.starts_at - LONGEST, key=_start), None)
    for other in takewhile(lambda other: other.starts_at < sitting.ends_at, near):
        if other.id != sitting.id and other.overlaps(sitting):
            yield from _clashes(sitting, other)


def _clashes(sitting: Sitting, other: Sitting) -> Iterator[Conflict]:
    if other.body_id == sitting.body_id:
        yield _conflict("body", other.body_id, other)
        return
    chairs = sitting.chairs | other.chairs
    for person in sorted((sitting.chairs | sitting.members) & (other.chairs | other.members)):
        yield _conflict("chair" if person in chairs else "member", person, other)


def _conflict(kind: str, who: str, other: Sitting) -> Conflict:
    return Conflict(kind, who, who, other.id, other.title, other.starts_at, other.ends_at)


def _start(sitting: Sitting) -> datetime:
    return sitting.starts_at


def retry_after(attempts: int) -> timedelta | None:
    """Return how long to wait after that many attempts at a message, None to give up.

    A minute at first, for greylisting; an hour at most, for four days (RFC 5321, 4.5.4.1: give up after 4–5 days).
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** min(attempts - 1, 6)), timedelta(hours=1))
