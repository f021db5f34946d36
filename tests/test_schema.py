"""The migrations make exactly the tables of the code, on both databases, and can be taken back."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect

from control_plane.database import WRITES, DatabaseUnsupported, connect
from control_plane.schema import config, differences, upgrade


def test_migrations_and_tables_agree(database_url: str) -> None:
    engine = connect(database_url)
    assert differences(engine) == []
    assert len(inspect(engine).get_table_names()) == 28
    engine.dispose()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    engine = connect(database_url)
    upgrade(engine)
    assert differences(engine) == []
    engine.dispose()


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(engine)
    with engine.execution_options(**WRITES).begin() as connection:
        command.downgrade(config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_missing_column_is_noticed(tmp_path: Path) -> None:
    """Breaks the promise on purpose, so that the first test can be believed."""
    engine = connect(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE command DROP COLUMN outcome")
    assert differences(engine) != []
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x", "oracle://x"])
def test_another_kind_of_database_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(DatabaseUnsupported, match="postgresql\\+psycopg"):
        connect(url)
