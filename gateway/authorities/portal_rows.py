"""A stay as a row of the portal's import files: the fallback for whom the interface cannot take. Pure.

- Vietnamese guests: the nineteen columns of the XLSX template, every value a text, so that no spreadsheet eats a zero or turns a date.
- Foreigners: the elements of the XML, in their documented order.
- Enumerations are written verbatim as ``code - label``; labels are data (``portal_labels.toml``), for only some of them are known for sure.
- What cannot be written truthfully is a problem, not a guess.

Example: ``guest_row(task, number=1, labels=labels)[2]`` is "01/02/1995"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from importlib import resources
from typing import Final, Literal

import msgspec

from gateway.authorities.kbtt_mapping import dispute_note, document_code, number_of
from gateway.authorities.port import Task
from residence.clock import VIETNAM
from residence.errors import Problem, problem
from residence.people.person import DocumentKind
from residence.places.premises import UNIT_MANDATORY
from residence.stays.known import numbers_of
from residence.stays.reasons import NEEDS_TEXT, REASONS

# A to S, byte for byte as documented; ``*`` is the template's own mark of what is mandatory.
COLUMNS: Final = (
    "STT", "HỌ TÊN*", "NGÀY SINH*", "GIỚI TÍNH*", "QUỐC TỊCH*", "LOẠI GIẤY TỜ*", "TÊN GIẤY TỜ", "SỐ GIẤY TỜ*", "SĐT", "NƠI CƯ TRÚ HIỆN NAY",
    "TỈNH/TP", "PHƯỜNG/XÃ/ĐẶC KHU", "ĐỊA CHỈ CHI TIẾT", "NGÀY ĐẾN*", "NGÀY ĐI DỰ KIẾN*", "SỐ PHÒNG/KHOA", "LÝ DO CƯ TRÚ*", "NHẬP LÝ DO", "GHI CHÚ",
)  # fmt: skip
ELEMENTS: Final = (
    "so_thu_tu", "ho_ten", "ngay_sinh", "ngay_sinh_dung_den", "gioi_tinh", "ma_quoc_tich", "so_ho_chieu", "so_phong", "ngay_den", "ngay_di_du_kien",
    "ngay_tra_phong", "thoi_han_tam_tru",
)  # fmt: skip
DateForm = Literal["day-first", "iso"]
_FORMS: Final[dict[DateForm, str]] = {"day-first": "%d/%m/%Y", "iso": "%Y-%m-%d"}
_OTHER_PAPER: Final = 9


class Labels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The template's own words, by code."""

    documents: dict[str, str]
    sexes: dict[str, str]
    countries: dict[str, str]


def read_labels(data: bytes | None = None) -> Labels:
    """Return the labels of a file, the built-in ones without one; raises ``ValueError`` for what is none."""
    if data is None:
        data = resources.files("gateway.authorities").joinpath("portal_labels.toml").read_bytes()
    return msgspec.convert(tomllib.loads(data.decode("utf-8")), Labels)


def file_problems(task: Task) -> tuple[Problem, ...]:
    """Return what keeps a stay out of the file, too."""
    return tuple(_foreign(task) if task.is_foreigner else _vietnamese(task))


def guest_row(task: Task, *, number: int, labels: Labels) -> tuple[str, ...]:
    """Return the cells A to S of a Vietnamese guest without problems."""
    said, person = task.declaration, task.declaration.person
    code = document_code(person.document)
    reason = REASONS[said.reason] if said.reason else None
    cells = {
        "STT": str(number),
        "HỌ TÊN*": person.full_name,
        "NGÀY SINH*": day_text(person.birth.value) if person.birth else "",
        "GIỚI TÍNH*": labels.sexes[person.sex or "male"],
        "QUỐC TỊCH*": labels.countries["VNM"],
        "LOẠI GIẤY TỜ*": labels.documents[str(code)],
        "TÊN GIẤY TỜ": person.document.kind.value if person.document and code == _OTHER_PAPER else "",
        "SỐ GIẤY TỜ*": number_of(person) or "",
        "NGÀY ĐẾN*": day_text(task.arrival),
        "NGÀY ĐI DỰ KIẾN*": day_text(task.until),
        "SỐ PHÒNG/KHOA": task.unit or "",
        "LÝ DO CƯ TRÚ*": f"{reason.code} - {reason.label.vi}" if reason else "",
        "NHẬP LÝ DO": said.reason_text or "",
        "GHI CHÚ": dispute_note(task) or "",
    }
    return tuple(cells.get(column, "") for column in COLUMNS)


def guest_elements(task: Task, *, number: int, form: DateForm, left: datetime | None) -> tuple[tuple[str, str], ...]:
    """Return the elements of a foreigner without problems, in order; the optional ones only where they say something."""
    said, person = task.declaration, task.declaration.person
    values = {
        "so_thu_tu": str(number),
        "ho_ten": person.full_name,
        "ngay_sinh": day_text(person.birth.value, form) if person.birth else "",
        "ngay_sinh_dung_den": "D",
        "gioi_tinh": "M" if person.sex == "male" else "F",
        "ma_quoc_tich": ISO3.get(person.nationality, person.nationality),
        "so_ho_chieu": number_of(person) or "",
        "so_phong": task.unit or "",
        "ngay_den": day_text(task.arrival, form),
        "ngay_di_du_kien": day_text(task.until, form),
        "ngay_tra_phong": day_text(left, form) if left else None,
        "thoi_han_tam_tru": day_text(said.permitted_stay_until or "", form),
    }
    return tuple((name, value) for name in ELEMENTS if (value := values[name]) is not None)


ISO3: Final = {"D": "DEU"}  # the one passport code that is known not to be ISO 3166's


def day_text(value: str | datetime, form: DateForm = "day-first") -> str:
    """Write a day (``YYYY-MM-DD``, or an instant's day in Vietnam) as text.

    >>> day_text("1995-02-01")
    '01/02/1995'
    """
    day = value.astimezone(VIETNAM).date() if isinstance(value, datetime) else date.fromisoformat(value)
    return day.strftime(_FORMS[form])


def _both(task: Task) -> Iterator[Problem]:
    person = task.declaration.person
    if person.sex is None:
        yield problem("authority.sex_missing", "/person/sex")
    if person.birth is None:
        yield problem("authority.birth_missing", "/person/birth")
    elif person.birth.precision != "day":
        yield problem("authority.birth_inexact", "/person/birth")
    if task.unit is None and task.premises_kind in UNIT_MANDATORY:
        yield problem("authority.room_missing", "/unit")


def _vietnamese(task: Task) -> Iterator[Problem]:
    said = task.declaration
    yield from _both(task)
    if said.person.document is None and numbers_of(said.person):
        yield problem("authority.document_kind_missing", "/person/document/kind")
    elif document_code(said.person.document) is None:
        yield problem("authority.no_papers", "/person/document")
    elif not number_of(said.person):
        yield problem("authority.number_missing", "/person/document/number")
    if said.reason is None:
        yield problem("authority.reason_missing", "/reason")
    elif said.reason in NEEDS_TEXT and not said.reason_text:
        yield problem("authority.reason_text_missing", "/reason_text")


def _foreign(task: Task) -> Iterator[Problem]:
    said = task.declaration
    yield from _both(task)
    document = said.person.document
    if document is None or document.kind is not DocumentKind.PASSPORT:
        yield problem("authority.document_not_taken", "/person/document/kind")
    elif not document.number:
        yield problem("authority.number_missing", "/person/document/number")
    if said.permitted_stay_until is None:
        yield problem("authority.permitted_missing", "/permitted_stay_until")
