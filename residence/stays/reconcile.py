"""How one declaration fits what the registry knows: which person, which stay, and every disagreement as a named finding.

- Pure: a value in, a value out; the registry writes what comes back in one transaction.
- **Never drops**: every declaration ends in a stay or in a finding that says why not.
- **Order-free and idempotent**: stays and findings are computed from the *set* of declarations, never from who came first, so two
  kiosks that were offline, a desk and a replay end in the same registry whatever arrives first.
- Stays are named after the least declaration id they rest on. When an older declaration arrives late, or a withdrawal splits a
  stay, ids that no longer stand come back in ``removed``.
- A person's id is a surrogate made from the first declaration that brought them, and stays.

Example: the lobby and the desk both declare the same person for one night; one stay rests on both declarations, and
``stays.duplicate`` names the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from residence.clock import VIETNAM, rfc3339
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding, derived_id, finding
from residence.stays.folding import Group, Standing, fold
from residence.stays.known import Known, KnownNumber, KnownPerson, KnownStay, numbers_of
from residence.stays.rules import RuleBook
from residence.stays.spans import instant, is_home, max_stay, normal_unit

ReconciliationState = Literal["accepted", "conflicting", "refused"]

# The declaration itself was not allowed; it stands recorded and changes nothing.
REFUSING: Final = frozenset({"stays.about_other_premises", "stays.about_other_person", "stays.times_unreadable"})
# What makes it fit has not reached us, or something stands in its way; it takes effect by itself when that comes, or goes.
WAITING: Final = frozenset({"stays.about_unknown", "stays.departure_before_arrival", "stays.overtaken", "stays.about_withdrawn"})


class PersonChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a declaration is about.

    ``new``: insert the person with the fields of declaration ``stated_in``. ``merges``: these ids are the same person; move their
    numbers, stays and residences to ``person_id`` and keep them as pointers.
    """

    action: Literal["new", "known"]
    person_id: str
    stated_in: str
    add_numbers: tuple[KnownNumber, ...] = ()
    merges: tuple[str, ...] = ()


class StayChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to write about stays: replace or insert ``stays`` whole by id; mark ``removed`` as standing no longer."""

    stay_id: str | None = None  # the stay this declaration belongs to; None when it stands in no stay
    stays: tuple[KnownStay, ...] = ()
    removed: tuple[str, ...] = ()


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole answer. ``findings`` are new or about this declaration; ``cleared`` stood before and do no longer.

    Registry: findings(after) = findings(before) - cleared + findings, by ``finding_id``.
    """

    state: ReconciliationState
    person: PersonChange
    stay: StayChange | None = None
    findings: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()
    split: tuple[PersonChange, ...] = ()  # other people to insert or merge, when this settles who they are; nearly always empty


def reconcile(declaration: StayDeclaration, known: Known, *, rules: RuleBook, received_at: datetime) -> Reconciliation:
    """Fit one checked declaration into what is known. See ``residence/stays/known.py`` for what must be looked up.

    Raises ``ValueError`` when a known stay rests on declarations that were not looked up: the caller's mistake, never the declarant's.
    """
    if declaration.kind == "arrival" and not (known.stays or known.declarations):
        start = instant(declaration.arrival)
        if start is not None and not known.persons:
            return _newcomer(declaration, start, rules=rules, received_at=received_at)
        if start is not None and len(known.persons) == 1 and _is_expected(declaration.person, known.persons[0]):
            return _registered(declaration, start, known, rules=rules, received_at=received_at)
    return reconcile_generally(declaration, known, rules=rules, received_at=received_at)


def _newcomer(declaration: StayDeclaration, start: datetime, *, rules: RuleBook, received_at: datetime) -> Reconciliation:
    """Answer what ``reconcile_generally`` answers for the arrival of somebody nobody knows, a quarter of the work (a property test)."""
    own_id = declaration.declaration_id
    own = {finding("person.unknown", "/person", own_id)} | _timing(declaration, rules, received_at)
    state = _state(frozenset(own))
    person_id = derived_id("person", own_id)
    numbers = numbers_of(declaration.person) if state == "accepted" else ()
    stay = _only_stay(declaration, start, person_id)
    return Reconciliation(
        state=state,
        person=PersonChange(
            action="new",
            person_id=person_id,
            stated_in=own_id,
            add_numbers=tuple(msgspec.structs.replace(each, stated_in=own_id) for each in numbers),
        ),
        stay=StayChange(stay_id=stay.stay_id, stays=(stay,)),
        findings=tuple(sorted(own, key=_order)),
    )


def _is_expected(stated: Person, person: KnownPerson) -> bool:
    """Tell whether somebody is, word for word, the one person of the register who holds their only number."""
    if person.declared_by is not None or person.status != "living" or len(person.numbers) != 1:
        return False
    (held,) = person.numbers
    numbers = numbers_of(stated)
    return (
        held.kind == "personal"
        and held.status == "active"
        and len(numbers) == 1
        and numbers[0].kind == "personal"
        and numbers[0].value == held.value
        and stated.full_name == person.full_name
        and stated.birth == person.birth
    )


def _registered(
    declaration: StayDeclaration, start: datetime, known: Known, *, rules: RuleBook, received_at: datetime
) -> Reconciliation:
    """Answer what ``reconcile_generally`` answers for the first arrival of such a person, a fifth of the work (a property test)."""
    own_id, person_id = declaration.declaration_id, known.persons[0].person_id
    found = set(_timing(declaration, rules, received_at))
    stay = _only_stay(declaration, start, person_id)
    day = start.astimezone(VIETNAM).date().isoformat()
    place = declaration.premises_id, normal_unit(declaration.unit)
    at_home = any(each.person_id == person_id and is_home(each, place, day) for each in known.residences)
    if at_home:
        found.add(finding("stays.resident_here", "/premises_id", own_id))
    return Reconciliation(
        state=_state(frozenset(found)),
        person=PersonChange(action="known", person_id=person_id, stated_in=own_id),
        stay=None if at_home else StayChange(stay_id=stay.stay_id, stays=(stay,)),
        findings=tuple(sorted(found, key=_order)),
    )


def _only_stay(declaration: StayDeclaration, start: datetime, person_id: str) -> KnownStay:
    planned = instant(declaration.planned_departure)
    return KnownStay(
        stay_id=derived_id("stay", declaration.declaration_id),
        person_id=person_id,
        premises_id=declaration.premises_id,
        unit=declaration.unit,
        start=rfc3339(start),
        planned_end=rfc3339(planned) if planned else None,
        status="open",
        declaration_ids=(declaration.declaration_id,),
    )


def reconcile_generally(declaration: StayDeclaration, known: Known, *, rules: RuleBook, received_at: datetime) -> Reconciliation:
    """Reconcile against anything that may be known, the empty case included."""
    earlier = tuple(each for each in known.declarations if each.declaration_id != declaration.declaration_id)
    known = msgspec.structs.replace(known, received={declaration.declaration_id: received_at, **known.received})
    _refuse_incomplete(known, {declaration.declaration_id, *(each.declaration_id for each in earlier)})
    after = fold((*earlier, declaration), known, rules=rules)
    before = fold(known.declarations, known, rules=rules).findings if known.declarations else frozenset()
    own = frozenset(each for each in after.findings if declaration.declaration_id in each.about) | _timing(
        declaration, rules, received_at
    )
    ids, changes = _name_people(declaration, after, known)
    number = after.group_of[declaration.declaration_id]
    state = _state(own)
    person = changes.get(number) or PersonChange(action="known", person_id=ids[number], stated_in=declaration.declaration_id)
    if state == "accepted":
        added = _added_numbers(declaration.declaration_id, after.says.get(declaration.declaration_id, ()), after.groups[number])
        person = msgspec.structs.replace(person, add_numbers=added)
    return Reconciliation(
        state=state,
        person=person,
        stay=_stay_change(declaration.declaration_id, after, known, ids),
        findings=tuple(sorted((after.findings - before) | own, key=_order)),
        cleared=_gone(before, after.findings),
        split=tuple(
            change
            for change in changes.values()
            if change.person_id != person.person_id and (change.action == "new" or change.merges)
        ),
    )


def _gone(before: frozenset[Finding], after: frozenset[Finding]) -> tuple[Finding, ...]:
    standing = {_order(each) for each in after}
    return tuple(sorted((each for each in before if _order(each) not in standing), key=_order))


def _order(each: Finding) -> tuple[str, tuple[str, ...]]:
    return each.code, each.about


def _refuse_incomplete(known: Known, present: set[str]) -> None:
    missing = {each for stay in known.stays for each in stay.declaration_ids} - present
    if missing:
        raise ValueError(f"declarations of known stays were not looked up: {sorted(missing)}")


def _timing(declaration: StayDeclaration, rules: RuleBook, received_at: datetime) -> frozenset[Finding]:
    """Find what depends on when it reached us, which is a fact about this declaration alone."""
    start = instant(declaration.arrival)
    if declaration.kind != "arrival" or start is None:
        return frozenset()
    end = instant(declaration.planned_departure) or start + max_stay(start, rules)
    if received_at < end:
        return frozenset()
    return frozenset({finding("stays.over_when_received", "/planned_departure", declaration.declaration_id)})


def _state(own: frozenset[Finding]) -> ReconciliationState:
    if not own:
        return "accepted"
    codes = {each.code for each in own}
    if codes & REFUSING:
        return "refused"
    if codes & WAITING or any(each.severity == "error" for each in own):
        return "conflicting"
    return "accepted"


def _name_people(declaration: StayDeclaration, after: Standing, known: Known) -> tuple[dict[int, str], dict[int, PersonChange]]:
    """Give every human being a person id: the register's, else the first one made here, else a new one."""
    ids: dict[int, str] = {}
    changes: dict[int, PersonChange] = {}
    taken: set[str] = set()
    for number, group in enumerate(after.groups):
        if group.persons:
            ids[number], merges = _chosen(group)
            taken.update((ids[number], *merges))
            changes[number] = PersonChange(
                action="known", person_id=ids[number], stated_in=declaration.declaration_id, merges=merges
            )
    stay_person = {member: stay.person_id for stay in known.stays for member in stay.declaration_ids}
    known_ids = {each.person_id for each in known.persons}
    said_before = any(each.declaration_id == declaration.declaration_id for each in known.declarations)
    restated = None if said_before else after.root_of.get(declaration.declaration_id)  # may be about somebody else from now on
    for number, group in enumerate(after.groups):
        if number in ids:
            continue
        own = after.group_of[declaration.declaration_id] == number
        if not own and after.idle.issuperset(group.statements):
            continue  # only statements that change nothing: they name nobody until they fit
        former = [
            stay_person[each]
            for each in group.statements
            if each in stay_person and each != restated and stay_person[each] not in taken
        ]
        source = declaration.declaration_id if own else group.statements[0]
        ids[number] = min(former) if former else _free_id(source, taken)
        taken.add(ids[number])
        if not former and ids[number] not in known_ids:
            changes[number] = PersonChange(action="new", person_id=ids[number], stated_in=source)
    return ids, changes


def _free_id(source: str, taken: set[str]) -> str:
    """Return the first id derived from a declaration that stands for nobody else; a later one only after a correction."""
    candidates = (derived_id("person" if count == 0 else f"person {count}", source) for count in itertools.count())
    return next(each for each in candidates if each not in taken)


def _chosen(group: Group) -> tuple[str, tuple[str, ...]]:
    """Return a human being's person id and the ids to merge into it; two persons of the register are never merged by a declaration."""
    registered = sorted(each.person_id for each in group.persons if each.declared_by is None)
    made = sorted(each.person_id for each in group.persons if each.declared_by is not None)
    chosen = (registered or made)[0]
    return chosen, tuple(each for each in made if each != chosen)


def _added_numbers(declaration_id: str, stated: tuple[KnownNumber, ...], group: Group) -> tuple[KnownNumber, ...]:
    """Return the numbers a declaration's arrival states that none of its persons is known by yet."""
    held = {(each.kind, each.value) for person in group.persons for each in person.numbers}
    return tuple(
        msgspec.structs.replace(each, stated_in=declaration_id) for each in stated if (each.kind, each.value) not in held
    )


def _stay_change(declaration_id: str, after: Standing, known: Known, ids: Mapping[int, str]) -> StayChange | None:
    """Compare what stands with what was stored; nothing to write and no stay of its own gives None."""
    stored = {stay.stay_id: stay for stay in known.stays}
    standing = {draft.stay_id: msgspec.structs.replace(draft, person_id=ids[number]) for number, draft in after.drafts}
    changed = tuple(stay for stay_id, stay in sorted(standing.items()) if stored.get(stay_id) != stay)
    removed = tuple(sorted(stored.keys() - standing.keys()))
    own = after.stay_of.get(declaration_id)
    if own is None and not changed and not removed:
        return None
    return StayChange(stay_id=own, stays=changed, removed=removed)
