from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from residence.errors import Problem
from residence.people.person import PartialDate, Sex

MrzFormat = Literal["TD1", "TD2", "TD3"]


class MrzFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a machine-readable zone as read."""

    document_type: str
    issuer: str
    document_number: str
    personal_number: str | None
    surname: str
    given_names: str
    nationality: str
    birth: PartialDate | None
    sex: Sex | None
    expiry: str | None  # YYYY-MM-DD; None when the document says it never expires or the date cannot be read


class ParsedMrz(msgspec.Struct, frozen=True, kw_only=True):
    format: MrzFormat | None
    fields: MrzFields | None
    problems: tuple[Problem, ...]


def parse_mrz(lines: Sequence[str], *, today: date) -> ParsedMrz:
    raise NotImplementedError
