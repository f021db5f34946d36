"""How many are in conferences now, and how many orders wait for a signalling host: numbers without names."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session, col

from control_plane.rooms.models import Command, Connection


@dataclass(frozen=True, slots=True)
class Headcount:
    """Connections inside, connections in a lobby, conferences with anybody in them, orders not yet obeyed."""

    inside: int
    waiting: int
    conferences: int
    orders: int


def headcount(session: Session) -> Headcount:
    """Count them now (two statements)."""
    joined = col(Connection.joined_at).is_not(None)
    inside, conferences, waiting = session.execute(
        select(
            func.count().filter(joined),
            func.count(func.distinct(col(Connection.meeting_id))).filter(joined),
            func.count().filter(~joined, col(Connection.waiting_since).is_not(None)),
        ).where(col(Connection.ended_at).is_(None))
    ).one()
    orders = session.scalar(select(func.count()).select_from(Command).where(col(Command.done_at).is_(None)))
    return Headcount(inside, waiting, conferences, orders or 0)
