"""The chip of the card: may it be read, lay the card down, what it showed. Between "is this you?" and the stay.

- Whoever showed or typed what opens a chip is asked for it: a card's number, or number, birth and expiry of a passport; and only where the
  profile has a reader. "Go on without" is on every screen.
- Where the profile asks for consent nothing is read before a yes; which words were shown, and when, goes into the evidence.
- A card pulled away begins again by itself, and says so; nothing half-read is used. After ``MOST_TRIES`` the person decides.
- A chip that what was shown does not open may be opened with a number that is typed. Refusals are counted: what was shown is tried ``MOST_SHOWN``
  times in a visit, typed numbers ``MOST_TYPED``, none of them twice; then the reader is not asked any more. No number outlives the chip's screens.
  Going back while a chip is being opened counts as a refusal: whether it was one is not heard any more.
- Where a card's code is worn nobody is known yet: the number is typed first, the chip says who it is, and "is this you?" follows.
- A reader that is not there is no question to the person: the dialogue goes on, at the level of the card's code.
- What the chip shows never stops anybody. A failed check is said plainly and kindly: the person may not know of it.
- The declaration gets its identity here, for the chip's signature is bound to it.

Example: ``screen, effects = after_person(draft, fresh_id, profile)``
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from edge_agent.kiosk.changing import after_identity, draft_for, purpose_of
from edge_agent.kiosk.chip_acts import CanTyped, CanWanted, ChipAllowed, ChipNoted, ChipSkipped, CodeWorn
from edge_agent.kiosk.chip_states import (
    NO_MORE_NUMBERS,
    NOT_OPENED,
    READER_REFUSED,
    AskChip,
    ChipShown,
    LayCard,
    TypeCan,
    has_tries,
    may_try,
    may_type,
)
from edge_agent.kiosk.chip_words import is_passport
from edge_agent.kiosk.draft import ChipSaid, Draft
from edge_agent.kiosk.effects import Effect, Play, ReadChip, StopChip
from edge_agent.kiosk.events import Event, WentBack
from edge_agent.kiosk.news import ChipFailed, ChipProgressed, ChipTaken
from edge_agent.kiosk.states import ConfirmPerson, Moment, Purpose, Screen, ShowCard
from firmware_config.profiles import KioskProfile
from residence.clock import VIETNAM, rfc3339
from residence.credentials.chip.access_keys import CAN, can_of, keys_of
from residence.credentials.chip.carried import Consent
from residence.credentials.evidence import Evidence, EvidenceLevel, Reading
from residence.errors import problem
from residence.people.person import Person

MOST_TRIES: Final = 4
CONSENT_TEXT: Final = "chip-consent/1"  # grows with the words of ``chip.ask_text``
PASSPORT_CONSENT_TEXT: Final = "chip-consent-passport/1"  # and of ``chip.ask_passport_text``
# The card moved, or the field was too weak: laying it down again may help.
_AGAIN: Final = frozenset(
    {"chip.card_gone", "chip.too_slow", "chip.channel_closed", "chip.sm_broken", "chip.sm_padding", "chip.apdu"}
)
_NO_READER: Final = "chip.no_reader"

NOBODY: Final = Reading(person=Person(full_name=""), evidence=Evidence(level=EvidenceLevel.STATED, source="chip"))

Move = tuple[Screen, tuple[Effect, ...]]


def after_person(draft: Draft, fresh_id: str, profile: KioskProfile) -> Move:
    """Ask for the chip, or go on to the stay."""
    wanted = profile.chip.enabled and draft.chip is None and fresh_id
    if not wanted or not _opens(draft, profile):
        return after_identity(draft, profile), ()
    if profile.chip.consent and draft.consent is None:
        return AskChip(draft=draft), ()
    return _begin(draft, fresh_id)


def _opens(draft: Draft, profile: KioskProfile) -> bool:
    """Tell whether this kiosk's reader can open the document: one that speaks text asks for a card's number, birth and expiry."""
    keys = keys_of(draft.reading.person)
    return bool(keys.can and keys.mrz_keys) if profile.chip.model else keys.opens


def of_worn_card(purpose: Purpose, event: CodeWorn, profile: KioskProfile) -> Screen:
    """Begin with the chip, for the card's code says nothing any more."""
    draft = replace(draft_for(purpose, NOBODY), worn=True)
    return AskChip(draft=draft) if profile.chip.consent else TypeCan(draft=draft, own_id=event.fresh_id)


def advance(screen: AskChip | LayCard | TypeCan | ChipShown, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Let one of the chip's screens answer."""
    match screen:
        case AskChip():
            return from_asking(screen, event, profile, now)
        case LayCard():
            return from_laying(screen, event, profile)
        case TypeCan():
            return from_typing(screen, event, profile)
        case ChipShown():
            return from_shown(screen, event, profile)


def from_asking(screen: AskChip, event: Event, profile: KioskProfile, now: Moment) -> Move:
    """Begin on a yes, go on without on a no."""
    match event:
        case ChipAllowed(fresh_id=fresh_id):
            words = PASSPORT_CONSENT_TEXT if is_passport(screen.draft) else CONSENT_TEXT
            consent = Consent(text=words, at=rfc3339(now.wall.astimezone(VIETNAM).replace(microsecond=0)))
            agreed = replace(screen.draft, consent=consent)
            return (TypeCan(draft=agreed, own_id=fresh_id), ()) if agreed.worn else _begin(agreed, fresh_id)
        case ChipSkipped():
            return _without(screen.draft, profile), ()
        case WentBack():
            return _before(screen.draft), ()
        case _:
            return screen, ()


def from_laying(screen: LayCard, event: Event, profile: KioskProfile) -> Move:
    """Follow the reading; what comes from an earlier one is not heard."""
    match event:
        case ChipProgressed(own_id=own_id, phase=phase) if own_id == screen.own_id and screen.phase != "stopped":
            return replace(screen, phase=phase, problem=screen.problem if phase == "waiting" else None), ()
        case ChipTaken(own_id=own_id, evidence=evidence, reading=named) if own_id == screen.own_id:
            draft = replace(screen.draft, reading=named or screen.draft.reading)
            return ChipShown(draft=_with(draft, evidence, own_id)), (Play(cue="card-read"),)
        case ChipFailed(own_id=own_id, code=code) if own_id == screen.own_id:
            return _failed(screen, code, profile)
        case ChipAllowed() if screen.phase == "stopped" and may_try(screen):
            return _again(screen, None)
        case CanWanted() if screen.phase == "stopped" and may_type(screen):
            return TypeCan(draft=screen.draft, own_id=screen.own_id), ()
        case ChipSkipped():
            return _without(screen.draft, profile), (StopChip(),)
        case WentBack():
            return _before(_given_up(screen)), (StopChip(),)
        case _:
            return screen, ()


def from_typing(screen: TypeCan, event: Event, profile: KioskProfile) -> Move:
    """Take the number and ask for the card; one that was refused before is not tried again."""
    match event:
        case CanTyped(text=text):
            number = "".join(text.split())
            if not CAN.fullmatch(number):
                return replace(screen, problem=problem("kiosk.can_unreadable")), ()
            if number in _refused(screen.draft):
                return replace(screen, problem=problem("chip.can_wrong")), (Play(cue="problem"),)
            asked = LayCard(draft=screen.draft, own_id=screen.own_id, can=number)
            return asked, (_reads(asked),)
        case ChipSkipped():
            return _without(screen.draft, profile), ()
        case WentBack():
            return (_before(screen.draft) if screen.draft.worn else _stopped(screen.draft, screen.own_id)), ()
        case _:
            return screen, ()


def from_shown(screen: ChipShown, event: Event, profile: KioskProfile) -> Move:
    """Go on once the person has seen it."""
    match event:
        case ChipNoted() if screen.draft.worn:
            return ConfirmPerson(draft=replace(screen.draft, worn=False)), ()
        case ChipNoted():
            return after_identity(screen.draft, profile), ()
        case WentBack():
            return _before(screen.draft), ()
        case _:
            return screen, ()


def _begin(draft: Draft, own_id: str) -> Move:
    first = LayCard(draft=draft, own_id=own_id)
    if not may_try(first):
        return _stopped(draft, own_id), ()
    return first, (_reads(first),)


def _reads(screen: LayCard) -> ReadChip:
    reading = None if screen.draft.worn else screen.draft.reading
    return ReadChip(own_id=screen.own_id, reading=reading, can=screen.can)


def _given_up(screen: LayCard) -> Draft:
    """Count what a card is being asked with: nobody will hear whether it was refused."""
    draft = screen.draft
    return replace(draft, unopened=(*draft.unopened, screen.can)) if screen.phase == "opening" else draft


def _before(draft: Draft) -> Screen:
    """Return the question before the chip's."""
    return ShowCard(purpose=purpose_of(draft)) if draft.worn else ConfirmPerson(draft=draft)


def _stopped(draft: Draft, own_id: str) -> LayCard:
    why = problem(NOT_OPENED if has_tries(draft) else NO_MORE_NUMBERS)
    return LayCard(draft=draft, own_id=own_id, phase="stopped", problem=why)


def _refused(draft: Draft) -> frozenset[str]:
    """Return the numbers known not to open it: those typed, and that of the card."""
    number = draft.reading.person.personal_number
    return frozenset({*draft.unopened, *([can_of(number)] if number and keys_of(draft.reading.person).can else [])})


def _again(screen: LayCard, code: str | None) -> Move:
    why = problem(code) if code else None
    after = replace(screen, phase="waiting", problem=why, tries=screen.tries + 1)
    return after, (_reads(after),)


def _failed(screen: LayCard, code: str, profile: KioskProfile) -> Move:
    if code == _NO_READER:
        without = _without(screen.draft, profile)
        return (replace(without, hint=problem(code)) if isinstance(without, ShowCard) else without), ()
    if code in {NOT_OPENED, READER_REFUSED}:
        return _unopened(screen, code), (Play(cue="problem"),)
    if code in _AGAIN and screen.tries < MOST_TRIES:
        after, effects = _again(screen, code)
        return after, (*effects, Play(cue="problem"))
    return replace(screen, phase="stopped", problem=problem(code)), (Play(cue="problem"),)


def _unopened(screen: LayCard, code: str) -> Screen:
    """Count the refusal; after a typed number another may be typed, while there are tries left."""
    draft = replace(screen.draft, unopened=(*screen.draft.unopened, screen.can))
    if screen.can and has_tries(draft):
        return TypeCan(draft=draft, own_id=screen.own_id, problem=problem("chip.can_wrong"))
    stopped = _stopped(draft, screen.own_id)
    return replace(stopped, problem=problem(code)) if code == READER_REFUSED else stopped


def _without(draft: Draft, profile: KioskProfile) -> Screen:
    if draft.worn:
        return _before(draft)
    return after_identity(replace(draft, chip=ChipSaid(skipped=True), unopened=()), profile)


def _with(draft: Draft, evidence: Evidence, own_id: str) -> Draft:
    said = msgspec.structs.replace(evidence.chip, consent=draft.consent) if evidence.chip else None
    evidence = msgspec.structs.replace(evidence, chip=said)
    failed = any(evidence.checks.get(name) == "failed" for name in _TOLD)
    reading = msgspec.structs.replace(draft.reading, evidence=evidence)
    return replace(draft, reading=reading, own_id=own_id, unopened=(), chip=ChipSaid(level=_seen(evidence), failed=failed))


def _seen(evidence: Evidence) -> EvidenceLevel:
    """Return the level this kiosk saw: it ran Chip Authentication itself, or its reader opened the chip, which shows others nothing."""
    if evidence.chip is not None and not evidence.chip.sod and evidence.checks.get("cross_check") == "passed":
        return EvidenceLevel(max(evidence.level, EvidenceLevel.CHIP_READ))
    present = evidence.level == EvidenceLevel.CHIP_VERIFIED and evidence.checks.get("chip_auth") == "passed"
    return EvidenceLevel.CHIP_PRESENT if present and evidence.checks.get("active_auth") != "failed" else evidence.level


_TOLD: Final = ("passive", "issuer", "revocation", "chip_auth", "active_auth", "cross_check")
