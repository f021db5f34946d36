"""What every role keeps to, so that who has read one can read them all."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.flows import read_flows
from infra.inventory import inventory
from infra.playbook import read_playbook
from infra.site import load_site, shipped
from tests.playbooks.reading import ALL, EVERY_HOST, PLAYBOOKS, ROLES, action, load, tasks_of

BIN = Path(sys.executable).parent
OURS = {path.stem for path in (PLAYBOOKS / "library").glob("*.py")}
# What hosts among themselves, or a program on the same host, reach; no flow of the site leads there.
WITHOUT_FLOW = {"web.pages": "nginx on loopback, behind HAProxy"}

each_role = pytest.mark.parametrize("role", ALL)


def test_the_list_of_roles_is_whole() -> None:
    assert len(ALL) == 17
    assert {path.name for path in ROLES.iterdir() if path.is_dir()} == set(ALL)


def test_every_role_is_on_the_map_once() -> None:
    groups = read_playbook().groups
    told = [role for roles in groups.values() for role in roles]
    assert sorted(told) == sorted(ALL)
    assert groups["all"] == EVERY_HOST


def test_every_role_on_the_map_runs_alone_by_its_name() -> None:
    roles = [role for play in load(PLAYBOOKS / "site.yml") for role in play["roles"]]
    assert len(roles) == len(ALL)
    for role in roles:
        assert role["tags"] == [role["role"]]


def test_plays_are_in_the_order_in_which_services_need_each_other() -> None:
    plays = [play["hosts"] for play in load(PLAYBOOKS / "site.yml")]
    assert plays == [
        *("all", "database", "control", "witness", "signalling", "bridge", "turn", "edge", "monitoring"),
    ]


def test_facts_are_gathered_once() -> None:
    plays = load(PLAYBOOKS / "site.yml")
    assert [play["gather_facts"] for play in plays] == [False] * 9
    assert [[action(task) for task in play.get("pre_tasks", [])] for play in plays] == [
        ["host_facts"],
        *[[]] * 8,
    ]
    assert plays[0]["pre_tasks"][0]["tags"] == ["always"]


@each_role
def test_a_role_has_the_files_that_all_have(role: str) -> None:
    for name in ("defaults", "meta", "tasks", "vars"):
        assert (ROLES / role / name / "main.yml").is_file(), name
    assert (ROLES / role / "meta" / "argument_specs.yml").is_file()


@each_role
def test_the_described_arguments_are_the_defaults(role: str) -> None:
    options: dict[str, dict[str, Any]] = load(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"][
        "main"
    ]["options"]
    defaults = load(ROLES / role / "defaults" / "main.yml") or {}
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    for name, option in options.items():
        assert ("default" in option) != option.get("required", False), name
        assert option["description"], name


@each_role
def test_variables_carry_the_name_of_their_role(role: str) -> None:
    said = [load(ROLES / role / part / "main.yml") or {} for part in ("defaults", "vars")]
    options = load(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    registered = [task["register"] for _, task in tasks_of(role) if "register" in task]
    for name in [*said[0], *said[1], *options, *registered]:
        assert name.startswith(f"{role}_"), name


@each_role
def test_packages_and_ports_are_plain(role: str) -> None:
    said = load(ROLES / role / "vars" / "main.yml")
    packages, ports = said[f"{role}_packages"], said[f"{role}_ports"]
    assert "{{" not in json.dumps([packages, ports])
    assert isinstance(packages, list)
    assert isinstance(ports, dict)


@each_role
def test_a_role_says_who_made_it_and_for_what(role: str) -> None:
    info = load(ROLES / role / "meta" / "main.yml")["galaxy_info"]
    assert info["role_name"] == role
    assert info["platforms"] == [{"name": "Debian", "versions": ["bookworm"]}]


@each_role
def test_the_tasks_read_as_a_table_of_contents(role: str) -> None:
    contents = load(ROLES / role / "tasks" / "main.yml")
    assert 2 <= len(contents) <= 6
    assert all(task["name"] for task in contents)
    assert any(action(task).endswith(("import_tasks", "include_tasks")) for task in contents)


@each_role
def test_a_role_uses_what_ansible_brings_and_our_own_modules(role: str) -> None:
    used = {action(task) for _, task in tasks_of(role)}
    assert used
    assert {name for name in used if not name.startswith("ansible.builtin.")} <= OURS


@each_role
def test_a_role_knows_neither_the_site_nor_another_role(role: str) -> None:
    others = "|".join(sorted(set(ALL) - {role}, key=len, reverse=True))
    strange = re.compile(
        rf"\b(site|secrets|groups|hostvars|host_addresses|host_pool)\b[.\[]|\b({others})_(ports|packages)\b"
    )
    read = [
        file
        for part in ("tasks", "templates", "handlers", "defaults", "vars")
        for file in (ROLES / role / part).rglob("*")
    ]
    assert read
    for file in read:
        if file.is_file():
            code = re.sub(r"^\s*#.*$", "", file.read_text("utf-8"), flags=re.MULTILINE)
            jinja = " ".join(re.findall(r"\{[{%].*?[}%]\}", code, re.DOTALL))
            assert not strange.search(jinja), f"{file.relative_to(ROLES)}: {strange.search(jinja)}"


@each_role
def test_what_is_left_out_is_only_said(role: str) -> None:
    for file, task in tasks_of(role):
        if str(task["name"]).startswith("Left out: "):
            assert action(task) == "ansible.builtin.debug", file
            assert task["when"], file


def test_three_roles_leave_something_out_in_a_container() -> None:
    words = [
        (role, task["name"])
        for role in ALL
        for _, task in tasks_of(role)
        if task["name"].startswith("Left out: ")
    ]
    by_container = [role for role, name in words if "container" in name]
    assert set(by_container) >= {"firewall", "time", "hardening"}
    assert by_container.count("hardening") == 3


def test_every_port_has_a_flow_and_every_flow_a_port() -> None:
    playbook = read_playbook()
    opened = {f"{role.name}.{port}" for role in playbook.roles.values() for port in role.ports}
    flows = read_flows(playbook)
    assert len(opened) > 15
    meant = {flow.reference for flow in flows if "/" not in flow.reference}
    assert opened - meant == set(WITHOUT_FLOW)
    assert meant - opened == set()


def test_a_service_is_let_in_where_its_role_is() -> None:
    playbook = read_playbook()
    for flow in read_flows(playbook):
        if "/" in flow.reference:
            continue
        groups = playbook.groups_with(flow.reference.partition(".")[0])
        reached = groups if flow.target != "all" else playbook.groups_with("base")
        assert flow.target == "all" or flow.target in groups or "logs" in flow.reference, flow
        assert reached


def test_the_playbook_can_be_read_by_ansible(tmp_path: Path) -> None:
    told = tmp_path / "inventory.yml"
    told.write_text(json.dumps(inventory(load_site(shipped("lab")), None)))
    _run("ansible-playbook", "--syntax-check", "--inventory", str(told), "site.yml")


@pytest.mark.timeout(400)
def test_ansible_lint_has_nothing_to_say_in_its_strictest_profile() -> None:
    _run("ansible-lint", "--offline", "--nocolor", "-q")


def _run(program: str, *words: str) -> None:
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
    }
    done = subprocess.run(
        [str(BIN / program), *words],
        cwd=PLAYBOOKS,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
