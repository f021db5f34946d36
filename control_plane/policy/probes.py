"""One plain question an action, put to every set before it is trusted: can it be asked at all?"""

from datetime import UTC, datetime, timedelta

from control_plane.policy.facts import (
    Action,
    BodyFacts,
    Classification,
    Function,
    GuestFacts,
    GuestKind,
    LogFacts,
    MeetingFacts,
    PersonFacts,
    Question,
    Resource,
    SignIn,
    SiteFacts,
    State,
    Strength,
)

ABOUT_THE_LOG = frozenset({Action.read_log})
ABOUT_THE_SITE = frozenset({Action.manage_people, Action.manage_policies, Action.manage_site})
OF_GUESTS = (Action.enter, Action.wait, Action.chat, Action.share_files, Action.share_screen)

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_BODY = BodyFacts("probe", "committee", Classification.SECRET)
_MEETING = MeetingFacts("probe", _BODY, Classification.PUBLIC, State.open, _NOON, _NOON + timedelta(hours=2))
_PERSON = PersonFacts("probe", frozenset({("probe", Function.chair)}), frozenset(), False, True)
_GUEST = GuestFacts("probe", "probe", GuestKind.witness, True)
_PASSWORD = SignIn(Strength.PASSWORD, False, "government")
_LINK = SignIn(Strength.LINK, False, "internet")


def _resource(action: Action) -> Resource:
    if action in ABOUT_THE_LOG:
        return LogFacts("probe")
    return SiteFacts("probe") if action in ABOUT_THE_SITE else _MEETING


PROBES = (
    *(Question(_PERSON, action, _resource(action), _PASSWORD, _NOON) for action in Action),
    *(Question(_GUEST, action, _MEETING, _LINK, _NOON) for action in OF_GUESTS),
    Question(_PERSON, Action.book, _BODY, _PASSWORD, _NOON),
)
