"""How what can go wrong becomes a status code and a sentence in the reader's language. The only place that knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from fastapi import FastAPI, Request, status
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from control_plane.desk import Desk
from control_plane.meetings import service as meetings
from control_plane.people import service as people
from control_plane.permission import NotPermitted
from control_plane.rooms import service as rooms
from control_plane.web.dependencies import NothingHere, NotSignedIn
from control_plane.web.door import Tried, door, own_page
from control_plane.web.language import language_of
from control_plane.web.rendering import page, words_for

Sentences = Mapping[str, str]


def _sentences(ar: str, fr: str, en: str) -> Sentences:
    return {"ar": ar, "fr": fr, "en": en}


GONE_OR_NEVER = _sentences(
    "لم يُعثر على المطلوب. ربما حُذف أو كُتب العنوان خطأ.",
    "Introuvable : l’adresse est erronée, ou cela n’existe plus.",
    "Not found: the address is wrong, or it is no longer there.",
)
LOOK_AGAIN = _sentences(
    "المعطيات غير صالحة. صححها وأعد المحاولة.",
    "Ces données ne conviennent pas. Corrigez-les et réessayez.",
    "These details can't be used. Correct them and try again.",
)
ALREADY = _sentences(
    "يوجد مثل هذا من قبل.",
    "Cela existe déjà.",
    "There is one like this already.",
)
LATER = _sentences(
    "الخدمة مشغولة. أعد المحاولة بعد لحظات.",
    "Le service est très sollicité. Réessayez dans un instant.",
    "The service is busy. Try again in a moment.",
)
OPERATOR = _sentences(
    "الخدمة غير مهيأة. اتصل بمسؤول النظام.",
    "Le service n’est pas prêt. Prévenez l’administrateur.",
    "The service is not ready. Tell the administrator.",
)


@dataclass(frozen=True, slots=True)
class Becomes:
    """A status code, and the sentence for the person."""

    code: int
    sentences: Sentences


def _becomes(code: int, ar: str, fr: str, en: str) -> Becomes:
    return Becomes(code, _sentences(ar, fr, en))


MISSING = Becomes(status.HTTP_404_NOT_FOUND, GONE_OR_NEVER)
UNFIT = Becomes(status.HTTP_422_UNPROCESSABLE_CONTENT, LOOK_AGAIN)
TAKEN = Becomes(status.HTTP_409_CONFLICT, ALREADY)
BUSY = Becomes(status.HTTP_503_SERVICE_UNAVAILABLE, LATER)
UNREADY = Becomes(status.HTTP_503_SERVICE_UNAVAILABLE, OPERATOR)
SIGN_IN = _becomes(401, "سجّل الدخول أولا.", "Connectez-vous d’abord.", "Sign in first.")

ERRORS: Mapping[type[Exception], Becomes] = {
    NotSignedIn: SIGN_IN,
    people.SessionOver: SIGN_IN,
    people.AccountDisabled: _becomes(
        403, "هذا الحساب موقوف.", "Ce compte est désactivé.", "This account is disabled."
    ),
    meetings.LinkWorthNothing: _becomes(
        403,
        "هذا الرابط غير صالح أو لم يعد صالحا. اطلب رابطا جديدا من كتابة اللجنة.",
        "Ce lien n’est pas valable, ou ne l’est plus. Demandez-en un autre au secrétariat.",
        "This link is not good, or no longer. Ask the secretariat for another.",
    ),
    meetings.EditedMeanwhile: _becomes(
        409,
        "غيّر شخص آخر هذه الجلسة في هذه الأثناء. اطلع على التغيير ثم أعد المحاولة؛ لم يضع شيء.",
        "Quelqu’un a modifié cette réunion entre-temps. Voyez ce qui a changé, puis réessayez : rien n’est perdu.",
        "Somebody changed this meeting meanwhile. See what changed, then try again: nothing is lost.",
    ),
    meetings.Conflicting: _becomes(
        409,
        "تتعارض هذه الجلسة مع جلسات أخرى. غيّر الموعد أو اقبل التعارض.",
        "Cette réunion en chevauche d’autres. Déplacez-la, ou acceptez les conflits.",
        "This meeting conflicts with others. Move it, or accept the conflicts.",
    ),
    meetings.NoticeTooShort: _becomes(
        409,
        "أجل الاستدعاء قصير. اذكر السبب.",
        "Le délai de convocation n’est pas respecté. Donnez-en la raison.",
        "The notice is too short. Give the reason.",
    ),
    meetings.NotInState: _becomes(
        409,
        "لا يمكن ذلك في الحالة الراهنة للجلسة.",
        "La réunion n’en est pas là : ce n’est pas possible maintenant.",
        "The meeting is not at that point: this can't be done now.",
    ),
    meetings.GuestNotExpected: _becomes(
        409,
        "لا يمكن إدخال هذا الضيف: دعوته غير سارية.",
        "Cet invité ne peut pas entrer : son invitation n’est pas en cours.",
        "This guest can't be let in: no invitation of theirs is in use.",
    ),
    meetings.NothingAhead: _becomes(
        409,
        "لا توجد جلسات قادمة في هذه السلسلة.",
        "Cette série n’a plus de séance à venir.",
        "Nothing of this series lies ahead.",
    ),
    people.DutiesIncompatible: _becomes(
        409,
        "لا يجوز لشخص واحد أن يجمع بين هاتين المهمتين.",
        "Une même personne ne peut pas cumuler ces deux charges.",
        "Nobody may hold these two duties at once.",
    ),
    people.PasswordRefused: _becomes(
        422,
        "يسهل تخمين كلمة السر هذه. اختر عبارة أطول لا تتضمن اسمك.",
        "Ce mot de passe se devine trop facilement. Choisissez une phrase plus longue, sans votre nom.",
        "This password is too easily guessed. Choose a longer phrase without your name.",
    ),
    NothingHere: _becomes(
        404,
        "لا يوجد هنا ما يمكنكم الاطلاع عليه: إما أن العنوان خطأ، وإما أنه لا يحق لكم ذلك بطريقة دخولكم الحالية.",
        "Il n’y a rien ici pour vous : l’adresse est erronée, ou votre connexion actuelle ne vous y donne pas accès.",
        "There is nothing here for you: the address is wrong, or you may not read this as you are signed in now.",
    ),
    meetings.NoSuchMeeting: MISSING,
    meetings.NoSuchGuest: MISSING,
    meetings.NoSuchSeries: MISSING,
    people.NoSuchBody: MISSING,
    people.NoSuchPerson: MISSING,
    people.NoSuchMembership: MISSING,
    rooms.NoSuchConnection: MISSING,
    meetings.AddressRefused: UNFIT,
    meetings.AgendaTooLong: UNFIT,
    meetings.NotAnOccurrence: UNFIT,
    meetings.NoSuchWallTime: UNFIT,
    meetings.RecurrenceRefused: UNFIT,
    meetings.TimesRefused: UNFIT,
    meetings.TitleRefused: UNFIT,
    meetings.UnknownZone: UNFIT,
    people.DatesInvalid: UNFIT,
    people.DetailsInvalid: UNFIT,
    people.SubstituteForNobody: UNFIT,
    DataError: UNFIT,  # a text that PostgreSQL can't keep, such as one with a NUL in it
    people.DutyHeldAlready: TAKEN,
    people.DutyNotHeld: MISSING,
    people.EmailTaken: TAKEN,
    people.SeatHeldAlready: TAKEN,
    people.PasswordsBusy: BUSY,
    rooms.Overloaded: BUSY,
    rooms.NoSigningKey: UNREADY,
}


def answer_errors(app: FastAPI) -> None:
    """Have the application answer each of these errors; all others stay faults (500) and are logged.

    People get a page, programs JSON: a browser that goes to an address asks for HTML, and /api gives none.
    """
    for error in ERRORS:
        app.add_exception_handler(error, _known)
    for refusal in (NotPermitted, rooms.NotAdmittedHere):
        app.add_exception_handler(refusal, _refused)
    app.add_exception_handler(HTTPException, _no_route)


def _known(request: Request, error: Exception) -> Response:
    becomes = ERRORS[type(error)]
    if _wants_page(request):
        return _page(request, error, becomes)
    return JSONResponse(
        {
            "error": type(error).__name__,
            "sentence": _in(becomes.sentences, language_of(request)),
            "detail": str(error) if becomes.code in {409, 422} else None,
            **jsonable_encoder(_particulars(error)),
        },
        becomes.code,
    )


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


def _page(request: Request, error: Exception, becomes: Becomes) -> Response:
    words = words_for(request, getattr(request.state, "reads", None))
    if isinstance(error, NotSignedIn):
        desk = cast(Desk, request.app.state.desk)
        return door(desk.units, words, Tried(onward=own_page(request.url.path)), code=becomes.code)
    return page("error.html", words, becomes.code, sentence=_in(becomes.sentences, words.code))


def _particulars(error: Exception) -> dict[str, object]:
    """Return what a page needs to show the person what stands in the way."""
    match error:
        case meetings.EditedMeanwhile():
            return {"current_version": error.current.version, "edits": error.edits}
        case meetings.Conflicting():
            return {"conflicts": error.conflicts}
        case people.DetailsInvalid():
            return {"field": error.field, "why": error.why}
        case people.PasswordRefused():
            return {"why": error.why}
    return {}


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, NotPermitted | rooms.NotAdmittedHere):
        raise error
    if _wants_page(request):
        return _page(request, error, Becomes(status.HTTP_403_FORBIDDEN, error.reasons))
    policies = list(error.policies) if isinstance(error, NotPermitted) else []
    sentence = _in(error.reasons, language_of(request))
    content = {"error": "NotPermitted", "sentence": sentence, "policies": policies}
    return JSONResponse(content, status.HTTP_403_FORBIDDEN)


async def _no_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == status.HTTP_404_NOT_FOUND and _wants_page(request):
        return _page(request, error, MISSING)
    return await http_exception_handler(request, error)


def _in(sentences: Sentences, language: str) -> str:
    return sentences.get(language) or sentences["fr"]
