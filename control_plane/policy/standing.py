"""What somebody is to what they ask about, as a closed set of flags.

The names are the attributes of Standing in policies/schema.cedarschema. There
are few combinations in a real site, so each becomes one entity that is parsed
once: a question then carries its name instead of sixteen attributes, and costs
half as much.
"""

from functools import lru_cache

from control_plane.policy.facts import (
    BodyFacts,
    Function,
    GuestFacts,
    GuestKind,
    MeetingFacts,
    PersonFacts,
    Principal,
    Resource,
)

Standing = frozenset[str]

FLAGS = (
    *("chair", "vice_chair", "rapporteur", "member", "substitute", "represented_absent", "clerk"),
    *("security_officer", "administrator"),
    *("invited", "admitted"),
    *(kind.value for kind in GuestKind),
)
SEATED = frozenset({Function.chair, Function.vice_chair, Function.rapporteur})


def standing_of(principal: Principal, resource: Resource) -> Standing:
    """Return the flags that hold for this principal in this meeting or body, or in the site."""
    match principal:
        case GuestFacts():
            return _of_guest(principal, resource)
        case PersonFacts():
            return _of_person(principal, resource)


def name_of(standing: Standing) -> str:
    """Return the standing's name: its flags in the schema's order, which is also what a person reads."""
    return "+".join(flag for flag in FLAGS if flag in standing) or "nobody"


def _of_guest(guest: GuestFacts, resource: Resource) -> Standing:
    # A guest of another meeting is nobody here, however welcome there.
    if not isinstance(resource, MeetingFacts) or resource.id != guest.meeting:
        return frozenset({guest.kind.value})
    flags = {guest.kind.value, "invited"}
    if guest.admitted is True:
        flags.add("admitted")
    return frozenset(flags)


def _of_person(person: PersonFacts, resource: Resource) -> Standing:
    flags = set(_functions(person.functions, resource)) | {duty.value for duty in person.duties}
    if isinstance(resource, MeetingFacts):
        if person.represented_absent is True:
            flags.add("represented_absent")
        if person.invited is True:
            flags.add("invited")
    return frozenset(flags)


def _functions(functions: frozenset[tuple[str, Function]], resource: Resource) -> Standing:
    match resource:
        case MeetingFacts():
            return _functions_in(functions, resource.body.id)
        case BodyFacts():
            return _functions_in(functions, resource.id)
        case _:
            clerk_somewhere = any(function is Function.clerk for _, function in functions)
            return frozenset({"clerk"}) if clerk_somewhere else frozenset()


@lru_cache(maxsize=16_384)
def _functions_in(functions: frozenset[tuple[str, Function]], body: str) -> Standing:
    held = {function for where, function in functions if where == body}
    flags = {function.value for function in held}
    return frozenset(flags | {"member"} if held & SEATED else flags)
