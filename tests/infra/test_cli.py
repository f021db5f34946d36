"""`majlis site` as a sysadmin uses it. Machines and playbook are fakes here; tests/lab has real ones."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import infra.cli
from infra.events import Counts, Event, Recap, Status, TaskBegan, TaskEnded
from infra.failures import DiskFull, HostsFailed, PlayInterrupted
from infra.inventory import FOR, Leaf, Secrets
from infra.machines import Built, Change, MachinesFailed
from infra.play import Options
from infra.playbook import AnsibleRole, Playbook
from infra.site import Site, load_site, shipped
from infra.ssh import Access
from infra.state import SiteState, write_private

SECRET = "SecretSecretSecretSecretSecretSecret"
PLAYBOOK = Playbook(
    {"all": ("base",), "edge": ("web",)}, {name: AnsibleRole(name, (), {}) for name in ("base", "web")}
)
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAprivate\n-----END OPENSSH PRIVATE KEY-----\n"


def built(site: Site) -> Built:
    leaf = Leaf("a certificate", "a key")
    leaves = {name: dict.fromkeys(("host", "public", "turn", "xmpp"), leaf) for name in site.hosts}
    secrets = Secrets(dict.fromkeys(FOR, SECRET), leaves, "the authority")
    return Built(secrets, PRIVATE, dict.fromkeys(site.hosts, "ssh-ed25519 AAAApublic"))


@dataclass
class FakeMachines:
    """Machines that exist once `up` was called."""

    site: Site
    there: bool = False
    fails: str = ""
    protected: bool = True

    def built(self) -> Built | None:
        return built(self.site) if self.there else None

    def preview(self) -> tuple[Change, ...]:
        action = "same" if self.there else "create"
        return tuple(Change(action, "host", name) for name in self.site.hosts)

    def up(self, on_event: Callable[[str], None]) -> Built:
        if self.fails:
            raise MachinesFailed(self.fails)
        self.there = True
        on_event("edge1 made")
        return built(self.site)

    def down(self, on_event: Callable[[str], None]) -> None:
        self.there = False

    def kept(self) -> tuple[Change, ...]:
        kept = Change("delete", "authority", "site", "signs all certificates", protected=self.protected)
        return (Change("delete", "host", "db1"), kept) if self.there else ()


@dataclass
class FakePlay:
    """A playbook run that notes how it was started and ends as it is told."""

    runs: list[tuple[Mapping[str, Any], Access, Options]] = field(default_factory=list)
    raises: Callable[[Path], Exception] | None = None
    during: Callable[[], None] = lambda: None

    def __call__(
        self,
        inventory: Mapping[str, Any],
        access: Access,
        log: Path,
        on_event: Callable[[Event], None],
        options: Options,
    ) -> Recap:
        self.runs.append((inventory, access, options))
        assert access.key is not None
        assert access.key.read_text() == PRIVATE
        self.during()
        write_private(log, "what Ansible said\n")
        if self.raises:
            raise self.raises(log)
        on_event(TaskBegan("web", "Install", "apt", 0.0))
        on_event(TaskEnded("edge1", "web", "Install", Status.changed, "", 0.5, "+a line\n"))
        on_event(TaskEnded("edge1", "web", "Left out: sysctl", Status.left_out, "sysctl", 0.1, ""))
        recap = Recap({"edge1": Counts(2, 1, 0, 0)})
        on_event(recap)
        return recap


@dataclass
class Controller:
    """A controller with its own state directory."""

    machines: FakeMachines
    play: FakePlay
    home: Path

    def majlis(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(infra.cli.app, list(arguments), input=typed)

    @property
    def state(self) -> SiteState:
        return SiteState(self.home / "majlis" / "sites" / "lab")


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Controller:
    machines, play = FakeMachines(load_site(shipped("lab"))), FakePlay()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    monkeypatch.setattr(infra.cli, "open_machines", lambda site, state, passphrase: machines)
    monkeypatch.setattr("infra.play.run", play)
    for reader in ("infra.inventory.read_playbook", "infra.building.read_playbook"):
        monkeypatch.setattr(reader, lambda: PLAYBOOK)
    for reader in ("infra.inventory.read_flows", "infra.picture.read_flows"):
        monkeypatch.setattr(reader, lambda *_: ())
    return Controller(machines, play, tmp_path)


def test_check_says_what_the_site_is_and_touches_nothing(controller: Controller) -> None:
    done = controller.majlis("check", "lab")
    assert done.exit_code == 0, done.output
    assert "https://meet.lab.majlis.test/" in done.output
    for host in controller.machines.site.hosts:
        assert host in done.output
    assert list(controller.home.iterdir()) == []


def test_what_is_wrong_with_a_site_is_said_in_sentences(controller: Controller, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        shipped("lab").read_text().replace("10.77.3.51", "10.99.3.51").replace("port: 25", "port: mail")
    )
    for arguments, words in (
        (("check", "nowhere"), ["nowhere", "neither a file nor"]),
        (("check", str(broken)), ["broken.yaml:", "mail.port"]),
        (("up", str(broken)), ["broken.yaml:", "mail.port"]),
    ):
        done = controller.majlis(*arguments)
        assert done.exit_code == 2, done.output
        assert all(word in done.output for word in words), done.output
        assert "Traceback" not in done.output
    assert controller.play.runs == []


def test_what_the_guard_objects_to_is_not_built(controller: Controller, tmp_path: Path) -> None:
    refused = tmp_path / "refused.yaml"
    refused.write_text(shipped("lab").read_text().replace("http://10.77.3.1:3142", "http://192.0.2.7:3142"))
    done = controller.majlis("up", str(refused))
    assert done.exit_code == 2
    assert "192.0.2.7" in done.output
    assert not controller.machines.there


def test_up_makes_machines_then_plays_and_ends_with_how_to_look_at_it(controller: Controller) -> None:
    done = controller.majlis("up", "lab")
    assert done.exit_code == 0, done.output
    for words in (
        "edge1 made",
        "1 changed",
        "10.77.1.11 meet.lab.majlis.test",
        "authority.crt",
        "Left out:",
        "sysctl (edge1)",
    ):
        assert words in done.output
    ((inventory, access, options),) = controller.play.runs
    assert inventory["all"]["hosts"]["turn1"]["secrets"]["turn_secret"] == SECRET
    assert "10.77.3.51 ssh-ed25519 AAAApublic" in access.known_hosts.read_text().splitlines()
    assert (options.check, options.tags, options.limit) == (False, (), ())


def test_nothing_secret_is_left_in_the_state(controller: Controller) -> None:
    controller.majlis("up", "lab")
    kept = [file for file in controller.state.directory.rglob("*") if file.is_file()]
    assert len(kept) >= 5
    for file in kept:
        assert file.stat().st_mode & 0o077 == 0, file
        assert SECRET not in file.read_text()
        assert "AAAAprivate" not in file.read_text()
    assert controller.state.directory.stat().st_mode & 0o777 == 0o700


def test_tags_limit_and_the_sudo_password_reach_the_playbook(controller: Controller) -> None:
    controller.majlis(
        "up", "lab", "--tags", "web", "--limit", "edge1", "--ask-sudo-password", typed="open sesame\n"
    )
    ((inventory, _, options),) = controller.play.runs
    assert (options.tags, options.limit) == (("web",), ("edge1",))
    assert inventory["all"]["vars"]["ansible_become_password"] == "open sesame"


def test_a_failure_names_host_role_task_message_and_what_to_do(controller: Controller) -> None:
    failure = DiskFull("db1", "postgresql", "Install", "No space left on device")
    controller.play.raises = lambda log: HostsFailed([failure], log)
    done = controller.majlis("up", "lab")
    assert done.exit_code == 1
    for words in ("db1", "postgresql: Install", "DiskFull: No space left", "What to do: Free space", ".log"):
        assert words in done.output
    assert controller.majlis("status", "lab").output.count("failed")


def test_an_up_that_was_stopped_says_so_and_goes_on(controller: Controller) -> None:
    controller.play.raises = lambda log: PlayInterrupted("stopped half way", log)
    assert controller.majlis("up", "lab").exit_code == 130
    controller.play.raises = None
    again = controller.majlis("up", "lab")
    assert again.exit_code == 0
    assert "continuing" in again.output
    assert "interrupted" in again.output
    assert "continuing" not in controller.majlis("up", "lab").output


def test_machines_that_fail_are_named_and_the_playbook_waits(controller: Controller) -> None:
    controller.machines.fails = "bridge1: no image"
    done = controller.majlis("up", "lab")
    assert done.exit_code == 1
    assert "bridge1: no image" in done.output
    assert controller.play.runs == []


def test_two_ups_do_not_run_at_once(controller: Controller) -> None:
    second: list[Result] = []
    controller.play.during = lambda: second.append(controller.majlis("up", "lab"))
    assert controller.majlis("up", "lab").exit_code == 0
    assert second[0].exit_code == 2
    assert "`majlis site up`" in second[0].output
    assert len(controller.play.runs) == 1


def test_preview_before_anything_exists_says_so_and_touches_nothing(controller: Controller) -> None:
    done = controller.majlis("preview", "lab")
    assert done.exit_code == 0, done.output
    assert "db1" in done.output
    assert "no host exists yet" in done.output
    assert controller.play.runs == []
    assert not controller.machines.there
    assert list(controller.home.iterdir()) == []


def test_preview_of_a_built_site_compares_its_configuration(controller: Controller) -> None:
    controller.majlis("up", "lab")
    done = controller.majlis("preview", "lab")
    assert "as they should be" in done.output
    assert "edge1  web: Install" in done.output
    assert "+a line" in done.output
    assert controller.play.runs[-1][2].check


def test_status_explains_itself_before_anything_was_built(controller: Controller) -> None:
    done = controller.majlis("status", "lab")
    assert done.exit_code == 0
    assert "never built" in done.output
    assert "majlis site up lab" in done.output
    drawn = re.search(r"(/\S+\.svg)", done.output.replace("\n", ""))
    assert drawn is not None
    assert Path(drawn[1]).read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "protected", "removed", "words"),
    [
        (("--yes", "lab", "--with-data", "lab"), True, True, "lab is gone"),
        (("--yes", "lab"), False, True, "lab is gone"),
        (("--yes", "lab"), True, False, "--with-data lab"),
        (("--yes", "lab", "--with-data", "yes"), True, False, "--with-data lab"),
        (("--with-data", "lab"), True, False, "--yes lab"),
        (("--yes", "prod", "--with-data", "lab"), True, False, "--yes lab"),
        ((), False, False, "--yes lab"),
    ],
)
def test_down_takes_the_sites_name_and_for_data_the_extra_word(
    controller: Controller, arguments: tuple[str, ...], protected: bool, removed: bool, words: str
) -> None:
    controller.majlis("up", "lab")
    controller.machines.protected = protected
    done = controller.majlis("down", "lab", *arguments)
    assert words in done.output
    assert "signs all certificates" in done.output
    assert done.exit_code == (0 if removed else 2)
    assert controller.machines.there is not removed
    assert controller.state.directory.exists() is not removed


def test_down_of_nothing_says_so(controller: Controller) -> None:
    done = controller.majlis("down", "lab", "--yes", "lab")
    assert done.exit_code == 0
    assert "nothing of lab is here" in done.output


def test_the_inventory_is_printed_without_secrets(controller: Controller) -> None:
    controller.majlis("up", "lab")
    told = json.loads(controller.majlis("inventory", "lab").output)
    assert set(told["all"]["hosts"]) == set(controller.machines.site.hosts)
    assert SECRET not in json.dumps(told)


def test_the_first_administrator_is_told_only_when_asked_for(controller: Controller) -> None:
    assert SECRET not in controller.majlis("up", "lab").output
    assert controller.majlis("password", "lab").output.splitlines() == [
        "administrator@meet.lab.majlis.test",
        SECRET,
    ]


def test_every_command_explains_itself(controller: Controller) -> None:
    listed = controller.majlis("--help").output
    for command in ("check", "preview", "up", "status", "down", "inventory", "password"):
        assert command in listed
        assert len(controller.majlis(command, "--help").output.splitlines()) > 5
