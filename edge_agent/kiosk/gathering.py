"""A family or group: one says where, how long and why; cards in a row and children without one say who.

- The leader goes through the questions once. Then every card held to the reader adds a member; whoever has none is asked the typed
  questions, and the leader is kept as their helper.
- Each member gets a declaration of their own, kept and receipted by itself: what is wrong with one stops none of the others.
- A card that cannot be read, or is in the list already, is a sentence on the screen; the list stays as it is.
- The group's result sounds like that of one person.
- From the confirmation on nobody is named: the list shows places in it, codes and where each declaration is.

Example: a clerk with a bus of forty holds forty cards to the reader and presses once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge_agent.kiosk.draft import Draft, Member, TypedPerson
from edge_agent.kiosk.effects import Effect, Keep, Play, PrintSlip
from edge_agent.kiosk.events import Confirmed, Event, GroupComplete, MemberRemoved, NoCard, SlipWanted, WentBack, WordsWanted
from edge_agent.kiosk.news import KeepingFailed, KeptSafely, SettlementChanged, SlipDone
from edge_agent.kiosk.own_words import words_of
from edge_agent.kiosk.states import (
    ChooseReason,
    Entry,
    Gathering,
    Moment,
    OwnWords,
    PartyResult,
    Review,
    Screen,
    Standing,
    Typing,
)
from edge_agent.kiosk.staying import declaration_of, judged
from firmware_config.profiles import KioskProfile
from residence.credentials.evidence import Reading
from residence.errors import Problem, problem

MOST_MEMBERS: Final = 60  # besides the leader: a bus
# How far a declaration has come. News that is older than what the screen says is left out.
PROGRESS: Final[dict[Standing, int]] = {"kept": 0, "sent": 1, "received": 2, "accepted": 3, "refused": 3, "conflicting": 3}

Move = tuple[Screen, tuple[Effect, ...]]


def from_gathering(
    screen: Gathering, event: Event, seen: Reading | Problem | None, *, profile: KioskProfile, now: Moment
) -> Move:
    """Take the next member: a card (``seen``), somebody without one, or "that is everybody"."""
    if isinstance(seen, Problem):
        return replace(screen, problem=seen), (() if seen == screen.problem else (Play(cue="problem"),))
    if seen is not None:
        return _added(screen.draft, Member(reading=seen))
    match event:
        case NoCard():
            return Typing(asked="name", typed=TypedPerson(), purpose="group", group=screen.draft), ()
        case MemberRemoved(index=index):
            kept = tuple(each for at, each in enumerate(screen.draft.members or ()) if at != index)
            return Gathering(draft=replace(screen.draft, members=kept)), ()
        case GroupComplete():
            return judged(screen.draft, profile, now), ()
        case WentBack():
            return ChooseReason(draft=screen.draft), ()
        case _:
            return screen, ()


def with_typed(group: Draft, reading: Reading, typed: TypedPerson) -> Screen:
    """Return the list with somebody who has no card; the leader stands as the one who spoke for them."""
    helper = typed.helper or group.reading.person.full_name
    return _added(group, Member(reading=reading, typed=replace(typed, helper=helper)))[0]


def _added(draft: Draft, member: Member) -> Move:
    members = draft.members or ()
    number = member.reading.person.personal_number
    numbers = {each.reading.person.personal_number for each in (Member(reading=draft.reading), *members)} - {None}
    if number in numbers:
        return Gathering(draft=draft, problem=problem("kiosk.already_in_group", "/person/personal_number")), (
            Play(cue="problem"),
        )
    if len(members) >= MOST_MEMBERS:
        return Gathering(draft=draft, problem=problem("kiosk.group_full", "/person")), (Play(cue="problem"),)
    return Gathering(draft=replace(draft, members=(*members, member))), (Play(cue="card-read"),)


def drafts_of(draft: Draft) -> tuple[Draft, ...]:
    """Return one draft for each person of a group, the leader first."""
    members = draft.members or ()
    alone = replace(draft, members=None)
    plain = replace(alone, permitted_until=None, chip=None, own_id="", consent=None)  # the leader's chip is the leader's
    others = (replace(plain, reading=each.reading, typed=each.typed) for each in members)
    return (alone, *others)


def problems_of(draft: Draft, profile: KioskProfile, now: Moment) -> tuple[tuple[Problem, ...], ...]:
    """Return what the rules say about each person of a group, the leader first."""
    return tuple(judged(each, profile, now).problems for each in drafts_of(draft))


def from_group_review(screen: Review, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Keep everybody, each by themselves, once."""
    match event:
        case Confirmed(fresh_id=first, more_ids=more):
            drafts = drafts_of(screen.draft)
            ids = (screen.draft.own_id or first, *more)[: len(drafts)]  # a chip was bound to the first
            if len(ids) < len(drafts):
                return screen, ()
            keeps = tuple(
                Keep(declaration=declaration_of(each, declaration_id=identity, profile=profile, now=now))
                for each, identity in zip(drafts, ids, strict=True)
            )
            return PartyResult(entries=tuple(Entry(declaration_id=each) for each in ids)), keeps
        case WentBack():
            return Gathering(draft=screen.draft), ()
        case WordsWanted() if words_of(screen.draft):
            return OwnWords(review=screen), ()
        case _:
            return screen, ()


def from_party(screen: PartyResult, event: Event, profile: KioskProfile) -> Move:
    """Note where each declaration is; the sound says when all are kept, or that one is not."""
    match event:
        case KeptSafely(declaration_id=about, code=code, own_code=own):
            return _noted(screen, about, lambda each: replace(each, code=code, own_code=own, standing="kept"))
        case KeepingFailed(declaration_id=about, code=code):
            return _noted(screen, about, lambda each: replace(each, failed=code))
        case SettlementChanged(declaration_id=about):
            after = _changed(screen, about, event)
            return after, (_cue_of(after, event.standing) if after != screen else ())
        case SlipWanted() if profile.printer.device and screen.slip != "printing" and any(each.code for each in screen.entries):
            return replace(screen, slip="printing"), (PrintSlip(),)
        case SlipDone(code=code, outcome=outcome) if code in {each.code for each in screen.entries}:
            return replace(screen, slip=outcome), ()
        case _:
            return screen, ()


def is_keeping(screen: PartyResult) -> bool:
    """Tell whether some of the declarations are still being written."""
    return any(each.standing is None and each.failed is None for each in screen.entries)


def _noted(screen: PartyResult, about: str, become: Callable[[Entry], Entry]) -> Move:
    entries = tuple(become(each) if each.declaration_id == about and each.standing is None else each for each in screen.entries)
    after = replace(screen, entries=entries)
    if is_keeping(after) or not is_keeping(screen):
        return after, ()
    return after, (Play(cue="problem" if any(each.failed for each in entries) else "kept"),)


def _cue_of(screen: PartyResult, standing: Standing) -> tuple[Effect, ...]:
    """Sound as the result of one does: at once when somebody is refused or in conflict, and when the last is accepted."""
    if standing in {"refused", "conflicting"}:
        return (Play(cue="problem"),)
    return (Play(cue="accepted"),) if all(each.standing == "accepted" for each in screen.entries) else ()


def _changed(screen: PartyResult, about: str, news: SettlementChanged) -> PartyResult:
    def become(each: Entry) -> Entry:
        if each.declaration_id != about or each.standing is None or PROGRESS[news.standing] <= PROGRESS[each.standing]:
            return each
        found = tuple(one.code for one in news.receipt.findings) if news.receipt else ()
        return replace(each, standing=news.standing, findings=found, log=news.place)

    return replace(screen, entries=tuple(become(each) for each in screen.entries))
