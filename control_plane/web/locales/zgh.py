"""Standard Moroccan Tamazight: what we are sure of (names of days and months as in Unicode's CLDR), French else."""

from dataclasses import replace

from control_plane.web.locales import fr

WORDS = replace(
    fr.WORDS,
    code="zgh",
    own_name="ⵜⴰⵎⴰⵣⵉⵖⵜ",
    languages="ⵜⵓⵜⵍⴰⵢⵜ",
    meetings="ⵉⴳⵔⴰⵡⵏ",
    day="ⴰⵙⵙ",
    today="ⴰⵙⵙⴰ",
    password="ⵜⴰⴳⵓⵔⵉ ⵏ ⵓⵣⵔⴰⵢ",  # noqa: S106 — the label of the field
    policies="ⵜⵉⵙⵔⵜⵉⵜⵉⵏ",
    no_policy="ⵓⵔ ⵜⵍⵍⵉ ⵜⵙⵔⵜⵉⵜ ⵉⵙⵙⵓⵔⴼⵏ ⴰⵢⴰ",
    weekdays=("ⴰⵢⵏⴰⵙ", "ⴰⵙⵉⵏⴰⵙ", "ⴰⴽⵕⴰⵙ", "ⴰⴽⵡⴰⵙ", "ⴰⵙⵉⵎⵡⴰⵙ", "ⴰⵙⵉⴹⵢⴰⵙ", "ⴰⵙⴰⵎⴰⵙ"),
    months=(
        *("ⵉⵏⵏⴰⵢⵔ", "ⴱⵕⴰⵢⵕ", "ⵎⴰⵕⵚ", "ⵉⴱⵔⵉⵔ", "ⵎⴰⵢⵢⵓ", "ⵢⵓⵏⵢⵓ"),
        *("ⵢⵓⵍⵢⵓⵣ", "ⵖⵓⵛⵜ", "ⵛⵓⵜⴰⵏⴱⵉⵔ", "ⴽⵜⵓⴱⵔ", "ⵏⵓⵡⴰⵏⴱⵉⵔ", "ⴷⵓⵊⴰⵏⴱⵉⵔ"),
    ),
    first="1",
)
