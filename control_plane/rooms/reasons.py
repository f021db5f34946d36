"""What the gate says when no policy had to be asked: a word for the log, a sentence a language for the person."""

from collections.abc import Mapping

Sentences = Mapping[str, str]

_NEW_LINK = {
    "ar": "هذا الرابط لم يعد صالحا. افتح صفحة الجلسة من جديد.",
    "fr": "Ce lien n’est plus valable. Rouvrez la page de la séance.",
    "en": "This link is no longer good. Open the meeting's page again.",
    "zgh": "ⴰⵣⴷⴰⵢ ⴰⴷ ⵓⵔ ⵉⵖⵢ. ⵕⵥⵎ ⵜⴰⵙⵏⴰ ⵏ ⵜⵉⵖⵉⵎⵉⵜ ⴷⴰⵖ.",
}
_NOT_THIS_ROOM = {
    "ar": "هذه ليست الجلسة التي دعيت إليها.",
    "fr": "Ce n’est pas la séance à laquelle vous êtes convié.",
    "en": "This is not the meeting that you were let into.",
    "zgh": "ⵓⵔ ⵜⴳⵉ ⵜⴰⴷ ⵜⵉⵖⵉⵎⵉⵜ ⵉⵏⵏⴽ.",
}
_NOT_HERE = {
    "ar": "لا تُعقد جلسة بهذا التصنيف على هذا الخادم. افتح صفحة الجلسة من جديد.",
    "fr": "Une séance de cette classification ne se tient pas sur ce serveur. Rouvrez la page de la séance.",
    "en": "A meeting of this classification is not held on this server. Open the meeting's page again.",
    "zgh": "ⵓⵔ ⵜⴻⵜⵜⵓⵖⴰⵡⵙ ⵜⵉⵖⵉⵎⵉⵜ ⴰⴷ ⵖ ⵓⵎⴰⴽⴽⴰⵢ ⴰⴷ. ⵕⵥⵎ ⵜⴰⵙⵏⴰ ⵏ ⵜⵉⵖⵉⵎⵉⵜ ⴷⴰⵖ.",
}
_NOT_NOW = {
    "ar": "هذه الجلسة غير مفتوحة الآن.",
    "fr": "Cette séance n’est pas ouverte en ce moment.",
    "en": "This meeting is not open now.",
    "zgh": "ⵜⵉⵖⵉⵎⵉⵜ ⴰⴷ ⵓⵔ ⵜⵕⵥⵉⵎ ⵖⵉⵍⴰⴷ.",
}

REASONS: Mapping[str, Sentences] = {
    "token_missing": {
        "ar": "ادخل من صفحة الجلسة.",
        "fr": "Entrez par la page de la séance.",
        "en": "Enter through the meeting's page.",
        "zgh": "ⴽⵛⵎ ⵙⴳ ⵜⴰⵙⵏⴰ ⵏ ⵜⵉⵖⵉⵎⵉⵜ.",
    },
    "token_oversized": _NEW_LINK,
    "token_malformed": _NEW_LINK,
    "token_algorithm": _NEW_LINK,
    "token_key": _NEW_LINK,
    "token_signature": _NEW_LINK,
    "token_audience": _NEW_LINK,
    "token_expired": _NEW_LINK,
    "token_future": _NEW_LINK,
    "token_room": _NOT_THIS_ROOM,
    "token_unknown": _NEW_LINK,
    "token_used": {
        "ar": "سبق استعمال هذا الرابط. افتح صفحة الجلسة من جديد.",
        "fr": "Ce lien a déjà servi. Rouvrez la page de la séance.",
        "en": "This link was used already. Open the meeting's page again.",
        "zgh": "ⵉⵜⵜⵓⵙⵎⵔⵙ ⵓⵣⴷⴰⵢ ⴰⴷ. ⵕⵥⵎ ⵜⴰⵙⵏⴰ ⵏ ⵜⵉⵖⵉⵎⵉⵜ ⴷⴰⵖ.",
    },
    "token_revoked": _NEW_LINK,
    "connection_unknown": _NEW_LINK,
    "connection_ended": _NEW_LINK,
    "wrong_room": _NOT_THIS_ROOM,
    "room_locked": {
        "ar": "أغلق رئيس الجلسة القاعة: لا يدخل أحد بعد الآن.",
        "fr": "La présidence a verrouillé la séance : plus personne n’entre.",
        "en": "The chair locked the meeting: nobody else comes in.",
        "zgh": "ⵉⵔⴳⵍ ⵓⵙⵍⵡⴰⵢ ⵜⵉⵖⵉⵎⵉⵜ: ⵓⵔ ⵢⴰⴷ ⵉⴽⵛⵛⵎ ⵢⴰⵏ.",
    },
    "no_pool": _NOT_HERE,
    "wrong_pool": _NOT_HERE,
    "room_unknown": _NOT_NOW,
    "room_closed": _NOT_NOW,
    "account_disabled": {
        "ar": "هذا الحساب موقوف. اتصل بكتابة اللجنة.",
        "fr": "Ce compte est désactivé. Adressez-vous au secrétariat.",
        "en": "This account is disabled. Ask the secretariat.",
        "zgh": "ⴰⵎⵉⴹⴰⵏ ⴰⴷ ⵉⵜⵜⵓⵙⴱⴷⴷ. ⵙⵇⵙⴰ ⵜⴰⵎⵙⵙⵓⵔⵜ.",
    },
    "invitation_revoked": {
        "ar": "سُحبت هذه الدعوة.",
        "fr": "Cette invitation a été retirée.",
        "en": "This invitation was withdrawn.",
        "zgh": "ⵜⴰⵖⵓⵔⵉ ⴰⴷ ⵜⴻⵜⵜⵡⴰⴽⴽⵙ.",
    },
    "removed": {
        "ar": "أخرجك رئيس الجلسة منها.",
        "fr": "La présidence vous a retiré de la séance.",
        "en": "The chair removed you from this meeting.",
        "zgh": "ⵉⵙⵙⵓⴼⵖ ⴽ ⵓⵙⵍⵡⴰⵢ ⵙⴳ ⵜⵉⵖⵉⵎⵉⵜ.",
    },
    "sent_back": {
        "ar": "انتظر من فضلك حتى يسمح لك رئيس الجلسة بالدخول.",
        "fr": "Veuillez patienter : la présidence vous fera entrer.",
        "en": "Please wait: the chair will let you in.",
        "zgh": "ⵇⵇⵍ: ⴰⴷ ⴽ ⵉⵙⴽⵛⵎ ⵓⵙⵍⵡⴰⵢ.",
    },
    "waiting": {
        "ar": "أنت في قاعة الانتظار. سيسمح لك رئيس الجلسة بالدخول.",
        "fr": "Vous êtes dans la salle d’attente. La présidence vous fera entrer.",
        "en": "You are in the lobby. The chair will let you in.",
        "zgh": "ⵜⵍⵍⵉⴷ ⴳ ⵜⵣⵇⵇⴰ ⵏ ⵓⵇⵇⵍ. ⴰⴷ ⴽ ⵉⵙⴽⵛⵎ ⵓⵙⵍⵡⴰⵢ.",
    },
}


def sentence(reasons: Sentences, language: str | None) -> str:
    """Return the sentence in the person's language; in three when nobody knows which one they read."""
    if language is not None and language in reasons:
        return reasons[language]
    return " / ".join(reasons[known] for known in ("ar", "fr", "en") if known in reasons)
