#!/usr/bin/python
"""Keep directories and files of a host as given, all in one step."""

# A module and not template, copy and file: each of those costs a round trip a file and a host, and a site has some
# hundred files. Nothing is put in place before every file has passed the program that will read it.

import contextlib
import grp
import os
import pwd
import shlex
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: host_files
short_description: Keep directories and files of a host as given, all in one step
description:
  - Writes files whole, with owner, group and mode, each checked by a program first and put in place by a rename.
  - Returns `written`, the paths that changed, so that a handler can tell which of them it is for.
options:
  directories:
    type: list
    elements: dict
    default: []
    description: Directories to have, each with path, and mode (0755), owner, group (root).
  files:
    type: list
    elements: dict
    default: []
    description: >-
      Files to have, each with path and content, and mode (0644), owner, group (root), and validate, a command in
      which %s stands for the file to look at. With link instead of content, a symbolic link to it.
  absent:
    type: list
    elements: str
    default: []
    description: Files that must not be; a pattern means all that fit and aren't given.
author: Majlis
"""

OWNED: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}


class Refused(Exception):
    """A file can't be as given; the text says which and why."""


class Keeper:
    """Looks, tells the difference and, unless it is a rehearsal, writes."""

    def __init__(self, rehearsal: bool) -> None:
        self.rehearsal = rehearsal
        self.differences: list[dict[str, Any]] = []
        self.written: list[str] = []

    def directory(self, given: dict[str, Any]) -> None:
        """Have a directory with its owner and mode."""
        path = Path(given["path"])
        if not path.is_dir():
            self._tell(path, "", "directory\n")
            if not self.rehearsal:
                path.mkdir(parents=True)
                os.chown(path, *_numbers(given))
                path.chmod(int(given["mode"], 8))
        self._own(path, given)

    def stage(self, given: dict[str, Any], run: Any) -> "tuple[Path, Path | str, dict[str, Any]] | None":
        """Return what must be put in place, checked by its program; None when it is there already."""
        path = Path(given["path"])
        if given["link"]:
            return None if _link(path) == given["link"] else (path, given["link"], given)
        new = (given["content"] or "").encode()
        old = _bytes(path)
        if old == new and not path.is_symlink():
            self._own(path, given)
            return None
        if not path.parent.is_dir() and not self.rehearsal:
            raise Refused(f"{path}: there is no directory {path.parent}")
        staged = _beside(path, new)
        try:
            self._check(path, staged, given["validate"], run)
        except Refused:
            staged.unlink()
            raise
        return path, staged, given

    def place(self, path: Path, new: "Path | str", given: dict[str, Any]) -> None:
        """Put a staged file, or a link, in place of the old one."""
        text = new if isinstance(new, str) else _shown(new.read_bytes())
        self._tell(path, _shown(_bytes(path)), text)
        if self.rehearsal:
            return
        if isinstance(new, str):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            path.symlink_to(new)
            return
        owner, group = _numbers(given)
        os.chown(new, owner, group)
        new.chmod(int(given["mode"], 8))
        new.replace(path)

    def remove(self, path: Path) -> None:
        """Have no such file."""
        if path.exists() or path.is_symlink():
            self._tell(path, _shown(_bytes(path)), "")
            if not self.rehearsal:
                path.unlink()

    def _own(self, path: Path, given: dict[str, Any]) -> None:
        if not path.exists():
            return
        try:
            owner, group = _numbers(given)
        except Refused:
            if self.rehearsal:
                return
            raise
        seen, mode = path.stat(), int(given["mode"], 8)
        if (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == (owner, group, mode):
            return
        before = f"{seen.st_uid}:{seen.st_gid} {stat.S_IMODE(seen.st_mode):04o}\n"
        self._tell(path, before, f"{owner}:{group} {mode:04o}\n")
        if not self.rehearsal:
            os.chown(path, owner, group)
            path.chmod(mode)

    def _check(self, path: Path, staged: Path, command: "str | None", run: Any) -> None:
        if not command:
            return
        words = [
            str(staged) if word == "%s" else word.replace("%s", str(staged)) for word in shlex.split(command)
        ]
        if self.rehearsal and not shutil.which(words[0], path=os.environ["PATH"]):
            return  # a host that is still bare
        status, out, err = run(words)
        if status != 0:
            raise Refused(f"{path} would be wrong, says {words[0]}: {(err or out).strip()}")

    def _tell(self, path: Path, before: str, after: str) -> None:
        self.written.append(str(path))
        self.differences.append(
            {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
        )


def _numbers(given: dict[str, Any]) -> tuple[int, int]:
    try:
        return pwd.getpwnam(given["owner"]).pw_uid, grp.getgrnam(given["group"]).gr_gid
    except KeyError:
        raise Refused(
            f"{given['path']}: there is no user {given['owner']} or no group {given['group']}"
        ) from None


def _beside(path: Path, content: bytes) -> Path:
    """Write a file next to the one that it will replace, or elsewhere while there is no such directory."""
    place = path.parent if path.parent.is_dir() else None
    descriptor, name = tempfile.mkstemp(dir=place, prefix=f".{path.name}.", suffix=path.suffix)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return Path(name)


def _bytes(path: Path) -> "bytes | None":
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _link(path: Path) -> str:
    return str(path.readlink()) if path.is_symlink() else ""


def _shown(content: "bytes | None") -> str:
    return (content or b"").decode(errors="replace")


def main() -> None:
    file = OWNED | {
        "mode": {"type": "str", "default": "0644"},
        "content": {"type": "str"},
        "link": {"type": "str"},
        "validate": {"type": "str"},
    }
    directory = OWNED | {"mode": {"type": "str", "default": "0755"}}
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "dict", "default": [], "options": directory},
            "files": {"type": "list", "elements": "dict", "default": [], "options": file},
            "absent": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    keeper = Keeper(module.check_mode)
    staged: list[tuple[Path, Path | str, dict[str, Any]]] = []
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        for given in module.params["directories"]:
            keeper.directory(given)
        for given in module.params["files"]:
            if ready := keeper.stage(given, module.run_command):
                staged.append(ready)
        for path, new, given in staged:
            keeper.place(path, new, given)
        given_paths = {Path(given["path"]) for given in module.params["files"]}
        for pattern in module.params["absent"]:
            for path in sorted(set(Path("/").glob(pattern.lstrip("/"))) - given_paths):
                keeper.remove(path)
    except (Refused, OSError) as refused:
        module.fail_json(msg=str(refused), written=keeper.written)
    finally:
        for _, new, _ in staged:
            if isinstance(new, Path):
                new.unlink(missing_ok=True)
    module.exit_json(changed=bool(keeper.written), written=keeper.written, diff=keeper.differences)


if __name__ == "__main__":
    main()
