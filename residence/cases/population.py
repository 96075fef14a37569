"""What the population database is asked about somebody, and what of its answer is believed. The contract is ours, as no published one is known.

- Asked is only what a file lacks: fields no firm source says, of a closed list, by the whole personal number (Identity Law Art. 20(3): what the database has
  is not asked of the citizen).
- The question names its purpose and the file it is for. An answer with anything that was not asked for is not believed, and nothing of it is kept.
- Dates are ISO days, sex is male or female; anything else is no answer. The shapes as JSON Schema: ``docs/population/``.

>>> missing_fields(
...     {"personal_number": KnownValue(value="001095000117", source="chip"), "full_name": KnownValue(value="A", source="card")}
... )
('full_name',)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal, get_args

import msgspec

from residence.cases.procedures import FIRM, FormField, KnownValue
from residence.errors import Malformed

PopulationField = Literal["full_name", "birth_date", "sex"]
ASKABLE: Final[tuple[PopulationField, ...]] = get_args(PopulationField)
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PopulationQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One question. ``about``: the file it is for; ``office``: the commune that asks."""

    format: Literal["luutru-population-question/1"] = "luutru-population-question/1"
    question_id: str
    purpose: str
    about: str
    office: str
    personal_number: str
    wanted: tuple[PopulationField, ...]


class PopulationAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer. ``found`` is False where the database has nobody of that number."""

    format: Literal["luutru-population-answer/1"]
    question_id: str
    found: bool
    values: dict[PopulationField, Value] = {}


def missing_fields(form: Mapping[FormField, KnownValue]) -> tuple[PopulationField, ...]:
    """Return what a file lacks and may be asked for; nothing without a number to ask by."""
    if "personal_number" not in form:
        return ()
    return tuple(each for each in ASKABLE if each in form and form[each].source not in FIRM)


def read_answer(body: bytes, *, question_id: str, wanted: tuple[str, ...]) -> PopulationAnswer:
    """Read an answer to a question, or raise ``Malformed("population.answer")``."""
    try:
        answer = msgspec.json.decode(body, type=PopulationAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Malformed("population.answer") from None  # without the error's words: they may quote somebody
    as_asked = answer.question_id == question_id and set(answer.values) <= set(wanted)
    if not as_asked or (answer.values and not answer.found) or not all(map(_is_value, answer.values.items())):
        raise Malformed("population.answer")
    return answer


def _is_value(field: tuple[PopulationField, str]) -> bool:
    name, value = field
    if name == "sex":
        return value in {"male", "female"}
    if name == "birth_date":
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return value.isprintable() and value == value.strip()
