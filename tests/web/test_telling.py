"""Every kind of entry is told in every language, and every language says everything."""

import string

import pytest
from msgspec import structs

from control_plane.audit.entries import KINDS, Canonical, Entry
from control_plane.people.service import BodyKind
from control_plane.policy import Action, Classification, Duty, Function, GuestKind, State, Strength
from control_plane.rooms.reasons import REASONS
from control_plane.web.locales import Words
from control_plane.web.locales.catalogue import CATALOGUE, words_in
from control_plane.web.telling import tell
from tests.audit.test_golden_bytes import GOLDEN

KIND_COUNT = 58
VOCABULARIES: dict[str, list[str]] = {
    "classification": [value.name.lower() for value in Classification],
    "strength": [value.name.lower() for value in Strength],
    **{
        field: [str(value.value) for value in vocabulary]
        for field, vocabulary in {
            "state": State,
            "function": Function,
            "duty": Duty,
            "guest_kind": GuestKind,
            "type": BodyKind,
            "action": Action,
        }.items()
    },
    "why": list(REASONS),
}


def fields_of(kind: type[Entry]) -> set[str]:
    return {field.name for field in structs.fields(kind)}


def test_there_are_as_many_kinds_as_were_told_when_this_was_written() -> None:
    assert len(KINDS) == KIND_COUNT


@pytest.mark.parametrize("language", ["ar", "fr", "en", "zgh"])
def test_every_kind_has_a_sentence_and_every_sentence_a_kind(language: str) -> None:
    told = words_in(language).told
    kinds = {kind.__name__: kind for kind in KINDS.values()}
    assert {key for key in told if "." not in key} == set(kinds)
    for key, sentence in told.items():
        kind, _, field = key.partition(".")
        assert not field or field in fields_of(kinds[kind])
        named = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        assert named <= fields_of(kinds[kind]), key


def test_the_languages_tell_the_same_facts() -> None:
    def facts(words: Words) -> dict[str, set[str]]:
        return {
            key: {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
            for key, sentence in words.told.items()
        }

    assert len(CATALOGUE) == 4
    assert all(facts(words) == facts(CATALOGUE["fr"]) for words in CATALOGUE.values())


@pytest.mark.parametrize("language", ["ar", "fr", "en", "zgh"])
@pytest.mark.parametrize("field", sorted(VOCABULARIES))
def test_every_word_of_a_closed_vocabulary_is_translated(language: str, field: str) -> None:
    assert set(VOCABULARIES[field]) <= set(words_in(language).terms[field])


def test_the_languages_translate_the_same_words() -> None:
    french = {field: set(words) for field, words in CATALOGUE["fr"].terms.items()}
    for words in CATALOGUE.values():
        assert {field: set(terms) for field, terms in words.terms.items()} == french
        assert all(term.strip() for terms in words.terms.values() for term in terms.values())


@pytest.mark.parametrize("language", ["ar", "fr", "en", "zgh"])
def test_every_entry_of_the_golden_log_can_be_told(language: str) -> None:
    leaves = GOLDEN.read_bytes().splitlines()
    assert len(leaves) == KIND_COUNT
    for leaf in leaves:
        entry = Canonical.entry(leaf)
        sentence = tell(entry, words_in(language))
        assert sentence
        assert "{" not in sentence


def test_a_word_nobody_translated_shows_as_it_is_kept() -> None:
    assert words_in("fr").term("why", "struck_by_lightning") == "struck by lightning"
