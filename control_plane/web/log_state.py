"""The state of the log, which anybody may see: it holds no name and no title."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from control_plane.audit.service import newest_checkpoint


@dataclass(frozen=True, slots=True)
class LogState:
    """The last signed checkpoint: how many entries, under which root (base64), and the signed text itself."""

    size: int
    at: datetime
    root: str
    note: str


def log_state(session: Session) -> LogState | None:
    """Return the state of the log, None while it is empty (one statement)."""
    checkpoint = newest_checkpoint(session)
    if checkpoint is None:
        return None
    root = checkpoint.note.split("\n")[2]  # C2SP tlog-checkpoint: origin, size, root
    return LogState(checkpoint.size, checkpoint.at, root, checkpoint.note)
