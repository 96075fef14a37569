"""Names, numbers, papers and telephones of invented people.

- A name is family, middle and given; who was born before 1980 and is a woman is mostly called Thị. Ê Đê are H' or Y, a name and the
  clan; foreigners have a passport, a name in their own order, sometimes of one word, and no personal number.
- A personal number agrees with sex, birth year and a place of birth registration. Its last six digits come from one walk through all
  million of each prefix, so none is given twice. A newborn may have none yet: none is ever made up for one.
- An old number is what somebody born before 2006 may have had. Those of one province go by another walk; across provinces they may meet.

Example: ``numbers.personal(home, female, year)``
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from registry.synthetic.families import TODAY_NUMBER, Families
from registry.synthetic.words import (
    EDE,
    FOREIGN,
    PEOPLES,
    Whole,
    digits,
    joined,
    one_of,
    only,
    pick,
    shares,
    taken,
    words,
)
from residence.people.personal_number import places

PROVINCES: Final = tuple(sorted(code for code in places() if code.startswith("0")))
_WALK, _WALK_START = 382_951, 61_803  # a step without a common divisor with a million reaches every number once
_OLD_WALK: Final = 617_219
_MILLION: Final = 1_000_000
_SINCE_1980: Final = 3_652
_CARDS_SINCE, _NEW_CARDS_SINCE = 18_687, 19_905  # 2021-03-01 and 2024-07-01
_PHONE_PREFIXES: Final = ("032", "035", "038", "070", "077", "081", "084", "086", "090", "091", "093", "096", "097", "098")


def full_names(chance: np.random.Generator, families: Families) -> pl.Series:
    """Return everybody's name as a card writes it."""
    count = families.members
    women, people = families.female, families.people
    lists = {each: [_people_words(name, each) for name in PEOPLES] for each in ("family", "middle", "given")}
    middle, given = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    family, starts = families.family.copy(), {each: _starts(texts) for each, texts in lists.items()}
    for number, name in enumerate(PEOPLES):
        for woman in (False, True):
            mine = (people == number) & (women == woman)
            for what, into in (("middle", middle), ("given", given)):
                into[mine] = _draw_word(chance, (name, what), woman=woman, count=int(mine.sum())) + starts[what][number]
        family[people == number] += starts["family"][number] if number != FOREIGN else -family[people == number]
    sex = np.where(women, 0, 1)
    first = taken(_flat(lists["family"]), family)
    last = taken(_flat(lists["given"]), given)
    between = _middle_names(chance, families, taken(_flat(lists["middle"]), middle))
    usual = joined(first, between, last)
    of_ede = joined(taken(("H'", "Y "), sex), last, pl.Series([" "] * count), first, separator="")
    of_foreigners = _of_foreigners(families, "names")
    chosen = pl.DataFrame({"usual": usual, "ede": of_ede, "foreign": of_foreigners, "people": people}).select(
        pl.when(pl.col("people") == EDE)
        .then("ede")
        .when(pl.col("people") == FOREIGN)
        .then("foreign")
        .otherwise("usual")
        .alias("full_name")
    )
    return chosen["full_name"]


def _of_foreigners(families: Families, what: str) -> pl.Series:
    return taken(words("foreign", what), np.where(families.people == FOREIGN, families.family, 0))


def _people_words(name: str, what: str) -> tuple[str, ...]:
    if name == "foreign":
        return ("",)
    return words(name, what) if what == "family" else (*words(name, f"male_{what}"), *words(name, f"female_{what}"))


def _starts(lists: list[tuple[str, ...]]) -> list[int]:
    return [0, *np.cumsum([len(each) for each in lists])[:-1].tolist()]


def _flat(lists: list[tuple[str, ...]]) -> list[str]:
    return [word for each in lists for word in each]


def _draw_word(chance: np.random.Generator, which: tuple[str, str], *, woman: bool, count: int) -> Whole:
    people, what = which
    if people == "foreign":
        return np.zeros(count, dtype=np.int64)
    drawn = pick(chance, shares(people, f"{'female' if woman else 'male'}_{what}"), count)
    return drawn + (len(words(people, f"male_{what}")) if woman else 0)


def _middle_names(chance: np.random.Generator, families: Families, middle: pl.Series) -> pl.Series:
    """Put Thị first for most older and some younger women; give some younger people a second middle name; leave a few without."""
    count, young = families.members, families.born > _SINCE_1980
    roll = chance.random(count)
    is_thi = families.female & (families.people < EDE) & (roll < np.where(young, 0.38, 0.86))
    second = taken(words("kinh", "female_middle"), 1 + one_of(chance, 20, count))
    alone = chance.random(count) < np.where(young, 0.35, 0.8)
    doubled = young & ~families.female & (chance.random(count) < 0.25)
    extra = taken(words("kinh", "male_middle"), one_of(chance, 20, count))
    frame = pl.DataFrame(
        {"middle": middle, "second": only(second, ~alone), "extra": only(extra, doubled), "thi": is_thi, "none": roll > 0.985}
    )
    return frame.select(
        pl.when("none")
        .then(None)
        .when("thi")
        .then(pl.concat_str([pl.lit("Thị"), "second"], separator=" ", ignore_nulls=True))
        .otherwise(pl.concat_str(["extra", "middle"], separator=" ", ignore_nulls=True))
        .alias("middle")
    )["middle"]


class Numbers:
    """Gives each number once; remembers only how many of each prefix it gave."""

    def __init__(self) -> None:
        self._given = np.zeros(len(PROVINCES) * 10 * 100, dtype=np.int64)
        self._old = np.zeros(len(PROVINCES), dtype=np.int64)

    def personal(self, province: Whole, families: Families) -> pl.Series:
        """Return a number for everybody; whose is not to be known is for the caller to leave out."""
        year = (families.born.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.int64)
        century = 2 * (year // 100 - 19) + families.female
        prefix = (province * 10 + century) * 100 + year % 100
        turn = _turns(prefix, self._given)
        serial = (_WALK_START * (prefix + 1) + turn * _WALK) % _MILLION
        return joined(taken(PROVINCES, province), digits(century * 100 + year % 100, 3), digits(serial, 6), separator="")

    def old(self, province: Whole) -> pl.Series:
        """Return a nine-digit number for everybody."""
        turn = _turns(province, self._old)
        head = 10 + province * 6 + turn // _MILLION
        return joined(digits(head, 3), digits((_WALK_START * (province + 7) + turn * _OLD_WALK) % _MILLION, 6), separator="")


def _turns(keys: Whole, given: Whole) -> Whole:
    """Return how many of its key each one follows, those of earlier calls included; counts them."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[starts, len(ordered)])
    within = np.arange(len(ordered)) - np.repeat(starts, counts)
    turns = np.empty(len(keys), dtype=np.int64)
    turns[order] = within + given[ordered]
    given[ordered[starts]] += counts
    return turns


def with_papers(chance: np.random.Generator, families: Families, *, home: Whole, numbers: Numbers) -> pl.DataFrame:
    """Return everybody's numbers, documents and telephone. ``home``: place in ``PROVINCES`` of the commune they live in."""
    count, age = families.members, families.ages
    native = chance.random(count) < 0.72
    province = np.where(native, home, one_of(chance, len(PROVINCES), count))
    citizen = families.people != FOREIGN
    numbered = citizen & ~((age < 1) & (chance.random(count) < 0.3))
    had_old = citizen & (age >= 21) & (chance.random(count) < 0.7)
    personal = only(numbers.personal(province, families), numbered)
    carded = numbered & ((age >= 14) | (chance.random(count) < 0.25))
    earliest = np.where(age >= 14, _CARDS_SINCE, _NEW_CARDS_SINCE)
    issued = earliest + (chance.random(count) * (TODAY_NUMBER - 30 - earliest)).astype(np.int64)
    kind = np.where(citizen, np.where(carded, np.where(issued >= _NEW_CARDS_SINCE, 1, 0), np.where(age < 14, 2, 4)), 3)
    passport = joined(
        taken(tuple("ABCEGHKMNPRT"), one_of(chance, 12, count)), digits(one_of(chance, 10**8, count), 8), separator=""
    )
    phone = joined(
        taken(_PHONE_PREFIXES, one_of(chance, len(_PHONE_PREFIXES), count)), digits(one_of(chance, 10**7, count), 7), separator=""
    )
    nationality = _of_foreigners(families, "nationality")
    frame = pl.DataFrame({"personal_number": personal, "old_number": only(numbers.old(province), had_old)})
    return frame.with_columns(
        nationality=pl.select(pl.when(pl.Series(citizen)).then(pl.lit("VNM")).otherwise(nationality)).to_series(),
        document_kind=taken(("cccd-2021", "can-cuoc-2024", "birth-certificate", "passport", None), kind),
        document_number=pl.select(
            pl.when(pl.Series(kind == 3)).then(passport).when(pl.Series(kind < 2)).then(personal).otherwise(None)
        ).to_series(),
        document_issued=only(days(issued), carded),
        phone=only(phone, (age >= 14) & (chance.random(count) < 0.82)),
        permitted_until=only(days(TODAY_NUMBER - 60 + one_of(chance, 700, count)), ~citizen),
    )


def days(values: Whole) -> pl.Series:
    """Write day numbers as YYYY-MM-DD."""
    return pl.Series(values.astype("datetime64[D]")).cast(pl.String)


def birth_texts(families: Families, chance: np.random.Generator) -> pl.Series:
    """Write birth dates; of some old people only the year is known."""
    whole = days(families.born)
    year_only = pl.Series((families.ages > 65) & (chance.random(families.members) < 0.06))
    return pl.select(pl.when(year_only).then(whole.str.slice(0, 4)).otherwise(whole)).to_series()
