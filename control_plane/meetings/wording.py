"""What the letters say, in the reader's language."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language; `{what}` is the title or, where that is not for mail, the body's name."""

    convened: str
    changed: str
    cancelled: str
    invited: str
    link: str
    page: str


WORDS = {
    "ar": Words(
        convened="دعوة: {what}",
        changed="تغيير: {what}",
        cancelled="إلغاء: {what}",
        invited="دعوة ضيف: {what}",
        link="رابطكم الشخصي، صالح لمرة واحدة حتى {until}:",
        page="صفحة الاجتماع:",
    ),
    "fr": Words(
        convened="Convocation : {what}",
        changed="Modification : {what}",
        cancelled="Annulation : {what}",
        invited="Invitation : {what}",
        link="Votre lien personnel, valable une seule fois, jusqu'au {until} :",
        page="Page de la réunion :",
    ),
    "en": Words(
        convened="Convocation: {what}",
        changed="Change: {what}",
        cancelled="Cancellation: {what}",
        invited="Invitation: {what}",
        link="Your personal link, good for one use, until {until}:",
        page="The meeting's page:",
    ),
    "zgh": Words(
        convened="ⴰⵖⵓⵔⵉ: {what}",
        changed="ⴰⵙⵏⴼⵍ: {what}",
        cancelled="ⴰⵙⵙⵔ: {what}",
        invited="ⵜⴰⵏⵄⵕⵓⴹⵜ: {what}",
        link="ⴰⵙⵖⵏ ⵏⵏⴽ, ⵉ ⵢⴰⵏ ⵓⵙⵎⵔⵙ ⵅⴰⵙ, ⴰⵔ {until}:",
        page="ⵜⴰⵙⵏⴰ ⵏ ⵓⴳⵔⴰⵡ:",
    ),
}


def words(language: str) -> Words:
    """Return the sentences of that language, else the French ones."""
    return WORDS.get(language, WORDS["fr"])


def hours(starts_wall: datetime, ends_wall: datetime, zone: str) -> str:
    """Return when it is, in digits that every language reads alike: `2026-11-24 10:00–12:00 (Africa/Casablanca)`."""
    end = f"{ends_wall:%H:%M}" if starts_wall.date() == ends_wall.date() else f"{ends_wall:%Y-%m-%d %H:%M}"
    return f"{starts_wall:%Y-%m-%d %H:%M}–{end} ({zone})"


def hours_until(wall: datetime, zone: str) -> str:
    """Return the end of a link's time: `2026-11-24 12:00 (Africa/Casablanca)`."""
    return f"{wall:%Y-%m-%d %H:%M} ({zone})"
