"""The rules of people and bodies, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane.people.rules import (
    BodyDetails,
    DetailsInvalid,
    DutiesIncompatible,
    PasswordRefused,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    address,
    check_duty,
    check_function,
    check_password,
    network_of,
    overlap,
    password_text,
    quorum_needed,
    valid_at,
    waiting_time,
)
from control_plane.policy import Classification, Duty, Function
from tests.people.conftest import committee, person

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("begins", "ends", "valid"),
    [
        (NOON, None, True),
        (NOON - HOUR, None, True),
        (NOON + HOUR, None, False),
        (NOON - HOUR, NOON + HOUR, True),
        (NOON - HOUR, NOON, False),
        (NOON, NOON, False),
    ],
)
def test_a_stretch_of_time_holds_its_beginning_and_not_its_end(
    begins: datetime, ends: datetime | None, valid: bool
) -> None:
    assert valid_at(begins, ends, NOON) is valid


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ((NOON, None), (NOON + HOUR, None), True),
        ((NOON, NOON + HOUR), (NOON + HOUR, None), False),
        ((NOON, NOON + HOUR), (NOON, NOON + HOUR), True),
        ((NOON, NOON + 2 * HOUR), (NOON + HOUR, NOON + 3 * HOUR), True),
        ((NOON, NOON + HOUR), (NOON + 2 * HOUR, None), False),
    ],
)
def test_stretches_overlap_only_when_they_share_a_moment(first: Any, second: Any, shared: bool) -> None:
    assert overlap(first, second) is shared
    assert overlap(second, first) is shared


@pytest.mark.parametrize(
    ("wanted", "duties", "functions", "held"),
    [
        (Duty.security_officer, [], [Function.member], None),
        (Duty.security_officer, [], [Function.chair], None),
        (Duty.administrator, [], [Function.member], None),
        (Duty.security_officer, [Duty.administrator], [], "administrator"),
        (Duty.administrator, [Duty.security_officer], [], "security_officer"),
        (Duty.security_officer, [], [Function.clerk], "clerk"),
        (Duty.administrator, [], [Function.clerk], "clerk"),
        (Duty.administrator, [], [Function.member, Function.clerk], "clerk"),
    ],
)
def test_duties_that_would_watch_themselves_exclude_each_other(
    wanted: Duty, duties: list[Duty], functions: list[Function], held: str | None
) -> None:
    if held is None:
        check_duty(wanted, duties, functions)
        return
    with pytest.raises(DutiesIncompatible) as refusal:
        check_duty(wanted, duties, functions)
    assert (refusal.value.held, refusal.value.wanted) == (held, wanted)


@pytest.mark.parametrize("duty", list(Duty))
def test_nobody_with_a_duty_clerks_a_body_but_they_may_be_members(duty: Duty) -> None:
    for function in set(Function) - {Function.clerk}:
        check_function(function, [duty])
    with pytest.raises(DutiesIncompatible, match=f"clerk and {duty}"):
        check_function(Function.clerk, [duty])


@pytest.mark.parametrize(
    ("kind", "value", "members", "needed"),
    [
        (QuorumKind.number, 5, 40, 5),
        (QuorumKind.number, 5, 3, 5),
        (QuorumKind.percent, 50, 40, 20),
        (QuorumKind.percent, 50, 41, 21),
        (QuorumKind.percent, 33, 10, 4),
        (QuorumKind.percent, 100, 7, 7),
        (QuorumKind.percent, 1, 7, 1),
        (QuorumKind.percent, 50, 0, 1),
    ],
)
def test_a_share_is_rounded_up_and_never_nobody(
    kind: QuorumKind, value: int, members: int, needed: int
) -> None:
    assert quorum_needed(QuorumRule(kind, value), members) == needed


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (14, 512), (15, 900), (9_999, 900)]
)
def test_waiting_doubles_up_to_a_limit(failures: int, seconds: int) -> None:
    assert waiting_time(failures, free=5, longest=timedelta(minutes=15)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/56"),
        ("2001:db8:1:ff:9::4", "2001:db8:1::/56"),
        ("2001:db8:1:100::4", "2001:db8:1:100::/56"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_customer_is_one_network_however_many_addresses_they_have(client: str, network: str) -> None:
    assert network_of(client) == network


PERSONAL = ["Amina Tazi", "أمينة التازي", "amina.tazi@parlement.test"]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "too_short"),
        ("elevensigns", "too_short"),
        ("é" * 5 + "é" * 5, "too_short"),
        ("x" * 257, "too_long"),
        ("aaaaaaaaaaaa", "repeats"),
        ("1212 1212 1212", "repeats"),
        ("password1234", "well_known"),
        ("Motdepasse2026", "well_known"),
        ("azertyuiop123", "well_known"),
        ("majlis-2026-11", "well_known"),
        ("J'aime Amina très fort", "holds_name"),
        ("tazi et ses chats", "holds_name"),
        ("قطة أمينة الكبيرة", "holds_name"),
    ],
)
def test_passwords_that_are_guessed_first_are_refused(password: str, why: str) -> None:
    with pytest.raises(PasswordRefused) as refusal:
        check_password(password, PERSONAL)
    assert refusal.value.why == why
    assert password not in str(refusal.value) or not password


@pytest.mark.parametrize(
    "password", ["trois ânes gris dorment", "correct horse battery", "ثلاثة حمير رمادية", "tr0ub4dor&3xyz!"]
)
def test_other_long_passwords_are_taken_whatever_signs_they_hold(password: str) -> None:
    check_password(password, PERSONAL)


def test_an_accent_typed_in_two_ways_is_one_password() -> None:
    assert password_text("e\u0301te\u0301 indien a\u0300 la mer") == "été indien à la mer"


def test_one_mailbox_is_one_address() -> None:
    assert address("  Amina.TAZI@Parlement.TEST ") == "amina.tazi@parlement.test"


BAD_BODIES: list[tuple[dict[str, Any], str]] = [
    ({"names": {"fr": "Commission"}}, "name_ar"),
    ({"names": {"ar": "لجنة", "fr": " "}}, "name_fr"),
    ({"names": {"ar": "لجنة", "fr": "Com\nmission"}}, "name_fr"),
    ({"names": {"ar": "لجنة", "fr": "C" * 201}}, "name_fr"),
    ({"names": {"ar": "لجنة", "fr": "C", "de": "A"}}, "names"),
    ({"zone": "Africa/Rabat"}, "zone"),
    ({"zone": "+01:00"}, "zone"),
    ({"quorum": QuorumRule(QuorumKind.percent, 101)}, "quorum"),
    ({"quorum": QuorumRule(QuorumKind.number, 0)}, "quorum"),
    ({"default": Classification.SECRET}, "default"),
    ({"notice_hours": -1}, "notice_hours"),
    ({"capacity": 1}, "capacity"),
]


@pytest.mark.parametrize(("changes", "field"), BAD_BODIES)
def test_a_body_that_makes_no_sense_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    details: BodyDetails = replace(committee(), **changes)
    with pytest.raises(DetailsInvalid) as refusal:
        details.check()
    assert refusal.value.field == field


BAD_PEOPLE: list[tuple[dict[str, Any], str]] = [
    ({"names": {"fr": "Amina"}}, "name_ar"),
    ({"language": "de"}, "language"),
    ({"email": ""}, "email"),
    ({"email": "amina"}, "email"),
    ({"email": "@parlement.test"}, "email"),
    ({"email": "amina@"}, "email"),
    ({"email": "amina@x.test\r\nBcc: all@x.test"}, "email"),
    ({"email": "Amina <amina@x.test>"}, "email"),
    ({"email": "a" * 250 + "@x.test"}, "email"),
]


@pytest.mark.parametrize(("changes", "field"), BAD_PEOPLE)
def test_a_person_who_could_not_be_written_to_is_refused(changes: dict[str, Any], field: str) -> None:
    details: PersonDetails = replace(person(), **changes)
    with pytest.raises(DetailsInvalid) as refusal:
        details.check()
    assert refusal.value.field == field
