"""Bare machines, through their boards' Redfish service: power, one boot from virtual media, then SSH.

The image installs Debian by itself and lets the controller's key in; making it is the operator's, who knows the disks.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import sushy  # type: ignore[import-untyped]

from infra.hosts.existing import Existing, pinned
from infra.hosts.inspection import Door, Inspection, await_answer, door, inspect
from infra.hosts.machine import (
    Absent,
    MachineFacts,
    MachineFailed,
    MachineRefused,
    MachineSecrets,
    MachineSpec,
    MachineUnreachable,
)

INSTALL_SECONDS = 2700.0  # 45 minutes: a slow board reads its virtual CD at a few MB a second
CONNECT_SECONDS = 10
POWER_SECONDS = 90


class Redfish:
    """The kind `redfish`. A machine that runs is never installed over, whatever the site file says."""

    def __init__(
        self,
        secrets: MachineSecrets,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        look: Callable[[Door], Inspection] = inspect,
        install_seconds: float = INSTALL_SECONDS,
    ) -> None:
        self._secrets, self._today, self._look = secrets, today, look
        self._install_seconds = install_seconds

    def create(self, spec: MachineSpec) -> MachineFacts:
        """Install the machine if it is off and may be, wait for it, and look as closely as at any other.

        Raises MachineProblem. An installation that an interrupted `up` began is waited for, not begun again.
        """
        refuse(spec, self._secrets)
        opened = door(spec, self._secrets, pinned(spec))
        with _board(spec, self._secrets) as system:
            installing = _has_media(system, spec)
            if _is_on(system) and not installing:
                return self._fit(spec)
            if not _is_on(system):
                self._may_install(spec)
                _boot_once(system, spec)
            await_answer(opened, self._install_seconds, self._look)
            _eject(system)
        return self._fit(spec)

    def examine(self, spec: MachineSpec) -> MachineFacts | Absent:
        """Return what is there; Absent when it is off or still being installed (raises MachineProblem)."""
        refuse(spec, self._secrets)
        with _board(spec, self._secrets) as system:
            if not _is_on(system):
                return Absent("its power is off")
            installing = _has_media(system, spec)
        try:
            return self._look(door(spec, self._secrets, pinned(spec))).facts
        except MachineUnreachable:
            if installing:
                return Absent("it is being installed")
            raise

    def destroy(self, spec: MachineSpec) -> None:
        """Take the medium out and the power away; the disks keep what is on them (raises MachineProblem)."""
        refuse(spec, self._secrets)
        with _board(spec, self._secrets) as system:
            _eject(system)
            if _is_on(system):
                system.reset_system(sushy.RESET_TYPE_FORCE_OFF)
                _await_power(system, spec, on=False)

    def _fit(self, spec: MachineSpec) -> MachineFacts:
        return Existing(self._secrets, self._look).create(spec)

    def _may_install(self, spec: MachineSpec) -> None:
        """Ask the site file for consent: a machine that is off may be one that lost its power, with data on it."""
        until = str(spec.options.get("install_until", ""))
        if not until or date.fromisoformat(until) < self._today():
            raise MachineRefused(
                spec.name,
                (
                    "is off, and installing it overwrites its disks: write install_until: YYYY-MM-DD under its "
                    f"options if they may be overwritten until that day{f' (it says {until})' if until else ''}; "
                    "if it only lost its power, switch it on",
                ),
            )


def machine(secrets: MachineSecrets) -> Redfish:
    """Return the maker of this kind."""
    return Redfish(secrets)


def refuse(spec: MachineSpec, secrets: MachineSecrets) -> None:
    """Refuse what no board should be told (raises MachineRefused with every problem)."""
    if problems := tuple(_wrong(spec, secrets)):
        raise MachineRefused(spec.name, problems)


def _wrong(spec: MachineSpec, secrets: MachineSecrets) -> Iterator[str]:
    for key, example in (("bmc", "https://10.20.4.11"), ("image", "http://10.20.3.1/debian.iso")):
        url = urlsplit(str(spec.options.get(key, "")))
        if (
            url.scheme not in ("http", "https")
            or not url.hostname
            or url.username
            or url.query
            or url.fragment
        ):
            yield f"{key} is missing or no plain address, may be {example}"
    if urlsplit(str(spec.options.get("bmc", ""))).scheme == "http" and not spec.options.get(
        "unencrypted_board"
    ):
        yield "bmc is http, which shows the account's password to the network: may be https"
    authority = spec.options.get("board_authority")
    if authority and not Path(str(authority)).is_file():
        yield f"board_authority names {authority}, which is no file: may be the PEM file of the boards' authority"
    if not secrets.board_password:
        yield "has a board, and there is no password for its account"
    until = str(spec.options.get("install_until", ""))
    if until and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", until):
        yield f"install_until is {until}, may be a day such as 2026-12-01"
    if spec.address("management") is None:
        yield "has no address in the network that carries management"


@contextmanager
def _board(spec: MachineSpec, secrets: MachineSecrets) -> Iterator[Any]:
    """Give the machine as its board shows it; sushy's errors become ours, and none of them shows the password."""
    where = str(spec.options["bmc"])
    try:
        board = sushy.Sushy(
            where,
            verify=_verify(spec),
            auth=sushy.auth.BasicAuth(str(spec.options.get("account", "majlis")), secrets.board_password),
            connect_timeout=CONNECT_SECONDS,
            server_side_retries=2,
        )
        yield _system(board, spec)
    except sushy.exceptions.AccessError as wrong:
        raise MachineRefused(
            spec.name, (f"its board {where} doesn't take the account or its password",)
        ) from wrong
    except (sushy.exceptions.ConnectionError, requests.exceptions.RequestException) as wrong:
        raise MachineUnreachable(
            f"{spec.name}: no trusted answer from its board {where} ({wrong}). If its certificate is of an authority "
            "of yours, name that one's PEM file as board_authority"
        ) from wrong
    except sushy.exceptions.SushyError as wrong:
        raise MachineFailed(f"{spec.name}: its board {where} says: {wrong}") from wrong


def _verify(spec: MachineSpec) -> bool | str:
    """Return what the board's certificate is checked with: an authority's file, or those the controller trusts."""
    if spec.options.get("accept_any_certificate"):
        return False  # the guard says what that costs
    return str(spec.options.get("board_authority", "")) or True


def _system(board: Any, spec: MachineSpec) -> Any:
    if path := spec.options.get("system"):
        return board.get_system(str(path))
    members = board.get_system_collection().get_members()
    if len(members) != 1:
        paths = ", ".join(member.path for member in members) or "none"
        raise MachineRefused(
            spec.name, (f"its board has several machines or none: name one as system ({paths})",)
        )
    return members[0]


def _is_on(system: Any) -> bool:
    system.refresh(force=True)
    return bool(system.power_state != sushy.POWER_STATE_OFF)


def _boot_once(system: Any, spec: MachineSpec) -> None:
    slot = next(_cd_slots(system), None)
    if slot is None:
        raise MachineRefused(
            spec.name, ("its board has no virtual CD: install it by hand, as kind existing",)
        )
    if slot.inserted:
        slot.eject_media()
    slot.insert_media(str(spec.options["image"]))
    system.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_CD, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE)
    system.reset_system(sushy.RESET_TYPE_ON)
    _await_power(system, spec, on=True)


def _await_power(system: Any, spec: MachineSpec, *, on: bool) -> None:
    """Wait until the board says so too: it takes the order at once and the machine takes seconds."""
    until = time.monotonic() + POWER_SECONDS
    while _is_on(system) != on:
        if time.monotonic() > until:
            raise MachineFailed(
                f"{spec.name}: its board took the order to switch it {'on' if on else 'off'} and {POWER_SECONDS} s "
                "later it is as before"
            )
        time.sleep(0.5)


def _has_media(system: Any, spec: MachineSpec) -> bool:
    return any(slot.inserted and slot.image == spec.options["image"] for slot in _cd_slots(system))


def _eject(system: Any) -> None:
    for slot in _cd_slots(system):
        if slot.inserted:
            slot.eject_media()


def _cd_slots(system: Any) -> Iterator[Any]:
    """Yield the virtual CDs: of the machine itself where the board is of 2021 or newer, else of its managers."""
    for owner in (system, *system.managers):
        try:
            slots = owner.virtual_media.get_members()
        except sushy.exceptions.MissingAttributeError:
            continue
        found = [
            slot
            for slot in slots
            if {sushy.VIRTUAL_MEDIA_CD, sushy.VIRTUAL_MEDIA_DVD} & set(slot.media_types)
        ]
        if found:
            yield from found
            return
