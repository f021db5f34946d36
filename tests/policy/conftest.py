"""The real policies, and a copy of them that a test may spoil."""

import shutil
from pathlib import Path

import pytest

from control_plane.policy import PolicyEngine

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="session")
def engine() -> PolicyEngine:
    return PolicyEngine.load(POLICIES)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))
