"""`majlis policy explain`: a refusal says what was missing, a permit says which rule gave it."""

from dataclasses import replace

from control_plane.policy import Action, PolicyEngine, Question, explain, explanation
from tests.policy.table import moment, principal, resource, sign_in


def asked(who: str, what: str = "restricted committee open", when: str = "start") -> Question:
    return Question(
        principal(who), Action.enter, resource(what), sign_in("password parliament"), moment(when)
    )


def test_a_permit_names_its_policy_file_and_line(engine: PolicyEngine) -> None:
    lines = explanation(engine, asked("member"))
    assert lines[0] == "permitted: enter"
    assert engine.digest in lines[1]
    assert any(line.startswith("entering.members (permit, entering.cedar:") for line in lines)
    assert any("context.standing.member &&" in line for line in lines)
    assert not any("nearest" in line for line in lines)


def test_a_refusal_by_silence_says_what_the_nearest_permits_missed(engine: PolicyEngine) -> None:
    lines = explanation(engine, asked("member", when="start-11m"))
    assert lines[:2] == ["refused: enter (no policy permits)", "  No policy permits it."]
    permits = explain(engine, asked("member", when="start-11m")).permits
    assert [len(near.missing) for near in permits] == sorted(len(near.missing) for near in permits)
    nearest = {near.policy.id: near.missing for near in permits if len(near.missing) == 1}
    assert nearest["entering.members"] == ('context.now >= (resource.starts.offset(duration("-10m")))',)


def test_a_refusal_by_a_policy_shows_it_and_that_a_permit_held(engine: PolicyEngine) -> None:
    lines = explanation(engine, asked("member", "confidential committee open"), "fr")
    assert lines[0] == "refused: enter"
    assert lines[1] == "  Réunion confidentielle : connectez-vous avec une clé de sécurité."
    assert any(line.startswith("sign-in.confidential (forbid, sign-in.cedar:") for line in lines)
    assert "  entering.members: holds, but the refusing policy wins" in lines


def test_every_permit_for_the_action_is_considered(engine: PolicyEngine) -> None:
    permits = {near.policy.id: near for near in explain(engine, asked("official")).permits}
    assert set(permits) == {
        "entering.moderators",
        "entering.members",
        "entering.substitutes",
        "entering.invited",
        "entering.guests-once-admitted",
    }
    assert permits["entering.invited"].missing == ("context.standing.invited",)
    assert permits["entering.guests-once-admitted"].missing[0].startswith("is about others")


def test_an_undecided_question_says_why(engine: PolicyEngine) -> None:
    broken = replace(asked("member"), sign_in=replace(sign_in("password parliament"), zone="moon"))
    lines = explanation(engine, broken)
    assert lines[0] == "refused: enter"
    assert any("could not decide" in line and "moon" in line for line in lines)


def test_an_unknown_language_is_answered_in_english(engine: PolicyEngine) -> None:
    assert explanation(engine, asked("official"), "de")[1] == "  No policy permits it."
