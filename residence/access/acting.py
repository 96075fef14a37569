"""When a guardian acts for a ward: while the register says so, and for a child only until the age that is set.

- A relation that began in childhood ends with it, whatever the register forgot to end; one that began later is for somebody who needs a guardian
  as an adult, and stands until the register ends it.
- The age is a setting: the sources at hand name fourteen for the e-ID of a child with a guardian's consent, and no age for this.
- Of a date of birth that is known to the year or month only, the latest day counts: a child is a child rather too long than too short.

>>> acts_as_guardian(began="2020-01-01", birth="2015-05-05", on="2029-05-04", until_age=14)
True
>>> acts_as_guardian(began="2020-01-01", birth="2015-05-05", on="2029-05-05", until_age=14)
False
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Scope = Literal["see", "speak"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)  # see: the stays and how they stand; speak: left, not them, wrong room


def acts_as_guardian(*, began: str | None, birth: str | None, on: str, until_age: int) -> bool:
    """Tell whether a standing relation lets the guardian act on a day; dates are YYYY-MM-DD, a birth may be shorter or unknown."""
    if birth is None:
        return began is not None and began <= on
    grown = _birthday(birth, until_age)
    return on < grown or (began is not None and began >= grown)


def _birthday(birth: str, age: int) -> str:
    """Return the latest day on which somebody born then is this old.

    >>> _birthday("2015", 14), _birthday("2015-02", 14)
    ('2029-12-31', '2029-02-31')
    """
    year, _, rest = birth.partition("-")
    month, _, day = rest.partition("-")
    return f"{int(year) + age:04}-{month or '12'}-{day or '31'}"
