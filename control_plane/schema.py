"""Bringing a database's schema up to date, with its history told by Alembic."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine
from sqlmodel import SQLModel

from control_plane import tables as _tables  # noqa: F401 — every table must be known before schemas are compared
from control_plane.database import WRITES


def upgrade(engine: Engine) -> None:
    """Run the migrations that this database has not seen, all or none."""
    with engine.execution_options(**WRITES).begin() as connection:
        command.upgrade(config(connection), "head")


def revise(engine: Engine, message: str, revision: str) -> None:
    """Write the migration from this database's schema to that of the tables in the code (for developers)."""
    with engine.begin() as connection:
        command.revision(config(connection), message, autogenerate=True, rev_id=revision)


def differences(engine: Engine) -> list[object]:
    """Return what the tables in the code have that the database has not, and the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
