"""Whether a stay declaration can be taken as it is: all problems at once, and the deadline it is judged by.

- An error means the declarant must change something; a warning never stops our own record.
- What is mandatory comes from the dated rule set and the kind of premises, never from this file.
- The ministry's form takes arrivals of today and yesterday only; older ones get the warning "another channel is needed".
- A word of a code list (reason, document, country) is judged by the day the stay began; one that did not hold then is an error.
- A person without papers is welcome: no document and no number is never an error, and the level stays *stated*.
- A follow-up (extension, departure, correction, withdrawal) is asked only for what it changes.
- A departure says that somebody *has* left: later than now, with some slack for clocks, it is an error. Who will leave is planned.

Example: a hotel guest without a room gives ``declaration.unit_missing`` at ``/unit`` and still names the deadline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from residence.clock import VIETNAM, parse_instant
from residence.credentials.evidence import EvidenceLevel
from residence.errors import Malformed, Problem, Refused, problem
from residence.people.dated_codes import check_days
from residence.people.names import are_plain, check_text
from residence.places.premises import UNIT_MANDATORY, Premises, PremisesKind
from residence.stays.check_person import check_person
from residence.stays.deadlines import Deadline, deadline_by, person_kind
from residence.stays.declaration import StayDeclaration
from residence.stays.reasons import NEEDS_TEXT, REASON_DAYS
from residence.stays.rules import RuleBook, RuleSet
from residence.stays.spans import instant, leaving_time, normal_unit

LAST_MINUTE: Final = timedelta(minutes=1)
LONGEST_OF_STAFF: Final = 100  # who declares, who attests, and by what
LONGEST: Final = {"unit": 32, "reason_text": 200, "note": 500, "premises_id": 64}
_SHORTEST_LIMIT: Final = min(LONGEST.values())  # a text no longer than this breaks no limit, whichever it is
_LONGEST_OF_PERSON: Final = 300
_UUID7: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)  # one spelling only: an id is compared as text


class CheckResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every problem found; ``due`` and ``rule_set`` are empty only when the arrival cannot be read or no rule is dated for it."""

    problems: tuple[Problem, ...] = ()
    due: datetime | None = None
    rule: str | None = None
    rule_set: str | None = None

    @property
    def ok(self) -> bool:
        """Tell whether no error stands; warnings leave it true."""
        return not any(each.severity == "error" for each in self.problems)


def check_declaration(declaration: StayDeclaration, *, premises: Premises | None, rules: RuleBook, now: datetime) -> CheckResult:
    """Check one declaration against its premises (None: unknown here), the rules and the present instant."""
    found = [*_check_identity(declaration), *_check_texts(declaration), *_check_times(declaration)]
    arrival = instant(declaration.arrival)
    limit: Deadline | None = None
    rule_set: RuleSet | None = None
    if arrival is not None:
        try:
            rule_set, limit = _rules_for(declaration, arrival, premises, rules)
        except Refused as refusal:
            found.append(problem(refusal.code, "/arrival"))
    if declaration.kind in {"arrival", "correction"}:
        found += check_person(declaration, rule_set=rule_set, now=now)
        found += _check_place(declaration, premises)
        found += _check_reason(declaration, rule_set)
        found += _check_interval(declaration, now)
    if declaration.kind != "withdrawal":
        found += _check_length(declaration, rule_set, rules.shortest_stay)
    if declaration.kind == "departure":
        found += _check_has_left(declaration, rules, now)
    if declaration.kind == "arrival" and limit is not None:
        found += _check_deadline(limit, now)
    return CheckResult(
        problems=tuple(found),
        due=limit.due if limit else None,
        rule=limit.rule if limit else None,
        rule_set=limit.rule_set if limit else None,
    )


def _rules_for(
    declaration: StayDeclaration, arrival: datetime, premises: Premises | None, rules: RuleBook
) -> tuple[RuleSet, Deadline]:
    rule_set = rules.rule_set_for(arrival)
    remote_area = premises.remote_area if premises else False
    return rule_set, deadline_by(rule_set, arrival, person=person_kind(declaration.person), remote_area=remote_area)


def _is_uuid7(text: str) -> bool:
    return _UUID7.fullmatch(text) is not None


def _check_identity(declaration: StayDeclaration) -> Iterator[Problem]:
    if not _is_uuid7(declaration.declaration_id):
        yield problem("declaration.identifier_malformed", "/declaration_id")
    if declaration.about is not None and not _is_uuid7(declaration.about):
        yield problem("declaration.identifier_malformed", "/about")
    for pointer, named in (("/party", declaration.party), ("/accompanied_by", declaration.accompanied_by)):
        if named is not None and (not _is_uuid7(named) or named == declaration.declaration_id):
            yield problem("declaration.identifier_malformed", pointer)
    if declaration.about is not None and declaration.about == declaration.declaration_id:
        yield problem("declaration.about_itself", "/about")
    if declaration.about is None and declaration.kind in {"correction", "withdrawal"}:
        yield problem("declaration.about_missing", "/about")
    if declaration.evidence.level is EvidenceLevel.ATTESTED and not (declaration.evidence.attested_by or "").strip():
        yield problem("declaration.attester_missing", "/evidence/attested_by")


def _check_texts(declaration: StayDeclaration) -> Iterator[Problem]:
    declarant, evidence = declaration.declarant, declaration.evidence
    texts = (
        declaration.unit, declaration.reason_text, declaration.note, declaration.premises_id, declarant.name, declarant.account,
        declarant.helper, evidence.reader, evidence.attested_by,
    )  # fmt: skip
    asked_fully = declaration.kind in {"arrival", "correction"}  # about the person, too, by check_person.py
    if asked_fully and are_plain([each for each in texts if each], longest=_SHORTEST_LIMIT):
        return
    for name, longest in LONGEST.items():
        text = getattr(declaration, name)
        if text is not None:
            yield from check_text(text, f"/{name}", longest=longest)
    for name in ("name", "account", "helper"):
        text = getattr(declarant, name)
        if text is not None:
            yield from check_text(text, f"/declarant/{name}", longest=LONGEST_OF_STAFF)
    if not asked_fully:
        yield from _check_person_texts(declaration)
    for name in ("reader", "attested_by"):
        text = getattr(evidence, name)
        if text is not None:
            yield from check_text(text, f"/evidence/{name}", longest=LONGEST_OF_STAFF)


def _check_person_texts(declaration: StayDeclaration) -> Iterator[Problem]:
    person, document = declaration.person, declaration.person.document
    texts = {
        "full_name": person.full_name,
        "nationality": person.nationality,
        "personal_number": person.personal_number,
        "old_number": person.old_number,
        "residence_text": person.residence_text,
        "document/number": document.number if document else None,
        "document/issuer": document.issuer if document else None,
    }
    for name, text in texts.items():
        if text is not None:
            yield from check_text(text, f"/person/{name}", longest=_LONGEST_OF_PERSON)


def _check_times(declaration: StayDeclaration) -> Iterator[Problem]:
    """Check that every time can be read; a follow-up without a time of its own is caught where it needs one."""
    for name in ("declared_at", "arrival", "planned_departure"):
        text = getattr(declaration, name)
        if text is None:
            continue
        try:
            parse_instant(text)
        except Malformed as error:
            yield problem(error.code, f"/{name}")
    if declaration.kind == "extension" and declaration.planned_departure is None:
        yield problem("declaration.extension_without_end", "/planned_departure")


def _check_place(declaration: StayDeclaration, premises: Premises | None) -> Iterator[Problem]:
    if premises is None:
        yield problem("declaration.premises_unknown", "/premises_id")
        return
    if premises.premises_id != declaration.premises_id:
        yield problem("declaration.premises_other", "/premises_id")
        return
    unit = normal_unit(declaration.unit)
    if not unit and _kind_then(declaration, premises) in UNIT_MANDATORY:
        yield problem("declaration.unit_missing", "/unit")
    elif unit and premises.units and unit not in {normal_unit(each) for each in premises.units}:
        yield problem("declaration.unit_unknown", "/unit")


def _kind_then(declaration: StayDeclaration, premises: Premises) -> PremisesKind:
    """Return the kind the premises had when the guest came: what was corrected since asks nothing of a stay of before."""
    arrival = instant(declaration.arrival)
    return premises.kind if arrival is None else premises.kind_at(arrival)


def _check_reason(declaration: StayDeclaration, rule_set: RuleSet | None) -> Iterator[Problem]:
    if declaration.reason is None and (rule_set is None or "reason" in rule_set.required_fields):
        yield problem("declaration.reason_missing", "/reason")
    if declaration.reason in NEEDS_TEXT and not (declaration.reason_text or "").strip():
        yield problem("declaration.reason_text_missing", "/reason_text")
    began = instant(declaration.arrival)
    if declaration.reason is not None and rule_set is not None and began is not None:
        day = began.astimezone(VIETNAM).date().isoformat()
        yield from check_days(declaration.reason, REASON_DAYS.get(declaration.reason), day=day, pointer="/reason")


def _check_interval(declaration: StayDeclaration, now: datetime) -> Iterator[Problem]:
    arrival = instant(declaration.arrival)
    if arrival is None:
        return
    today = now.astimezone(VIETNAM).date()
    day = arrival.astimezone(VIETNAM).date()
    if day > today:
        yield problem("declaration.arrival_in_future", "/arrival")
    elif day < today - timedelta(days=1):
        yield problem("declaration.arrival_other_channel", "/arrival")
    if declaration.planned_departure is None:
        yield problem("declaration.departure_missing", "/planned_departure")


def _check_length(declaration: StayDeclaration, rule_set: RuleSet | None, shortest: timedelta) -> Iterator[Problem]:
    """Check the departure against the arrival, of an extension and a departure too; who has left may have left at once."""
    arrival, departure = instant(declaration.arrival), instant(declaration.planned_departure)
    if arrival is None or departure is None:
        return
    if departure < arrival:
        yield problem("declaration.departure_before_arrival", "/planned_departure")
    elif declaration.kind != "departure" and departure - arrival < shortest:
        yield problem("declaration.stay_too_short", "/planned_departure")
    elif rule_set is not None and declaration.kind != "departure" and _is_too_long(declaration, departure - arrival, rule_set):
        yield problem("declaration.thirty_days", "/planned_departure")


def _check_has_left(declaration: StayDeclaration, rules: RuleBook, now: datetime) -> Iterator[Problem]:
    left = leaving_time(declaration)
    if left is not None and left > now + rules.departure_slack:
        pointer = "/planned_departure" if instant(declaration.planned_departure) else "/declared_at"
        yield problem("declaration.departure_in_future", pointer)


def _is_too_long(declaration: StayDeclaration, length: timedelta, rule_set: RuleSet) -> bool:
    """Tell whether this is no stay but temporary residence; foreigners register by another law."""
    return person_kind(declaration.person) == "citizen" and length >= timedelta(days=rule_set.max_days)


def _check_deadline(limit: Deadline, now: datetime) -> Iterator[Problem]:
    if limit.is_late(now):
        yield problem("declaration.past_deadline", "/arrival")
    elif limit.due - now < LAST_MINUTE:
        yield problem("declaration.just_before_deadline", "/arrival")
