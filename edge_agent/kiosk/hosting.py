"""A guest's resident confirms with a card: the declaration is then the household's, in the resident's name.

- Offered on the review, never asked for: a guest whose resident is asleep declares for themselves.
- The resident's card is read like any other and is kept only as a name; their own stay is not declared.
- The guest's own card confirms nothing.

Example: a grandson declares, his grandmother holds her card to the reader; ``declarant`` is ``household`` and her name.
"""

from __future__ import annotations

from dataclasses import replace

from edge_agent.kiosk.effects import Effect, Play
from edge_agent.kiosk.events import Event, WentBack
from edge_agent.kiosk.states import AskHost, Moment, Screen
from edge_agent.kiosk.staying import judged
from firmware_config.profiles import KioskProfile
from residence.credentials.evidence import Reading
from residence.errors import Problem, problem


def from_host(
    screen: AskHost, event: Event, seen: Reading | Problem | None, *, profile: KioskProfile, now: Moment
) -> tuple[Screen, tuple[Effect, ...]]:
    """Take the resident's card (``seen``), or go back without."""
    if isinstance(seen, Problem):
        return replace(screen, problem=seen), (() if seen == screen.problem else (Play(cue="problem"),))
    if seen is not None:
        guest = screen.draft.reading.person
        if guest.personal_number is not None and seen.person.personal_number == guest.personal_number:
            return replace(screen, problem=problem("kiosk.host_is_guest", "/declarant")), (Play(cue="problem"),)
        return judged(replace(screen.draft, host=seen.person.full_name), profile, now), (Play(cue="card-read"),)
    return (judged(screen.draft, profile, now) if isinstance(event, WentBack) else screen), ()
