"""What a template may see: a narrow view of the state, already masked and in words.

- Templates never get the state. A number leaves this file as its last three characters and dots for the rest, or not at all.
- A receipt is shown only as what it says: kept, sent, received, accepted, refused, conflicting; with the words for "and now?".
- No check digit covers a name read from a machine-readable zone, so the person is asked to compare it with the document.
- The birth date is shown only to somebody who has just typed it, so that a mistake can be seen.

Example: ``masked("001095000117") == "••• ••• ••• 117"``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, assert_never

from edge_agent.kiosk.asking import COUNTRIES, UNSPECIFIED, VIETNAMESE
from edge_agent.kiosk.chip_words import about_chip, about_laying
from edge_agent.kiosk.states import (
    AskChip,
    ChipShown,
    ChooseNights,
    ChoosePurpose,
    ChooseReason,
    ChooseUnit,
    ConfirmPerson,
    Draft,
    Idle,
    Keeping,
    LayCard,
    NothingDue,
    NotKept,
    Result,
    Review,
    Screen,
    ShowCard,
    Standing,
    TellReason,
    Typing,
)
from edge_agent.kiosk.staying import MOST_NIGHTS, REASONS, leaving
from edge_agent.kiosk.texts import Texts
from edge_agent.kiosk.view import Health, View
from firmware_config.profiles import KioskProfile
from residence.clock import parse_instant
from residence.errors import has_errors
from residence.places.premises import PremisesKind
from residence.stays.check import LONGEST

VISIBLE_DIGITS: Final = 3
QUICK_NIGHTS: Final = (1, 2, 3, 4, 5, 7, 14)
_STEPS: Final = ("person", "unit", "time", "review")
_SOURCES: Final = {"mrz": "person.from_zone"}
_TONE: Final[dict[Standing, str]] = {
    "kept": "kept",
    "sent": "kept",
    "received": "kept",
    "accepted": "good",
    "refused": "bad",
    "conflicting": "attention",
}


def masked(number: str) -> str:
    """Return a number with all but its last three characters hidden, in groups of three."""
    shown = number[-VISIBLE_DIGITS:] if len(number) > VISIBLE_DIGITS else ""
    hidden = "•" * (len(number) - len(shown))
    dots = [hidden[start : start + 3] for start in range(0, len(hidden), 3)]
    return " ".join([*dots, shown]).strip()


def name_of(screen: Screen) -> str:
    """Return the screen's name: its template, and what a form must name to act on it."""
    match screen:
        case Typing(asked=asked):
            return f"typing-{asked}"
        case _:
            return _TEMPLATES[type(screen)]


def shown(view: View, *, profile: KioskProfile, now: datetime) -> dict[str, Any]:
    """Return everything the templates need for ``view``."""
    state = view.state
    texts = Texts(state.language)
    return {
        "t": texts,
        "language": state.language,
        "languages": [(each, Texts(each)("language.own_name")) for each in profile.kiosk.languages],
        "in_language": {each: Texts(each) for each in profile.kiosk.languages},
        "name": name_of(state.screen),
        "template": f"screens/{_TEMPLATES[type(state.screen)]}.html",
        "place": profile.premises.name,
        "help": profile.kiosk.help_vi if state.language == "vi" else profile.kiosk.help_en,
        "guest": "_guest" if profile.role == "facility" else "",
        "room": "" if profile.premises.kind is PremisesKind.APARTMENT_BLOCK else "_room",
        "connection": _connection(view.health, texts),
        "reader_lost": not view.health.can_read,
        "full": view.health.full,
        "warning": state.warning,
        "seconds_left": round(view.seconds_left or 0),
        "version": view.version,
        "visit": view.visit,
        "screen": _about(state.screen, profile=profile, texts=texts, now=now, health=view.health),
    }


_TEMPLATES: Final[dict[type, str]] = {
    Idle: "idle",
    ChoosePurpose: "purpose",
    ShowCard: "card",
    Typing: "typing",
    ConfirmPerson: "person",
    AskChip: "askchip",
    LayCard: "laycard",
    ChipShown: "chipshown",
    ChooseUnit: "unit",
    ChooseNights: "nights",
    ChooseReason: "reason",
    TellReason: "telling",
    Review: "review",
    Keeping: "keeping",
    Result: "result",
    NothingDue: "nothing",
    NotKept: "notkept",
}


def _about(screen: Screen, *, profile: KioskProfile, texts: Texts, now: datetime, health: Health) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one case per screen
    match screen:
        case Idle() | Keeping():
            return {}
        case ChoosePurpose():
            return {"presence": profile.kiosk.presence}
        case ShowCard():
            return _card(screen, texts)
        case Typing():
            return _typing(screen, texts)
        case ConfirmPerson(draft=draft):
            about = _person(draft, texts)
            return about if screen.entering is not None else {**about, "step": _step("person", texts)}
        case AskChip():
            return {"step": _step("person", texts)}
        case LayCard():
            return {**about_laying(screen, texts), "step": _step("person", texts)}
        case ChipShown(draft=draft):
            return {**about_chip(draft.chip, texts), "step": _step("person", texts)}
        case ChooseUnit():
            return _unit(screen, profile, texts)
        case ChooseNights(draft=draft):
            return {**_nights(draft, texts, now), "step": _step("time", texts)}
        case ChooseReason(draft=draft):
            return {"reasons": [each.value for each in REASONS], "chosen": draft.reason, "step": _step("time", texts)}
        case TellReason():
            return _telling(screen, texts)
        case Review():
            return _review(screen, profile, texts, now)
        case Result():
            return _result(screen, texts, health, profile)
        case NothingDue(why=why):
            return {"why": why}
        case NotKept(code=code):
            return {"reason": texts.about_code(code)}
        case _:
            assert_never(screen)


def _card(screen: ShowCard, texts: Texts) -> dict[str, Any]:
    return {
        "purpose": screen.purpose,
        "hint": texts.said(screen.hint.message) if screen.hint else "",
        "guide": texts(f"card.guide_{screen.guide}") if screen.guide else "",
        "step": _step("person", texts),
    }


def _connection(health: Health, texts: Texts) -> dict[str, str]:
    if health.full:
        return {"tone": "bad", "text": texts("connection.full")}
    key = {"up": "connection.online", "holding": "connection.holding"}.get(health.connection, "connection.offline")
    if health.depth:
        key += "_waiting"
    return {"tone": "good" if health.online else "attention", "text": texts(key, depth=health.depth)}


def _step(name: str, texts: Texts) -> dict[str, Any]:
    at = _STEPS.index(name)
    names = [texts(f"progress.{each}") for each in _STEPS]
    return {"at": at, "names": names, "label": texts("progress.label", at=at + 1, of=len(_STEPS), name=names[at])}


def _typing(screen: Typing, texts: Texts) -> dict[str, Any]:
    typed = {"name": screen.typed.full_name, "helper": screen.typed.helper or ""}.get(screen.asked, "")
    return {
        "asked": screen.asked,
        "typed": typed,  # a birth date or a number is never sent back to the page
        "problem": texts.said(screen.problem.message) if screen.problem else "",
        "countries": [(code, texts(f"country.{code}")) for code in COUNTRIES],
        "chosen": screen.typed.nationality,
        "step": _step("person", texts),
    }


def _person(draft: Draft, texts: Texts) -> dict[str, Any]:
    person = draft.reading.person
    document = person.document.number if person.document else None
    number = person.personal_number or document
    return {
        "full_name": person.full_name,
        "number": masked(number) if number else "",
        "number_ends": number[-VISIBLE_DIGITS:] if number else "",
        "number_kind": "number" if person.personal_number else "document",
        "birth": _day_text(person.birth.value) if draft.typed and person.birth else "",
        "stated": draft.typed is not None,
        "nationality": _country(person.nationality, texts),
        "source": texts(
            "person.stated" if draft.typed is not None else _SOURCES.get(draft.reading.evidence.source, "person.from_card")
        ),
        "compare": texts("person.compare") if draft.typed is None and person.name_quality == "mrz" else "",
    }


def _country(code: str, texts: Texts) -> str:
    return texts(f"country.{code}") if code in {VIETNAMESE, UNSPECIFIED, *COUNTRIES} else code


def _day_text(day: str) -> str:
    """Write a date, a month or a year the way it is said here: day first."""
    return "/".join(reversed(day.split("-")))


def _unit(screen: ChooseUnit, profile: KioskProfile, texts: Texts) -> dict[str, Any]:
    return {
        "tried": screen.tried,
        "problem": texts.said(screen.problem.message) if screen.problem else "",
        "units": profile.premises.units,
        "letters": sorted({character for unit in profile.premises.units for character in unit if not character.isdigit()}),
        "step": _step("unit", texts),
    }


def _nights(draft: Draft, texts: Texts, now: datetime) -> dict[str, Any]:
    return {
        "most": MOST_NIGHTS,
        "chosen": draft.nights,
        "quick": [(nights, texts.short_day(leaving(now, nights))) for nights in QUICK_NIGHTS],
    }


def _telling(screen: TellReason, texts: Texts) -> dict[str, Any]:
    return {
        "typed": screen.tried or screen.draft.reason_text or "",
        "longest": LONGEST["reason_text"],
        "problem": texts.said(screen.problem.message) if screen.problem else "",
        "step": _step("time", texts),
    }


def _review(screen: Review, profile: KioskProfile, texts: Texts, now: datetime) -> dict[str, Any]:
    draft = screen.draft
    key = "review.nights_one" if draft.nights == 1 else "review.nights_many"
    return {
        **_person(draft, texts),
        "unit": draft.unit or "",
        "place": profile.premises.name,
        "time": texts(key, nights=draft.nights, date=texts.day(leaving(now, draft.nights))),
        "reason": texts(f"reason.{draft.reason.value}") if draft.reason else "",
        "reason_text": draft.reason_text or "",
        "permitted": _day_text(draft.typed.permitted_until) if draft.typed and draft.typed.permitted_until else "",
        "helper": (draft.typed.helper or "") if draft.typed else "",
        "errors": has_errors(screen.problems),
        "problems": [texts.said(each.message) for each in screen.problems],
        "step": _step("review", texts),
    }


def _result(screen: Result, texts: Texts, health: Health, profile: KioskProfile) -> dict[str, Any]:
    standing = screen.standing
    text = "result.kept_online" if health.online else "result.kept_offline"
    late = screen.due is not None and screen.on_time is False
    return {
        "statement": screen.statement,
        "standing": standing,
        "tone": _TONE[standing],
        "title": texts(f"result.{standing}"),
        "text": texts(text if standing == "kept" else f"result.{standing}_text"),
        "late": texts("result.late", due=texts.clock(parse_instant(screen.due))) if late and screen.due else "",
        "findings": [texts.about_code(code) for code in screen.findings] if standing in {"refused", "conflicting"} else [],
        "code": screen.code,
        "how": texts("result.check_url" if profile.page.check_url else "result.check"),
        "track": _track(standing),
    }


def _track(standing: Standing) -> list[tuple[str, str]]:
    """Return the three stations and how each is: done, waiting or failed."""
    received = standing in {"received", "accepted", "refused", "conflicting"}
    settled = {"accepted": "done", "refused": "failed", "conflicting": "attention"}.get(standing, "waiting")
    return [("kept", "done"), ("received", "done" if received else "waiting"), ("settled", settled)]
