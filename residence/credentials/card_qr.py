from datetime import date

import msgspec

from residence.errors import Problem
from residence.people.person import DocumentKind, NameQuality, PartialDate, Sex


class CardFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a card's QR as read. Dates YYYY-MM-DD; ``extra`` raw fields 7 to 10."""

    personal_number: str | None = None
    old_number: str | None = None
    full_name: str | None = None
    birth: PartialDate | None = None
    sex: Sex | None = None
    residence_text: str | None = None
    issued: str | None = None
    extra: tuple[str, ...] = ()


class ParsedCard(msgspec.Struct, frozen=True, kw_only=True):
    card: DocumentKind | None
    fields: CardFields
    name_quality: NameQuality
    problems: tuple[Problem, ...]


def parse_card(text: str, *, today: date) -> ParsedCard:
    raise NotImplementedError
