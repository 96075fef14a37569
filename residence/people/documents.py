"""The documents a person may show: the ministry's code for each, the shape its number must have, and the days on which it may be shown.

- All of it is data: ``documents.toml``. A change of law or form is a line there.
- Codes 1 to 8 are of the ministry's declaration API, 9 (other) exists in its file template only. An identity certificate has no code
  of its own and is sent as 9; "no papers" has none.
- Number shapes are the API's: cards 12 digits; CMND 9 or 12; driving licence and health card up to 20 letters and digits;
  passport up to 10. All ASCII, no spaces, no signs.
- The type of a card is not written in its QR: 11 fields or an issue date from 2024-07-01 on mean the newer card
  (identity-documents section 2.2). Staff can override it.

>>> ministry_code(DocumentKind.CARD_2024)
8
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from residence.errors import Problem, problem
from residence.people.dated_codes import Validity, read_codes
from residence.people.partial_dates import is_possible
from residence.people.person import Document, DocumentKind, PartialDate

NEW_CARD_SINCE: Final = "2024-07-01"


class DocumentRule(msgspec.Struct, frozen=True):
    """What is known of one kind: ministry code (None = cannot be sent), pattern of its number, and the pattern in words."""

    code: int | None
    number: str | None = None
    vi: str = ""
    en: str = ""


_COUNTRY: Final = re.compile(r"[A-Z]{1,3}")
DOCUMENTS: Final = read_codes("residence.people", "documents.toml")
DOCUMENT_RULES: Final[dict[DocumentKind, DocumentRule]] = {
    DocumentKind(each.code): DocumentRule(each.ministry, each.number, each.shape_vi, each.shape_en) for each in DOCUMENTS.codes
}
DOCUMENT_DAYS: Final[dict[DocumentKind, Validity]] = {
    DocumentKind(each.code): DOCUMENTS.validity_of(each) for each in DOCUMENTS.codes
}
_SHAPES: Final = {kind: re.compile(rule.number) for kind, rule in DOCUMENT_RULES.items() if rule.number is not None}


def ministry_code(kind: DocumentKind) -> int | None:
    """Return the ministry's document type code, None for a person without papers."""
    return DOCUMENT_RULES[kind].code


def kind_of_card(*, fields: int, issued: str | None) -> DocumentKind | None:
    """Tell which card a QR with this many fields and issue date (YYYY-MM-DD) is from; None when neither says."""
    if fields == 11:  # noqa: PLR2004 - the newer card's field count
        return DocumentKind.CARD_2024
    if issued is None:
        return None
    return DocumentKind.CARD_2024 if issued >= NEW_CARD_SINCE else DocumentKind.CARD_2021


def check_document(document: Document, pointer: str) -> tuple[Problem, ...]:
    """Return every problem of a document: its number where the kind fixes a shape, its issuer, its dates."""
    shape = _SHAPES.get(document.kind)
    found: list[Problem] = []
    if shape is not None and document.number is not None and not shape.fullmatch(document.number):
        rule = DOCUMENT_RULES[document.kind]
        found.append(problem("document.number_shape", f"{pointer}/number", shape_vi=rule.vi, shape_en=rule.en))
    if not is_country_code(document.issuer):
        found.append(problem("person.country_malformed", f"{pointer}/issuer"))
    for name, text in (("issued", document.issued), ("expiry", document.expiry)):
        if text is not None and not is_possible(PartialDate(value=text, precision="day")):
            found.append(problem("document.date_malformed", f"{pointer}/{name}"))
    return tuple(found)


def is_country_code(text: str) -> bool:
    """Tell whether the text has the shape of a country code in a passport: one to three capitals (Germany's is D)."""
    return _COUNTRY.fullmatch(text) is not None
