"""What the tests of machines share."""

from collections.abc import Iterator

import pytest

from tests.infra.hosts.answering import Answering, answering


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """Give a host that answers SSH on loopback: this very machine."""
    with answering(tmp_path_factory.mktemp("sshd")) as running:
        yield running
