"""How each sort of resource is compared, made, changed and removed.

Pulumi pickles a provider by its module's name and calls it in a process of its own, so what stands here must stay
importable: the state file of every site names it. Properties that hold secrets are marked where the resource is
declared (infra.resources); here they arrive and leave in plain, over a pipe that only this machine sees.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

from infra import pki
from infra.hosts.machine import Absent, Machine, MachineProblem, MachineRefused, MachineSecrets, MachineSpec
from infra.secrets import draw

Properties = dict[str, Any]
MachineOf = Callable[[str, MachineSecrets], Machine]

WATCH = "ends with the engine"
SERIAL = "4294967295"  # stands in a zone's text where its serial goes


class Remade(ResourceProvider):
    """A resource that is compared by a reason in words, and changed by making it again with what it was."""

    kind = ""
    proof = ""  # the property that only a finished resource has
    serialize_as_secret_always = False  # a provider holds no secret, and a state file is easier to read so

    def why(self, olds: Properties, news: Properties) -> str:
        """Return why the resource must change, in words; empty: it need not."""
        return ""

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        """Return what comes out of making it, or of making it again."""
        raise NotImplementedError

    def say(self, id_: str, why: str) -> None:
        """Tell whoever listens to the engine: it passes on as a message what a provider prints."""
        print(f"{self.kind} {id_}: {why}", flush=True)

    def configure(self, req: ConfigureRequest) -> None:
        end_with_the_engine()

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        why = self.why(olds, news) if olds.get(self.proof) else "was cut off while it was made"
        if why:
            self.say(id_, why)
        return DiffResult(changes=bool(why))

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(props["name"], _own(props) | self.made(props, None))

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(_own(news) | self.made(news, olds))

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_, _own(props))


class SecretProvider(Remade):
    """A random text; drawn again only when `turn`, the mark of a rotation asked for by name, is a new one."""

    kind = "secret"
    proof = "value"

    def why(self, olds: Properties, news: Properties) -> str:
        asked = news.get("turn") and news["turn"] != olds.get("turn")
        return "rotation was asked for" if asked else ""

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        return {"value": draw(random.SystemRandom())}


class ControllerKeyProvider(Remade):
    """The SSH key pair with which the controller enters the hosts."""

    kind = "SSH key"
    proof = "private"

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        private, public = pki.ssh_key(f"majlis-controller@{news['site']}")
        return {"private": private, "public": public}


class AuthorityProvider(Remade):
    """The site's certificate authority; restated with the same key when the site's names or networks change."""

    kind = "authority"
    proof = "certificate"

    def why(self, olds: Properties, news: Properties) -> str:
        return pki.why_restate(olds["certificate"], _realm(news), _time(news))

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        made = pki.found(_realm(news), _time(news), olds.get("key") if olds else None)
        return {"certificate": made.certificate, "key": made.key}


class CertificateProvider(Remade):
    """A leaf of the authority; issued again, with a new key, when it nears its end or its names change."""

    kind = "certificate"
    proof = "certificate"

    def why(self, olds: Properties, news: Properties) -> str:
        told = news["authority"]  # not yet told in a preview in which the authority changes too
        authority = told if isinstance(told, str) and told != UNKNOWN else olds["authority"]
        return pki.why_renew(olds["certificate"], _subject(news), authority, _time(news))

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        authority = pki.Signed(news["authority"], news["authority_key"])
        made = pki.issue(authority, _subject(news), _time(news), int(news["days"]))
        return {"certificate": made.certificate, "key": made.key}


class ZoneProvider(Remade):
    """The zone file, whose serial grows with each change of its text (RFC 1035, section 3.3.13)."""

    kind = "zone"
    proof = "serial"

    def why(self, olds: Properties, news: Properties) -> str:
        if news["text"] != olds["text"]:
            return "its records changed"
        written = Path(news["path"])
        if not written.is_file() or written.read_text() != _zone(news["text"], olds["serial"]):
            return f"{written} is not as it was written"
        return ""

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        today = int(f"{_time(news):%Y%m%d}00")
        serial = str(max(today, int(olds["serial"]) + 1) if olds and olds.get("serial") else today)
        Path(news["path"]).write_text(_zone(news["text"], serial))
        return {"serial": serial}

    def delete(self, id_: str, props: Properties) -> None:
        Path(props["path"]).unlink(missing_ok=True)


class HostProvider(Remade):
    """A machine of any kind. Comparing looks at the machine itself, so one that vanished is made again."""

    kind = "host"
    proof = "facts"

    # What no kind of machine can change while the machine lives; the rest `create` brings in line.
    FOR_GOOD = ("kind", "networks", "disk_encrypted")

    def __init__(self, machine_of: MachineOf) -> None:
        super().__init__()
        self.machine_of = machine_of

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        if not olds.get(self.proof):
            return super().diff(id_, olds, news)
        before, after = _spec(olds), _spec(news)
        changed = [key for key, value in after.plain().items() if before.plain()[key] != value]
        if changed:
            told = ", ".join(f"{key} {_short(before, key)} → {_short(after, key)}" for key in changed)
            self.say(id_, told)
            # A guarded host goes to `update`, which refuses: asked to replace it, the engine itself would stand still.
            deep = bool(set(changed) & set(self.FOR_GOOD)) and not news["guarded"]
            return DiffResult(changes=True, replaces=["spec"] if deep else [], delete_before_replace=True)
        return super().diff(id_, olds, news)

    def why(self, olds: Properties, news: Properties) -> str:
        try:
            seen = self._machine(olds).examine(_pinned(_spec(news), olds))
        except MachineProblem as problem:
            return _one_line(str(problem))
        if isinstance(seen, Absent):
            return f"is not there{f' ({seen.why})' if seen.why else ''}"
        return "has another SSH host key" if seen.host_key != olds["facts"]["host_key"] else ""

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        before, after = _spec(olds).plain(), _spec(news).plain()
        if olds.get(self.proof) and any(before[key] != after[key] for key in self.FOR_GOOD):
            raise MachineRefused(id_, (f"it would be removed and made anew, and {news['guarded']} with it",))
        return super().update(id_, olds, news)

    def made(self, news: Properties, olds: Properties | None) -> Properties:
        spec = _spec(news) if olds is None else _pinned(_spec(news), olds)
        return {"facts": self._machine(news).create(spec).plain()}

    def read(self, id_: str, props: Properties) -> ReadResult:
        seen = self._machine(props).examine(_pinned(_spec(props), props))
        if isinstance(seen, Absent):
            return ReadResult("", {})
        return ReadResult(id_, _own(props) | {"facts": seen.plain()})

    def delete(self, id_: str, props: Properties) -> None:
        self._machine(props).destroy(_spec(props))

    def _machine(self, props: Properties) -> Machine:
        given = {key: props.get(key) or "" for key in ("ssh_key", "board_password", "disk_passphrase")}
        return self.machine_of(props["spec"]["kind"], MachineSecrets(**given))


def end_with_the_engine() -> None:
    """Let this process end when the one that started it does: Pulumi leaves it running where it was itself killed."""
    if threading.current_thread() is threading.main_thread() or any(
        t.name == WATCH for t in threading.enumerate()
    ):
        return  # a program that only uses these classes, or watched already
    engine = os.getppid()

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name=WATCH, daemon=True).start()


def _own(props: Properties) -> Properties:
    return {key: value for key, value in props.items() if not key.startswith("__")}


def _time(props: Properties) -> datetime:
    return datetime.fromisoformat(props["now"])


def _realm(props: Properties) -> pki.Realm:
    return pki.Realm(
        props["site"], tuple(props["names"]), tuple(ip_network(net) for net in props["networks"])
    )


def _subject(props: Properties) -> pki.Subject:
    addresses = tuple(ip_address(address) for address in props["addresses"])
    return pki.Subject(tuple(props["names"]), addresses, bool(props["client"]))


def _zone(text: str, serial: str) -> str:
    return text.replace(SERIAL, serial)


def _spec(props: Properties) -> MachineSpec:
    return MachineSpec.from_plain(props["spec"])


def _pinned(spec: MachineSpec, olds: Mapping[str, Any]) -> MachineSpec:
    """Hold a machine that others set up to the SSH key it once had, when the site file names none."""
    known = (olds.get("facts") or {}).get("host_key")
    if spec.kind != "existing" or not known or "host_key" in spec.options:
        return spec
    return replace(spec, options={**spec.options, "host_key": known})


def _short(spec: MachineSpec, key: str) -> str:
    if key == "networks":
        return ", ".join(net.address for net in spec.networks.values())
    return str(spec.plain()[key])


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
