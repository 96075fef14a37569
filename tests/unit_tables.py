"""An invented table of units: a district of four wards, reformed on 2025-07-01. Nothing here exists but the province's name.

Wards: Mẫu (90001) and Thử (90002) merged into Mẫu Thử, which keeps the code 90001; Xa (90003) renamed Xa Mới under another code; Chia (90004)
split between Mẫu Thử and Chia Đông. The code 90003 is used again for Chia Đông.
"""

from __future__ import annotations

from residence.places.unit_files import read_file

OLD, NEW = "2025-06-30", "2025-07-01"
TABLE = """level,code,name,valid_from,valid_to,parent,successors
province,90,Tỉnh Tây Ninh,,2025-06-30,,90
district,900,Huyện Bịa,,2025-06-30,90,
commune,90001,Phường Mẫu,,2025-06-30,900,90001
commune,90002,Phường Thử,,2025-06-30,900,90001
commune,90003,Xã Xa,,2025-06-30,900,90013
commune,90004,Xã Chia,,2025-06-30,900,90001;90003
province,90,Tỉnh Tây Ninh,2025-07-01,,,
commune,90001,Phường Mẫu Thử,2025-07-01,,90,
commune,90013,Xã Xa Mới,2025-07-01,,90,
commune,90003,Xã Chia Đông,2025-07-01,,90,
"""
CODES = """system,system_code,code,valid_from,valid_to
ministry,M1,90001,2025-07-01,
ministry,M3,90003,2025-07-01,
ministry,M9,90003,,2025-06-30
"""
CODES_UNKNOWN = CODES.replace("M1,90001", "M1,99999")


def invented_units():
    found = read_file(TABLE.encode())
    assert found.problems == ()
    return found.units
