"""Two hundred invented life stories of people who lack papers, and what the offices around them do: drawn from a seed, with the truth beside each.

- A story says what is true and what the person will do; nobody's page shows it. Offices are as they are: one acts daily, one weekly, one is shut for weeks.
- Whoever acts takes only steps the table offers, and chooses by what an officer could know by then.

Example: ``tell(seed=7)[0].situation``
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from residence.paths.steps import HelperKind, Situation

SITUATIONS = tuple(Situation)
GIVEN = (
    "Bình",
    "Cúc",
    "Dần",
    "Én",
    "Giang",
    "Hậu",
    "Khế",
    "Lụa",
    "Mận",
    "Na",
    "Ổi",
    "Phượng",
    "Quýt",
    "Sen",
    "Thi",
    "Út",
    "Vải",
    "Xoan",
    "Yên",
    "Ái",
)
MIDDLE = ("Thử", "Mẫu", "Bịa", "Tập", "Giả", "Đặt", "Nháp", "Ví", "Dụ", "Tạm")


@dataclass(frozen=True, kw_only=True)
class Story:
    """One person. Days count from their beginning; None: never."""

    number: int
    name: str
    situation: Situation
    way: str
    declared: bool  # a stay without papers was declared at a kiosk before
    in_database: bool
    helper: HelperKind | None
    helper_name: str
    begins_on: int
    comes_after: int | None  # days after being asked to come
    changes_mind_on: int | None
    returns_after: int | None  # days after an end that can be begun again from
    office_wanted: str | None
    takes_consent_back: bool
    number_comes_on: int | None
    mistyped_first: bool
    has_papers_after_all: bool
    is_refused: bool
    seen_at_night: bool


def tell(seed: int, count: int = 200) -> list[Story]:
    """Return the stories of a seed; the same again for the same."""
    draw = random.Random(seed)
    return [_one(draw, number) for number in range(count)]


def _one(draw: random.Random, number: int) -> Story:
    def chance(share: float) -> bool:
        return draw.random() < share

    situation = SITUATIONS[number % len(SITUATIONS)]
    declared = situation is not Situation.NO_HOME and chance(0.7)
    helped = chance(0.5)
    newborn = situation in {Situation.NEWBORN, Situation.PARENTS_UNREGISTERED}
    return Story(
        number=number,
        name=f"Trần {MIDDLE[number // len(GIVEN) % len(MIDDLE)]} {GIVEN[number % len(GIVEN)]}",
        situation=situation,
        way=draw.choice(("phone", "desk", "office")) if declared else draw.choice(("desk", "office")),
        declared=declared,
        in_database=chance(0.25),
        helper=draw.choice(tuple(HelperKind)) if helped else None,
        helper_name=f"Giúp Tay {draw.choice(GIVEN)}" if helped and chance(0.7) else "",
        begins_on=draw.randrange(20),
        comes_after=None if chance(0.12) else draw.randrange(12),
        changes_mind_on=draw.randrange(40) if chance(0.1) else None,
        returns_after=draw.randrange(1, 30) if chance(0.5) else None,
        office_wanted=draw.choice(("justice", "social-help")) if chance(0.4) else None,
        takes_consent_back=chance(0.3),
        number_comes_on=draw.randrange(5, 60) if newborn and declared and chance(0.8) else None,
        mistyped_first=chance(0.2),
        has_papers_after_all=chance(0.05),
        is_refused=chance(0.06),
        seen_at_night=declared and chance(0.5),
    )
