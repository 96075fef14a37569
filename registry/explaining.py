"""Whether a stay or a registered residence explains that somebody was seen; what is explained leaves no presence.

- First by number, from what the batch has already looked up. Whoever no number explains may still be there by name and birth date: a
  person who declared without papers is in no list by a number, and another card may carry another number of theirs.
- A name may be written in another way: without accents, in another order, without a middle name. The birth date must agree.
- Whose birth date is not known, or only in part, on either side has lost nothing by it: the same words of a name, here, explain. Otherwise who declared
  without papers and is met without papers would become a case for nothing but the lack of them.
- Somebody with another number of the same kind is somebody else, whatever the name. In doubt the person seen has the benefit.
- A minor is explained by a stay or residence here of anybody of the same registered household.
- Last, whoever lives or stays in the same house under an older name of its ward (``registry/renamed_wards.py``), or is in a register of it.
- Asked when somebody is seen, and again before a notice and before a case (``explain_kept``): what is registered or declared meanwhile,
  for whatever reason it came late, explains what came before.
- The look-up by name is among those who live or stay at these premises, then in the commune and what became it, and bounded (``registry.persons.MOST_FOUND``).

Example: ``is_explained(connection, seen, picture=picture, commune_code="demo-01", rules=rules)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.asking import among
from registry.declarations import message_json
from registry.households import household_members, known_residences
from registry.looking_up import look_up
from registry.persons import matching_persons, search_by_name
from registry.presences import name_identity
from registry.renamed_wards import Wards, homes_by_old_names, other_names
from registry.stays import known_stays
from registry.surroundings import Surroundings
from registry.vault import Cell, SubjectKey, Vault
from residence.cases.covering import LapsedHere, is_covered, lapsed_here
from residence.clock import VIETNAM
from residence.people.letters import plain_key
from residence.people.names import compare_names, words_of
from residence.people.partial_dates import year_of
from residence.people.person import Person
from residence.stays.deadlines import person_kind
from residence.stays.known import KnownPerson, numbers_of
from residence.stays.rules import RuleBook
from residence.wire.messages import Presence

WardsOf = Callable[[Connection, str, datetime], Wards]
GROWN_UP: Final = 18  # years
_FAMILY_AND_GIVEN: Final = 2


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at some premises at some time."""

    person: Person
    premises_id: str
    at: datetime


def is_explained(
    connection: Connection,
    seen: Seen,
    *,
    picture: Surroundings,
    commune_code: str,
    rules: RuleBook,
    wards_of: WardsOf = other_names,
) -> bool:
    """Tell whether somebody known to stay or live at these premises then is the person seen."""
    person = seen.person
    judge = partial(is_covered, seen.at, seen.premises_id, person=person_kind(person), rules=rules)
    stays, homes = picture.stays_and_homes(person)
    if judge(stays=stays, residences=homes):
        return True
    people = _people_by_name(connection, seen, picture=picture, commune_code=commune_code)
    if _explains(connection, people, judge, picture):
        return True
    minor = is_minor(person, seen.at)
    near = {*people, *picture.people_with(person)}
    if minor and _explains(connection, household_members(connection, near), judge, picture):
        return True
    wards = wards_of(connection, commune_code, seen.at)
    near.update(*(_people_by_name(connection, seen, picture=picture, commune_code=each) for each in wards.names))
    if minor:
        near.update(household_members(connection, near))
    if not near:
        return False
    stays, homes = homes_by_old_names(connection, seen.premises_id, near, wards=wards, picture=picture)
    return judge(stays=stays, residences=homes)


def has_own_place(seen: Seen, *, picture: Surroundings, rules: RuleBook) -> bool:
    """Tell whether the person seen stays or lives at these premises by their own numbers, whoever they belong to."""
    stays, homes = picture.stays_and_homes(seen.person)
    own = person_kind(seen.person)
    return is_covered(seen.at, seen.premises_id, stays=stays, residences=homes, person=own, rules=rules)


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Which of some presences something explains by now; and what those whom nothing explains had here and have no longer.

    ``lapsed``: by premises and pseudonym in hex, of whoever had anything.
    """

    presence_ids: frozenset[str]
    lapsed: dict[tuple[str, str], LapsedHere]


def explain_kept(connection: Connection, presence_ids: Iterable[str], *, vault: Vault, rules: RuleBook) -> Explained:
    """Try presences once more, any number of people's at once: what is known around them is looked up for all together."""
    columns, wards = tables.presences.c, _remembering()
    rows = connection.execute(select(tables.presences).where(among(columns.presence_id, sorted(presence_ids), connection))).all()
    keys = vault.load_keys(connection, [row.presence_id for row in rows])
    seen = {row.presence_id: _seen(row, keys[row.presence_id], vault) for row in rows if row.presence_id in keys}
    picture = look_up(connection, [], seen=[(each.person, each.at) for each in seen.values()], vault=vault)
    judge = partial(is_explained, connection, picture=picture, rules=rules, wards_of=wards)
    known = [row for row in rows if row.presence_id in seen]
    explained = frozenset(row.presence_id for row in known if judge(seen[row.presence_id], commune_code=row.commune_code))
    last: dict[tuple[str, str], Seen] = {}
    for row in sorted(known, key=lambda each: each.seen_at):
        last[row.premises_id, bytes(row.pseudonym_index).hex()] = seen[row.presence_id]
    for row in known:
        if row.presence_id in explained:
            last.pop((row.premises_id, bytes(row.pseudonym_index).hex()), None)
    lapsed = {whose: over for whose, each in last.items() if (over := _lapsed(each, picture, rules)) is not None}
    return Explained(presence_ids=explained, lapsed=lapsed)


def _remembering() -> WardsOf:
    """Return a way to ask for a ward through time that asks once for each ward and day."""
    known: dict[tuple[str, date], Wards] = {}

    def wards_of(connection: Connection, commune_code: str, at: datetime) -> Wards:
        key = commune_code, at.astimezone(VIETNAM).date()
        if key not in known:
            known[key] = other_names(connection, commune_code, at)
        return known[key]

    return wards_of


def _lapsed(seen: Seen, picture: Surroundings, rules: RuleBook) -> LapsedHere | None:
    """Say what had run out, by the numbers that were read alone: a likeness of names accuses nobody of an overstay."""
    stays, homes = picture.stays_and_homes(seen.person)
    return lapsed_here(seen.at, seen.premises_id, person=person_kind(seen.person), stays=stays, residences=homes, rules=rules)


def _seen(row: Row[Any], key: SubjectKey, vault: Vault) -> Seen:
    body = vault.open(key, Cell("presences", "reading", row.presence_id), row.reading_sealed)
    reading = msgspec.json.decode(message_json(body, from_kiosk=row.kiosk_id is not None), type=Presence)
    return Seen(person=reading.person, premises_id=row.premises_id, at=row.seen_at)


def _people_by_name(connection: Connection, seen: Seen, *, picture: Surroundings, commune_code: str) -> list[str]:
    person, words = seen.person, seen.person.full_name.split()
    search = partial(search_by_name, connection, commune_code=commune_code, vault=picture.vault)
    ids = {*search(person.full_name, at=seen.premises_id), *search(person.full_name)}
    if len(words) > _FAMILY_AND_GIVEN:
        ids |= set(search(f"{words[0]} {words[-1]}", at=seen.premises_id))
    known = [*(each.known for each in matching_persons(connection, ids, vault=picture.vault)), *picture.persons.values()]
    return sorted({each.person_id for each in known if may_be(person, each)})


def _explains(connection: Connection, people: list[str], judge: Callable[..., bool], picture: Surroundings) -> bool:
    if not people:
        return False
    stays = [*known_stays(connection, people)[0], *picture.stays_of_people(people)]
    return judge(stays=stays, residences=known_residences(connection, people))


def is_minor(person: Person, at: datetime) -> bool:
    """Tell whether somebody is surely under age; ``GROWN_UP`` is ours to choose, no law is read from it."""
    if person.birth is None:
        return False
    return year_of(person.birth) + GROWN_UP > at.astimezone(VIETNAM).year


def may_be(person: Person, known: KnownPerson) -> bool:
    """Tell whether somebody seen may be a known person written otherwise: birth date equal, names near, no number against it.

    As far as a birth date is not known it speaks against nobody; then the words of the name must be the same.
    """
    if not _no_number_against(person, known):
        return False
    if person.birth is not None and known.birth is not None and person.birth.value == known.birth.value:
        return _names_near(person.full_name, known.full_name)
    return _births_agree(person, known) and _same_words(person.full_name, known.full_name)


def _births_agree(person: Person, known: KnownPerson) -> bool:
    one, other = person.birth, known.birth
    return one is None or other is None or one.value.startswith(other.value) or other.value.startswith(one.value)


def _same_words(one: str, other: str) -> bool:
    first, second = (sorted(words_of(plain_key(each)).split()) for each in (one, other))
    return bool(first) and first == second


def _names_near(one: str, other: str) -> bool:
    if compare_names(one, other).result != "different":
        return True
    short, long = sorted((words_of(plain_key(each)).split() for each in (one, other)), key=len)
    # without middle names, as passports and airlines print them
    return len(short) >= _FAMILY_AND_GIVEN and {short[0], short[-1]} == {long[0], long[-1]} and set(short) <= set(long)


def could_be(person: Person, known: KnownPerson) -> bool:
    """Tell whether name and birth date agree and no number speaks against it."""
    if person.birth is None or name_identity(person.full_name, person.birth) != name_identity(known.full_name, known.birth):
        return False
    return _no_number_against(person, known)


def _no_number_against(person: Person, known: KnownPerson) -> bool:
    held: dict[str, set[str]] = {}
    for number in known.numbers:
        held.setdefault(number.kind, set()).add(number.value)
    return all(number.value in held.get(number.kind, {number.value}) for number in numbers_of(person))
