"""What monitoring asks."""

import pytest
from sqlalchemy import text

from tests.web.conftest import House


def test_health_says_how_long_the_log_is_and_which_policies_are_in_force(house: House) -> None:
    answer = house.browser().get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "database": "reachable",
        "log_size": len(house.entries()),
        "policies": house.desk.policies.engine.digest,
    }


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_health_is_503_when_the_database_does_not_answer(house: House) -> None:
    with house.desk.units.engine.begin() as connection:
        connection.execute(text("DROP TABLE log_checkpoint"))
    answer = house.browser().get("/health")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
