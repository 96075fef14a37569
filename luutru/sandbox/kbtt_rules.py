"""The played KBTT's rules: what it refuses of a declaration, and the list of what it holds. Written from the ministry's document alone.

- It imports nothing of the connector, so a mistake of ours is not made twice and agreed upon.
- Stricter than the real one: unknown fields, wrong JSON types, blanks around texts and images are refused, too.
- "Today" is Vietnam's. A guest counts as staying until the planned departure unless a departure was reported.
- Numbers of rules are those of the document's list of validations.

Example: ``Ledger().faults_of(declaration, facility=facility, now=now, catalogues=catalogues, behaviour=behaviour)``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from luutru.sandbox.kbtt_behaviour import Behaviour, Facility
from residence.clock import VIETNAM

Fault = tuple[str, str]  # which rule, which field
FULL_FORM: Final = "%Y-%m-%d %H:%M:%S"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)
_VIETNAMESE: Final = {
    "hoTen": str, "gioiTinh": str, "ngayThangNamSinhStr": str, "loaiGiayTo": int, "soGiayTo": str, "ngayDenCsltStr": str,
    "ngayDiDuKienStr": str, "lyDoCuTru": int,
}  # fmt: skip
_VIETNAMESE_MORE: Final = {
    "lyDoChiTiet": str, "soPhong": str, "noiCuTru": int, "maTT": str, "maPX": str, "diaChi": str, "soDienThoai": str, "ghiChu": str,
}  # fmt: skip
_FOREIGN: Final = {
    "hoTen": str, "quocTich": str, "soHoChieu": str, "gioiTinh": str, "loaiNgayThangNamSinh": str, "ngayThangNamSinhStr": str,
    "ngayDenCsltStr": str, "ngayDiDuKienStr": str, "thoiHanTamTruStr": str,
}  # fmt: skip
_FOREIGN_MORE: Final = {"soPhong": str}
_NUMBERS: Final = {
    1: r"[0-9]{12}", 2: r"[0-9]{9}|[0-9]{12}", 3: r"[A-Za-z0-9]{1,20}", 4: r"[A-Za-z0-9]{1,10}", 5: r"\S{1,50}", 6: r"[A-Za-z0-9]{1,20}",
    7: r"\S{1,50}", 8: r"[0-9]{12}",
}  # fmt: skip
_LONGEST: Final = timedelta(days=30)
_NEEDS_TEXT: Final = 20
_EMPTY: Final = (None, "")  # a tuple: a list or an object may be asked about, too


@dataclass(kw_only=True, slots=True)
class Held:
    """One declaration it holds."""

    number: int
    facility_id: str
    foreign: bool
    document: tuple[int, str]
    name: str
    arrival: datetime
    departure: datetime
    content: dict[str, Any]
    ended: bool = False


@dataclass(kw_only=True, slots=True)
class Ledger:
    """What it holds, and every change it took: what a test counts back."""

    held: list[Held] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)  # facility, TS or GH, document number

    def take(self, content: Mapping[str, Any], *, facility: Facility, foreign: bool) -> None:
        """Hold a declaration that passed."""
        self.held.append(
            Held(
                number=len(self.held) + 1,
                facility_id=facility.facility_id,
                foreign=foreign,
                document=document_of(content, foreign=foreign),
                name=content["hoTen"],
                arrival=moment(content["ngayDenCsltStr"]),
                departure=moment(content["ngayDiDuKienStr"]),
                content=dict(content),
            )
        )

    def staying(self, document: tuple[int, str], now: datetime) -> Held | None:
        """Return the stay this document's holder is in, as far as this authority knows."""
        return next((each for each in self.held if each.document == document and not each.ended and each.departure > now), None)

    def faults_of(
        self, content: Any, *, facility: Facility, foreign: bool, now: datetime, context: Mapping[str, Any]
    ) -> list[Fault]:
        """Return every fault of one declaration. ``context``: the catalogues' codes and the behaviour."""
        found = shape_faults(content, foreign=foreign)
        if found:
            return found
        found += _value_faults(content, facility=facility, foreign=foreign, context=context)
        found += _time_faults(content, foreign=foreign, now=now)
        document = document_of(content, foreign=foreign)
        arrival, departure = moment(content["ngayDenCsltStr"]), moment(content["ngayDiDuKienStr"])
        if any(
            each.document == document
            and each.facility_id == facility.facility_id
            and each.arrival < departure
            and arrival < each.departure
            for each in self.held
        ):
            found.append(("overlap", ""))  # rule 6
        elif self.staying(document, now) is not None:
            found.append(("staying", ""))  # rule 5
        return found

    def change(self, content: Any, *, facility: Facility, now: datetime, foreign: bool) -> list[Fault]:
        """Take a change of departure, or return its faults."""
        if not isinstance(content, dict):
            return [("type", "")]
        number = content.get("soHoChieu" if foreign else "soGiayTo")
        document = (4 if foreign else content.get("loaiGiayTo"), number)
        kind, until = content.get("loai"), content.get("thoiGianStr")
        missing = [("required", "soGiayTo")] if not number else []
        missing += [("type", "loai")] if kind not in {"TS", "GH"} else []
        missing += [("required", "thoiGianStr")] if kind == "GH" and not until else []
        missing += [("type", "thoiGianStr")] if until is not None and not _is_moment(until) else []
        if missing:
            return missing
        stay = self.staying(document, now)  # type: ignore[arg-type]  # a document nobody has is nobody's
        if stay is None or stay.facility_id != facility.facility_id:
            return [("not_staying", "")]
        if kind == "TS":
            stay.ended, stay.departure = True, min(moment(until), now) if until else now
        else:
            wanted = moment(str(until))
            if not stay.departure < wanted <= stay.arrival + _LONGEST:
                return [("extension", "thoiGianStr")]  # rule 8
            stay.departure = wanted
        self.changes.append((facility.facility_id, str(kind), str(number)))
        return []


def shape_faults(content: Any, *, foreign: bool) -> list[Fault]:
    """Return what is missing, strange or of the wrong type."""
    if not isinstance(content, dict):
        return [("type", "")]
    needed, more = (_FOREIGN, _FOREIGN_MORE) if foreign else (_VIETNAMESE, _VIETNAMESE_MORE)
    known = {**needed, **more}
    found: list[Fault] = [("unknown_field", name) for name in content if name not in known]
    found += [("required", name) for name in needed if content.get(name) in _EMPTY]
    for name, value in content.items():
        if name in known and value not in _EMPTY and not _fits(value, known[name]):
            found.append(("type", name))
    texts = [("ngayThangNamSinhStr", _is_day), ("ngayDenCsltStr", _is_moment), ("ngayDiDuKienStr", _is_moment)]
    if foreign:
        texts.append(("thoiHanTamTruStr", _is_moment))
    taken = {name for _, name in found}
    return found + [("type", name) for name, fits in texts if name not in taken and not fits(content[name])]


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, str) and value != value.strip():
        return False
    return isinstance(value, kind) and not isinstance(value, bool)


def _value_faults(content: Mapping[str, Any], *, facility: Facility, foreign: bool, context: Mapping[str, Any]) -> list[Fault]:
    found: list[Fault] = []
    behaviour: Behaviour = context["behaviour"]
    sexes = {"M", "F"} if behaviour.sexes == "letters" else {"Nam", "Nữ"}
    if content["gioiTinh"] not in sexes:
        found.append(("type", "gioiTinh"))
    if facility.type != "other" and not content.get("soPhong"):
        found.append(("room", "soPhong"))  # rule 1
    if foreign:
        if content["quocTich"] not in context["nationalities"]:
            found.append(("catalogue", "quocTich"))
        if re.fullmatch(_NUMBERS[4], content["soHoChieu"]) is None:
            found.append(("document", "soHoChieu"))
        return found
    return found + _vietnamese_faults(content, context)


def _vietnamese_faults(content: Mapping[str, Any], context: Mapping[str, Any]) -> list[Fault]:
    found: list[Fault] = []
    if content["lyDoCuTru"] not in context["reasons"]:
        found.append(("catalogue", "lyDoCuTru"))
    if content["lyDoCuTru"] == _NEEDS_TEXT and not content.get("lyDoChiTiet"):
        found.append(("reason_text", "lyDoChiTiet"))  # rule 1
    shape = _NUMBERS.get(content["loaiGiayTo"])
    if shape is None or content["loaiGiayTo"] not in context["documents"]:
        found.append(("catalogue", "loaiGiayTo"))
    elif re.fullmatch(shape, content["soGiayTo"]) is None:
        found.append(("document", "soGiayTo"))  # rule 2
    found += [("catalogue", name) for name in ("maTT", "maPX") if content.get(name) and content[name] not in context[name]]
    return found


def _time_faults(content: Mapping[str, Any], *, foreign: bool, now: datetime) -> list[Fault]:
    today = now.astimezone(VIETNAM).date()
    yesterday = today - timedelta(days=1)
    arrival, departure = moment(content["ngayDenCsltStr"]), moment(content["ngayDiDuKienStr"])
    found: list[Fault] = []
    if arrival.date() not in {today, yesterday}:
        found.append(("arrival_day", "ngayDenCsltStr"))  # rule 3
    if departure.date() < yesterday or departure < arrival:
        found.append(("departure", "ngayDiDuKienStr"))  # rule 4
    if foreign and moment(content["thoiHanTamTruStr"]).date() < today:
        found.append(("permitted", "thoiHanTamTruStr"))  # rule 7
    return found


def document_of(content: Mapping[str, Any], *, foreign: bool) -> tuple[int, str]:
    """Return what tells a guest from others: there is no record id."""
    return (4, content["soHoChieu"]) if foreign else (content["loaiGiayTo"], content["soGiayTo"])


def moment(text: str) -> datetime:
    """Read the document's date and time, which are Vietnam's."""
    return datetime.strptime(text, FULL_FORM).replace(tzinfo=VIETNAM)


def _is_moment(text: Any) -> bool:
    return isinstance(text, str) and _TIME.fullmatch(text) is not None and _is_real(text, FULL_FORM)


def _is_day(text: Any) -> bool:
    return isinstance(text, str) and _DAY.fullmatch(text) is not None and _is_real(text, "%Y-%m-%d")


def _is_real(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form).replace(tzinfo=VIETNAM)
    except ValueError:
        return False
    return True
