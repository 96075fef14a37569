"""What a message says: a notice's sentence, when it is due, and one link; in the recipient's language and Vietnamese, and nobody's name.

- It names no person, no address and, to a person, no place: mail is read by others. The room is named to the house alone.
- The recipient's language comes first, then Vietnamese (English to whoever reads Vietnamese): a neighbour or the police may be asked what it says.
- Chinese, Korean, Japanese and Russian stand in ``letters.toml``. The text follows from the notice alone: sent again it is the same.
- An address is taken as written if it is one plain mailbox in ASCII; what cannot be is refused before anything is sent there.

>>> check_address(" le-tan@example.org ")
'le-tan@example.org'
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from importlib import resources
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
_WORDS: Final[dict[str, tuple[str, str, str, str, str]]] = {
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
_ENDS: Final[dict[str, str]] = {
    "vi": "Thư này không nêu tên ai. Nếu không liên quan đến bạn, hãy bỏ qua. Không trả lời thư này.",
    "en": "This message names nobody. If it does not concern you, leave it. Do not reply to it.",
}
Language = Literal["vi", "en", "zh", "ko", "ja", "ru"]
_TIMES: Final = {
    "zh": "{0:%Y}年{0:%m}月{0:%d}日 {0:%H:%M}",
    "ja": "{0:%Y}年{0:%m}月{0:%d}日 {0:%H:%M}",
    "ko": "{0:%Y}년 {0:%m}월 {0:%d}일 {0:%H:%M}",
    "ru": "{0:%H:%M} {0:%d.%m.%Y}",
}
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
    """Write a message in a language, and below it in the other of Vietnamese and English that its reader may show to somebody."""
    other: Language = "en" if language == "vi" else "vi"
    code = f"mail.subject_{told.stops}" if told.stops else "mail.subject_confirm" if told.kind is None else "mail.subject"
    subject = _sentence(code, language)
    return Letter(subject=subject, body="\n\n-----\n\n".join(_part(told, each) for each in (language, other)) + "\n")


@cache
def letters() -> dict[str, dict[str, str]]:
    """Return code or word -> language -> text, for the languages codes themselves do not have."""
    text = resources.files("residence.cases").joinpath("letters.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, dict[str, str]])


def said(kind: NoticeKind, *, to_house: bool) -> str:
    """Return the code of the sentence: whoever was seen is told of themselves, not of somebody."""
    return "notice.please_declare_yourself" if kind in DECLARE_KINDS and not to_house else kind.code


def _sentence(code: str, language: Language) -> str:
    if language in ("vi", "en"):
        return str(getattr(sentence(code), language))
    return letters()[code][language]


def _words(language: Language) -> tuple[str, str, str, str, str]:
    if language in _WORDS:
        return _WORDS[language]
    due, room, answer, confirm, stop = (letters()[name][language] for name in ("due", "room", "answer", "confirm", "stop"))
    return due, room, answer, confirm, stop


def _part(told: Told, language: Language) -> str:
    due, room, answer, confirm, stop = _words(language)
    code = (
        f"mail.{told.stops}" if told.stops else "mail.confirm" if told.kind is None else said(told.kind, to_house=told.to_house)
    )
    lines = [_sentence(code, language), ""]
    if told.due is not None:
        lines.append(f"{due}: {_TIMES.get(language, '{0:%H:%M %d/%m/%Y}').format(told.due.astimezone(VIETNAM))}")
    if told.unit and told.to_house:
        lines.append(f"{room}: {told.unit}")
    lines += [
        stop if told.stops else confirm if told.kind is None else answer,
        told.link,
        "",
        _ENDS.get(language) or letters()["ends"][language],
    ]
    return "\n".join(lines)
