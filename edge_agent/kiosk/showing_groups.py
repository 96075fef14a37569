"""What a template may see of a group that is being put together, and of a change to an earlier stay.

- The list names people, for the leader has to recognise them; no number of anybody is on it.
- What the rules say is shown beside the person it is about.

Example: ``gathering_of(Gathering(draft=draft), texts)["count"]``
"""

from __future__ import annotations

from typing import Any

from edge_agent.kiosk.asking import VIETNAMESE
from edge_agent.kiosk.boards import boards_for
from edge_agent.kiosk.draft import Draft
from edge_agent.kiosk.gathering import drafts_of, problems_of
from edge_agent.kiosk.own_words import words_of
from edge_agent.kiosk.states import AskHost, AskReceipt, ChooseChange, Gathering, Moment, Review
from edge_agent.kiosk.staying import leaving
from edge_agent.kiosk.texts import Texts
from firmware_config.profiles import KioskProfile


def gathering_of(screen: Gathering, texts: Texts) -> dict[str, Any]:
    """Return the list so far, and what was wrong with the last card."""
    return {
        "people": _people(screen.draft, texts),
        "count": len(screen.draft.members or ()) + 1,
        "problem": texts.problem(screen.problem) if screen.problem else "",
    }


def group_review_of(screen: Review, profile: KioskProfile, texts: Texts, now: Moment) -> dict[str, Any]:
    """Return the whole list once more, with what the rules say about each."""
    draft = screen.draft
    said = problems_of(draft, profile, now)
    people = _people(draft, texts)
    return {
        "people": [{**each, "problems": [texts.problem(one) for one in found]} for each, found in zip(people, said, strict=True)],
        "count": len(people),
        "unit": draft.unit or "",
        "place": profile.premises.name,
        "time": texts.many("review.nights", draft.nights, nights=draft.nights, date=texts.day(leaving(now.wall, draft.nights))),
        "reason": texts(f"reason.{draft.reason.value}") if draft.reason else "",
        "words": " ".join(text for _, text in words_of(draft)),
    }


def asked_further(screen: ChooseChange | AskReceipt | AskHost, texts: Texts) -> dict[str, Any]:
    """Return what the screens of a change, and the resident's, show."""
    match screen:
        case AskReceipt():
            return {
                "tried": screen.tried,
                "waiting": screen.waiting,
                "boards": boards_for("receipt", texts.language),
                "problem": texts.problem(screen.problem) if screen.problem else "",
            }
        case AskHost():
            return {"problem": texts.problem(screen.problem) if screen.problem else ""}
        case ChooseChange():
            return {}


def _people(draft: Draft, texts: Texts) -> list[dict[str, str]]:
    people = []
    for place, each in enumerate(drafts_of(draft)):
        how = "gather.leader" if place == 0 else "gather.stated" if each.typed else "gather.from_card"
        nationality = each.reading.person.nationality
        people.append(
            {
                "name": each.reading.person.full_name,
                "how": texts(how),
                "abroad": "" if nationality in {None, VIETNAMESE} else nationality,
                "remove": str(place - 1) if place else "",
            }
        )
    return people
