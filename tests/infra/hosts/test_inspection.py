"""What lsblk's tree says about encryption, and how long one waits for a machine."""

from typing import Any

import pytest

from infra.hosts.inspection import Door, Inspection, await_answer, parse, sealed
from infra.hosts.machine import HostKeyWrong, MachineFacts, MachineUnreachable

Device = dict[str, Any]
DOOR = Door("box1", "127.0.0.1", "ssh-ed25519 AAAA")


def _device(kind: str, *mounts: str | None, inside: tuple[Device, ...] = (), size: int = 2**30) -> Device:
    found: Device = {"name": "x", "type": kind, "size": size, "mountpoints": list(mounts) or [None]}
    return found | ({"children": list(inside)} if inside else {})


def _luks(*mounts: str) -> Device:
    return _device("crypt", *mounts)


ROOT = _device("part", inside=(_luks("/"),))
BOOT = _device("part", "/boot")
EFI = _device("part", "/boot/efi")

SEALED = [
    ("the installer's guided LUKS", _device("disk", inside=(EFI, BOOT, ROOT))),
    (
        "LVM on LUKS",
        _device(
            "disk", inside=(BOOT, _device("crypt", inside=(_device("lvm", "/"), _device("lvm", "[SWAP]"))))
        ),
    ),
    ("RAID under LUKS", _device("disk", inside=(_device("raid1", inside=(_luks("/"),)),))),
]
OPEN = [
    ("a plain disk", _device("disk", inside=(BOOT, _device("part", "/")))),
    ("swap beside LUKS", _device("disk", inside=(ROOT, _device("part", "[SWAP]")))),
    ("data beside LUKS", _device("disk", inside=(ROOT, _device("part", "/var/lib/postgresql")))),
    ("one volume with two mounts", _device("disk", inside=(ROOT, _device("part", None, "/srv")))),
    ("a boot of another name", _device("disk", inside=(ROOT, _device("part", "/boot2")))),
    ("LUKS that holds something else", _device("disk", inside=(_luks("/mnt"),))),
    ("no root to be seen", _device("disk")),
]


@pytest.mark.parametrize("tree", [tree for _, tree in SEALED], ids=[why for why, _ in SEALED])
def test_a_host_is_sealed_when_all_that_is_mounted_lies_under_crypt(tree: Device) -> None:
    assert sealed([tree])


@pytest.mark.parametrize("tree", [tree for _, tree in OPEN], ids=[why for why, _ in OPEN])
def test_a_host_is_open_when_anything_lies_beside_crypt(tree: Device) -> None:
    assert not sealed([tree])


def test_a_second_disk_in_the_clear_makes_a_host_open() -> None:
    assert not sealed([_device("disk", inside=(ROOT,)), _device("disk", "/srv")])


def test_the_disk_is_the_one_under_the_root() -> None:
    tree = [
        {**_device("disk", inside=(ROOT,)), "size": 50 * 2**30},
        _device("disk", "/srv", size=900 * 2**30),
    ]
    said = _answer(devices=str(tree).replace("'", '"').replace("None", "null"))
    assert parse(said, "k", 0, 0).facts.disk_gib == 50


@pytest.mark.parametrize(
    ("there", "began", "ended", "offset"),
    [(100.0, 99.0, 101.0, 0.0), (90.0, 99.0, 101.0, -9.0), (111.0, 99.0, 101.0, 10.0)],
)
def test_a_slow_question_never_accuses_a_clock_that_is_right(
    there: float, began: float, ended: float, offset: float
) -> None:
    assert parse(_answer(now=there), "k", began, ended).clock_offset == offset


def test_one_waits_for_a_machine_that_boots() -> None:
    tries = iter([MachineUnreachable("not yet"), MachineUnreachable("not yet"), None])
    answer = parse(_answer(), "k", 0, 0)

    def look(_: Door) -> Inspection:
        if (wrong := next(tries)) is not None:
            raise wrong
        return answer

    assert await_answer(DOOR, 60, look, clock=lambda: 0.0, pause=lambda _: None) == answer


def test_one_waits_no_longer_than_told() -> None:
    moments = iter(range(0, 100, 10))
    asked: list[Door] = []

    def look(at: Door) -> Inspection:
        asked.append(at)
        raise MachineUnreachable("never")

    with pytest.raises(MachineUnreachable):
        await_answer(DOOR, 30, look, clock=lambda: float(next(moments)), pause=lambda _: None)
    assert len(asked) == 3


def test_a_wrong_host_key_is_not_waited_for() -> None:
    asked: list[Door] = []

    def look(at: Door) -> Inspection:
        asked.append(at)
        raise HostKeyWrong("another")

    with pytest.raises(HostKeyWrong):
        await_answer(DOOR, 600, look, pause=lambda _: None)
    assert len(asked) == 1


def test_facts_survive_the_state_file_where_numbers_are_floats() -> None:
    facts = parse(_answer(), "ssh-ed25519 AAAA", 0, 0).facts
    floats = {key: float(value) if type(value) is int else value for key, value in facts.plain().items()}
    assert MachineFacts.from_plain(floats) == facts


def _answer(
    devices: str = '[{"name":"vda","type":"disk","size":1,"mountpoints":[null]}]', now: float = 0
) -> str:
    return (
        f"os debian 12\ncores 2\nmemory_kib 2048000\nroot_bytes 21474836480\nnow {now}\n"
        f'root_rights free\ndevices {{"blockdevices": {devices}}}\n'
    )
