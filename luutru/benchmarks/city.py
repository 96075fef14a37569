"""An invented city in a registry: as many persons as asked for, each with a number, a card, a name and a home; and their declarations.

- Person ``n`` is always the same: number, name, birth and sex follow from ``n`` alone, so nothing has to be remembered.
- They are written as an authority's register would hand them over, by the registry's own row makers, in bulk.
- Nobody here exists; numbers agree with sex and birth year, as real ones do.

Example: ``fill(registry, persons=1_000_000, premises_ids=ids, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from luutru.benchmarks.fleet import COMMUNE, FLOORS
from registry import tables
from registry.bulk import write_rows
from registry.database import Registry
from registry.persons import Stamp, identifier_row, person_row, token_rows
from registry.vault import Vault, drawn_ahead
from residence.clock import uuid7_text
from residence.people.person import Document, DocumentKind, PartialDate, Person, Sex
from residence.stays.known import numbers_of

PER_NUMBER_BLOCK: Final = 1_000_000
_PROVINCES: Final = ("001", "079", "048", "031", "092", "037", "038", "040", "042", "044", "045", "046")
_FAMILY: Final = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
    "Lý",
)
_MIDDLE: Final = (
    ("Văn", "Hữu", "Đức", "Minh", "Quốc", "Thanh", "Gia", "Anh"),
    ("Thị", "Ngọc", "Thu", "Kim", "Bích", "Mai", "Diệu", "Hồng"),
)
_GIVEN: Final = (
    "An", "Bình", "Châu", "Dũng", "Giang", "Hà", "Hiếu", "Khánh", "Lan", "Linh", "Long", "Ngân", "Nhi", "Phúc", "Quân", "Sơn", "Tâm", "Thảo",
    "Trang", "Tuấn", "Uyên", "Vinh", "Xuân", "Yến",
)  # fmt: skip
_BATCH: Final = 2_000


def person(number: int) -> Person:
    """Return invented person ``number``."""
    block, serial = divmod(number, PER_NUMBER_BLOCK)
    sex: Sex = "female" if number % 2 else "male"
    year = 1950 + number * 7 % 50
    own = f"{_PROVINCES[block % len(_PROVINCES)]}{number % 2}{year % 100:02d}{serial:06d}"
    name = (
        _FAMILY[number % 16],
        _MIDDLE[number % 2][number // 16 % 8],
        _GIVEN[number // 128 % 24],
        _GIVEN[number // 3072 % 24],
    )
    return Person(
        full_name=" ".join(name),
        birth=PartialDate(value=f"{year}-{1 + number % 12:02d}-{1 + number % 28:02d}", precision="day"),
        sex=sex,
        personal_number=own,
        document=Document(kind=DocumentKind.CARD_2021, number=own, issued="2021-08-15"),
        residence_text="Số 5 Đường Thử Nghiệm",
    )


def fill(
    registry: Registry,
    *,
    persons: int,
    premises_ids: Sequence[str],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Write persons 0 to ``persons`` - 1 and their homes, some thousands to a transaction."""
    vault, draw = registry.vault.for_batch(), drawn_ahead(random_bytes)
    for start in range(0, persons, _BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in _WRITTEN}
        for number in range(start, min(start + _BATCH, persons)):
            _add(rows, number, premises_ids[number % len(premises_ids)], vault=vault, now=now, draw=draw)
        with registry.writing() as connection:
            for table in _WRITTEN:
                write_rows(connection, table, rows[table])
        vault = registry.vault.for_batch()  # the indexes it remembers are of no further use


_WRITTEN: Final = (tables.subject_keys, tables.persons, tables.identifiers, tables.name_tokens, tables.residences)


def _add(
    rows: dict[Any, list[dict[str, Any]]], number: int, home: str, *, vault: Vault, now: datetime, draw: Callable[[int], bytes]
) -> None:
    who, person_id, stamp = person(number), uuid7_text(now, draw(10)), Stamp(COMMUNE, now, None)
    key, key_row = vault.new_key(person_id, "person", commune_code=COMMUNE, now=now)
    rows[tables.subject_keys].append(key_row)
    rows[tables.persons].append(person_row(who, person_id, key=key, stamp=stamp, vault=vault))
    rows[tables.identifiers] += [
        identifier_row(each, person_id, key=key, identifier_id=uuid7_text(now, draw(10)), stamp=stamp, vault=vault)
        for each in numbers_of(who)
    ]
    rows[tables.name_tokens] += token_rows(who.full_name, person_id, commune_code=COMMUNE, vault=vault)
    rows[tables.residences].append(
        {
            "commune_code": COMMUNE,
            "residence_id": uuid7_text(now, draw(10)),
            "person_id": person_id,
            "premises_id": home,
            "unit": f"{1 + number % FLOORS:02d}01",
            "kind": "permanent",
            "valid_from": "2010-01-01",
            "recorded_at": now,
        }
    )
