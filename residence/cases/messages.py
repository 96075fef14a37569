"""What a message says: a notice's sentence, when it is due, and one link; in both languages, and nobody's name.

- It names no person, no address and, to a person, no place: mail is read by others. The room is named to the house alone.
- The recipient's language comes first. The text follows from the notice alone: sent again it is the same.
- An address is taken as written if it is one plain mailbox in ASCII; what cannot be is refused before anything is sent there.

>>> check_address(" le-tan@example.org ")
'le-tan@example.org'
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal

import msgspec

from residence.cases.notices import DECLARE_KINDS, NoticeKind
from residence.clock import VIETNAM
from residence.errors import Malformed, sentence

LONGEST_ADDRESS: Final = 254
LONGEST_NAME: Final = 64
_ADDRESS: Final = re.compile(
    r"(?P<name>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_WORDS: Final = {
    "vi": (
        "Hạn",
        "Phòng",
        "Mở trang này để khai hoặc trả lời (dùng một lần):",
        "Mở trang này để xác nhận địa chỉ:",
        "Mở trang này để dừng lại:",
    ),
    "en": (
        "Due",
        "Room",
        "Open this page to declare or to answer (it works once):",
        "Open this page to confirm the address:",
        "Open this page to stop it:",
    ),
}
_ENDS: Final = {
    "vi": "Thư này không nêu tên ai. Nếu không liên quan đến bạn, hãy bỏ qua. Không trả lời thư này.",
    "en": "This message names nobody. If it does not concern you, leave it. Do not reply to it.",
}
Language = Literal["vi", "en"]
Stops = Literal["recovery", "way_in"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said. ``kind`` None: please confirm this address, or with ``stops``: somebody is given a way into your page, or has one."""

    kind: NoticeKind | None
    stops: Stops | None = None
    to_house: bool
    link: str
    unit: str | None = None
    due: datetime | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is read."""

    subject: str
    body: str


def check_address(text: str) -> str:
    """Return an e-mail address, or raise ``Malformed("contact.address")``."""
    address = text.strip()
    found = _ADDRESS.fullmatch(address)
    if found is None or len(address) > LONGEST_ADDRESS or len(found["name"]) > LONGEST_NAME:
        raise Malformed("contact.address", "/address")
    return address


def write_letter(told: Told, *, language: Language) -> Letter:
    """Write a message in both languages."""
    other: Language = "en" if language == "vi" else "vi"
    code = f"mail.subject_{told.stops}" if told.stops else "mail.subject_confirm" if told.kind is None else "mail.subject"
    subject = getattr(sentence(code), language)
    return Letter(subject=subject, body="\n\n-----\n\n".join(_part(told, each) for each in (language, other)) + "\n")


def said(kind: NoticeKind, *, to_house: bool) -> str:
    """Return the code of the sentence: whoever was seen is told of themselves, not of somebody."""
    return "notice.please_declare_yourself" if kind in DECLARE_KINDS and not to_house else kind.code


def _part(told: Told, language: Language) -> str:
    due, room, answer, confirm, stop = _WORDS[language]
    code = (
        f"mail.{told.stops}" if told.stops else "mail.confirm" if told.kind is None else said(told.kind, to_house=told.to_house)
    )
    lines = [getattr(sentence(code), language), ""]
    if told.due is not None:
        lines.append(f"{due}: {told.due.astimezone(VIETNAM):%H:%M %d/%m/%Y}")
    if told.unit and told.to_house:
        lines.append(f"{room}: {told.unit}")
    lines += [stop if told.stops else confirm if told.kind is None else answer, told.link, "", _ENDS[language]]
    return "\n".join(lines)
