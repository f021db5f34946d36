"""A sample parliament: six bodies and forty people, with names in Arabic and French."""

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.people.service import (
    BodyDetails,
    BodyKind,
    NewPassword,
    PersonDetails,
    QuorumKind,
    QuorumRule,
    add_person,
    begin_membership,
    create_body,
    give_duty,
    set_password,
)
from control_plane.permission import Permission
from control_plane.policy import Classification, Duty, Function
from control_plane.unit import Unit

ZONE = "Africa/Casablanca"
MAIL = "majlis.test"

#: key: kind, names (ar, fr, en, zgh), quorum in percent, default and highest classification, notice in hours
BODIES: dict[str, tuple[BodyKind, tuple[str, str, str, str], int, Classification, Classification, int]] = {
    "cabinet": (
        BodyKind.cabinet,
        ("مجلس الحكومة", "Conseil de gouvernement", "Cabinet", "ⴰⵙⵇⵇⵉⵎ ⵏ ⵜⵏⴱⴰⴹⵜ"),
        50,
        Classification.CONFIDENTIAL,
        Classification.SECRET,
        24,
    ),
    "finance": (
        BodyKind.committee,
        ("لجنة المالية", "Commission des finances", "Finance Committee", "ⵜⴰⵙⵎⵓⵏⵜ ⵏ ⵉⵇⴰⵔⵉⴹⵏ"),
        50,
        Classification.PUBLIC,
        Classification.CONFIDENTIAL,
        48,
    ),
    "justice": (
        BodyKind.committee,
        ("لجنة العدل", "Commission de la justice", "Justice Committee", "ⵜⴰⵙⵎⵓⵏⵜ ⵏ ⵜⵣⵕⴼⵜ"),
        50,
        Classification.PUBLIC,
        Classification.CONFIDENTIAL,
        48,
    ),
    "education": (
        BodyKind.committee,
        ("لجنة التعليم", "Commission de l’enseignement", "Education Committee", "ⵜⴰⵙⵎⵓⵏⵜ ⵏ ⵓⵙⵍⵎⴷ"),
        50,
        Classification.PUBLIC,
        Classification.RESTRICTED,
        48,
    ),
    "water": (
        BodyKind.ministerial_committee,
        (
            "اللجنة الوزارية للماء",
            "Comité interministériel de l’eau",
            "Ministerial Committee on Water",
            "ⵜⴰⵙⵎⵓⵏⵜ ⵏ ⵡⴰⵎⴰⵏ",
        ),
        50,
        Classification.RESTRICTED,
        Classification.CONFIDENTIAL,
        24,
    ),
    "class": (
        BodyKind.class_,
        ("قسم التاريخ", "Classe d’histoire", "History Class", "ⵜⴰⵖⵔⴼⴰ ⵏ ⵓⵎⵣⵔⵓⵢ"),
        1,
        Classification.PUBLIC,
        Classification.PUBLIC,
        0,
    ),
}

#: key: Arabic name, French name, language, memberships (body:function, or body:substitute:of whom)
PEOPLE: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "amina": ("أمينة بنعلي", "Amina Benali", "ar", ("finance:chair",)),
    "brahim": ("إبراهيم أوعلي", "Brahim Ouali", "fr", ("finance:vice_chair",)),
    "chaimae": ("شيماء الإدريسي", "Chaimae El Idrissi", "ar", ("finance:rapporteur",)),
    "driss": ("إدريس العلوي", "Driss Alaoui", "fr", ("finance:member",)),
    "fatima": ("فاطمة الزهراء بناني", "Fatima-Zahra Bennani", "ar", ("finance:member",)),
    "ghita": ("غيثة التازي", "Ghita Tazi", "fr", ("finance:member",)),
    "hamid": ("حميد أيت لحسن", "Hamid Aït Lahcen", "zgh", ("finance:member",)),
    "ilham": ("إلهام الفاسي", "Ilham El Fassi", "ar", ("finance:member",)),
    "jamal": ("جمال برادة", "Jamal Berrada", "fr", ("finance:member",)),
    "karima": ("كريمة شرقاوي", "Karima Cherkaoui", "ar", ("finance:member",)),
    "larbi": ("العربي المنصوري", "Larbi Mansouri", "ar", ("finance:member",)),
    "malika": ("مليكة أمزيان", "Malika Ameziane", "zgh", ("finance:member",)),
    "nabil": ("نبيل الحسني", "Nabil El Hassani", "fr", ("finance:substitute:karima",)),
    "omar": ("عمر الكتاني", "Omar Kettani", "ar", ("finance:clerk", "justice:clerk")),
    "rachid": ("رشيد الوزاني", "Rachid Ouazzani", "fr", ("justice:chair",)),
    "salma": ("سلمى المريني", "Salma El Mrini", "ar", ("justice:member", "education:member")),
    "tarik": ("طارق السعيدي", "Tarik Saïdi", "fr", ("justice:member",)),
    "wafae": ("وفاء بوزيد", "Wafae Bouzid", "ar", ("education:chair",)),
    "youssef": ("يوسف لمريني", "Youssef Lamrini", "fr", ("education:member",)),
    "zineb": ("زينب الناصري", "Zineb Naciri", "ar", ("education:clerk",)),
    "aziz": ("عزيز الفيلالي", "Aziz Filali", "ar", ("cabinet:chair", "water:member")),
    "bouchra": ("بشرى العمراني", "Bouchra Amrani", "fr", ("cabinet:vice_chair", "water:chair")),
    "mehdi": ("المهدي بنجلون", "Mehdi Benjelloun", "fr", ("cabinet:member", "water:member")),
    "nadia": ("نادية الصقلي", "Nadia Sqalli", "ar", ("cabinet:member",)),
    "othmane": ("عثمان الودغيري", "Othmane Oudghiri", "fr", ("cabinet:member", "water:member")),
    "sanae": ("سناء الرايس", "Sanae Rais", "ar", ("cabinet:clerk", "water:clerk")),
    "hind": ("هند المالكي", "Hind El Malki", "fr", ("class:chair",)),
    "ayoub": ("أيوب الزياني", "Ayoub Ziani", "ar", ("class:member",)),
    "imane": ("إيمان بلحاج", "Imane Belhaj", "fr", ("class:member",)),
    "simo": ("محمد أكنوش", "Mohamed Aknouch", "fr", ()),
    "leila": ("ليلى الشامي", "Leïla Chami", "fr", ()),
    "said": ("سعيد البكاي", "Saïd Bekkaï", "ar", ()),
}
DUTIES = {"leila": Duty.security_officer, "said": Duty.administrator}
ROLES = {
    "omar": "clerk of the finance committee",
    "amina": "chair of the finance committee",
    "sanae": "clerk of the cabinet",
    "leila": "security officer: reads the log",
    "said": "administrator: people and bodies",
    "tarik": "member of another committee",
}


@dataclass(frozen=True, slots=True)
class Parliament:
    """The ids of what was loaded, by the keys above."""

    bodies: dict[str, str]
    people: dict[str, str]


def email(key: str) -> str:
    """Return the sample account's address."""
    return f"{key}@{MAIL}"


def found(unit: Unit, permission: Permission, password: NewPassword | None) -> Parliament:
    """Load the sample parliament as the operator at the console would; everybody gets the same password."""
    bodies = {key: create_body(unit, permission, None, body_details(key)) for key in BODIES}
    people = {key: add_person(unit, permission, None, person_details(key)) for key in PEOPLE}
    for key, body, function, member in memberships():
        begin_membership(
            unit,
            permission,
            None,
            person_id=people[key],
            body_id=bodies[body],
            function=function,
            substitute_for=people[member] if member else None,
        )
    for key, duty in DUTIES.items():
        give_duty(unit, permission, None, person_id=people[key], duty=duty)
    if password is not None:
        for person_id in people.values():
            set_password(unit, permission, None, person_id, password)
    return Parliament(bodies, people)


def body_details(key: str) -> BodyDetails:
    """Return what the sample says of a body."""
    kind, names, percent, default, highest, notice = BODIES[key]
    return BodyDetails(
        kind=kind,
        names=dict(zip(("ar", "fr", "en", "zgh"), names, strict=True)),
        zone=ZONE,
        quorum=QuorumRule(QuorumKind.percent, percent),
        default=default,
        highest=highest,
        notice_hours=notice,
        capacity=100,
    )


def person_details(key: str) -> PersonDetails:
    """Return what the sample says of a person."""
    arabic, french, language, _ = PEOPLE[key]
    return PersonDetails(names={"ar": arabic, "fr": french}, email=email(key), language=language)


def memberships() -> Iterator[tuple[str, str, Function, str]]:
    """Give each membership: person, body, function, and whose substitute (empty: nobody's)."""
    for key, (_, _, _, held) in PEOPLE.items():
        for membership in held:
            body, _, function = membership.partition(":")
            name, _, member = function.partition(":")
            yield key, body, Function(name), member
