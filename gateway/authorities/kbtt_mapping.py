"""Our words into the ministry's and its answers into ours: the whole of the mapping, pure.

- Only what the ministry requires is sent, the room, and that a value is under dispute (in the note, which only the form of Vietnamese guests has): no picture, no telephone number, no address, no code of a ward nobody confirmed.
- The wording of an answer is for people. Only HTTP status and ``code`` decide, and where they disagree it was not accepted.
- Times are Vietnam's wall time without a zone.

Example: ``declaration_fields(task, settings, nationality=None)["lyDoCuTru"]`` is 1 for a tourist
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.authorities.port import Outcome, Task
from gateway.authorities.settings import KbttSettings
from residence.clock import VIETNAM
from residence.people.documents import ministry_code
from residence.people.partial_dates import earliest
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.reasons import ministry_reason

_FORM: Final = "%Y-%m-%d %H:%M:%S"
_PART: Final = re.compile(r"Bản khai báo (\d+): ")
_SEXES: Final = {"letters": {"male": "M", "female": "F"}, "words": {"male": "Nam", "female": "Nữ"}}
_DISPUTED: Final[Mapping[str, str]] = {
    "full-name": "họ tên",
    "birth-date": "ngày sinh",
    "sex": "giới tính",
    "nationality": "quốc tịch",
    "personal-number": "số định danh",
    "document": "giấy tờ",
    "stay": "việc lưu trú (người được khai nói không phải mình)",
    "unit": "số phòng",
}
OK: Final = "200"
_NOT_READ: Final = frozenset({404, 405, 406, 410, 413, 415})
_REFUSED: Final = frozenset({400, 409, 422})


def declaration_fields(
    task: Task, settings: KbttSettings, *, nationality: str | None, reason: int | None = None, document: int | None = None
) -> dict[str, Any]:
    """Return the fields of an arrival that passed ``problems_of``, with the catalogues' codes; without one of reason or document the ministry document's."""
    said, person = task.declaration, task.declaration.person
    fields: dict[str, Any] = {
        "hoTen": person.full_name,
        "gioiTinh": _SEXES[settings.sexes][person.sex or "male"],
        "ngayThangNamSinhStr": earliest(person.birth).isoformat() if person.birth else "",
        "ngayDenCsltStr": wall(task.arrival),
        "ngayDiDuKienStr": wall(task.until),
    }
    if task.is_foreigner:
        fields |= {
            "quocTich": nationality,
            "soHoChieu": number_of(person),
            "loaiNgayThangNamSinh": birth_kind(person.birth, settings),
            "thoiHanTamTruStr": permitted_until(said.permitted_stay_until, settings),
        }
    else:
        fields |= {
            "loaiGiayTo": document or document_code(person.document),
            "soGiayTo": number_of(person),
            "lyDoCuTru": reason or (ministry_reason(said.reason) if said.reason else None),
        }
        if said.reason_text:
            fields["lyDoChiTiet"] = said.reason_text
        if note := dispute_note(task):
            fields["ghiChu"] = note
    if task.unit:
        fields["soPhong"] = task.unit
    return fields


def dispute_note(task: Task) -> str | None:
    """Return in words which of the told values somebody says are wrong, None when nobody does.

    >>> _DISPUTED["birth-date"]
    'ngày sinh'
    """
    if not task.disputed:
        return None
    return f"Thông tin đang có khiếu nại: {', '.join(_DISPUTED[each] for each in task.disputed)}"


def change_fields(task: Task, settings: KbttSettings, *, document: int | None = None) -> dict[str, Any]:
    """Return the fields of an extension or early departure: the guest is named by their document, for there is no record id."""
    person = task.declaration.person
    fields: dict[str, Any] = {"loai": "GH" if task.operation == "extension" else "TS"}
    if task.operation == "extension" or settings.departure_time:
        fields["thoiGianStr"] = wall(task.until)
    if task.is_foreigner:
        return {**fields, "soHoChieu": number_of(person)}
    return {**fields, "soGiayTo": number_of(person), "loaiGiayTo": document or document_code(person.document)}


def number_of(person: Person) -> str | None:
    """Return the number of the document shown; a card's is the personal number."""
    document = person.document
    if document is None:
        return None
    if document.number is None and document.kind in {DocumentKind.CARD_2021, DocumentKind.CARD_2024}:
        return person.personal_number
    return document.number


def document_code(document: Document | None) -> int | None:
    """Return the ministry's code of a document."""
    return ministry_code(document.kind) if document else None


def birth_kind(birth: PartialDate | None, settings: KbttSettings) -> str | None:
    """Return how exact a foreigner's birth date is, None where there is no code for it."""
    if birth is None or birth.precision == "month":
        return None
    return "D" if birth.precision == "day" else settings.year_only_code or None


def permitted_until(day: str | None, settings: KbttSettings) -> str | None:
    """Return the end of the permitted stay: the whole day is permitted."""
    if day is None:
        return None
    return day if settings.permitted_form == "day" else f"{day} 23:59:59"


def wall(instant: datetime) -> str:
    """Write an instant as the ministry does."""
    return instant.astimezone(VIETNAM).strftime(_FORM)


def nationality_code(nationality: str, codes: Sequence[str], settings: KbttSettings) -> str | None:
    """Return the catalogue's code of a passport's country code, which it writes now as ICAO does and now as ISO 3166."""
    iso = settings.country_codes.get(nationality, nationality)
    icao = next((each for each, other in settings.country_codes.items() if other == nationality), nationality)
    return next((each for each in (nationality, iso, icao) if each in codes), None)


def outcome_of(status: int, body: bytes, *, wait: timedelta | None = None) -> Outcome:
    """Return what an answer means."""
    content = read_answer(body)
    words = str(content.get("message") or "") if content else ""
    if status in _NOT_READ or 300 <= status < 400:  # noqa: PLR2004 - redirections are not followed
        return Outcome(fate="not-sent", code="authority.address_wrong", words=words)
    if status == 429:  # noqa: PLR2004 - RFC 6585
        return Outcome(fate="not-sent", code="authority.told_to_wait", wait=wait)
    if status in {401, 403}:
        return Outcome(fate="not-sent", code="authority.login_refused", words=words)
    if status in _REFUSED:
        return Outcome(fate="refused", code="authority.refused", words=words)
    if not 200 <= status < 300 or content is None or "code" not in content:  # noqa: PLR2004
        return Outcome(fate="silent", code="authority.answer_unclear", wait=wait)
    if str(content["code"]) != OK:
        return Outcome(fate="refused", code="authority.refused", words=words)
    return Outcome(fate="accepted")


def read_answer(body: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object of an answer, None when it is none."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def parts_of(words: str) -> list[tuple[int, str]]:
    """Take the ministry's one text apart, for display: (number as it wrote it, text).

    >>> parts_of("Bản khai báo 1: thiếu tên, Bản khai báo 2: sai ngày")
    [(1, 'thiếu tên'), (2, 'sai ngày')]
    """
    pieces = _PART.split(words)
    return [(int(number), text.rstrip(", ")) for number, text in zip(pieces[1::2], pieces[2::2], strict=True)]
