"""Which statements and registered persons are one human being, decided from the whole set and never from the order.

- The **personal number** decides alone: equal numbers are one person; a name or birth date that disagrees is a finding for a human.
- Any other number (old number, passport, licence) counts only together with a name that agrees (open question Q9): across to somebody
  with a personal number it also needs both birth dates, equal. If it would join two personal numbers, nobody is joined.
- A number taken from one registered person and in force at another is the other's alone.
- A cancelled number printed on a new card joins its earlier holder when the name or the birth date still agrees.
- No number at all: a person of their own for each statement. Names alone never join anybody.

Example: a card with old number 012345678 and a licence desk entry with only 012345678 are one person when name and birth agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from residence.people.names import compare_names
from residence.people.person import PartialDate, Person
from residence.stays.findings import Finding, finding
from residence.stays.known import KnownNumber, KnownPerson, NumberStatus, numbers_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A statement or a registered person, as far as identity goes. ``key`` is unique; ``statement`` is empty for a person."""

    key: str
    name: str
    birth: PartialDate | None
    numbers: tuple[KnownNumber, ...]
    statement: str | None = None
    person: KnownPerson | None = None
    compares: bool = True  # false: withdrawn, refused or waiting

    def holds(self, kind: str) -> tuple[str, ...]:
        """Return the numbers of a kind that this party is known by; a stated cancelled number is a claim about another time."""
        return tuple(each.value for each in self.numbers if each.kind == kind and (self.person or each.status == "active"))


class _Links:
    """Disjoint sets of party keys; the representative of a set is its least key."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._parent = {key: key for key in keys}

    def find(self, key: str) -> str:
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low


def party_of_statement(declaration_id: str, person: Person, *, live: bool) -> Party:
    """Return the party of one statement.

    One that is not ``live`` (withdrawn, refused, waiting) still names somebody, but joins nobody to anybody: it keeps its strongest
    kind of number only.
    """
    numbers = numbers_of(person)
    if not live:
        numbers = tuple(each for each in numbers if each.kind == numbers[0].kind and each.status == "active")
    return Party(
        key=f"d:{declaration_id}",
        name=person.full_name,
        birth=person.birth,
        numbers=numbers,
        statement=declaration_id,
        compares=live,
    )


def party_of_person(person: KnownPerson, present: Mapping[str, str]) -> Party:
    """Return the party of a registered person, without the numbers that statements at hand taught: those speak for themselves."""
    numbers = tuple(each for each in person.numbers if each.stated_in not in present)
    return Party(key=f"p:{person.person_id}", name=person.full_name, birth=person.birth, numbers=numbers, person=person)


def births_conflict(one: PartialDate | None, other: PartialDate | None) -> bool:
    """Tell whether two birth dates cannot be the same day; an unknown part conflicts with nothing."""
    if one is None or other is None:
        return False
    shared = min(len(one.value), len(other.value))
    return one.value[:shared] != other.value[:shared]


def agree(one: Party, other: Party) -> bool:
    """Tell whether two parties can be one person by name and birth."""
    return not births_conflict(one.birth, other.birth) and compare_names(one.name, other.name).result != "different"


def _agree_firmly(one: Party, other: Party) -> bool:
    return one.birth is not None and other.birth is not None and one.birth == other.birth and agree(one, other)


def _about(*parties: Party) -> tuple[str, ...]:
    return tuple(each.statement for each in parties if each.statement)


def _disagreements(one: Party, other: Party, pointer: str) -> list[Finding]:
    """Compare two holders of one number; two registered persons are the register's own business."""
    about = _about(one, other)
    if not about or not (one.compares and other.compares):
        return []
    found = []
    result = compare_names(one.name, other.name).result
    if result == "different":
        found.append(finding("person.number_disagrees_with_name", pointer, *about))
    elif result == "likely":
        found.append(finding("person.name_spelt_otherwise", "/person/full_name", *about))
    if births_conflict(one.birth, other.birth):
        found.append(finding("person.number_disagrees_with_birth", pointer, *about))
    return found


def _holders(parties: Sequence[Party], kind: str) -> dict[str, list[Party]]:
    found: dict[str, list[Party]] = defaultdict(list)
    for party in parties:
        for value in dict.fromkeys(party.holds(kind)):
            found[value].append(party)
    return {value: _holding_now(value, holders) for value, holders in found.items()}


def _holding_now(value: str, holders: list[Party]) -> list[Party]:
    """Leave out whom a number was taken from, once a registered person has it in force: given to somebody else it is theirs."""
    in_force = {each.key for each in holders if each.person and _status(each, value) == "active"}
    return [each for each in holders if not each.person or not in_force or each.key in in_force]


def _status(party: Party, value: str) -> NumberStatus:
    own = {each.status for each in party.numbers if each.value == value}
    return "active" if "active" in own else min(own)


def _join_by_personal_number(parties: Sequence[Party], links: _Links) -> list[Finding]:
    found: list[Finding] = []
    for holders in _holders(parties, "personal").values():
        for other in holders[1:]:
            links.join(holders[0].key, other.key)
        found += _compare_variants([each for each in holders if each.compares])
    return found


def _compare_variants(holders: Sequence[Party]) -> list[Finding]:
    """Compare holders of one personal number by what they state: each with the register, and with the first of every other wording."""
    variants: dict[tuple[str, PartialDate | None], list[Party]] = defaultdict(list)
    for party in holders:
        variants[party.name, party.birth].append(party)
    found: list[Finding] = []
    for ours, theirs in permutations(variants.values(), 2):
        first = next((each for each in theirs if each.statement), None)
        for party in ours:
            for other in (*(each for each in theirs if each.person), *([first] if first else [])):
                found += _disagreements(party, other, "/person/personal_number")
    return found


def _join_replaced_numbers(parties: Sequence[Party], links: _Links) -> list[Finding]:
    holders = _holders(parties, "personal")
    found: list[Finding] = []
    for party in parties:
        stated = [each.value for each in party.numbers if each.status == "cancelled" and party.statement]
        for other in (holder for value in stated for holder in holders.get(value, ()) if holder.key != party.key):
            # Numbers are re-issued when sex, birth year or birth place were corrected: one of the two may rightly differ.
            if compare_names(party.name, other.name).result != "different" or (
                party.birth is not None and party.birth == other.birth
            ):
                links.join(party.key, other.key)
                found.append(finding("person.number_replaced", "/person/cancelled_numbers", *_about(party, other)))
            else:
                found.append(finding("person.cancelled_number_disagrees", "/person/cancelled_numbers", *_about(party, other)))
    return found


class _WeakNumbers:
    """Joins by numbers that are no sole key; collected first, applied at once, so that no order can show."""

    def __init__(self, parties: Sequence[Party], links: _Links) -> None:
        self.parties, self.links = parties, links
        self.findings: list[Finding] = []
        self.wishes: list[tuple[Party, Party]] = []  # somebody without a personal number, and somebody with one

    def run(self) -> list[Finding]:
        pinned = {self.links.find(each.key) for each in self.parties if each.holds("personal")}
        numbered = {each.key for each in self.parties if self.links.find(each.key) in pinned}
        for kind, pointer in (("old", "/person/old_number"), ("document", "/person/document/number")):
            for holders in _holders(self.parties, kind).values():
                for one, other in combinations(sorted(holders, key=lambda each: each.key in numbered), 2):
                    self._judge(one, other, pointer, having=(one.key in numbered, other.key in numbered))
        self._apply()
        return self.findings

    def _judge(self, one: Party, other: Party, pointer: str, *, having: tuple[bool, bool]) -> None:
        if all(having):
            if self.links.find(one.key) != self.links.find(other.key) and _about(one, other):
                self.findings.append(finding("person.number_of_two_persons", pointer, *_about(one, other)))
            return
        disagreements = _disagreements(one, other, pointer)
        self.findings += disagreements
        if not agree(one, other):
            return
        if not any(having):
            self.links.join(one.key, other.key)
        elif _agree_firmly(one, other):
            self.wishes.append((one, other))
        elif _about(one, other):
            self.findings.append(finding("person.old_number_unconfirmed", pointer, *_about(one, other)))

    def _apply(self) -> None:
        by_group: dict[str, list[tuple[Party, Party]]] = defaultdict(list)
        for wish in self.wishes:
            by_group[self.links.find(wish[0].key)].append(wish)
        targets = {group: {self.links.find(other.key) for _, other in wishes} for group, wishes in by_group.items()}
        for group, wishes in by_group.items():
            code = "person.old_number_linked" if len(targets[group]) == 1 else "person.number_of_two_persons"
            self.findings += [finding(code, "/person/old_number", *_about(*wish)) for wish in wishes if _about(*wish)]
        for group, goals in targets.items():
            if len(goals) == 1:
                self.links.join(group, next(iter(goals)))


def group_people(parties: Sequence[Party]) -> tuple[list[list[Party]], list[Finding]]:
    """Return the parties grouped into human beings, ordered by their least key, and what was found on the way."""
    ordered = sorted(parties, key=lambda each: each.key)
    links = _Links(each.key for each in ordered)
    found = _join_by_personal_number(ordered, links)
    found += _join_replaced_numbers(ordered, links)
    found += _WeakNumbers(ordered, links).run()
    groups: dict[str, list[Party]] = defaultdict(list)
    for party in ordered:
        groups[links.find(party.key)].append(party)
    return list(groups.values()), found


def place_labels(
    labels: Sequence[KnownPerson], groups: Sequence[Sequence[Party]], present: Mapping[str, str]
) -> dict[int, list[KnownPerson]]:
    """Say which human being each person made from a statement *at hand* stands for now: group index -> persons.

    Such a person is only a label. What the statements say now decides who is who, so a label never joins two groups: it goes to the
    first that holds one of its personal numbers, else to that of the statement it was made from, while that names the same numbers.
    """
    by_number = {
        value: index for index in reversed(range(len(groups))) for party in groups[index] for value in party.holds("personal")
    }
    by_statement = {party.statement: (index, party) for index, group in enumerate(groups) for party in group if party.statement}
    placed: dict[int, list[KnownPerson]] = defaultdict(list)
    for person in labels:
        found = [by_number[each.value] for each in person.numbers if each.status == "active" and each.value in by_number]
        made_from = by_statement.get(present.get(person.declared_by or "", ""))
        if found:
            placed[min(found)].append(person)
        elif made_from is not None and _still_says(made_from[1], person):
            placed[made_from[0]].append(person)
    return placed


def _still_says(statement: Party, person: KnownPerson) -> bool:
    """Tell whether a statement still names a number of the person made from it; a correction may have moved it to somebody else."""
    known, stated = ({each.value for each in numbers} for numbers in (person.numbers, statement.numbers))
    return bool(known & stated) or not known
