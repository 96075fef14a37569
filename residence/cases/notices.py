"""Messages to a person or host: which kinds there are, whom each goes to, and when one is due. A notice always comes before a case.

- ``please-declare``: somebody was seen, the deadline passed, nothing covers them; ``please-declare-again``: an officer says so once more.
- ``officer-asks``: an officer asks the house who somebody seen there is; the reply is one of a few words (``questions.py``).
- ``deadline-near``: somebody at a lodging is still to be declared and there is little time left; nothing follows from it.
- ``credential-ends``: a token by which a house's programs are let in ends soon.
- ``declared-late``: a declaration came after its deadline; information, no case.
- ``thirty-days``: a stay reaches the length at which temporary residence is registered instead.
- ``renew-temporary-residence``: a temporary residence ends within the renewal window (15 days).
- ``moved-out``: somebody else said that a person moved out; the person hears of it, and may say that it is not so.
- ``residence-ended``, ``stay-overrun``, ``permit-ended``: something ran out and nothing explains it (``residence/cases/lapses.py``).
- A notice names a rule and an article, a premises and a unit; never another person.

Example: a temporary residence valid to 2026-12-31 is reminded of from 2026-12-16 on.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

import msgspec

from residence.clock import VIETNAM, parse_instant
from residence.places.premises import PremisesKind
from residence.stays.known import KnownResidence, KnownStay
from residence.stays.rules import RuleBook

Addressee = Literal["host", "facility", "person"]


class NoticeKind(StrEnum):
    """What a notice says."""

    PLEASE_DECLARE = "please-declare"
    PLEASE_DECLARE_AGAIN = "please-declare-again"
    OFFICER_ASKS = "officer-asks"
    DEADLINE_NEAR = "deadline-near"
    CREDENTIAL_ENDS = "credential-ends"
    DECLARED_LATE = "declared-late"
    THIRTY_DAYS = "thirty-days"
    RENEW_TEMPORARY_RESIDENCE = "renew-temporary-residence"
    MOVED_OUT = "moved-out"
    RESIDENCE_ENDED = "residence-ended"
    STAY_OVERRUN = "stay-overrun"
    PERMIT_ENDED = "permit-ended"

    @property
    def code(self) -> str:
        """Return the code of the notice's sentence in the catalogue."""
        return f"notice.{self.value.replace('-', '_')}"


class DueNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that should now exist. The registry sends it once per (kind, about)."""

    kind: NoticeKind
    about: str  # stay id, or person id of a residence
    premises_id: str
    unit: str | None
    due: date  # local date by which the person should act
    rule_set: str


_TO_THE_PERSON: Final = frozenset({NoticeKind.RENEW_TEMPORARY_RESIDENCE, NoticeKind.MOVED_OUT, NoticeKind.PERMIT_ENDED})
# What is met by declaring whoever was seen.
DECLARE_KINDS: Final = frozenset({NoticeKind.PLEASE_DECLARE, NoticeKind.PLEASE_DECLARE_AGAIN})
_FACILITIES: Final = frozenset(
    {
        PremisesKind.HOTEL,
        PremisesKind.GUEST_HOUSE,
        PremisesKind.HOMESTAY,
        PremisesKind.DORMITORY,
        PremisesKind.INDUSTRIAL_ZONE,
        PremisesKind.MEDICAL,
        PremisesKind.VEHICLE,
    }
)


def addressee(kind: NoticeKind, premises_kind: PremisesKind) -> Addressee:
    """Return whom a notice goes to: a facility answers for its guests, a household for its visitors, a person for their residence."""
    if kind in _TO_THE_PERSON:
        return "person"
    return "facility" if premises_kind in _FACILITIES else "host"


def long_stays(stays: tuple[KnownStay, ...], *, rules: RuleBook, now: datetime) -> tuple[DueNotice, ...]:
    """Return a notice for every open stay that has lasted, or is planned to last, as long as temporary residence."""
    found: list[DueNotice] = []
    for stay in stays:
        start = parse_instant(stay.start)
        rule_set = rules.rule_set_for(start)
        limit = start.astimezone(VIETNAM) + timedelta(days=rule_set.max_days)
        planned = parse_instant(stay.planned_end) if stay.planned_end else None
        if stay.status == "open" and (now >= limit or (planned is not None and planned >= limit)):
            found.append(
                DueNotice(
                    kind=NoticeKind.THIRTY_DAYS,
                    about=stay.stay_id,
                    premises_id=stay.premises_id,
                    unit=stay.unit,
                    due=limit.date(),
                    rule_set=rule_set.id,
                )
            )
    return tuple(found)


def ending_residences(residences: tuple[KnownResidence, ...], *, rules: RuleBook, now: datetime) -> tuple[DueNotice, ...]:
    """Return a notice for every temporary residence inside its renewal window on the local date of ``now``."""
    today = now.astimezone(VIETNAM).date()
    rule_set = rules.temporary_for(today)
    found: list[DueNotice] = []
    for each in residences:
        if each.kind != "temporary" or each.valid_to is None:
            continue
        last = date.fromisoformat(each.valid_to)
        if last - timedelta(days=rule_set.renewal_window_days) <= today <= last:
            found.append(
                DueNotice(
                    kind=NoticeKind.RENEW_TEMPORARY_RESIDENCE,
                    about=each.person_id,
                    premises_id=each.premises_id,
                    unit=each.unit,
                    due=last,
                    rule_set=rule_set.id,
                )
            )
    return tuple(found)
