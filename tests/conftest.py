"""What every test may ask for: a clock that stands still, and the service tests' two databases."""

import itertools
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, create_engine, event, text

from control_plane.audit.checkpoint import Signer
from control_plane.database import connect
from control_plane.schema import upgrade
from control_plane.unit import Units
from tests.postgres import private_cluster

NUMBERS = itertools.count(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which doubles stood in for the real thing in this run."""
    for name in sorted(name for name in sys.modules if name.startswith("tests.doubles.")):
        what = str(sys.modules[name].__doc__).partition("\n")[0]
        terminalreporter.write_line(f"DOUBLE in this run: {name}: {what}")


class StandingClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on by `timedelta(**by)`."""
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the address prefix of a private cluster that has a database `template` with the schema."""
    with private_cluster(durable=False) as prefix:
        _administer(prefix, "CREATE DATABASE template")
        engine = connect(prefix + "template")
        upgrade(engine)
        engine.dispose()
        yield prefix


def _administer(prefix: str, statement: str) -> None:
    engine = create_engine(prefix + "postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "majlis.db"
    engine = connect(f"sqlite:///{path}")
    upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty database with the schema: the test runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "majlis.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    prefix = request.getfixturevalue("postgres")
    name = f"test_{next(NUMBERS)}"
    _administer(prefix, f"CREATE DATABASE {name} TEMPLATE template")
    yield prefix + name
    _administer(prefix, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def signer() -> Signer:
    return Signer("log.majlis.test", Ed25519PrivateKey.generate())


@pytest.fixture
def units(engine: Engine, signer: Signer, clock: StandingClock) -> Units:
    return Units(engine, signer, clock)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Give the list of statements that the database is told from now on, transaction control left out."""
    told: list[str] = []

    def tell(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            told.append(statement)

    event.listen(engine, "before_cursor_execute", tell)
    yield told
    event.remove(engine, "before_cursor_execute", tell)
