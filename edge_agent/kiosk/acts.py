"""What a button on the page means: form fields to events of the dialogue, one table.

- A form names the screen it was drawn for; an act for another screen is late and does nothing.
- Everything in a form is untrusted text: lengths are cut, numbers are parsed, words outside the table are refused.

Example: ``events_of({"screen": "nights", "do": "nights", "nights": "2"}, ...)`` gives ``(NightsChosen(nights=2),)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast, get_args, get_type_hints

from edge_agent.kiosk.chip_acts import CanTyped, CanWanted, ChipAllowed, ChipNoted, ChipSkipped, CodeWorn
from edge_agent.kiosk.events import (
    Act,
    CallEnded,
    Cancelled,
    CodeGiven,
    Confirmed,
    ContrastChosen,
    GroupComplete,
    HostWanted,
    LanguageChosen,
    MemberRemoved,
    MoreTime,
    NightsChosen,
    NoCard,
    NoPapers,
    NotMe,
    PersonCalled,
    PersonConfirmed,
    PurposeChosen,
    ReasonChosen,
    ReasonTold,
    SlipWanted,
    Started,
    TextSizeChosen,
    Touched,
    Typed,
    UnitChosen,
    VoiceTurned,
    WayInWanted,
    WentBack,
    WordsHeard,
    WordsWanted,
)
from edge_agent.kiosk.gathering import MOST_MEMBERS
from edge_agent.kiosk.states import Purpose, TypedField
from firmware_config.profiles import Language
from residence.errors import Malformed
from residence.stays.check import LONGEST
from residence.stays.declaration import Reason

# Longer than any answer may be, so that what is too long is said and not cut where nobody sees it.
LONGEST_TEXT: Final = 2 * max(LONGEST.values())
# Acts that mean the same on every screen, so being late does no harm.
ANYWHERE: Final = frozenset({"language", "stop", "more-time", "touched", "call", "call-end", "voice", "contrast", "text"})
_PURPOSES: Final[dict[str, PurposeChosen]] = {
    each: PurposeChosen(purpose=each)
    for each in (*get_args(Purpose), *get_args(get_args(get_type_hints(PurposeChosen)["purpose"])[1]))
}

Fields = Mapping[str, str]


def events_of(fields: Fields, *, screen: str, fresh_id: Callable[[], str]) -> tuple[Act, ...]:
    """Return the events a form asks for; none when it is late. Raise ``Malformed("page.unknown_act")`` for anything else."""
    do, _, value = fields.get("do", "").partition(":")
    if do not in ANYWHERE and fields.get("screen") != screen:
        return ()
    try:
        return _SIMPLE[do] if do in _SIMPLE else _valued(do, value or _value_of(fields), screen, fresh_id)
    except (KeyError, ValueError) as error:
        raise Malformed("page.unknown_act", "/do") from error


_SIMPLE: Final[dict[str, tuple[Act, ...]]] = {
    "no-card": (NoCard(),),
    "no-papers": (NoPapers(),),
    "everybody": (GroupComplete(),),
    "host": (HostWanted(),),
    "print": (SlipWanted(),),
    "my-page": (WayInWanted(),),
    "without-chip": (ChipSkipped(),),
    "chip-seen": (ChipNoted(),),
    "type-can": (CanWanted(),),
    "not-me": (NotMe(),),
    "words": (WordsWanted(),),
    "aloud": (WordsHeard(),),
    "back": (WentBack(),),
    "stop": (Cancelled(),),
    "more-time": (MoreTime(),),
    "touched": (Touched(),),
    "call-end": (CallEnded(),),
}


def _valued(do: str, value: str, screen: str, fresh_id: Callable[[], str]) -> tuple[Act, ...]:
    value = value[:LONGEST_TEXT]
    match do:
        case "start":
            return (LanguageChosen(language=_language(value)), Started())
        case "typed" | "skip":
            asked = cast("TypedField", screen.removeprefix("typing-"))
            return (Typed(asked=asked, text=value if do == "typed" else ""),)
        case "code":
            return (CodeGiven(text=value, fresh_id=fresh_id()),)
        case "call" | "yes" | "worn" | "chip":
            return (_NAMED[do](fresh_id()),)
        case "confirm":
            more = MOST_MEMBERS if screen == "group-review" else 0
            return (Confirmed(fresh_id=fresh_id(), more_ids=tuple(fresh_id() for _ in range(more))),)
        case _:
            return (_CHOSEN[do](value),)


def _value_of(fields: Fields) -> str:
    """Return the form's one value; a date comes in three boxes, an empty one means "not known"."""
    if "year" not in fields:
        return fields.get("value", "")
    day, month, year = (fields.get(part, "").strip()[:4] for part in ("day", "month", "year"))
    return f"{day:0>2}{month:0>2}{year:0>4}" if day or month or year else ""


def _language(value: str) -> Language:
    if value not in get_args(Language):
        raise ValueError(value)
    return cast("Language", value)


_NAMED: Final[dict[str, Callable[[str], Act]]] = {
    "call": lambda fresh: PersonCalled(fresh_id=fresh),
    "yes": lambda fresh: PersonConfirmed(fresh_id=fresh),
    "worn": lambda fresh: CodeWorn(fresh_id=fresh),
    "chip": lambda fresh: ChipAllowed(fresh_id=fresh),
}
_SWITCH: Final = {"usual": False, "high": True, "large": True}
_CHOSEN: Final[dict[str, Callable[[str], Act]]] = {
    "language": lambda value: LanguageChosen(language=_language(value)),
    "purpose": lambda value: _PURPOSES[value],
    "unit": lambda value: UnitChosen(unit=value),
    "nights": lambda value: NightsChosen(nights=int(value)),
    "contrast": lambda value: ContrastChosen(high=_SWITCH[value]),
    "text": lambda value: TextSizeChosen(large=_SWITCH[value]),
    "voice": lambda value: VoiceTurned(level=int(value)),
    "can": lambda value: CanTyped(text=value),
    "remove": lambda value: MemberRemoved(index=int(value)),
    "reason": lambda value: ReasonChosen(reason=Reason(value)),
    "tell": lambda value: ReasonTold(text=value),
}
