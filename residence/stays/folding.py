"""The set of all that was declared -> the stays that stand and every finding. The order of arrival appears nowhere here.

- One stay per person, unit and unbroken interval: overlapping arrivals of one person in one unit are one stay.
  ``stays.duplicate`` when they begin within 12 hours of each other (two kiosks, a kiosk and the desk), else ``stays.already_here``.
- Arrivals under one number whose names disagree are *not* laid together: they may be two people, and nobody is dropped.
- Of departures and extensions the last wins, whichever arrival it was said of (``last_words.py``).
- A registered residence in the same unit: no notification is needed, no stay is made, and a finding says so.

Example: [10 July, 12 July) at the lobby and [10 July, 13 July) at the desk: one stay to 13 July on both declarations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import msgspec

from residence.clock import VIETNAM, rfc3339
from residence.stays.chains import Chain, chain_up
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding, derived_id, finding, once
from residence.stays.identity import Party, agree, group_people, party_of_person, party_of_statement, place_labels
from residence.stays.known import Known, KnownNumber, KnownPerson, KnownStay
from residence.stays.last_words import Step, cut, ending, overtaken
from residence.stays.rules import RuleBook
from residence.stays.spans import Span, instant, is_home, leaving_time, max_stay, normal_unit
from residence.stays.turns import turns_of

DUPLICATE_WITHIN: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Group:
    """One human being: the statements about them and the registered persons they are, labels included."""

    statements: tuple[str, ...]
    persons: tuple[KnownPerson, ...]


@dataclass(frozen=True)
class Standing:
    """What a set of declarations amounts to."""

    groups: tuple[Group, ...]
    group_of: dict[str, int]  # declaration id -> index of its human being
    says: dict[str, tuple[KnownNumber, ...]]  # declaration id -> numbers its arrival states now, after corrections
    drafts: tuple[tuple[int, KnownStay], ...]  # group and stay, its person_id still empty
    findings: frozenset[Finding]
    root_of: dict[str, str]  # declaration id -> the arrival it is about, itself included
    idle: frozenset[str] = frozenset()  # ids of what changes nothing: refused, or waiting for what it is about

    @cached_property
    def stay_of(self) -> dict[str, str]:
        """Map declaration id to stay id."""
        return {member: stay.stay_id for _, stay in self.drafts for member in stay.declaration_ids}


def fold(declarations: Sequence[StayDeclaration], known: Known, *, rules: RuleBook) -> Standing:
    """Compute everything that stands from a set of declarations; only persons, residences and imported stays of ``known`` count."""
    return _Fold(declarations, known, rules).run()


class _Fold:
    """One computation: collects findings, and keeps the maps its steps share."""

    def __init__(self, declarations: Sequence[StayDeclaration], known: Known, rules: RuleBook) -> None:
        self.known, self.rules = known, rules
        self.turns = turns_of(declarations, known.received)
        chained = chain_up(declarations, self.turns)
        self.chains, self.loose = chained.chains, chained.loose
        self.idle = frozenset(each.declaration_id for each in chained.idle)
        self.found: set[Finding] = set(chained.findings)
        self.drafts: list[tuple[int, KnownStay]] = []
        self.agreed: dict[object, bool] = {}  # only for this computation: names stay nowhere
        statements = [(chain.root.declaration_id, chain.content.person, not chain.withdrawn) for chain in self.chains]
        statements += [(each.declaration_id, each.person, True) for each in self.loose]
        statements += [(each.declaration_id, each.person, False) for each in chained.idle]
        present = {member: chain.root.declaration_id for chain in self.chains for member in chain.members}
        present |= {each.declaration_id: each.declaration_id for each in (*self.loose, *chained.idle)}
        self.parties = {key: party_of_statement(key, person, live=live) for key, person, live in statements}
        labels = [each for each in known.persons if each.declared_by in present]
        registered = [each for each in known.persons if each.declared_by not in present]
        self.parts, found = group_people([*self.parties.values(), *(party_of_person(each, present) for each in registered)])
        self.found.update(found)
        self.labels = place_labels(labels, self.parts, present)
        index = {party.statement: number for number, group in enumerate(self.parts) for party in group if party.statement}
        self.root_of, self.group_of = present, {member: index[root] for member, root in present.items()}

    def run(self) -> Standing:
        by_group: dict[int, list[Chain]] = defaultdict(list)
        for chain in self.chains:
            by_group[self.group_of[chain.root.declaration_id]].append(chain)
        groups = []
        for number, parts in enumerate(self.parts):
            registered = [party.person for party in parts if party.person]
            self._judge_person(parts, registered)
            persons = (*registered, *self.labels.get(number, ()))
            self._fold_person(number, by_group.get(number, []), persons)
            groups.append(Group(statements=tuple(party.statement for party in parts if party.statement), persons=persons))
        disputed = {each for finding_ in self.found if finding_.severity == "error" for each in finding_.about}
        drafts = [
            (
                number,
                msgspec.structs.replace(stay, status="disputed")
                if stay.status == "open" and disputed & set(stay.declaration_ids)
                else stay,
            )
            for number, stay in self.drafts
        ]
        says = {member: self.parties[chain.root.declaration_id].numbers for chain in self.chains for member in chain.members}
        told = once(self.found)
        return Standing(
            groups=tuple(groups),
            group_of=self.group_of,
            says=says,
            drafts=tuple(drafts),
            findings=told,
            root_of=self.root_of,
            idle=self.idle,
        )

    def _judge_person(self, parts: Sequence[Party], registered: Sequence[KnownPerson]) -> None:
        """Find what is wrong with the person or the number of each living statement of one human being."""
        # Of the party, not of the person: what statements at hand taught would show who came first.
        told = [each for party in parts if party.person for each in party.numbers]
        invalid = {each.value for each in told if each.kind == "personal" and each.status != "active"}
        deceased = any(person.status == "deceased" for person in registered)
        for party in parts:
            if party.statement is None or not party.compares:
                continue
            if not registered:
                self.found.add(finding("person.unknown", "/person", party.statement))
            if deceased:
                self.found.add(finding("person.deceased", "/person", party.statement))
            if invalid & set(party.holds("personal")):
                self.found.add(finding("person.number_cancelled", "/person/personal_number", party.statement))

    def _fold_person(self, number: int, chains: Sequence[Chain], persons: Sequence[KnownPerson]) -> None:
        """Make the stays of one human being."""
        loose = [each for each in self.loose if self.group_of[each.declaration_id] == number]
        extra = self._attach(loose, chains)
        spans: list[Span] = []
        for chain in chains:
            span = self._span(chain, extra.get(chain.root.declaration_id, []))
            if span is None:
                self.found.add(finding("stays.times_unreadable", "/arrival", *chain.members))
            elif chain.withdrawn:
                self._draft(number, [span], status="withdrawn")
            elif self._is_resident(persons, span):
                self.found.add(finding("stays.resident_here", "/premises_id", *span.members))
            else:
                spans.append(span)
        spans, found = cut(spans, self._agree)
        self.found |= found
        self._compare(spans)
        for together in self._together(spans):
            self._draft(number, together)

    def _attach(self, loose: Sequence[StayDeclaration], chains: Sequence[Chain]) -> dict[str, list[StayDeclaration]]:
        """Match follow-ups that name nothing to the person's newest arrival there that had begun."""
        extra: dict[str, list[StayDeclaration]] = defaultdict(list)
        for each in loose:
            moment = leaving_time(each) if each.kind == "departure" else instant(each.declared_at)
            fitting = [chain for chain in chains if moment is not None and self._fits(each, moment, chain)]
            if fitting:
                newest = max(fitting, key=lambda chain: (instant(chain.content.arrival), chain.root.declaration_id))
                extra[newest.root.declaration_id].append(each)
            else:
                self.found.add(finding("stays.about_unknown", "/about", each.declaration_id))
        return extra

    def _fits(self, loose: StayDeclaration, moment: datetime, chain: Chain) -> bool:
        start = instant(chain.content.arrival)
        same_place = loose.premises_id == chain.content.premises_id
        same_unit = loose.unit is None or normal_unit(loose.unit) == normal_unit(chain.content.unit)
        return start is not None and start <= moment and same_place and same_unit and not chain.withdrawn

    def _span(self, chain: Chain, extra: Sequence[StayDeclaration]) -> Span | None:
        start = instant(chain.content.arrival)
        if start is None:
            return None
        longest = max_stay(start, self.rules)
        planned, ended = instant(chain.content.planned_departure), None
        refused: set[str] = set()
        taken: list[Step] = []
        for step in sorted((*chain.steps, *extra), key=lambda each: self.turns[each.declaration_id]):
            moment = leaving_time(step) if step.kind == "departure" else instant(step.planned_departure)
            if moment is None or moment < start:
                refused.add(step.declaration_id)
                code = "stays.times_unreadable" if moment is None else "stays.departure_before_arrival"
                self.found.add(finding(code, "/planned_departure", step.declaration_id))
                continue
            taken.append((step, moment))
            if step.kind == "departure":
                ended = moment
                if planned is not None and moment < planned:
                    self.found.add(
                        finding("stays.early_departure", "/planned_departure", step.declaration_id, chain.root.declaration_id)
                    )
            else:
                self._judge_extension(step, chain, planned=planned, limit=start + longest, moment=moment)
                planned, ended = moment, None
        self.found.update(overtaken(chain, taken, self.turns))
        members = {*chain.members, *(each.declaration_id for each in extra)} - refused
        spoken = [self.turns[step.declaration_id] for step, _ in taken]
        longer = [turn for turn, (step, _) in zip(spoken, taken, strict=True) if step.kind == "extension"]
        return Span(
            chain=chain, members=tuple(sorted(members)), start=start, planned=planned, ended=ended, longest=longest,
            last=spoken[-1] if spoken else None, extended=longer[-1] if longer else None,
            echoes=tuple(self.turns[step.declaration_id] for step, moment in taken if (step.kind, moment) == (taken[-1][0].kind, taken[-1][1])),
        )  # fmt: skip

    def _judge_extension(
        self, step: StayDeclaration, chain: Chain, *, planned: datetime | None, limit: datetime, moment: datetime
    ) -> None:
        about = (step.declaration_id, chain.root.declaration_id)
        self.found.add(finding("stays.extended", "/planned_departure", *about))
        if planned is not None and moment <= planned:
            self.found.add(finding("stays.extension_not_longer", "/planned_departure", *about))
        if moment >= limit:
            self.found.add(finding("stays.thirty_days", "/planned_departure", *about))

    def _is_resident(self, persons: Sequence[KnownPerson], span: Span) -> bool:
        ids = {person.person_id for person in persons}
        day = span.start.astimezone(VIETNAM).date().isoformat()
        return any(each.person_id in ids and is_home(each, span.place, day) for each in self.known.residences)

    def _agree(self, one: Span, other: Span) -> bool:
        parties = self.parties[one.key], self.parties[other.key]
        wording = tuple((each.name, each.birth) for each in parties)
        if wording not in self.agreed:
            self.agreed[wording] = agree(*parties)
        return self.agreed[wording]

    def _compare(self, spans: Sequence[Span]) -> None:
        """Name every overlap once: each arrival with the one before it, at every place, that lasts longest.

        Not every pair: somebody who declares a thousand times must not make half a million findings.
        """
        longest: dict[tuple[str, str], Span] = {}
        for span in sorted(spans, key=lambda each: (each.start, each.key)):
            for earlier in longest.values():
                if span.overlaps(earlier):
                    pointer, code = _overlap(earlier, span)
                    self.found.add(finding(code, pointer, earlier.key, span.key))
            before = longest.get(span.place)
            if before is None or (span.end, span.key) > (before.end, before.key):
                longest[span.place] = span

    def _together(self, spans: Sequence[Span]) -> list[list[Span]]:
        """Group the arrivals that are one stay: same place, shared time, names that agree, transitively."""
        groups: list[list[Span]] = []
        for span in sorted(spans, key=lambda each: each.key):
            touching = [
                group
                for group in groups
                if any(span.place == each.place and span.overlaps(each) and self._agree(span, each) for each in group)
            ]
            groups = [group for group in groups if group not in touching]
            groups.append([*(each for group in touching for each in group), span])
        return groups

    def _draft(self, number: int, spans: Sequence[Span], *, status: str | None = None) -> None:
        members = tuple(sorted({member for span in spans for member in span.members}))
        first = min(spans, key=lambda each: each.key)
        planned, ended, found = ending(spans)
        self.found.update(found)
        stay = KnownStay(
            stay_id=derived_id("stay", first.key),
            person_id="",
            premises_id=first.chain.content.premises_id,
            unit=first.chain.content.unit,
            start=rfc3339(min(span.start for span in spans)),
            planned_end=rfc3339(planned) if planned else None,
            ended_at=rfc3339(ended) if ended else None,
            status="withdrawn" if status == "withdrawn" else "ended" if ended else "open",
            declaration_ids=members,
        )
        self.drafts.append((number, stay))


def _overlap(earlier: Span, later: Span) -> tuple[str, str]:
    """Return the field and the code for two arrivals of one person that share time."""
    if earlier.place[0] != later.place[0]:
        return "/premises_id", "stays.elsewhere"
    if earlier.place != later.place:
        return "/unit", "stays.other_unit"
    return "/arrival", "stays.duplicate" if later.start - earlier.start <= DUPLICATE_WITHIN else "stays.already_here"
