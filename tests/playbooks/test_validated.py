"""Every configuration is read by the program that will use it before it replaces one that works."""

import re
from collections.abc import Iterator
from typing import Any

from tests.playbooks.reading import ALL, action, tasks_of

# Files that no program checks without running: what fits, and why.
UNCHECKED = {
    r"\.service(\.d/|$)|\.(timer|socket)(\.d/|$)": "systemd reads a unit when it loads it, and host_services says so",
    r"/etc/systemd/(journald|system|coredump)\.conf\.d/|/etc/systemd/journal-upload\.conf": "systemd ignores what it doesn't know",
    r"^/etc/(hosts|hostname|timezone|issue|issue\.net|motd|default/locale|localtime)$": "plain words",
    r"authorized_keys$": "sshd skips a line that is no key",
    r"^/etc/sysctl\.d/|^/etc/modprobe\.d/|^/etc/security/|^/etc/pam\.d/|^/etc/audit/": "read as it is loaded",
    r"\.(pem|crt|key|asc)$|/password$|/authority": "certificates, keys and secrets; the role certificates judges them",
    r"certificates\.prom$|/etc/prometheus-node-exporter\.yml|journals-door\.conf": "the program has no switch that only checks",
    r"turnserver\.conf$": "coturn has no switch that only checks; tests/lab/test_turn.py asks the running server",
}
UNCHECKED |= {
    r"pg_hba\.conf$|/etc/default/etcd$": "the server alone knows whether it is right, and refuses to start",
    r"logging\.properties$|/majlis/database-owner$|names\.list$|\.http$": "plain words, or code of ours that has tests",
    r"/etc/prosody/majlis/|item\.source": "secrets and keys, one a file",
    r"web_directory": "scripts that browsers read; the tests of the pages load them",
}
WRITERS = ("host_files", "ansible.builtin.template", "ansible.builtin.copy")


def test_nothing_is_written_unchecked_that_a_program_could_check() -> None:
    seen, unchecked = 0, []
    for role in ALL:
        for file, task in tasks_of(role):
            for path, validate in _written(task):
                seen += 1
                if not validate and not any(re.search(pattern, path) for pattern in UNCHECKED):
                    unchecked.append(f"{file}: {task['name']}: {path}")
    assert seen > 60
    assert unchecked == []


def _written(task: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = action(task)
    if name not in WRITERS:
        return
    told = task[name]
    if name == "host_files":
        lists = [told.get("files", []), *task.get("vars", {}).values()]
        for given in [each for entries in lists if isinstance(entries, list) for each in entries]:
            if isinstance(given, dict) and ("content" in given or "link" in given):
                yield given["path"], given.get("validate", "")
    elif "dest" in told and ("{{" not in told.get("src", "") or "content" in told):
        yield told["dest"], told.get("validate", "")
