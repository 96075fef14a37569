"""An arrival with everything said about it later: corrections, withdrawals, extensions and departures, whatever came first.

- A follow-up names in ``about`` any declaration of the chain; following ``about`` leads to the arrival.
- Later statements win by when they were said, never later than when they reached us (``turns.py``). A correction that a later one had
  overtaken when it reached us, and what is said of an arrival that was taken back before, change nothing and are told so.
- A correction restates the whole of what it corrects. A withdrawal takes back exactly what it names, itself withdrawable.
- Extensions, departures and withdrawals must come from the stay's premises, or from an officer; extensions and departures, and
  what a person says for themselves, must be about the same person. What is not, stands in a finding and changes nothing.
- A departure or extension that names nothing is *loose*: it is matched to the person's stay later.

Example: arrival, correction of the room, withdrawal of that correction: the first room stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.stays.declaration import Declarant, StayDeclaration
from residence.stays.findings import Finding, finding
from residence.stays.identity import agree, party_of_statement
from residence.stays.turns import Turns

_LOOSE_KINDS = frozenset({"extension", "departure"})
_CHANGING = _LOOSE_KINDS | {"correction"}
_NO_EVIDENCE = Evidence(level=EvidenceLevel.STATED, source="typed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """One arrival as it stands after all that was said. ``steps`` are its extensions and departures, oldest first."""

    root: StayDeclaration
    content: StayDeclaration
    members: tuple[str, ...]  # ids of everything valid in the chain, the root included
    steps: tuple[StayDeclaration, ...] = ()
    withdrawn: bool = False
    restated: Mapping[str, str] = field(default_factory=dict)  # the arrival and steps whose words are a correction's, by its id
    new_end: bool = False  # that of the arrival says another departure than the words before it


@dataclass(frozen=True, kw_only=True, slots=True)
class Chained:
    """All chains of a set, the follow-ups that name nothing, those that change nothing (refused, waiting), and what was found."""

    chains: tuple[Chain, ...]
    loose: tuple[StayDeclaration, ...]
    idle: tuple[StayDeclaration, ...]
    findings: tuple[Finding, ...]


def depth_and_root(declaration: StayDeclaration, by_id: Mapping[str, StayDeclaration]) -> tuple[int, StayDeclaration | None]:
    """Follow ``about`` to the arrival. None when something is missing on the way, or the way is a circle."""
    depth, current = 0, declaration
    while current.kind != "arrival":
        following = by_id.get(current.about or "")
        depth += 1
        if following is None or depth > len(by_id):
            return depth, None
        current = following
    return depth, current


def chain_up(declarations: Sequence[StayDeclaration], turns: Turns) -> Chained:
    """Sort a set of declarations into chains. ``turns``: of all of them."""
    by_id = {each.declaration_id: each for each in declarations}
    found: list[Finding] = []
    loose: list[StayDeclaration] = []
    idle: list[StayDeclaration] = []
    members: dict[str, list[tuple[int, StayDeclaration]]] = defaultdict(list)
    for each in sorted(by_id.values(), key=lambda each: each.declaration_id):
        depth, root = depth_and_root(each, by_id)
        if root is not None:
            members[root.declaration_id].append((depth, each))
        elif each.about is None and each.kind in _LOOSE_KINDS:
            loose.append(each)
        else:
            idle.append(each)
            found.append(finding("stays.about_unknown", "/about", each.declaration_id))
    chains = []
    for root_id, followers in members.items():
        chain, troubles = _build(by_id[root_id], [each for _, each in sorted(followers, key=lambda pair: -pair[0])], turns)
        chains.append(chain)
        found += troubles
        idle += [each for _, each in followers if each.declaration_id not in chain.members]
    return Chained(chains=tuple(chains), loose=tuple(loose), idle=tuple(idle), findings=tuple(found))


def _build(root: StayDeclaration, deepest_first: list[StayDeclaration], turns: Turns) -> tuple[Chain, list[Finding]]:
    if len(deepest_first) == 1:
        return Chain(root=root, content=root, members=(root.declaration_id,)), []
    found: list[Finding] = []
    valid = {root.declaration_id: root}
    officers = [each for each in deepest_first if each.kind == "correction" and each.declarant.role == "officer"]
    places = {root.premises_id, *(each.premises_id for each in officers)}
    staff = [each for each in deepest_first if each.kind == "correction" and each.declarant.role != "self"]
    people = [root, *(each for each in staff if each.declarant.role == "officer" or each.premises_id in places)]
    for each in deepest_first:
        trouble = None if each is root else _trouble(each, places, people)
        if trouble is None:
            valid[each.declaration_id] = each
        else:
            found.append(finding(trouble, "/about", each.declaration_id))
    kept = [each for each in deepest_first if each.declaration_id in valid]
    standing = _standing(kept)
    restated = _corrections(kept, valid, standing, turns)
    wording = {**valid, **{target: said[-1] for target, said in restated.items()}}
    if root.declaration_id in standing:
        found += _overtaken(restated, turns)
    else:
        found += _said_of_nothing(root, kept, standing, turns)
    chain = Chain(
        root=root,
        content=msgspec.structs.replace(
            wording[root.declaration_id], kind="arrival", declaration_id=root.declaration_id, about=None
        ),
        members=tuple(sorted(valid)),
        steps=tuple(
            msgspec.structs.replace(wording[each.declaration_id], kind=each.kind, declaration_id=each.declaration_id)
            for each in sorted(kept, key=lambda each: turns[each.declaration_id])
            if each.kind in _LOOSE_KINDS and each.declaration_id in standing
        ),
        withdrawn=root.declaration_id not in standing,
        restated={target: said[-1].declaration_id for target, said in restated.items()},
        new_end=_is_new_end([root, *restated.get(root.declaration_id, [])]),
    )
    return chain, found


def _trouble(follow_up: StayDeclaration, places: set[str], people: list[StayDeclaration]) -> str | None:
    """Say why a follow-up may not touch the chain, or None."""
    if follow_up.declarant.role != "officer" and follow_up.premises_id not in places:
        return "stays.about_other_premises"
    must_match = follow_up.kind in _LOOSE_KINDS or follow_up.declarant.role == "self"
    if must_match and not any(_same_person(follow_up, each) for each in people if each is not follow_up):
        return "stays.about_other_person"
    return None


def _same_person(one: StayDeclaration, other: StayDeclaration) -> bool:
    numbers = one.person.personal_number, other.person.personal_number
    if all(numbers):
        return numbers[0] == numbers[1]
    return agree(
        party_of_statement(one.declaration_id, one.person, live=True),
        party_of_statement(other.declaration_id, other.person, live=True),
    )


def _standing(deepest_first: list[StayDeclaration]) -> frozenset[str]:
    """Return the ids nobody took back: what is deeper decides first, since it may take back a withdrawal."""
    taken_back: set[str] = set()
    for each in deepest_first:
        if each.kind == "withdrawal" and each.declaration_id not in taken_back and each.about:
            taken_back.add(each.about)
    return frozenset(each.declaration_id for each in deepest_first if each.declaration_id not in taken_back)


def _corrections(
    kept: list[StayDeclaration], valid: Mapping[str, StayDeclaration], standing: frozenset[str], turns: Turns
) -> dict[str, list[StayDeclaration]]:
    """Return the standing corrections of each statement, the last one last."""
    of: dict[str, list[StayDeclaration]] = defaultdict(list)
    for each in sorted(kept, key=lambda each: turns[each.declaration_id]):
        if each.kind != "correction" or each.declaration_id not in standing:
            continue
        target = valid.get(each.about or "")
        while target is not None and target.kind == "correction":
            target = valid.get(target.about or "")
        if target is not None:
            of[target.declaration_id].append(each)
    return of


def _overtaken(restated: Mapping[str, list[StayDeclaration]], turns: Turns) -> list[Finding]:
    """Find the corrections that a later one in other words had overtaken."""
    return [
        finding("stays.overtaken", "/about", each.declaration_id)
        for said in restated.values()
        for place, each in enumerate(said)
        if _content(each) != _content(said[-1])
        and any(turns[each.declaration_id].is_overtaken_by(turns[later.declaration_id]) for later in said[place + 1 :])
    ]


def _is_new_end(said: list[StayDeclaration]) -> bool:
    return len({each.planned_departure for each in said[-2:]}) > 1


def _content(said: StayDeclaration) -> StayDeclaration:
    """Return what a statement says, without whose and when it is."""
    return msgspec.structs.replace(
        said, declaration_id="", declared_at="", about=None, note=None, declarant=Declarant(role="host"), evidence=_NO_EVIDENCE
    )


def _said_of_nothing(root: StayDeclaration, kept: list[StayDeclaration], standing: frozenset[str], turns: Turns) -> list[Finding]:
    """Find what was said of an arrival after it was taken back."""
    taken_back = [
        turns[each.declaration_id].received
        for each in kept
        if each.kind == "withdrawal" and each.about == root.declaration_id and each.declaration_id in standing
    ]
    since = min(taken_back, default=None)
    return [
        finding("stays.about_withdrawn", "/about", each.declaration_id)
        for each in kept
        if each.kind in _CHANGING and each.declaration_id in standing and since and turns[each.declaration_id].received > since
    ]
