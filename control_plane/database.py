"""Engines, column types and identifiers shared by every table."""

import secrets
from base64 import b32encode
from collections.abc import Callable
from datetime import UTC, datetime
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeDecorator

Clock = Callable[[], datetime]

WRITES = {"majlis_writes": True}


class DatabaseUnsupported(Exception):
    """The address names neither PostgreSQL (psycopg) nor SQLite."""


def utc_now() -> datetime:
    """Return this moment, aware, in UTC: the clock of production."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return 80 random bits as 16 lower-case base32 characters: safe in a URL, a file name and a log."""
    return b32encode(secrets.token_bytes(10)).decode().lower()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept and returned in UTC; a naive one is refused (ValueError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; a moment must say which")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Return an engine for `postgresql+psycopg://…` or `sqlite:///file` (raises DatabaseUnsupported).

    SQLite runs in WAL mode with full synchronisation: an answered commit survives a power cut.
    """
    backend = make_url(url).get_backend_name()
    if backend == "sqlite":
        engine = create_engine(url, connect_args={"timeout": 30}, pool_size=pool_size)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        return create_engine(url, pool_size=pool_size, max_overflow=2, pool_pre_ping=True)
    raise DatabaseUnsupported(
        f"{backend!r} is not supported; give postgresql+psycopg://user@host/name or sqlite:///path"
    )


def _prepare_sqlite(connection: SqliteConnection, _record: Any) -> None:
    # The driver's own BEGIN comes too late (at the first write) for two writers to queue fairly.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("majlis_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
