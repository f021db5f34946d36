"""Asking the policies for leave, in the one way every use case does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict

from control_plane.audit.entries import ActionRefused
from control_plane.policy import (
    Action,
    BodyFacts,
    GuestFacts,
    LogFacts,
    MeetingFacts,
    Permitted,
    PersonFacts,
    PolicyEngine,
    Question,
    Refused,
    SignIn,
    SiteFacts,
)
from control_plane.unit import RecordedRefusal, Unit

CONSOLE = "console"
Resource = MeetingFacts | BodyFacts | LogFacts | SiteFacts


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: their pseudonym for the log, what the policies may know of them, and how they signed in."""

    pseudonym: str
    facts: PersonFacts | GuestFacts
    sign_in: SignIn
    language: str

    def for_meeting(self, *, invited: bool, represented_absent: bool) -> "Actor":
        """Return the same person with what holds in one meeting only."""
        if isinstance(self.facts, GuestFacts):
            return self
        return replace(
            self, facts=replace(self.facts, invited=invited, represented_absent=represented_absent)
        )


class Decision(TypedDict):
    """The fields a decided entry takes: `MeetingOpened(..., **decision)`."""

    by: str
    policies: tuple[str, ...]
    policy_set: str


class NotPermitted(RecordedRefusal):
    """The policies do not let this actor do that; `reasons` holds a sentence a language."""

    def __init__(self, entry: ActionRefused, reasons: Mapping[str, str]) -> None:
        named = ", ".join(entry.policies) or "no policy permits"
        super().__init__(f"{entry.action} refused: {named}", entry)
        self.reasons = reasons
        self.policies = entry.policies


@dataclass(frozen=True, slots=True)
class Permission:
    """Decides whether an actor may, by the set of policies in force."""

    policies: PolicyEngine

    def require(self, unit: Unit, actor: Actor, action: Action, resource: Resource) -> Decision:
        """Return what the entry of the change must say, or raise NotPermitted, which is recorded."""
        verdict = self.policies.ask(Question(actor.facts, action, resource, actor.sign_in, unit.now))
        match verdict:
            case Permitted(policies):
                return Decision(by=actor.pseudonym, policies=policies, policy_set=self.policies.digest)
            case Refused() as refused:
                raise self.refusal(actor, action, resource, refused)

    def refusal(self, actor: Actor, action: Action, resource: Resource, refused: Refused) -> NotPermitted:
        """Return the error that says so, with the entry that tells of it."""
        meeting = resource if isinstance(resource, MeetingFacts) else None
        entry = ActionRefused(
            by=actor.pseudonym,
            action=action.value,
            body=meeting.body.id if meeting else "",
            meeting=meeting.id if meeting else "",
            policies=refused.policies,
            policy_set=self.policies.digest,
            why="error" if refused.errors else "policy",
        )
        return NotPermitted(entry, refused.reasons)


def from_console() -> Decision:
    """Return the decision of the operator at the machine's console, which no policy can overrule but the log tells."""
    return Decision(by=CONSOLE, policies=(), policy_set="")
