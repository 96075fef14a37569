"""The played KBTT's public catalogues, with made-up province and ward codes and a version that changes them.

- Codes of provinces and wards are the ministry's own and known to us only by name, so these are invented; documents and reasons are the document's.
- Another version renames and re-numbers something, as a change between two runs would: version 2 a province and a country, version 3 a reason and
  documents, with entries nobody knows.
- Served with an ETag; whoever asks with it gets 304.

Example: ``catalogue("nationalities", version=1)[0]["ma"]``
"""

from __future__ import annotations

from typing import Any, Final

PATHS: Final[dict[str, str]] = {
    "/cms-backend/public/dm-tinh-tp/get-all": "provinces",
    "/cms-backend/public/sandbox/phuong-xa": "wards",
    "/cms-backend/public/sandbox/quoc-tich": "nationalities",
    "/cms-backend/public/sandbox/ly-do": "reasons",
    "/cms-backend/public/sandbox/giay-to": "documents",
    "/cms-backend/public/sandbox/noi-cu-tru": "residences",
}
_REASONS: Final = (
    "Du lịch", "Công tác", "Học tập", "Thăm viếng", "Hội nghị", "Thăm thân", "Từ thiện", "Tổ chức quốc tế", "Kết hôn", "Lãnh sự quán",
    "Viện trợ", "Đại sứ quán", "Định cư", "Tiếp thị", "Báo chí", "Thương mại", "Gia hạn thị thực", "Chữa bệnh", "Lao động", "Mục đích khác",
)  # fmt: skip
_DOCUMENTS: Final = (
    "CCCD",
    "CMND",
    "Giấy phép lái xe",
    "Hộ chiếu",
    "Giấy khai sinh",
    "Thẻ BHYT",
    "Thông báo số định danh",
    "Căn cước",
)
_RESIDENCES: Final = ("Thường trú", "Tạm trú", "Khác")
# ISO 3166 codes, with the one exception the document shows
_NATIONS: Final = (
    ("D", "Đức"), ("FRA", "Pháp"), ("GBR", "Anh"), ("JPN", "Nhật Bản"), ("KOR", "Hàn Quốc"), ("RUS", "Nga"), ("USA", "Hoa Kỳ"), ("VNM", "Việt Nam"),
)  # fmt: skip


def catalogue(name: str, *, version: int) -> list[dict[str, Any]]:
    """Return one catalogue's entries as they are served."""
    if name == "provinces":
        capital = "101" if version == 1 else "201"  # the document shows both
        return [_entry(capital, "Thành phố Hà Nội"), _entry("501", "Thành phố Đà Nẵng"), _entry("701", "Thành phố Hồ Chí Minh")]
    if name == "wards":
        return [
            {**_entry(f"{province}{ward:06d}", f"Phường Thử Nghiệm {ward}"), "maTT": province}
            for province in ("101" if version == 1 else "201", "501", "701")
            for ward in (1, 2, 3)
        ]
    if name == "nationalities":
        return [_entry("DEU" if code == "D" and version > 1 else code, label) for code, label in _NATIONS]
    listed = dict(enumerate(_NUMBERED[name], start=1))
    if version > 2:  # noqa: PLR2004 - the version that numbers anew
        changed = _VERSION_3.get(name, {})
        listed = {place: label for place, label in (listed | changed).items() if label}
    return [{"ma": place, "ten": label} for place, label in listed.items()]


def _entry(code: str, label: str) -> dict[str, Any]:
    return {"ma": code, "ten": label}


_NUMBERED: Final = {"reasons": _REASONS, "documents": _DOCUMENTS, "residences": _RESIDENCES}

# number -> another label, or nothing where the entry is gone
_VERSION_3: Final[dict[str, dict[int, str]]] = {
    "reasons": {18: "", 21: "Chữa bệnh", 9: "", 22: "Điều dưỡng"},
    "documents": {2: "Giấy chứng minh cũ", 10: "Hộ chiếu điện tử"},
}


def codes(name: str, *, version: int) -> frozenset[Any]:
    """Return the codes a declaration may carry."""
    return frozenset(each["ma"] for each in catalogue(name, version=version))
