"""How far somebody's path is: the code of their slip, typed or held to the camera, the authority's signed answer, its words in their language.

- The kiosk holds no list and keeps nothing: it asks while the person stands there, and forgets with the screen.
- Without a line it says so at once, and that the page on a phone and the front desk can tell, too.
- An answer to another question, or one that comes when the screen is gone, changes nothing.

Example: ``from_code(AskPathCode(), CodeGiven(text="RD7D-QQWQ-DW4X", fresh_id="018f..."))`` asks
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge_agent.kiosk.boards import boards_for
from edge_agent.kiosk.changing import CODE, LONGEST_CODE
from edge_agent.kiosk.effects import AskPath, Effect, Play
from edge_agent.kiosk.events import CardSeen, CodeGiven, Event, WentBack
from edge_agent.kiosk.news import PathAnswered
from edge_agent.kiosk.path_states import AskPathCode, PathShown
from edge_agent.kiosk.states import ChooseChange, Idle, Screen
from edge_agent.kiosk.texts import Texts
from edge_agent.kiosk.view import Health
from residence.errors import Malformed, problem
from residence.paths.following import Progress, told, written_day
from residence.paths.words import say, spoken
from residence.wire.receipts import parse_receipt_code

Move = tuple[Screen, tuple[Effect, ...]]


def advance(screen: AskPathCode | PathShown, event: Event) -> Move:
    """Let either screen answer; how far it is stands until the person goes."""
    if isinstance(screen, AskPathCode):
        return from_code(screen, event)
    return (Idle() if isinstance(event, WentBack) else screen), ()


def from_code(screen: AskPathCode, event: Event) -> Move:
    """Take the code and ask; show the answer to this very question."""
    match event:
        case CodeGiven(text=text, fresh_id=fresh):
            return _ask(text, fresh)
        case CardSeen(capture=capture, fresh_id=fresh):
            shown = CODE.search(capture.payload.decode("utf-8", "replace").upper())
            return _ask(shown[0], fresh) if shown else (screen, ())
        case PathAnswered(question=question, answer=answer) if question and question == screen.question:
            if answer.state in ("unknown", "later"):
                return replace(screen, question="", missed=answer.state), (Play(cue="problem"),)
            return PathShown(code=screen.tried, answer=answer), (Play(cue="accepted"),)
        case WentBack():
            return ChooseChange(), ()
        case _:
            return screen, ()


def _ask(text: str, question: str) -> Move:
    try:
        code = parse_receipt_code(text)
    except Malformed as error:
        return AskPathCode(tried=text.strip()[:LONGEST_CODE], problem=problem(error.code, "/about")), ()
    return AskPathCode(tried=code, question=question), (AskPath(question=question, code=code),)


def path_of(screen: AskPathCode | PathShown, texts: Texts, health: Health) -> dict[str, Any]:
    """Return what the screens show; the sentences are those of the slip's page."""
    language = spoken(texts.language)
    match screen:
        case AskPathCode():
            waits = ("path.looking" if health.online else "path.offline") if screen.question else ""
            missed = f"path.{screen.missed}" if screen.missed else waits
            return {
                "tried": screen.tried,
                "said": texts.problem(screen.problem) if screen.problem else texts(missed) if missed else "",
                "tone": "guide" if waits == "path.looking" else "attention",
                "boards": boards_for("receipt", texts.language),
            }
        case PathShown(answer=answer):
            found = Progress(state=answer.state, since=answer.since, due=answer.due, late=answer.late)  # type: ignore[arg-type] # the others are missed
            return {
                "code": screen.code,
                "lines": told(found, language),
                "tone": "attention" if answer.late else "good" if answer.due is None else "plain",
                "since": say("since", language, day=written_day(answer.since, language)),
                "no_fault": "" if answer.late else say("no_fault", language),  # the sentence of a late one says so itself
            }
