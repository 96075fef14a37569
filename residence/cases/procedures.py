"""Procedures around a stay: what a form needs, what is known already and so is not asked, what may happen to a file, and by when.

- Figures, forms, codes and fields are dated data (``procedures.toml``); what is open in law is said in its ``source``.
- **Nothing is asked twice**: a field the register, a chip, the account or the population database says is taken from there, with its source; it is never asked. What only a
  card's text or a person said before is offered and may be corrected.
- A paper is not asked for when the register itself says what it would prove.
- Each step of a file has a state it leads to; a step that is not possible in a state is refused. What ends a file needs a reason.
- A file's deadline counts working days from the day after it was filed; it stands still while a supplement is awaited, and begins anew with it.

>>> steps_from("filed")
('take', 'supplement', 'done', 'refuse', 'withdraw')
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Final, Literal, get_args

import msgspec

from residence.clock import VIETNAM
from residence.errors import Problem, Refused, problem

ProcedureKind = Literal["temporary-residence", "temporary-residence-extension", "absence", "confirmation", "move-out"]
FormField = Literal[
    "authority",
    "full_name",
    "birth_date",
    "sex",
    "personal_number",
    "phone",
    "head",
    "place",
    "first",
    "last",
    "reason",
    "destination",
]
Source = Literal["register", "chip", "account", "population", "card", "declared", "typed"]
State = Literal["filed", "in_hand", "supplement", "done", "refused", "withdrawn"]
Step = Literal["file", "take", "supplement", "supply", "done", "refuse", "withdraw"]
KINDS: Final[tuple[ProcedureKind, ...]] = get_args(ProcedureKind)
FIRM: Final = frozenset({"register", "chip", "account", "population"})  # what these say is not asked for
OPTIONAL: Final = frozenset({"authority", "head", "phone"})  # printed when known
BY_HAND: Final = frozenset({"first", "last", "reason", "destination"})  # only the person knows
OPEN: Final[tuple[State, ...]] = ("filed", "in_hand", "supplement")
LONGEST: Final = 300
# state -> step -> state; an officer's steps and the person's own
_STEPS: Final[Mapping[State, Mapping[Step, State]]] = {
    "filed": {"take": "in_hand", "supplement": "supplement", "done": "done", "refuse": "refused", "withdraw": "withdrawn"},
    "in_hand": {"supplement": "supplement", "done": "done", "refuse": "refused", "withdraw": "withdrawn"},
    "supplement": {"supply": "in_hand", "refuse": "refused", "withdraw": "withdrawn"},
    "done": {},
    "refused": {},
    "withdrawn": {},
}
OWN_STEPS: Final[frozenset[Step]] = frozenset({"supply", "withdraw"})
NEEDS_REASON: Final[frozenset[Step]] = frozenset({"supplement", "refuse", "supply"})
# what the authority's answer to a step is called among its forms (names per Circular 66/2023)
SLIP: Final[Mapping[Step, str]] = {"file": "CT04", "supplement": "CT05", "refuse": "CT06"}
_SATURDAY: Final = 5


class Procedure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One procedure as it is from a day on."""

    id: ProcedureKind
    valid_from: date
    code: str
    form: str
    result: str
    article: str
    source: str
    fields: tuple[FormField, ...]
    numbered: int = 0
    papers: tuple[str, ...] = ()
    waived_by: tuple[str, ...] = ()
    working_days: int | None = None
    longest_working_days: int | None = None
    valid_to: date | None = None


class KnownValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value with where it comes from."""

    value: str
    source: Source


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    procedure: tuple[Procedure, ...]


@cache
def load_procedures() -> tuple[Procedure, ...]:
    """Return every dated row."""
    return msgspec.toml.decode(
        resources.files("residence").joinpath("cases", "procedures.toml").read_bytes(), type=_File
    ).procedure


def procedure_on(kind: str, day: date, rules: Iterable[Procedure] | None = None) -> Procedure:
    """Return a procedure as it is on a day, or raise ``Refused("procedure.unknown")``."""
    for each in rules if rules is not None else load_procedures():
        if each.id == kind and each.valid_from <= day <= (each.valid_to or day):
            return each
    raise Refused("procedure.unknown", "/procedure", kind[:40])


def asked_fields(procedure: Procedure, known: Mapping[FormField, KnownValue]) -> tuple[FormField, ...]:
    """Return the fields a person is asked for: those nothing firm says. Optional ones are asked only where they are a phone."""

    def is_asked(field: FormField) -> bool:
        if field in known and known[field].source in FIRM:
            return False
        return field == "phone" or field not in OPTIONAL

    return tuple(field for field in procedure.fields if is_asked(field))


def asked_papers(procedure: Procedure, relations: Collection[str]) -> tuple[str, ...]:
    """Return the papers still needed; ``relations``: what the register says the person is at the place (owner, head, ...)."""
    return () if set(procedure.waived_by) & set(relations) else procedure.papers


def filled(
    procedure: Procedure, known: Mapping[FormField, KnownValue], typed: Mapping[str, str]
) -> tuple[dict[FormField, KnownValue], tuple[Problem, ...]]:
    """Return the form's values with their sources, and all that is wrong. What a firm source says cannot be typed over."""
    asked = asked_fields(procedure, known)
    values: dict[FormField, KnownValue] = {}
    problems: list[Problem] = []
    for field in procedure.fields:
        said = typed.get(field, "").strip() if field in asked else ""
        if said:
            same = field in known and known[field].value == said
            values[field] = known[field] if same else KnownValue(value=said, source="typed")
            problems += _wrong_value(field, said)
        elif field in known:
            values[field] = known[field]
        elif field not in OPTIONAL:
            problems.append(problem("procedure.missing", f"/{field}"))
    if not problems and "first" in values and "last" in values and values["last"].value < values["first"].value:
        problems.append(problem("residence.days", "/last"))
    return values, tuple(problems)


def _wrong_value(field: FormField, said: str) -> Iterable[Problem]:
    if len(said) > LONGEST or not said.isprintable():
        yield problem("procedure.value", f"/{field}")
    elif field in {"first", "last"} and not _is_day(said):
        yield problem("procedure.day", f"/{field}")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def steps_from(state: State) -> tuple[Step, ...]:
    """Return what may be done with a file in a state."""
    return tuple(_STEPS[state])


def state_after(state: State, step: Step) -> State:
    """Return the state a step leads to, or raise ``Refused("procedure.step")``."""
    try:
        return _STEPS[state][step]
    except KeyError:
        raise Refused("procedure.step", "/step", f"{step} in {state}") from None


def last_day(due: datetime) -> str:
    """Return the last day on which an answer is in time, YYYY-MM-DD."""
    return (due.astimezone(VIETNAM) - timedelta(microseconds=1)).date().isoformat()


def due_before(procedure: Procedure, since: datetime) -> datetime | None:
    """Return the first moment that is too late for an answer; None where no period is known. Saturdays and Sundays do not count."""
    left = procedure.longest_working_days or procedure.working_days
    if left is None:
        return None
    day = since.astimezone(VIETNAM).date()
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return datetime.combine(day + timedelta(days=1), time(0), VIETNAM)
