"""Promises that hold for every question there is, not for the table's alone."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from control_plane.policy import (
    Action,
    BodyFacts,
    Classification,
    Duty,
    Function,
    GuestFacts,
    GuestKind,
    MeetingFacts,
    Permitted,
    PersonFacts,
    PolicyEngine,
    Question,
    SignIn,
    State,
    Strength,
)
from tests.policy.conftest import POLICIES
from tests.policy.table import ELSEWHERE, ENDS, HERE, STARTS

ENGINE = PolicyEngine.load(POLICIES)
KINDS = ("cabinet", "committee", "chamber", "ministerial_committee", "class", "external")
INSIDE = (  # the lobby is outside
    *(Action.enter, Action.moderate, Action.admit, Action.remove),
    *(Action.record, Action.broadcast, Action.chat, Action.share_files, Action.share_screen),
)

sign_ins = st.builds(
    SignIn,
    st.sampled_from(Strength),
    st.booleans(),
    st.sampled_from(["government", "parliament", "internet"]),
)
bodies = st.builds(BodyFacts, st.just(HERE), st.sampled_from(KINDS), st.sampled_from(Classification))
meetings = st.builds(
    MeetingFacts,
    st.just("the-meeting"),
    bodies,
    st.sampled_from(Classification),
    st.sampled_from(State),
    st.just(STARTS),
    st.just(ENDS),
)
in_camera = meetings.map(lambda meeting: replace(meeting, state=State.in_camera))
secret = meetings.map(lambda meeting: replace(meeting, classification=Classification.SECRET))
functions = st.frozensets(
    st.tuples(st.sampled_from([HERE, ELSEWHERE]), st.sampled_from(Function)), max_size=4
)
duties = st.frozensets(st.sampled_from(Duty))
people = st.builds(PersonFacts, st.text(), functions, duties, st.booleans(), st.booleans())
guests = st.builds(
    GuestFacts,
    st.text(),
    st.sampled_from(["the-meeting", "another-meeting"]),
    st.sampled_from(GuestKind),
    st.booleans(),
)
moments = st.integers(-90, 600).map(lambda minutes: STARTS + timedelta(minutes=minutes))
actions = st.sampled_from(Action)
everybody = st.one_of(people, guests)


def permitted(question: Question) -> bool:
    return isinstance(ENGINE.ask(question), Permitted)


@settings(max_examples=200, deadline=None)
@given(guests, in_camera, sign_ins, moments)
def test_no_guest_is_ever_in_camera(
    guest: GuestFacts, meeting: MeetingFacts, sign_in: SignIn, now: datetime
) -> None:
    questions = [Question(guest, action, meeting, sign_in, now) for action in INSIDE]
    assert not any(isinstance(verdict, Permitted) for verdict in ENGINE.ask_all(questions))


@settings(max_examples=200, deadline=None)
@given(everybody, st.one_of(in_camera, secret), sign_ins, moments)
def test_nothing_secret_or_in_camera_is_ever_recorded_or_broadcast(
    who: PersonFacts | GuestFacts, meeting: MeetingFacts, sign_in: SignIn, now: datetime
) -> None:
    assert not permitted(Question(who, Action.record, meeting, sign_in, now))
    assert not permitted(Question(who, Action.broadcast, meeting, sign_in, now))


@settings(max_examples=200, deadline=None)
@given(duties, meetings, sign_ins, moments, actions)
def test_a_duty_alone_never_opens_a_meeting(
    duty: frozenset[Duty], meeting: MeetingFacts, sign_in: SignIn, now: datetime, action: Action
) -> None:
    assume(action is not Action.read_meeting)
    holder = PersonFacts("somebody", frozenset(), duty, False, False)
    assert not permitted(Question(holder, action, meeting, sign_in, now))
    assert not permitted(Question(holder, Action.enter, meeting, sign_in, now))


@settings(max_examples=200, deadline=None)
@given(people, duties, meetings, sign_ins, moments, actions)
def test_a_duty_never_adds_to_what_one_may_do_in_a_meeting(
    person: PersonFacts,
    duty: frozenset[Duty],
    meeting: MeetingFacts,
    sign_in: SignIn,
    now: datetime,
    action: Action,
) -> None:
    without = PersonFacts(person.id, person.functions, frozenset(), person.represented_absent, person.invited)
    having = PersonFacts(person.id, person.functions, duty, person.represented_absent, person.invited)
    if permitted(Question(having, action, meeting, sign_in, now)):
        assert permitted(Question(without, action, meeting, sign_in, now))


@settings(max_examples=200, deadline=None)
@given(guests, meetings, sign_ins, moments)
def test_no_guest_enters_who_was_not_admitted_to_this_very_meeting(
    guest: GuestFacts, meeting: MeetingFacts, sign_in: SignIn, now: datetime
) -> None:
    if permitted(Question(guest, Action.enter, meeting, sign_in, now)):
        assert guest.admitted
        assert guest.meeting == meeting.id
        assert meeting.classification is not Classification.SECRET


@settings(max_examples=200, deadline=None)
@given(people, meetings, sign_ins, moments, actions)
def test_a_stronger_sign_in_from_our_networks_never_takes_away(
    person: PersonFacts, meeting: MeetingFacts, sign_in: SignIn, now: datetime, action: Action
) -> None:
    strongest = SignIn(Strength.PHISHING_RESISTANT, True, "government")
    if permitted(Question(person, action, meeting, sign_in, now)):
        assert permitted(Question(person, action, meeting, strongest, now))


@settings(max_examples=200, deadline=None)
@given(people, meetings, sign_ins, moments)
def test_who_is_let_in_is_never_a_stranger(
    person: PersonFacts, meeting: MeetingFacts, sign_in: SignIn, now: datetime
) -> None:
    if permitted(Question(person, Action.enter, meeting, sign_in, now)):
        here = {function for body, function in person.functions if body == HERE}
        assert here or person.invited
        assert meeting.state in {State.convened, State.open, State.in_camera}
        assert here or meeting.state is State.open
