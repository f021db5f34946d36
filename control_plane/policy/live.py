"""The set in force. A changed set replaces it only if it is valid."""

import logging
from dataclasses import dataclass
from pathlib import Path

from control_plane.policy.engine import PolicyEngine
from control_plane.policy.files import PolicySetInvalid, digest_of, read

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The changed set is in force now."""

    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The files are those of the set in force."""

    digest: str


@dataclass(frozen=True, slots=True)
class KeptOld:
    """The changed set is not valid; the one with this digest stays in force."""

    digest: str
    failure: PolicySetInvalid


class LivePolicies:
    """Holds the engine in force. Take `engine` once a request: its digest and its verdicts belong together."""

    def __init__(self, directory: Path) -> None:
        """Load the set (raises PolicySetInvalid: without valid policies nothing starts)."""
        self.directory = directory
        self._engine = PolicyEngine.load(directory)
        self._told = ""

    @property
    def engine(self) -> PolicyEngine:
        """The engine in force."""
        return self._engine

    def reload(self) -> Reloaded | Unchanged | KeptOld:
        """Put a changed set in force if it is valid; else keep the old one and say so as an error."""
        before = self._engine.digest
        try:
            if digest_of(read(self.directory)) == before:
                self._told = ""
                return Unchanged(before)
            engine = PolicyEngine.load(self.directory)
        except PolicySetInvalid as failure:
            self._tell(failure)
            return KeptOld(before, failure)
        self._engine, self._told = engine, ""
        logger.warning("policies %s replaced by %s", before[:12], engine.digest[:12])
        return Reloaded(before, engine.digest)

    def _tell(self, failure: PolicySetInvalid) -> None:
        # Whoever watches the directory asks every few seconds; the same fault
        # told each time would bury the next one.
        if str(failure) == self._told:
            return
        self._told = str(failure)
        in_force = self._engine.digest[:12]
        for problem in failure.problems:
            logger.error("policies not loaded, the set %s stays in force: %s", in_force, problem)
