"""The sandbox's people: always the same, invented, and each good for one thing to try.

- What declaring them tonight at the sandbox's hotel answers is written beside each and held by a test.
- ``IN_HOUSE`` was declared before the sandbox began.

Example: ``PEOPLE["foreigner"].person["nationality"]``
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from residence.stays.declaration import StayDeclaration


class TestPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One person. ``answer``: status and state or code of declaring them in room 201 on the first evening."""

    shows: str
    answer: tuple[int, str]
    person: dict[str, Any]
    more: dict[str, Any] = {}


PEOPLE: Final[dict[str, TestPerson]] = {
    "citizen": TestPerson(
        shows="a guest with a card number",
        answer=(201, "accepted"),
        person={
            "full_name": "Trần Văn Mẫu",
            "birth": {"value": "1995-02-01", "precision": "day"},
            "sex": "male",
            "personal_number": "001095000124",
        },
    ),
    "year-only": TestPerson(
        shows="a guest known to the year of birth",
        answer=(201, "accepted"),
        person={
            "full_name": "Lê Thị Mẫu",
            "birth": {"value": "1958", "precision": "year"},
            "sex": "female",
            "personal_number": "031158006612",
        },
    ),
    "foreigner": TestPerson(
        shows="a foreign guest with a passport and a deadline of another law",
        answer=(201, "accepted"),
        person={
            "full_name": "Erika Muster",
            "birth": {"value": "1984-09-16", "precision": "day"},
            "sex": "female",
            "nationality": "DEU",
            "document": {"kind": "passport", "number": "C01X00T47", "issuer": "DEU"},
        },
        more={"permitted_stay_until": "2026-08-30"},
    ),
    "already-here": TestPerson(
        shows="a guest who is declared in another room of the house since before",
        answer=(201, "accepted"),
        person={
            "full_name": "Phạm Thị Đang Ở",
            "birth": {"value": "1990-03-05", "precision": "day"},
            "sex": "female",
            "personal_number": "048190001234",
        },
    ),
    "number-of-another": TestPerson(
        shows="the card number of somebody else who is in the house",
        answer=(201, "conflicting"),
        person={
            "full_name": "Hoàng Thị Khác",
            "birth": {"value": "1990-11-20", "precision": "day"},
            "sex": "female",
            "personal_number": "048190001234",
        },
    ),
    "wrong-number": TestPerson(
        shows="a card number that is none",
        answer=(422, "server.input_problems"),
        person={
            "full_name": "Đỗ Văn Sai Số",
            "birth": {"value": "1999-01-01", "precision": "day"},
            "sex": "male",
            "personal_number": "12",
        },
    ),
    "nobody-born": TestPerson(
        shows="several problems at once",
        answer=(422, "server.input_problems"),
        person={"full_name": "", "birth": {"value": "2031-13-40", "precision": "day"}},
    ),
}


def declaration_of(name: str, *, declaration_id: str, unit: str = "201") -> dict[str, Any]:
    """Return a test person's declaration for the sandbox's first evening, as a program sends it."""
    each = PEOPLE[name]
    return {
        "declaration_id": declaration_id,
        "declared_at": "2026-07-10T14:00:00+07:00",
        "person": each.person,
        "evidence": {"level": 0, "source": "typed"},
        "declarant": {"role": "host"},
        "premises_id": "htl-sao-mai",
        "unit": unit,
        "arrival": "2026-07-10T13:30:00+07:00",
        "planned_departure": "2026-07-12T12:00:00+07:00",
        "reason": "tourism",
        **each.more,
    }


IN_HOUSE: Final = msgspec.convert(
    declaration_of("already-here", declaration_id="019f4b00-0000-7000-8000-00000000aaaa", unit="301"), StayDeclaration
)
