"""Who may try a password now: budgets of failures that a stranger can't use up for somebody else.

After OWASP's "device cookies": a browser that once signed in as an account has a budget of its own, so a
flood against the account from elsewhere never makes its owner wait there. Strangers are counted three times:
by account and network, by network, and by account and zone together, which bounds guessing from many
networks at once without touching the state's own zones. An attempt is counted before the password is
checked, so that a thousand attempts in parallel are no better than one after the other.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from control_plane.people.models import SignInAttempts
from control_plane.people.rules import network_of, waiting_time

_INSERT: dict[str, Callable[..., Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, slots=True)
class Budget:
    """This many failures cost nothing; after that the waiting time doubles from 1 s up to `longest`."""

    free: int
    longest: timedelta


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """The budgets, and the key (32 bytes, the same in every process) that keeps addresses out of the table."""

    key: bytes
    device: Budget = Budget(10, timedelta(minutes=15))
    account_and_network: Budget = Budget(5, timedelta(minutes=15))
    network: Budget = Budget(50, timedelta(minutes=1))
    account_and_zone: Budget = Budget(100, timedelta(minutes=15))
    forgotten_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Charge:
    """One budget that an attempt is counted against; `cleared` when it succeeds, else only given back."""

    key: bytes
    budget: Budget
    cleared: bool


def charges(
    limits: AttemptLimits, *, account: str, address: str, zone: str, known_device: bytes | None
) -> list[Charge]:
    """Return what an attempt is counted against; `account` may name nobody, `known_device` is its hash."""
    if known_device is not None:
        return [Charge(_key(limits, "device", known_device.hex()), limits.device, cleared=True)]
    network = network_of(address)
    both = Charge(_key(limits, "both", account, network), limits.account_and_network, cleared=True)
    # These two are never cleared by a success: with one account of their own, somebody could go on for ever.
    alone = Charge(_key(limits, "network", network), limits.network, cleared=False)
    zones = Charge(_key(limits, "zone", account, zone), limits.account_and_zone, cleared=False)
    return sorted([both, alone, zones], key=lambda charge: charge.key)


def take_turn(session: Session, now: datetime, wanted: Sequence[Charge], limits: AttemptLimits) -> timedelta:
    """Count an attempt against every budget and return zero, or return how long to wait and count nothing."""
    counted = _locked(session, now, wanted)
    wait = max(_wait(charge.budget, *counted[charge.key], now, limits) for charge in wanted)
    if wait > timedelta(0):
        return wait
    session.execute(
        update(SignInAttempts),
        [
            {"budget": charge.key, "failures": _still(*counted[charge.key], now, limits) + 1, "last_at": now}
            for charge in wanted
        ],
    )
    return timedelta(0)


def _wait(
    budget: Budget, failures: int, last_at: datetime, now: datetime, limits: AttemptLimits
) -> timedelta:
    waiting = waiting_time(_still(failures, last_at, now, limits), free=budget.free, longest=budget.longest)
    # Without failures too many, an attempt that began later and was counted earlier is no reason to wait.
    return last_at + waiting - now if waiting else timedelta(0)


def _still(failures: int, last_at: datetime, now: datetime, limits: AttemptLimits) -> int:
    return 0 if now - last_at >= limits.forgotten_after else failures


def give_back(session: Session, wanted: Sequence[Charge]) -> None:
    """Undo the count of an attempt that succeeded."""
    # In the same order as take_turn: a double click must not end in a deadlock.
    for charge in wanted:
        session.execute(
            update(SignInAttempts)
            .where(col(SignInAttempts.budget) == charge.key, col(SignInAttempts.failures) > 0)
            .values(failures=0 if charge.cleared else col(SignInAttempts.failures) - 1)
            .execution_options(synchronize_session=False)
        )


def forget_attempts(session: Session, now: datetime, limits: AttemptLimits) -> None:
    """Delete what no longer counts, but for rows that an attempt under way holds: they'll go next time."""
    old = (
        select(col(SignInAttempts.budget))
        .where(col(SignInAttempts.last_at) <= now - limits.forgotten_after)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        delete(SignInAttempts)
        .where(col(SignInAttempts.budget).in_(old))
        .execution_options(synchronize_session=False)
    )


def _locked(session: Session, now: datetime, wanted: Sequence[Charge]) -> dict[bytes, tuple[int, datetime]]:
    # An insert that updates nothing takes hold of each row, in order of its key, whether it was there or is
    # being deleted by somebody else at this moment; asking for the rows afterwards could find one gone.
    insert = _INSERT[session.get_bind().dialect.name](SignInAttempts)
    rows = session.execute(
        insert.values([{"budget": charge.key, "failures": 0, "last_at": now} for charge in wanted])
        .on_conflict_do_update(index_elements=["budget"], set_={"failures": col(SignInAttempts.failures)})
        .returning(col(SignInAttempts.budget), col(SignInAttempts.failures), col(SignInAttempts.last_at))
    )
    return {budget: (failures, last_at) for budget, failures, last_at in rows}


def _key(limits: AttemptLimits, *parts: str) -> bytes:
    return hmac.digest(limits.key, "\0".join(parts).encode(), sha256)
