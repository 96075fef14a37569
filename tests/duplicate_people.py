"""A few invented people, and how the model that is shipped sees two of them."""

from __future__ import annotations

from itertools import count

import msgspec

from registry.duplicates.columns import Candidate
from registry.duplicates.pairing import Search, arrow_of, find_pairs, load
from registry.duplicates.private_engine import private_duckdb
from registry.duplicates.settings import Model, load_model
from residence.people.person import PartialDate

AN = Candidate(
    person_id="an",
    full_name="Trần Thị Hoà An",
    birth=PartialDate(value="1990-03-04", precision="day"),
    sex="female",
    personal="079190000117",
    old="023456789",
    phone="0912 345 678",
    address="12 Lê Lợi, Uyên Hưng, Tân Uyên, Bình Dương",
)
_FAMILIES, _GIVEN = (
    ("Bùi", "Cao", "Đinh", "Hồ", "Lý", "Mai", "Ngô", "Phan", "Tạ", "Vũ"),
    ("Bích", "Cúc", "Dung", "Hạnh", "Khoa", "Nam", "Oanh"),
)
_number = count(1)


def but(**changes: object) -> Candidate:
    """Return An once more, under another id, with something else."""
    return msgspec.structs.replace(AN, person_id=f"other-{next(_number)}", **changes)


def crowd(size: int = 60) -> list[Candidate]:
    """Return people who are nobody else, so that common and rare mean something."""
    return [
        Candidate(
            person_id=f"crowd-{n:03d}",
            full_name=f"{_FAMILIES[n % 10]} Văn {_GIVEN[n % 7]}",
            birth=PartialDate(value=f"{1950 + n % 50}-{1 + n % 12:02d}-{1 + n % 28:02d}", precision="day"),
            sex="male",
            personal=f"0010{50 + n % 50}{n * 7919 % 1_000_000:06d}",
            phone=f"0987{n * 7919 % 1_000_000:06d}",
            address=f"{n + 20} Trần Phú, Phường Mẫu, An Giang",
        )
        for n in range(size)
    ]


def search(*people: Candidate, model: Model | None = None, memory_mib: int = 512) -> Search:
    """Search these people on DuckDB."""
    with private_duckdb(memory_mib=memory_mib, threads=1) as api:
        persons = load(api, "persons", [arrow_of(people)])
        return find_pairs(api, "persons", model=model or load_model(), persons=persons)
