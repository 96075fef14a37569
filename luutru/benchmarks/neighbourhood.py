"""An invented neighbourhood for a fortnight: who lives there, who comes and goes, who says so and who does not. The truth is known.

- Each habit is a row of ``HABITS``: its share of the people, whether a case is due in the end, and what such a person does.
- A case is due about somebody who spends five nights or more, has nothing declared or registered for them, and ignores the notice.
- Everybody shows their card at the door with ``SHOWN``; who does not is not seen. Nobody exists, and the habits are our own choice.
- Pure: the same seed, the same fortnight.

Example: ``people_of(seed=1, people=2000, premises=40)``
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from luutru.benchmarks import city
from residence.clock import VIETNAM
from residence.people.letters import plain_key
from residence.people.person import Document, DocumentKind, PartialDate, Person

FIRST_DAY: Final = datetime(2026, 7, 6, tzinfo=VIETNAM)  # a Monday
DAYS: Final = 14
SHOWN: Final = 0.85
# Our gateway is away in the night to the sixth day, one kiosk in five on the eighth.
AWAY: Final = (FIRST_DAY + timedelta(days=4, hours=17), FIRST_DAY + timedelta(days=5, hours=3))
CUT_OFF: Final = (FIRST_DAY + timedelta(days=7, hours=15), FIRST_DAY + timedelta(days=8, hours=10))
Deed = Literal["seen", "found_at_night", "declared", "registered"]
Answer = Literal["none", "declares", "says_visitor"]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done. ``at``: when it was done; ``until``: how long what is declared or registered lasts."""

    at: datetime
    deed: Deed
    until: datetime | None = None


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """One person: as they are registered or declared, as they are read at the door, and what they do."""

    habit: str
    premises: int
    person: Person
    read_as: Person
    acts: tuple[Act, ...]
    answer: Answer
    case_due: bool
    parent: Person | None = None  # lives here, in the same household


def people_of(*, seed: int, people: int, premises: int) -> Iterator[Neighbour]:
    """Return the neighbourhood's people."""
    draw = random.Random(seed)
    habits = draw.choices(list(HABITS), weights=[share for share, _ in HABITS.values()], k=people)
    for number, habit in enumerate(habits):
        yield HABITS[habit][1](_Life(draw, seed * 1_000_000 + 2 * number, habit, draw.randrange(premises)))


def is_cut_off(premises: int) -> bool:
    """Tell whether the kiosk of these premises is cut off for a day."""
    return premises % 5 == 0


class _Life:
    """What the habits are told in."""

    def __init__(self, draw: random.Random, number: int, habit: str, premises: int) -> None:
        self.draw = draw
        self.habit = habit
        self.premises = premises
        self.person = city.person(number)
        self.parent = city.person(number + 1)

    def at(self, day: int, first: float, last: float) -> datetime:
        return FIRST_DAY + timedelta(days=day, hours=self.draw.uniform(first, last))

    def seen(self, days: range, first: float, last: float, *, share: float = SHOWN) -> list[Act]:
        return [Act(at=self.at(day, first, last), deed="seen") for day in days if self.draw.random() < share]

    def staying(self, day: int, nights: int, first: float = 16, last: float = 21.9) -> list[Act]:
        """Return who arrives in the evening, comes home most evenings and passes the door now and then by day."""
        arrival = Act(at=self.at(day, first, last), deed="seen")
        homes = self.seen(range(day + 1, day + nights), first, last)
        return [arrival, *homes, *self.seen(range(day + 1, day + nights), 8, 15, share=0.4)]

    def lives(self, acts: list[Act], *, answer: Answer = "none", case_due: bool = False, **others: Person) -> Neighbour:
        return Neighbour(
            habit=self.habit,
            premises=self.premises,
            person=self.person,
            read_as=others.get("read_as", self.person),
            acts=tuple(sorted(acts, key=lambda each: each.at)),
            answer=answer,
            case_due=case_due,
            parent=others.get("parent"),
        )


_ALWAYS: Final = Act(at=FIRST_DAY, deed="registered")


def _resident(life: _Life) -> Neighbour:
    return life.lives([_ALWAYS, *life.seen(range(DAYS), 16, 23.5)])


def _resident_of_old(life: _Life) -> Neighbour:
    """Live here since long, registered under a number of nine digits; the card of today carries twelve."""
    old = msgspec.structs.replace(
        life.person, personal_number=None, document=None, old_number=f"{life.draw.randrange(10**9):09d}"
    )
    read_as, life.person = life.person, old
    return life.lives([_ALWAYS, *life.seen(range(DAYS), 16, 23.5)], read_as=read_as)


def _resident_by_passport(life: _Life) -> Neighbour:
    """Show a passport, whose name has no accents, and sometimes no middle name."""
    words = plain_key(life.person.full_name).upper().split()
    name = f"{words[0]} {words[-1]}" if life.draw.random() < 0.3 else " ".join(words)
    passport = Document(kind=DocumentKind.PASSPORT, number=f"C{life.draw.randrange(10**7):07d}")
    read_as = msgspec.structs.replace(life.person, full_name=name, personal_number=None, document=passport)
    return life.lives([_ALWAYS, *life.seen(range(DAYS), 16, 23.5)], read_as=read_as)


def _registered_later(life: _Life) -> Neighbour:
    """Move in; the office needs a few days to register it."""
    day = life.draw.randrange(8)
    registered = Act(at=life.at(day + life.draw.randrange(1, 3), 9, 16), deed="registered")
    return life.lives([registered, *life.staying(day, DAYS - day)])


def _child(life: _Life) -> Neighbour:
    born = PartialDate(value=f"{life.draw.randrange(2012, 2022)}-03-04", precision="day")
    life.person = msgspec.structs.replace(life.person, birth=born, personal_number=None, document=None)
    return life.lives(life.staying(life.draw.randrange(9), 5), parent=life.parent)


def _guest(life: _Life) -> Neighbour:
    day, nights = life.draw.randrange(11), life.draw.randrange(1, 4)
    acts = life.staying(day, nights)
    until = life.at(day + nights, 9, 12)
    return life.lives([*acts, Act(at=acts[0].at + timedelta(minutes=20), deed="declared", until=until)])


def _guest_who_declares_late(life: _Life) -> Neighbour:
    return life.lives(life.staying(life.draw.randrange(10), life.draw.randrange(2, 5)), answer="declares")


def _guest_in_our_outage(life: _Life) -> Neighbour:
    """Arrive while the gateway is away, find the page out of order, and declare the day after."""
    day, nights = 4, life.draw.randrange(2, 6)
    acts = [act for act in life.staying(day, nights, 17.2, 22.5) if not AWAY[0] <= act.at < AWAY[1]]
    arrival = Act(at=life.at(day, 17.2, 22.5), deed="seen")
    declared = Act(at=AWAY[1] + timedelta(hours=life.draw.uniform(5, 30)), deed="declared", until=life.at(day + nights, 9, 12))
    return life.lives([arrival, *acts, declared])


def _guest_at_a_kiosk_cut_off(life: _Life) -> Neighbour:
    life.premises -= life.premises % 5
    acts = life.staying(7, life.draw.randrange(2, 6), 16, 22.5)
    return life.lives([*acts, Act(at=acts[0].at + timedelta(minutes=10), deed="declared", until=life.at(12, 9, 12))])


def _dinner(life: _Life) -> Neighbour:
    return life.lives([Act(at=life.at(life.draw.randrange(12), 17, 20.5), deed="seen")])


def _two_dinners(life: _Life) -> Neighbour:
    day = life.draw.randrange(11)
    return life.lives([Act(at=life.at(each, 17, 21), deed="seen") for each in (day, day + 1)])


def _three_dinners(life: _Life) -> Neighbour:
    """Visit three evenings in a row; most hosts answer the notice."""
    day = life.draw.randrange(10)
    answer: Answer = "says_visitor" if life.draw.random() < 0.9 else "none"
    return life.lives([Act(at=life.at(each, 17, 21), deed="seen") for each in range(day, day + 3)], answer=answer)


def _thrice_a_week(life: _Life) -> Neighbour:
    """Teach the piano on Mondays, Wednesdays and Fridays; nobody answers the notice."""
    days = [day for day in range(DAYS) if day % 7 in {0, 2, 4}]
    return life.lives([Act(at=life.at(day, 17, 20), deed="seen") for day in days])


def _cleaner(life: _Life) -> Neighbour:
    return life.lives(life.seen(range(DAYS), 7, 9))


def _sundays(life: _Life) -> Neighbour:
    return life.lives([Act(at=life.at(day, 10, 21), deed="seen") for day in (6, 13)])


def _undeclared(life: _Life) -> Neighbour:
    nights = life.draw.randrange(5, 10)
    return life.lives(life.staying(life.draw.randrange(DAYS - nights), nights), case_due=True)


def _undeclared_and_late(life: _Life) -> Neighbour:
    nights = life.draw.randrange(5, 8)
    return life.lives(life.staying(life.draw.randrange(DAYS - nights), nights, 22.2, 25), case_due=True)


def _found_at_night(life: _Life) -> Neighbour:
    day = life.draw.randrange(8)
    found = Act(at=life.at(day + life.draw.randrange(2, 4), 0.5, 3), deed="found_at_night")
    return life.lives([*life.staying(day, 5), found], case_due=True)


def _overstays(life: _Life) -> Neighbour:
    day = life.draw.randrange(3)
    acts = life.staying(day, DAYS - day)
    until = life.at(day + 2, 9, 12)
    return life.lives([*acts, Act(at=acts[0].at + timedelta(minutes=20), deed="declared", until=until)], case_due=True)


def _registration_lapsed(life: _Life) -> Neighbour:
    lapses = Act(at=FIRST_DAY, deed="registered", until=FIRST_DAY + timedelta(days=2))
    return life.lives([lapses, *life.staying(0, DAYS)], case_due=True)


HABITS: Final[dict[str, tuple[float, Callable[[_Life], Neighbour]]]] = {
    "resident": (34, _resident),
    "resident under an old number": (5, _resident_of_old),
    "resident who shows a passport": (5, _resident_by_passport),
    "resident registered days later": (3, _registered_later),
    "child of a resident": (4, _child),
    "guest": (14, _guest),
    "guest who declares at the notice": (4, _guest_who_declares_late),
    "guest during our outage": (3, _guest_in_our_outage),
    "guest at a kiosk cut off": (2, _guest_at_a_kiosk_cut_off),
    "guest for dinner": (5, _dinner),
    "guest for two dinners": (3, _two_dinners),
    "guest for three dinners": (1, _three_dinners),
    "teacher thrice a week": (1, _thrice_a_week),
    "cleaner in the mornings": (2, _cleaner),
    "guest every Sunday": (2, _sundays),
    "undeclared": (6, _undeclared),
    "undeclared, comes late": (3, _undeclared_and_late),
    "undeclared, found at night": (1, _found_at_night),
    "overstays what was declared": (2, _overstays),
    "temporary residence lapsed": (1, _registration_lapsed),
}
