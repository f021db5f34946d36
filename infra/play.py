"""Runs the playbook on a site's hosts and tells what happens while it does.

Nothing secret touches a disk of the controller: the inventory is a file in memory that only this process and
its children can open, and Ansible's own temporary files go to memory too.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from infra.events import Event, Recap, Status, TaskEnded, parse
from infra.failures import Failure, HostsFailed, PlaybookBroken, PlayInterrupted, name
from infra.memory import in_memory, pipe, private_log, scratch_directory
from infra.ssh import Access, arguments
from infra.veil import Veil, veil_over

PLAYBOOKS = Path(__file__).resolve().parent.parent / "playbooks"
SITE = PLAYBOOKS / "site.yml"
GRACE_SECONDS = 10.0
PERSIST = ("-oControlMaster=auto", "-oControlPersist=60s")


@dataclass(frozen=True, slots=True)
class Options:
    """What of the playbook runs, and how; `check` only looks, and shows what would change."""

    check: bool = False
    tags: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    forks: int = 16
    strategy: str = "mitogen_linear"
    connect_seconds: int = 30
    playbook: Path = SITE


def run(
    inventory: Mapping[str, Any],
    access: Access,
    log: Path,
    on_event: Callable[[Event], None] = lambda _: None,
    options: Options = Options(),
) -> Recap:
    """Run the playbook; what Ansible says is added to `log`, without the inventory's secrets.

    Raises HostsFailed (each failure with its name), PlaybookBroken, PlayInterrupted; the run goes on for the
    other hosts when one fails.
    """
    watch = _Watch(on_event)
    with ExitStack() as stack:
        output = stack.enter_context(private_log(log))
        scratch = Path(stack.enter_context(scratch_directory()))
        file = stack.enter_context(in_memory("inventory", json.dumps(inventory)))
        events, says = (stack.enter_context(pipe()) for _ in range(2))
        environment = _environment(access, options, scratch, events.writes)
        process = _start(file, events.writes, says.writes, environment, options)
        events.shut()
        says.shut()
        try:
            _listen(process, {events.reads: watch.hear, says.reads: _into(output)}, veil_over(inventory))
        except BaseException as error:
            _end(process)
            if isinstance(error, KeyboardInterrupt):
                raise PlayInterrupted("stopped half way", log) from None
            raise
    return _outcome(process.returncode, watch, log)


@dataclass(slots=True)
class _Watch:
    """What has been heard up to now."""

    on_event: Callable[[Event], None]
    recap: Recap | None = None
    failed: dict[str, TaskEnded] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        event = parse(line)
        match event:
            case TaskEnded(status=Status.failed | Status.unreachable):
                self.failed[event.host] = event  # the last one is it: earlier ones were rescued
            case Recap():
                self.recap = event
        self.on_event(event)

    def failures(self) -> Iterator[Failure]:
        hosts = self.recap.hosts if self.recap else {}
        for host, event in self.failed.items():
            if host not in hosts or hosts[host].failed or hosts[host].unreachable:
                yield name(event)


def _outcome(status: int, watch: _Watch, log: Path) -> Recap:
    failures = tuple(watch.failures())
    if failures:
        raise HostsFailed(failures, log)
    if status != 0 or watch.recap is None:
        raise PlaybookBroken(f"Ansible stopped with status {status}: {_last_words(log)}", log)
    return watch.recap


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("[ERROR]", "ERROR"))]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("[ERROR]: ").removeprefix("ERROR! ")


def _start(
    inventory: Path, tells: int, says: int, environment: dict[str, str], options: Options
) -> "subprocess.Popen[bytes]":
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory", str(inventory)]
    command += ["--check", "--diff"] if options.check else []
    command += ["--tags", ",".join(options.tags)] if options.tags else []
    command += ["--limit", ",".join(options.limit)] if options.limit else []
    return subprocess.Popen(
        [*command, str(options.playbook)],
        env=environment,
        cwd=options.playbook.parent,
        stdin=subprocess.DEVNULL,
        stdout=says,
        stderr=says,
        pass_fds=(tells,),
        start_new_session=True,  # a Ctrl-C is ours to hand on, once
    )


def _environment(access: Access, options: Options, scratch: Path, tells: int) -> dict[str, str]:
    """Return Ansible's settings; what the operator's own environment says of Ansible doesn't count."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MAJLIS_"))}
    configuration = options.playbook.parent / "ansible.cfg"
    if not configuration.exists():
        configuration = scratch / "ansible.cfg"
        configuration.touch()  # else Ansible would take the operator's own
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}",
        "LC_ALL": "C.UTF-8",
        "MAJLIS_PROGRESS_FD": str(tells),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(scratch / "home"),
        "ANSIBLE_LOCAL_TEMP": str(scratch / "temporary"),
        "ANSIBLE_CALLBACK_PLUGINS": str(PLAYBOOKS / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "progress",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_FORCE_COLOR": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_FORKS": str(options.forks),
        "ANSIBLE_HOST_KEY_CHECKING": "true",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_SSH_ARGS": " ".join([*arguments(access, connect_seconds=options.connect_seconds), *PERSIST]),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "ssh"),
        "ANSIBLE_STRATEGY": options.strategy,
        "ANSIBLE_STRATEGY_PLUGINS": str(mitogen_strategies()),
        "ANSIBLE_TIMEOUT": str(options.connect_seconds),
    }


def mitogen_strategies() -> Path:
    """Return where mitogen's strategies are, found without importing it: it changes Ansible when imported."""
    spec = find_spec("ansible_mitogen")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("mitogen is not installed; it is in the dependency group controller")
    return Path(spec.origin).parent / "plugins" / "strategy"


def _listen(
    process: "subprocess.Popen[bytes]", hearers: Mapping[int, Callable[[str], None]], veil: Veil
) -> None:
    """Read the pipes until the process has ended; who else holds them open by then isn't waited for."""
    begun = dict.fromkeys(hearers, b"")
    with selectors.DefaultSelector() as selector:
        for descriptor in hearers:
            selector.register(descriptor, selectors.EVENT_READ)
        ended = False
        while selector.get_map():
            ready = selector.select(0 if ended else 0.2)
            if ended and not ready:
                break
            ended = process.poll() is not None
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fd)
                *lines, begun[key.fd] = (begun[key.fd] + chunk).split(b"\n")
                for line in lines:
                    hearers[key.fd](veil.over(line.decode(errors="replace")))
    process.wait()


def _into(output: IO[str]) -> Callable[[str], None]:
    def write(line: str) -> None:
        output.write(line + "\n")
        output.flush()

    return write


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End Ansible as Ctrl-C would, and all its children after the grace."""
    for number, patience in ((signal.SIGINT, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=patience)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
