"""The morning of `make demo` on both databases: everything goes as the script says, and the log tells it."""

from control_plane.audit.entries import (
    Admitted,
    Commanded,
    ConnectionAccepted,
    ConnectionRefused,
    Entry,
    GuestLinkRefused,
    Joined,
    Reported,
    TokenIssued,
)
from control_plane.audit.verify import Sound, verify
from demo.morning import MEMBERS, Morning
from tests.loop.house import House

# What Prosody reports comes between these at its own pace, and is looked at apart.
BETWEEN = (Reported, Commanded, TokenIssued, ConnectionAccepted)
STORY = [
    "MeetingBooked",
    "GuestInvited",
    "MeetingConvened",
    "ActionRefused",  # a member opens
    "MeetingOpened",
    *["Admitted"] * len(MEMBERS),
    "GuestLinkUsed",
    *["SentToLobby"] * 2,  # before the room, and when sitting down in the lobby
    "LetIn",
    "Admitted",
    *["ActionRefused"] * 3,  # an official, another committee's member, the security officer
    "GuestLinkRefused",
    "ConnectionRefused",  # a token that was used; the other tries name no meeting that the log could believe
    "ConnectionRefused",  # a token that expired
    "MovedInCamera",
    "SentBack",
    "SentToLobby",
    "MeetingClosed",
    "ActionRefused",  # asks to enter after closing
]


def test_the_morning_goes_as_planned_and_the_log_tells_it(each_house: House) -> None:
    house, mark = each_house, each_house.size()
    running = house.running
    morning = Morning(
        running.url,
        house.stage,
        running.parliament,
        running.password,
        lambda _what: None,
        among_others=True,
    )
    morning.play()
    house.remember("link", morning.link.partition("#")[2])
    house.remember("token", morning.early["token"])
    house.remember("room", morning.early["room"])

    house.wait_for(mark, Joined, morning.committee, count=len(MEMBERS) + 1)
    told = [record.entry for record in house.records(mark, morning.committee)]
    assert [_name(entry) for entry in told if not isinstance(entry, BETWEEN)] == STORY
    admitted = [entry for entry in told if isinstance(entry, Admitted)]
    assert sum(entry.moderator for entry in admitted) == 2
    assert all(entry.policies and entry.policy_set for entry in admitted)
    assert _connections(told, Joined) == {entry.connection for entry in admitted}
    assert [entry.why for entry in told if isinstance(entry, GuestLinkRefused)] == ["used"]
    refused = [entry.why for entry in house.entries(mark, ConnectionRefused)]
    assert refused == ["token_used", "token_missing", "token_expired"]
    assert isinstance(verify(house.desk.units.engine, house.desk.units.signer.verifier), Sound)


def _name(entry: Entry) -> str:
    return type(entry).__name__


def _connections(told: list[Entry], kind: type[Joined]) -> set[str]:
    return {entry.connection for entry in told if isinstance(entry, kind)}
