"""tools/pulumi-engine: builds once, whole or not at all. Go is a fake here; the real build takes minutes."""

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from infra.pulumi_program import ROOT, VERSION

SCRIPT = ROOT / "tools" / "pulumi-engine"
FAKE_GO = """#!/bin/sh
# A fake Go: notes how it was called, and "builds" a program that says the version it was asked for.
echo "$0 $*" >>"$NOTES"
case "$1" in
env) case "$2" in GOVERSION) echo "go$FAKE_VERSION" ;; GOOS) echo linux ;; GOARCH) echo amd64 ;; esac ;;
version) echo "go version go$FAKE_VERSION" ;;
mod)
    mkdir -p "$MODULE/bin" "$MODULE/pkg/tool/linux_amd64"
    sed "s/^FAKE_VERSION=.*//; 2i FAKE_VERSION=1.25.11" "$0" >"$MODULE/bin/go"
    cp "$MODULE/bin/go" "$MODULE/pkg/tool/linux_amd64/compile"
    chmod -R a-wx,a+rX "$MODULE"; chmod a-x "$MODULE/bin/go"
    printf '{\\n\\t"Dir": "%s",\\n\\t"Sum": "h1:x="\\n}\\n' "$MODULE"
    ;;
build)
    [ -z "$FAILS" ] || exit 1
    while [ "$1" != -o ]; do shift; done
    mkdir -p "$(dirname "$2")"
    printf '#!/bin/sh\\necho %s\\n' "$BUILDS" >"$2"
    chmod 755 "$2"
    ;;
esac
"""


class Controller:
    """A controller with a Go of some version."""

    def __init__(self, directory: Path, go: str = "1.26.1") -> None:
        self.directory, self.notes = directory, directory / "notes"
        (directory / "bin").mkdir()
        (directory / "bin" / "go").write_text(FAKE_GO)
        (directory / "bin" / "go").chmod(0o755)
        self.environ = {
            "PATH": f"{directory}/bin:/usr/bin:/bin",
            "HOME": str(directory),
            "NOTES": str(self.notes),
            "MODULE": str(directory / "module"),
            "FAKE_VERSION": go,
            "BUILDS": f"v{VERSION}",
            "FAILS": "",
        }

    @property
    def cache(self) -> Path:
        return self.directory / ".cache" / "majlis" / "pulumi"

    def run(self, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT], env=self.environ | environ, capture_output=True, text=True, check=False, timeout=60
        )

    def called(self) -> str:
        return self.notes.read_text() if self.notes.exists() else ""


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


def test_the_engine_is_built_once_and_its_place_is_printed(controller: Controller) -> None:
    done = controller.run()
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.strip())
    assert place == controller.cache / f"v{VERSION}"
    assert {path.name for path in place.iterdir()} == {"pulumi", "pulumi-resource-pulumi-python"}
    assert all(path.stat().st_mode & 0o111 == 0o111 for path in place.iterdir())
    assert "building" in done.stderr
    before = controller.called()
    again = controller.run()
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")
    assert controller.called() == before


def test_the_cache_is_where_the_operator_keeps_his(controller: Controller, tmp_path: Path) -> None:
    done = controller.run(XDG_CACHE_HOME=str(tmp_path / "elsewhere"))
    assert done.stdout.strip() == str(tmp_path / "elsewhere" / "majlis" / "pulumi" / f"v{VERSION}")


@pytest.mark.parametrize("environ", [{"FAILS": "yes"}, {"BUILDS": "v3.1.0"}])
def test_a_build_that_fails_leaves_nothing_and_the_next_one_builds(
    controller: Controller, environ: dict[str, str]
) -> None:
    assert controller.run(**environ).returncode != 0
    assert list(controller.cache.iterdir()) == []
    assert controller.run().returncode == 0
    assert [path.name for path in controller.cache.iterdir()] == [f"v{VERSION}"]


def test_an_old_go_fetches_the_newer_one_as_a_module(tmp_path: Path) -> None:
    controller = Controller(tmp_path, go="1.19.8")
    done = controller.run()
    assert done.returncode == 0, done.stderr
    assert "golang.org/toolchain@v0.0.1-go1.25.11.linux-amd64" in controller.called()
    built_by = [line for line in controller.called().splitlines() if " build " in line]
    assert len(built_by) == 1
    assert re.match(r".*/\.build-\w+/go/bin/go build ", built_by[0])
    assert [path.name for path in controller.cache.iterdir()] == [f"v{VERSION}"]


def test_every_place_that_names_the_version_names_the_same() -> None:
    module = (ROOT / "tools" / "pulumi" / "go.mod").read_text()
    assert f"require github.com/pulumi/pulumi/pkg/v3 v{VERSION}" in module
    assert (
        f"github.com/pulumi/pulumi/pkg/v3 v{VERSION} h1:"
        in (ROOT / "tools" / "pulumi" / "go.sum").read_text()
    )
    assert f"version=v{VERSION}\n" in SCRIPT.read_text()
    assert re.findall(r"^go ([0-9.]+)$", module, re.M) == re.findall(
        r"^go_version=(.*)$", SCRIPT.read_text(), re.M
    )
    assert version("pulumi") == VERSION
