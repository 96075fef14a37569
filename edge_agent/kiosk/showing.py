"""What a template may see: a narrow view of the state, already masked and in words.

- Templates never get the state. A number leaves this file as its last three characters and dots for the rest, or not at all.
- Results are in ``showing_results.py``, groups and changes in ``showing_groups.py``.
- No check digit covers a name read from a machine-readable zone, so the person is asked to compare it with the document.
- The birth date is shown only to somebody who has just typed it, so that a mistake can be seen.

Example: ``masked("001095000117") == "••• ••• ••• 117"``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, assert_never

from edge_agent.kiosk.asking import COUNTRIES, UNSPECIFIED, VIETNAMESE
from edge_agent.kiosk.boards import boards_for
from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard, TypeCan
from edge_agent.kiosk.chip_words import chip_step_of
from edge_agent.kiosk.draft import Draft
from edge_agent.kiosk.following import path_of
from edge_agent.kiosk.identifying import takes_worn_cards
from edge_agent.kiosk.own_words import own_words_of
from edge_agent.kiosk.path_states import AskPathCode, PathShown
from edge_agent.kiosk.showing_calls import call_of
from edge_agent.kiosk.showing_groups import asked_further, gathering_of, group_review_of
from edge_agent.kiosk.showing_results import party_of, result_of
from edge_agent.kiosk.showing_stays import nights_of, permitted_of, step_of, telling_of, unit_of
from edge_agent.kiosk.states import (
    AskHost,
    AskPermitted,
    AskReceipt,
    ChooseChange,
    ChooseNights,
    ChoosePurpose,
    ChooseReason,
    ChooseUnit,
    ConfirmPerson,
    Gathering,
    Idle,
    Keeping,
    Moment,
    NothingDue,
    NotKept,
    OwnWords,
    PartyResult,
    Result,
    Review,
    Screen,
    ShowCard,
    TellReason,
    Typing,
    WayIn,
)
from edge_agent.kiosk.staying import REASONS, begins, can_have_host, leaving
from edge_agent.kiosk.texts import Texts, lang_tag
from edge_agent.kiosk.view import Health, View
from firmware_config.profiles import KioskProfile
from residence.errors import has_errors
from residence.places.premises import PremisesKind

VISIBLE_DIGITS: Final = 3
# What is not asked of somebody without papers is not missed on the screen either; the registry notes it all the same.
_OF_PAPERS: Final = frozenset({"declaration.passport_missing", "declaration.permitted_stay_missing"})
_SOURCES: Final = {"mrz": "person.from_zone"}


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
        case AskPermitted():
            return "typing-permitted"
        case Review() if screen.draft.members is not None:
            return "group-review"
        case _:
            return _TEMPLATES[type(screen)]


def shown(view: View, *, profile: KioskProfile, now: datetime) -> dict[str, Any]:
    """Return everything the templates need for ``view``."""
    state = view.state
    texts = Texts(state.language)
    return {
        "t": texts,
        "language": state.language,
        "tag": lang_tag(state.language),
        "tags": {each: lang_tag(each) for each in profile.kiosk.languages},
        "languages": [(each, Texts(each)("language.own_name")) for each in profile.kiosk.languages],
        "in_language": {each: Texts(each) for each in profile.kiosk.languages},
        "name": name_of(state.screen),
        "template": f"screens/{_template_of(state.screen)}.html",
        "place": profile.premises.name,
        "help": profile.kiosk.help_in(state.language),
        "guest": "_guest" if profile.role == "facility" else "",
        "room": "" if profile.premises.kind is PremisesKind.APARTMENT_BLOCK else "_room",
        "connection": _connection(view.health, texts),
        "reader_lost": not view.health.can_read,
        "full": view.health.full,
        "warning": state.warning,
        "unhurried": state.unhurried,
        "contrast": state.contrast,
        "keypad": profile.page.keypad,
        "large": state.large,
        "printer": bool(profile.printer.device),
        "calling": state.calling is not None and not state.warning,
        "call": call_of(state.calling, view.health, profile=profile, texts=texts),
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
    AskPermitted: "typing",
    ChooseChange: "change",
    AskReceipt: "receipt",
    AskPathCode: "path",
    PathShown: "pathshown",
    Gathering: "gathering",
    AskHost: "host",
    PartyResult: "party",
    AskChip: "askchip",
    LayCard: "laycard",
    TypeCan: "typecan",
    ChipShown: "chipshown",
    ChooseUnit: "unit",
    ChooseNights: "nights",
    ChooseReason: "reason",
    TellReason: "telling",
    Review: "review",
    OwnWords: "ownwords",
    Keeping: "keeping",
    Result: "result",
    WayIn: "wayin",
    NothingDue: "nothing",
    NotKept: "notkept",
}


def _template_of(screen: Screen) -> str:
    name = name_of(screen)
    return name if name == "group-review" else _TEMPLATES[type(screen)]


def _about(screen: Screen, *, profile: KioskProfile, texts: Texts, now: datetime, health: Health) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one case per screen
    match screen:
        case Idle() | Keeping() | WayIn():
            return {}
        case ChoosePurpose():
            return {"presence": profile.kiosk.presence}
        case ShowCard():
            return _card(screen, profile, texts)
        case Typing():
            return _typing(screen, texts)
        case ConfirmPerson(draft=draft):
            about = _person(draft, texts)
            return about if screen.entering is not None else {**about, "step": step_of("person", texts)}
        case AskChip() | LayCard() | TypeCan() | ChipShown():
            return {**chip_step_of(screen, texts), "step": step_of("person", texts)}
        case ChooseUnit():
            return unit_of(screen, profile, texts)
        case ChooseNights(draft=draft):
            return {**nights_of(draft, texts, now), "step": step_of("time", texts)}
        case AskPermitted():
            return permitted_of(screen, texts)
        case ChooseChange() | AskReceipt() | AskHost():
            return asked_further(screen, texts)
        case AskPathCode() | PathShown():
            return path_of(screen, texts, health)
        case Gathering():
            return gathering_of(screen, texts)
        case PartyResult():
            return party_of(screen, texts, profile)
        case ChooseReason(draft=draft):
            return {"reasons": [each.value for each in REASONS], "chosen": draft.reason, "step": step_of("time", texts)}
        case TellReason():
            return telling_of(screen, texts)
        case Review() if screen.draft.members is not None:
            return group_review_of(screen, profile, texts, Moment(wall=now, monotonic_ns=0))
        case Review():
            return _review(screen, profile, texts, now)
        case OwnWords():
            return {**own_words_of(screen, texts), "step": step_of("review", texts)}
        case Result():
            return result_of(screen, texts, health, profile)
        case NothingDue(why=why):
            return {"why": why}
        case NotKept(code=code):
            return {"reason": texts.about_code(code)}
        case _:
            assert_never(screen)


def _card(screen: ShowCard, profile: KioskProfile, texts: Texts) -> dict[str, Any]:
    return {
        "purpose": screen.purpose,
        "reads_passports": any(each.mrz for each in profile.readers),
        "worn": takes_worn_cards(screen, profile),
        "papers": screen.purpose in {"stay", "group"},
        "desk": profile.kiosk.kind != "lobby" and screen.purpose == "stay",
        "hint": texts.problem(screen.hint) if screen.hint else "",
        "guide": texts(f"card.guide_{screen.guide}") if screen.guide else "",
        "step": step_of("person", texts),
    }


def _connection(health: Health, texts: Texts) -> dict[str, str]:
    if health.full:
        return {"tone": "bad", "text": texts("connection.full")}
    key = {"up": "connection.online", "holding": "connection.holding"}.get(health.connection, "connection.offline")
    if health.depth:
        key += "_waiting"
    return {"tone": "good" if health.online else "attention", "text": texts(key, depth=health.depth)}


def _typing(screen: Typing, texts: Texts) -> dict[str, Any]:
    known = screen.typed
    typed = {"name": known.full_name, "helper": known.helper or "", "words": known.words or ""}.get(screen.asked, "")
    return {
        "asked": screen.asked,
        "typed": typed,  # a birth date or a number is never sent back to the page
        "problem": texts.problem(screen.problem) if screen.problem else "",
        "countries": [(code, texts(f"country.{code}")) for code in COUNTRIES],
        "chosen": screen.typed.nationality,
        "boards": boards_for(screen.asked, texts.language),
        "step": step_of("person", texts),
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


def _review(screen: Review, profile: KioskProfile, texts: Texts, now: datetime) -> dict[str, Any]:
    draft = screen.draft
    permitted = draft.typed.permitted_until if draft.typed else draft.permitted_until
    paperless = draft.typed is not None and draft.typed.paperless
    return {
        **_person(draft, texts),
        "change": draft.change.kind if draft.change else "",
        "timed": draft.change is None or draft.change.kind in {"extension", "correction"},
        "host": draft.host or "",
        "can_have_host": draft.host is None and can_have_host(draft, profile),
        "unit": draft.unit or "",
        "place": profile.premises.name,
        "time": texts.many(
            "review.nights", draft.nights, nights=draft.nights, date=texts.day(leaving(begins(draft, now), draft.nights))
        ),
        "reason": texts(f"reason.{draft.reason.value}") if draft.reason else "",
        "reason_text": draft.reason_text or "",
        "permitted": _day_text(permitted) if permitted else "",
        "words": (draft.typed.words or "") if draft.typed else "",
        "helper": (draft.typed.helper or "") if draft.typed else "",
        "errors": has_errors(screen.problems),
        "problems": [texts.problem(each) for each in screen.problems if not (paperless and each.code in _OF_PAPERS)],
        "step": step_of("review", texts),
    }
