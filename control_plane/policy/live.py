"""The set in force. A changed set replaces it only if it is valid."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from control_plane.policy.engine import PolicyEngine
from control_plane.policy.files import File, PolicySetInvalid, Problem, digest_of, read

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
class Settling:
    """The files changed since the last look: whoever copies them may not be done, so look again."""

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
        self._seen = self._engine.digest

    @property
    def engine(self) -> PolicyEngine:
        """The engine in force."""
        return self._engine

    def reload(self) -> Reloaded | Unchanged | Settling | KeptOld:
        """Put a changed set in force if it is valid and whole; else keep the old one and say so as an error.

        A set that is being copied may be valid at every moment and lack a forbid: it is loaded once two looks
        found the same, and never when a file of the set in force has gone.
        """
        before = self._engine.digest
        try:
            files = read(self.directory)
            seen, self._seen = self._seen, digest_of(files)
            if self._seen == before:
                self._told = ""
                return Unchanged(before)
            self._must_be_whole(files)
            if self._seen != seen:
                return Settling(self._seen)
            engine = PolicyEngine.load(self.directory)
        except PolicySetInvalid as failure:
            self._tell(failure)
            return KeptOld(before, failure)
        if engine.digest != self._seen:
            return Settling(engine.digest)
        self._engine, self._told = engine, ""
        logger.warning("policies %s replaced by %s", before[:12], engine.digest[:12])
        return Reloaded(before, engine.digest)

    def _must_be_whole(self, files: Sequence[File]) -> None:
        in_force = {policy.source.file for policy in self._engine.rules.policies.values()}
        gone = sorted(in_force - {file.name for file in files})
        if gone:
            mend = "put it back, or restart the service to do without it"
            raise PolicySetInvalid(tuple(Problem(name, 0, "has gone", mend) for name in gone))

    def _tell(self, failure: PolicySetInvalid) -> None:
        # Whoever watches the directory asks every few seconds; the same fault
        # told each time would bury the next one.
        if str(failure) == self._told:
            return
        self._told = str(failure)
        in_force = self._engine.digest[:12]
        for problem in failure.problems:
            logger.error("policies not loaded, the set %s stays in force: %s", in_force, problem)
