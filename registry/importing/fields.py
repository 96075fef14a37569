"""Our fields by kind of file: what each holds, and which a row cannot do without.

- Kinds are read in this order, because households stand at premises, residents in both, and links lead to residents.
- A field ending in ``_ref`` is the source's own reference of a row: ``owner_ref``, ``manager_ref``, ``head_ref`` and ``guardian_ref`` are those
  of residents, who may come later.
- ``identity_number`` is for registers with one column for everything: 12 digits are the personal number, 9 the old one, else a document's.
- ``guests`` are a house's list of who stays, for the desk (``registry/importing/guests.py``); no register is taken over from one.

Example: ``FIELDS["residents"]["birth"].form`` is ``"birth"``
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Kind = Literal["premises", "households", "residents", "old-numbers", "guests"]
Form = Literal["text", "reference", "personal", "old", "identity", "date", "moment", "birth", "word", "phone", "list", "count"]


class Field(msgspec.Struct, frozen=True):
    """One field: how it is read, and whether a row needs it."""

    form: Form
    needed: bool = False
    longest: int = 500


KINDS: Final[tuple[Kind, ...]] = ("premises", "households", "residents", "old-numbers")
FIELDS: Final[dict[Kind, dict[str, Field]]] = {
    "premises": {
        "premises_ref": Field("reference", needed=True, longest=64),
        "commune_code": Field("reference", needed=True, longest=16),
        "kind": Field("word", needed=True),
        "name": Field("text", needed=True),
        "address_text": Field("text"),
        "remote_area": Field("word"),
        "units": Field("list"),
        "capacity": Field("count"),
        "declared_by": Field("word"),
        "owner_ref": Field("reference", longest=64),
        "owner_name": Field("text"),
        "manager_ref": Field("reference", longest=64),
        "manager_name": Field("text"),
    },
    "households": {
        "household_ref": Field("reference", needed=True, longest=64),
        "commune_code": Field("reference", needed=True, longest=16),
        "premises_ref": Field("reference", needed=True, longest=64),
        "unit": Field("reference", longest=32),
        "head_ref": Field("reference", longest=64),
        "formed_on": Field("date"),
    },
    "residents": {
        "person_ref": Field("reference", longest=64),
        "commune_code": Field("reference", needed=True, longest=16),
        "full_name": Field("text", needed=True),
        "birth": Field("birth"),
        "sex": Field("word"),
        "nationality": Field("word"),
        "identity_number": Field("identity", longest=40),
        "personal_number": Field("personal"),
        "old_number": Field("old"),
        "cancelled_numbers": Field("list"),
        "document_kind": Field("word"),
        "document_number": Field("reference", longest=40),
        "document_issuer": Field("reference", longest=3),
        "document_issued": Field("date"),
        "phone": Field("phone", longest=40),
        "residence_text": Field("text"),
        "status": Field("word"),
        "premises_ref": Field("reference", longest=64),
        "unit": Field("reference", longest=32),
        "household_ref": Field("reference", longest=64),
        "relation": Field("word"),
        "residence_kind": Field("word"),
        "valid_from": Field("date"),
        "valid_to": Field("date"),
        "absent_from": Field("date"),
        "absent_to": Field("date"),
        "absence_reason": Field("text"),
        "absence_destination": Field("text"),
        "permitted_until": Field("date"),
        "e_id_on": Field("date"),
        "guardian_ref": Field("reference", longest=64),
    },
    "old-numbers": {
        "personal_number": Field("personal", needed=True),
        "old_number": Field("old", needed=True),
        "commune_code": Field("reference", longest=16),
    },
    "guests": {
        "full_name": Field("text", needed=True),
        "birth": Field("birth"),
        "sex": Field("word"),
        "nationality": Field("word"),
        "document_kind": Field("word"),
        "document_name": Field("text", longest=100),
        "identity_number": Field("identity", longest=40),
        "document_number": Field("reference", longest=40),
        "passport_number": Field("reference", longest=40),
        "residence_text": Field("text"),
        "commune": Field("text"),
        "district": Field("text"),
        "province": Field("text"),
        "unit": Field("reference", longest=32),
        "arrival": Field("moment", needed=True),
        "planned_departure": Field("moment"),
        "left_on": Field("moment"),
        "reason": Field("word"),
        "reason_text": Field("text", longest=200),
        "permitted_stay_until": Field("date"),
        "note": Field("text"),
    },
}
