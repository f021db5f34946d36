"""The one setting of this machine that hosts of a lab outgrow, put back when the last lab is gone."""

from pathlib import Path

from infra.hosts.lab.cgroups import Cells
from infra.hosts.lab.names import CELLS

# Each systemd takes some; with the kernel's 128 hosts fail from about the fourth.
NEEDED = 8192
SETTING = Path("/proc/sys/fs/inotify/max_user_instances")
# Not with the labs' state: the setting is the machine's, whoever's labs they are, and a reboot forgets both.
BEFORE = Path("/run/majlis-inotify-before")


def raise_limits(setting: Path = SETTING, before: Path = BEFORE) -> None:
    """Allow what many hosts need and remember what was allowed before."""
    allowed = int(setting.read_text())
    if allowed < NEEDED:
        before.write_text(str(allowed))
        setting.write_text(str(NEEDED))


def lower_limits(holds: Cells, setting: Path = SETTING, before: Path = BEFORE) -> None:
    """Put it back, unless another lab runs on this machine."""
    if before.exists() and not holds.named(CELLS):
        setting.write_text(before.read_text())
        before.unlink()
