"""The Pulumi engine as a program of this machine: where it is, and how it is started without telling it too much."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra.engine_failures import EngineMissing

VERSION = "3.259.0"
ROOT = Path(__file__).resolve().parent.parent


def find_engine(environ: Mapping[str, str]) -> Path:
    """Return the engine that tools/pulumi-engine built, or one of the same version on PATH (raises EngineMissing)."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/root")) / ".cache"
    built = Path(cache) / "majlis" / "pulumi" / f"v{VERSION}" / "pulumi"
    if built.is_file():
        return built
    found = shutil.which("pulumi", path=environ.get("PATH"))
    if found is None:
        raise EngineMissing("the Pulumi engine is not here: tools/pulumi-engine builds it, once")
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout.strip()
    if told != f"v{VERSION}":
        raise EngineMissing(
            f"{found} is {told or 'broken'}, not v{VERSION}: tools/pulumi-engine builds that one"
        )
    return Path(found)


def surroundings(engine: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the engine and its plugins get: nothing of a Pulumi but ours, no passphrase."""
    kept = {key: value for key, value in environ.items() if not key.startswith("PULUMI_")}
    return kept | {
        "PATH": os.pathsep.join([str(engine.parent), environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",  # infra/ holds a secrets.py and a site.py, which Python has too
        "PULUMI_PYTHON_CMD": sys.executable,
        # Nothing of a site leaves it, and nothing comes in: no look for updates, no plugin fetched.
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


class Program(PulumiCommand):
    """Starts the engine with an environment of our choice, where Pulumi's own class hands on all it has."""

    def __init__(self, engine: Path, environ: Mapping[str, str]) -> None:
        # Not the parent's: it starts the program once more to ask for its version.
        self.command = str(engine)
        self.version = VersionInfo.parse(VERSION)
        self.environ = surroundings(engine, environ)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command of the engine (raises CommandError and its kinds)."""
        told: tuple[list[str], list[str]] = ([], [])
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**self.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            encoding="utf-8",
        ) as started:
            readers = [
                Thread(target=_listen, args=(stream, heard, lines))
                for stream, heard, lines in (
                    (started.stdout, on_output, told[0]),
                    (started.stderr, on_error, told[1]),
                )
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
        result = CommandResult("\n".join(told[0]), "\n".join(told[1]), started.returncode)
        if started.returncode != 0:
            raise create_command_error(result)
        return result


def _listen(stream: IO[str] | None, heard: OnOutput | None, lines: list[str]) -> None:
    for line in stream or ():
        lines.append(line.rstrip())
        if heard is not None:
            heard(lines[-1])
