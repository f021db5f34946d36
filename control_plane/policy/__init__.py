"""Who may do what, and when: questions of facts in, verdicts out. The rules are in policies/."""

from control_plane.policy.engine import PolicyEngine
from control_plane.policy.explanation import Explanation, explain, explanation
from control_plane.policy.facts import (
    Action,
    BodyFacts,
    Classification,
    Duty,
    Function,
    GuestFacts,
    GuestKind,
    LogFacts,
    MeetingFacts,
    PersonFacts,
    Principal,
    Question,
    Resource,
    SignIn,
    SiteFacts,
    State,
    Strength,
)
from control_plane.policy.files import PolicySetInvalid, Problem
from control_plane.policy.live import KeptOld, LivePolicies, Reloaded, Settling, Unchanged
from control_plane.policy.verdict import Permitted, Refused, Verdict

__all__ = [
    "Action",
    "BodyFacts",
    "Classification",
    "Duty",
    "Explanation",
    "Function",
    "GuestFacts",
    "GuestKind",
    "KeptOld",
    "LivePolicies",
    "LogFacts",
    "MeetingFacts",
    "Permitted",
    "PersonFacts",
    "PolicyEngine",
    "PolicySetInvalid",
    "Principal",
    "Problem",
    "Question",
    "Refused",
    "Reloaded",
    "Resource",
    "Settling",
    "SignIn",
    "SiteFacts",
    "State",
    "Strength",
    "Unchanged",
    "Verdict",
    "explain",
    "explanation",
]
