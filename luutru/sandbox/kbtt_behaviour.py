"""How the played KBTT behaves where its document is silent or contradicts itself, and which faults it plays.

- Every point the document leaves open is a setting here, so that a client can be tried against each reading of it.
- ``faults`` are played one per declaration or change, in order, and then used up; an empty list is a good day.
- The wording of messages is ours and has variants: whoever matches on wording breaks.

Example: ``Behaviour(error_status=200, first_number=0, faults=["timeout_after"])``
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

Fault = Literal[
    "timeout_before",  # no answer, nothing recorded
    "timeout_after",  # recorded, no answer
    "drop_before",  # the connection is cut, nothing recorded
    "drop_after",  # recorded, then the connection is cut
    "error_before",  # 500, nothing recorded
    "error_after",  # recorded, then 500
    "unavailable",  # 503 with Retry-After, nothing recorded
    "too_many",  # 429 with Retry-After, nothing recorded
    "garbage",  # recorded, and the answer is no JSON
    "silent_success",  # says it was recorded, and it was not
    "token_expired",  # 401 although the token should hold
    "odd_refusal",  # a 400 with several declarations' errors in one text, nothing recorded
    "none",
]
Wording = Annotated[int, msgspec.Meta(ge=0, le=2)]
# Facility types for which ``soPhong`` is mandatory; "other" stands for the rest.
FacilityType = Literal["hotel", "industrial-zone", "dormitory", "medical", "apartment-block", "other"]


class Behaviour(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What can be switched while it runs."""

    error_status: Literal[200, 400] = 400  # an error's HTTP status; the body's code is never "200"
    first_number: Literal[0, 1] = 1  # N in "Bản khai báo N"
    atomic: bool = True  # a batch with one bad declaration is refused whole
    largest_batch: int = 100
    token_seconds: int = 900
    token_in_data: bool = False  # the token's fields inside "data"
    refuse_refresh: bool = False
    per_second: int = 0  # declarations and changes; 0: no limit
    sexes: Literal["letters", "words"] = "letters"  # M/F or Nam/Nữ
    change_as_array: bool = False
    foreign_changes: bool = True  # whether there is a counterpart of API 12 for foreigners
    wording: Wording = 0
    slow_seconds: float = 0.0
    catalogue_version: int = 1
    catalogues_away: bool = False
    faults: list[Fault] = []


class Facility(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the played authority. All of it is made up and known to everybody."""

    facility_id: str
    username: str
    password: str
    type: FacilityType = "hotel"
    name: str = ""


CLIENT: Final = ("sandbox-client", "sandbox-client-secret")
_FACILITIES: Final[tuple[tuple[str, FacilityType, str], ...]] = (
    ("sao-mai", "hotel", "Khách sạn Sao Mai"),
    ("hoa-binh", "apartment-block", "Chung cư Hòa Bình"),
    ("nha-tro", "other", "Nhà trọ Bình Minh"),
)
FACILITIES: Final = tuple(
    Facility(facility_id=f"SBX-{place:04d}", username=username, password=f"sandbox-{place}", type=kind, name=name)
    for place, (username, kind, name) in enumerate(_FACILITIES, start=1)
)

# rule -> what it says, in three wordings
SENTENCES: Final[dict[str, tuple[str, str, str]]] = {
    "required": ("{field} không được để trống", "Thiếu trường bắt buộc {field}", "Vui lòng nhập {field}"),
    "type": ("{field} sai kiểu dữ liệu", "Không đọc được {field}", "Giá trị {field} không hợp lệ"),
    "unknown_field": ("Không có trường {field}", "Trường lạ {field}", "{field} không thuộc biểu mẫu"),
    "room": ("Số phòng bắt buộc với loại hình cơ sở này", "Chưa nhập số phòng", "soPhong trống"),
    "reason_text": ("Phải ghi rõ lý do", "Thiếu lý do chi tiết", "lyDoChiTiet trống"),
    "document": ("Số giấy tờ sai định dạng", "Số giấy tờ không đúng với loại giấy tờ", "soGiayTo không hợp lệ"),
    "arrival_day": ("Ngày đến phải là hôm nay hoặc hôm qua", "Ngày đến không hợp lệ", "Quá hạn khai báo ngày đến"),
    "departure": ("Ngày đi không hợp lệ", "Ngày đi phải sau ngày đến", "Ngày đi dự kiến sai"),
    "staying": ("Khách đang lưu trú, chưa trả phòng", "Công dân đang lưu trú tại cơ sở khác", "Khách chưa rời nơi ở cũ"),
    "overlap": ("Trùng thời gian lưu trú tại cơ sở", "Đã có khai báo trong thời gian này", "Thời gian lưu trú bị chồng lấn"),
    "permitted": ("Thời hạn tạm trú đã hết", "Thời hạn tạm trú phải từ hôm nay", "thoiHanTamTruStr không hợp lệ"),
    "extension": ("Ngày gia hạn không hợp lệ", "Chỉ được gia hạn trong 30 ngày kể từ ngày đến", "Gia hạn quá 30 ngày"),
    "duplicate": ("Trùng bản khai báo trong danh sách", "Khai báo bị lặp", "Hai bản khai giống nhau"),
    "not_staying": ("Khách không lưu trú tại cơ sở", "Không tìm thấy khách", "Chưa có khai báo của khách này"),
    "catalogue": ("{field} không có trong danh mục", "Mã {field} không tồn tại", "{field} ngoài danh mục"),
}
