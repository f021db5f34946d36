"""The languages that pages speak."""

from collections.abc import Mapping

from control_plane.web.locales import Words, ar, en, fr, zgh

CATALOGUE: Mapping[str, Words] = {words.code: words for words in (ar.WORDS, fr.WORDS, en.WORDS, zgh.WORDS)}


def words_in(language: str) -> Words:
    """Return what pages say in that language, else in French."""
    return CATALOGUE.get(language, fr.WORDS)
