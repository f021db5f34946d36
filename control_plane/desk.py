"""The instruments that the application is made of, put together once from the settings."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from control_plane.audit.keys import log_signer, make_log_key
from control_plane.database import Clock, connect
from control_plane.people.service import Argon2Cost, AttemptLimits, Entrance, Passwords, SessionLimits
from control_plane.policy import Classification, LivePolicies
from control_plane.rooms.service import KeyRing, NoSigningKey, Pool, Pools
from control_plane.schema import upgrade
from control_plane.settings import Settings
from control_plane.unit import Units


@dataclass(frozen=True, slots=True)
class Desk:
    """What doors and workers need."""

    settings: Settings
    units: Units
    policies: LivePolicies
    entrance: Entrance
    keys: KeyRing
    pools: Pools


def set_up_desk(settings: Settings, clock: Clock) -> Desk:
    """Open the database, the keys and the policies (raises NoLogKey, PolicySetInvalid, DatabaseUnsupported)."""
    engine = connect(settings.database_url.get_secret_value())
    units = Units(engine, log_signer(settings.keys, settings.log_origin), clock)
    entrance = Entrance(Passwords(Argon2Cost()), SessionLimits(), AttemptLimits(key=_attempts_key(settings)))
    return Desk(
        settings, units, LivePolicies(settings.policies), entrance, KeyRing(settings.keys), pools_of(settings)
    )


def pools_of(settings: Settings) -> Pools:
    """Return the pools that the settings declare."""
    return Pools(
        {
            name: Pool(
                frozenset(Classification[word.upper()] for word in pool.classifications),
                pool.signalling,
                pool.websocket,
            )
            for name, pool in settings.pools.items()
        }
    )


def _attempts_key(settings: Settings) -> bytes:
    # Every process must count the same failures, and the table must not give client addresses away.
    return hmac.digest(settings.gate_secret.get_secret_value().encode(), b"sign-in attempts", "sha256")


def prepare(settings: Settings, clock: Clock) -> list[str]:
    """Bring the schema up to date and make the keys that are missing; return a sentence for each thing done.

    Running it again does nothing.
    """
    done = []
    if make_log_key(settings.keys):
        done.append(f"made the log's key in {settings.keys}")
    engine = connect(settings.database_url.get_secret_value())
    upgrade(engine)
    engine.dispose()
    desk = set_up_desk(settings, clock)
    with desk.units.begin() as unit:
        try:
            desk.keys.signing(unit.session)
        except NoSigningKey:
            kid = desk.keys.rotate(unit, timedelta(seconds=settings.token_seconds))
            done.append(f"made the join-token key {kid}")
    desk.units.engine.dispose()
    return done
