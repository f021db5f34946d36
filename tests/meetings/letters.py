"""Reading letters back, as a mail program and a calendar would."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import icalendar


def letter(message: bytes) -> EmailMessage:
    """Return the parsed letter."""
    parsed = message_from_bytes(message, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_in(message: bytes) -> str:
    """Return what a person reads."""
    body = letter(message).get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


def calendar_in(message: bytes) -> Any:
    """Return the calendar object, whose method must be the same inside and outside (RFC 6047, 2.4)."""
    (part,) = [each for each in letter(message).walk() if each.get_content_type() == "text/calendar"]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    parsed = parse(payload)
    assert part.get_param("method") == str(parsed["METHOD"])
    return parsed


def parse(written: bytes) -> Any:
    """Return the calendar object; the library types its values as a union of thirty, so here they are Any."""
    parsed = icalendar.Calendar.from_ical(written)
    assert isinstance(parsed, icalendar.Calendar)
    return parsed
