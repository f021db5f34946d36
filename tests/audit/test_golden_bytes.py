"""The bytes of every kind of entry are pinned: what was once written decodes and encodes to itself for ever."""

import inspect
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.audit import entries
from control_plane.audit.entries import KINDS, MAX_LEAF_BYTES, Canonical, Entry, LeafTooLarge, LeafUnreadable

GOLDEN = Path(__file__).with_name("golden_entries.jsonl")
LEAVES = GOLDEN.read_bytes().splitlines()
VALUES: dict[Any, Any] = {int: 7, str: "x", bool: True, tuple[str, ...]: ("a.b", "c.d")}


def _filled(kind: type[Entry]) -> Entry:
    """Return an entry of this kind with every field set to something that is not its default."""
    hints = get_type_hints(kind)
    return kind(**{field.name: VALUES[hints[field.name]] for field in msgspec.structs.fields(kind)})


def test_every_kind_has_its_golden_bytes() -> None:
    assert [json.loads(leaf)["kind"] for leaf in LEAVES] == sorted(KINDS)
    assert len(KINDS) == 58


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: str(json.loads(leaf)["kind"]))
def test_golden_bytes_decode_and_encode_to_themselves(leaf: bytes) -> None:
    entry = Canonical.entry(leaf)
    assert Canonical.leaf(entry) == leaf
    assert entry == _filled(type(entry))


def test_no_two_kinds_share_a_number() -> None:
    tags = re.findall(r"tag=(\d+)", inspect.getsource(entries))
    assert sorted(map(int, tags)) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_a_field_added_later_has_a_default_so_that_old_bytes_stay_canonical(kind: type[Entry]) -> None:
    required = [field.name for field in msgspec.structs.fields(kind) if field.required]
    golden = json.loads(
        next(leaf for leaf in LEAVES if json.loads(leaf)["kind"] == kind.__struct_config__.tag)
    )
    assert set(required) <= golden.keys()


@given(st.sampled_from(LEAVES))
def test_the_bytes_are_those_of_rfc_8785(leaf: bytes) -> None:
    """For strings, integers and ASCII keys its canonical form is this one (RFC 8785 section 3.2)."""
    assert (
        json.dumps(json.loads(leaf), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        == leaf
    )


def test_personal_data_has_no_field_to_stand_in() -> None:
    """A new field must be looked at: is it an identifier, a pseudonym, a number or a word of a closed list?"""
    known = {
        "action", "answer", "at", "at_lobby", "body", "by", "classification", "command", "connection", "duty", "ends",
        "expires", "fields", "fingerprint", "function", "guest_kind", "happened", "instead_of", "invited", "jti",
        "kid", "locked", "media", "meeting", "message", "moderator", "node", "occurrences", "on", "outcome", "pages", "policies",
        "policy_set", "role", "sealed", "seq", "series", "session", "short_notice", "starts", "strength", "type",
        "version", "why",
    }  # fmt: skip
    assert {field.name for kind in KINDS.values() for field in msgspec.structs.fields(kind)} == known


UNREADABLE = {
    "white space": b'{"kind": 23}',
    "another order of keys": b'{"kind":23,"by":"x"}',
    "a default written out": b'{"at":0,"kind":23}',
    "a kind that never was": b'{"kind":9999}',
    "a field that never was": b'{"kind":23,"name":"Amina"}',
    "no kind": b'{"by":"x"}',
    "no JSON": b"\xff\xfe",
    "a missing field": b'{"kind":10}',
    "nothing": b"",
}


@pytest.mark.parametrize("leaf", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_bytes_that_are_not_canonical_are_refused(leaf: bytes) -> None:
    with pytest.raises(LeafUnreadable):
        Canonical.entry(leaf)


def test_an_entry_that_no_bundle_can_hold_is_refused() -> None:
    with pytest.raises(LeafTooLarge, match=str(MAX_LEAF_BYTES)):
        Canonical.leaf(entries.MeetingChanged(fields=("x" * MAX_LEAF_BYTES,), version=1))
