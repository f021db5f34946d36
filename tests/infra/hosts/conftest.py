"""What the tests of machines share."""

from collections.abc import Iterator

import pytest

from tests.infra.hosts.answering import Answering, answering
from tests.infra.hosts.hypervisor import Hypervisor, hypervisor


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """Give a host that answers SSH on loopback: this very machine."""
    with answering(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="session")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:
    """Give a hypervisor of this machine's own."""
    with hypervisor(tmp_path_factory.mktemp("libvirt")) as running:
        yield running
