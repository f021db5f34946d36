"""Doubles of Jitsi's Debian packages, for sites whose apt source has none: same names, files, units and ports.

They sign in, tell their health and count packets; they carry nobody's voice. Each says "double" in its version.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
EPOCH = 1_700_000_000  # seconds: every file of a package bears this date, so equal sources give equal bytes


class DoubleNotBuilt(Exception):
    """dpkg-deb refused; the message holds its words."""


@dataclass(frozen=True)
class Double:
    """A package: `tree` lies under packages/; `programs` go to `destination` on the host."""

    name: str
    programs: tuple[str, ...] = ()
    destination: str = ""

    @property
    def tree(self) -> Path:
        return HERE / "packages" / self.name

    def sources(self) -> Iterator[tuple[str, Path]]:
        """Path inside the package and file, sorted."""
        for path in sorted(self.tree.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.tree)), path
        for program in self.programs:
            yield f"{self.destination}/double/{program}", PROGRAMS / program


DOUBLES = (
    Double("jicofo", ("__init__.py", "settings.py", "xmpp.py", "rest.py", "jicofo.py"), "usr/share/jicofo"),
    Double(
        "jitsi-videobridge2",
        ("__init__.py", "settings.py", "xmpp.py", "rest.py", "media.py", "videobridge.py"),
        "usr/share/jitsi-videobridge",
    ),
    Double("jitsi-meet-web"),
    Double("jitsi-meet-prosody"),
)


def build(directory: Path) -> tuple[Path, ...]:
    """Put the packages into `directory` and answer their paths; what is there already is left as it is.

    Older builds of a double are taken away, so that the directory holds one version of each.
    Raises DoubleNotBuilt.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return tuple(_build(double, directory) for double in DOUBLES)


def _build(double: Double, directory: Path) -> Path:
    version = f"0~double.{_fingerprint(double)}"
    package = directory / f"{double.name}_{version}_all.deb"
    for older in directory.glob(f"{double.name}_0~double.*_all.deb"):
        if older != package:
            older.unlink()
    if not package.exists():
        with tempfile.TemporaryDirectory(prefix="majlis-double-") as scratch:
            tree = Path(scratch) / double.name
            _lay_out(double, tree, version)
            _pack(tree, package)
    return package


def _fingerprint(double: Double) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name, path in double.sources():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _lay_out(double: Double, tree: Path, version: str) -> None:
    for name, source in double.sources():
        content = source.read_bytes()
        if name == "DEBIAN/control":
            content = content.replace(b"@VERSION@", version.encode())
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if content.startswith(b"#!") else 0o644)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH))


def _pack(tree: Path, package: Path) -> None:
    half_done = package.with_suffix(".half")
    done = subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", "-Zgzip", str(tree), str(half_done)],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DoubleNotBuilt(f"{package.name}: {done.stderr.strip()}")
    shutil.move(half_done, package)
