"""One house for the run on each database; whatever a test needs of it, it books for itself."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.loop.house import House, Sitting, house_in


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give the house on SQLite."""
    with house_in(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def house_on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[House]:
    """Give the house on PostgreSQL."""
    engine = create_engine(postgres + "postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE house TEMPLATE template"))
    engine.dispose()
    with house_in(tmp_path_factory.mktemp("house"), postgres + "house") as house:
        yield house


@pytest.fixture(params=["sqlite", "postgresql"])
def each_house(request: pytest.FixtureRequest) -> House:
    """Run the test in both houses."""
    name = "house" if request.param == "sqlite" else "house_on_postgresql"
    house: House = request.getfixturevalue(name)
    return house


@pytest.fixture
def sitting(house: House) -> Sitting:
    """Give an open sitting that no other test knows."""
    return house.sitting()
