"""The one setting of this machine that hosts of a lab outgrow, put back when the last lab is gone."""

from pathlib import Path

from infra.hosts.lab.names import labs_directory

# Each systemd takes some; with the kernel's 128 hosts fail from about the fourth.
NEEDED = 8192
SETTING = Path("/proc/sys/fs/inotify/max_user_instances")


def raise_limits(setting: Path = SETTING) -> None:
    """Allow what many hosts need and remember what was allowed before."""
    before = int(setting.read_text())
    if before < NEEDED:
        _remembered().parent.mkdir(parents=True, exist_ok=True)
        _remembered().write_text(str(before))
        setting.write_text(str(NEEDED))


def lower_limits(setting: Path = SETTING) -> None:
    """Put it back, unless another lab of this machine is still there."""
    others = [each for each in labs_directory().glob("*") if each.is_dir()]
    if _remembered().exists() and not others:
        setting.write_text(_remembered().read_text())
        _remembered().unlink()


def _remembered() -> Path:
    return labs_directory() / "inotify-before"
