"""Every state the kiosk's screen can be in, by name, and the page it makes: for tests that look at pages without walking to each."""

from __future__ import annotations

from factories import StandingClock, make_id
from jinja2 import Environment, PackageLoader, StrictUndefined
from kiosk_page_parts import DESK, LOBBY, NO_CARD, OTHER_CARD, capture_of, card_seen, make_profile
from kiosk_walks import KEPT, NAME, TO_NIGHTS, TO_PERSON, TO_REVIEW, TYPED, walk

from edge_agent.kiosk import events as happen
from edge_agent.kiosk.showing import shown
from edge_agent.kiosk.view import Health, View
from edge_agent.voices.prompts import heard
from residence.credentials.chip.carried import ChipEvidence
from residence.credentials.evidence import Evidence
from residence.stays.declaration import Reason
from residence.wire.kiosk_answers import PathAnswer

PRINTER = '[printer]\ndevice = "/dev/edge/printer0"\n'
PASSPORT = "P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<\nX0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06"
FIRST, SECOND, THIRD = (make_id() for _ in range(3))
STARTED, STAY = happen.Started(), happen.PurposeChosen(purpose="stay")
CHANGE = (STARTED, happen.PurposeChosen(purpose="change"))
WRONG_ROOM = (*CHANGE, happen.PurposeChosen(purpose="correct"), card_seen(), happen.PersonConfirmed())
LONGER = (*CHANGE, happen.PurposeChosen(purpose="extend"), card_seen(), happen.PersonConfirmed())
GROUP = (
    STARTED,
    happen.PurposeChosen(purpose="group"),
    *TO_REVIEW[2:],
    card_seen(OTHER_CARD),
    happen.NoCard(),
    happen.Typed(asked="name", text="Nguyễn Hoàng Bảo Trân Phương Thảo"),
    happen.Typed(asked="birth", text="2019"),
    happen.Typed(asked="sex", text=""),
    happen.Typed(asked="nationality", text="other"),
    happen.Typed(asked="country", text="KOR"),
    happen.Typed(asked="passport", text=""),
    happen.Typed(asked="permitted", text=""),
)
IN_GROUP = (*GROUP, happen.GroupComplete(), happen.Confirmed(fresh_id=FIRST, more_ids=(SECOND, THIRD)))
FOREIGN = (*TYPED[:6], happen.Typed(asked="nationality", text="other"), happen.Typed(asked="country", text="other"))
NO_PAPERS = (STARTED, STAY, happen.NoPapers(), NAME, *TYPED[4:7])
PAPERLESS = (
    *NO_PAPERS[:-1],
    happen.Typed(asked="nationality", text="other"),
    happen.Typed(asked="country", text=""),
    happen.Typed(asked="words", text="どこにもとまるところがない。" * 20),
    happen.Typed(asked="helper", text="Lê Văn Giúp"),
    happen.PersonConfirmed(),
    *TO_REVIEW[4:],
)
OTHER_REASON = happen.ReasonTold(text="Ở lại chăm người bệnh trong khu. " * 6)
RESULT = KEPT[:-1]
KEPT_HERE = happen.KeptSafely(declaration_id=KEPT[-1].declaration_id, code="RD7D-QQWQ-DW4X")

GUEST_CONFIRMED = happen.HostAnswered(declaration_id=KEPT[-1].declaration_id, answer="confirmed")


def news(standing):
    return happen.SettlementChanged(declaration_id=KEPT[-1].declaration_id, standing=standing)


def answered(answer):
    return happen.PathAnswered(question=FIRST, answer=answer)


TO_PATH = (*CHANGE, happen.PurposeChosen(purpose="path"))
PATH_CODE = happen.CodeGiven(text="RD7D-QQWQ-DW4X", fresh_id=FIRST)
WALKS = {
    "idle": (),
    "purpose": (STARTED,),
    "card": (STARTED, STAY),
    "card-not-read": (STARTED, STAY, card_seen(NO_CARD)),
    "card-guided": (STARTED, STAY, happen.Guided(hint="glare")),
    "name": (STARTED, STAY, happen.NoCard()),
    "name-wrong": (STARTED, STAY, happen.NoCard(), happen.Typed(asked="name", text="<b>")),
    "birth": TYPED[:4],
    "sex": TYPED[:5],
    "nationality": TYPED[:6],
    "country": FOREIGN[:7],
    "code": FOREIGN,
    "passport": (*FOREIGN, happen.Typed(asked="code", text="SWE")),
    "permitted": (
        STARTED,
        STAY,
        happen.CardSeen(capture=capture_of(PASSPORT, kind="mrz"), fresh_id=FIRST),
        happen.PersonConfirmed(),
    ),
    "number": TYPED[:7],
    "words": NO_PAPERS,
    "helper": TYPED[:8],
    "person": TO_PERSON,
    "person-to-compare": (STARTED, STAY, happen.CardSeen(capture=capture_of(PASSPORT, kind="mrz"), fresh_id=FIRST)),
    "unit": TO_NIGHTS[:4],
    "unit-wrong": (*TO_NIGHTS[:4], happen.UnitChosen(unit="9999")),
    "nights": TO_NIGHTS,
    "nights-more": LONGER,
    "reason": TO_REVIEW[:6],
    "telling": (*TO_REVIEW[:6], happen.ReasonChosen(reason=Reason.OTHER)),
    "review": TO_REVIEW,
    "review-typed": (*TYPED, happen.PersonConfirmed(), *TO_REVIEW[4:]),
    "review-paperless": PAPERLESS,
    "review-all-words": (*PAPERLESS[:-1], happen.ReasonChosen(reason=Reason.OTHER), OTHER_REASON),
    "own-words": (*PAPERLESS[:-1], happen.ReasonChosen(reason=Reason.OTHER), OTHER_REASON, happen.WordsWanted()),
    "review-longer": (*LONGER, happen.NightsChosen(nights=2)),
    "left": (
        *CHANGE,
        happen.PurposeChosen(purpose="leave"),
        card_seen(),
        happen.PersonConfirmed(),
        happen.Confirmed(fresh_id=KEPT[-1].declaration_id),
        KEPT_HERE,
        news("accepted"),
    ),
    "host": (*TO_REVIEW, happen.HostWanted()),
    "change": CHANGE,
    "receipt": WRONG_ROOM,
    "receipt-wrong": (*WRONG_ROOM, happen.CodeGiven(text="K7QM")),
    "path": TO_PATH,
    "path-asked": (*TO_PATH, PATH_CODE),
    "path-unknown": (*TO_PATH, PATH_CODE, answered(PathAnswer(state="unknown"))),
    "path-begun": (*TO_PATH, PATH_CODE, answered(PathAnswer(state="begun", since="2026-07-10", due="2026-07-17"))),
    "path-late": (*TO_PATH, PATH_CODE, answered(PathAnswer(state="elsewhere", since="2026-05-10", due="2026-06-17", late=True))),
    "path-refused": (*TO_PATH, PATH_CODE, answered(PathAnswer(state="refused", since="2026-07-10"))),
    "gathering": GROUP,
    "gathering-again": (*GROUP, card_seen(OTHER_CARD)),
    "group-review": (*GROUP, happen.GroupComplete()),
    "group-review-words": (
        *GROUP[:6],
        happen.ReasonChosen(reason=Reason.OTHER),
        OTHER_REASON,
        *GROUP[7:],
        happen.GroupComplete(),
    ),
    "party": (
        *IN_GROUP,
        happen.KeptSafely(declaration_id=FIRST, code="RD7D-QQWQ-DW4X"),
        happen.KeptSafely(declaration_id=SECOND, code="K7QM-2XW9-4TRN"),
        happen.KeepingFailed(declaration_id=THIRD, code="outbox.disk_full"),
        happen.SettlementChanged(declaration_id=SECOND, standing="accepted"),
    ),
    "party-refused": (
        *IN_GROUP,
        *(happen.KeptSafely(declaration_id=each, code="RD7D-QQWQ-DW4X") for each in (FIRST, SECOND, THIRD)),
        happen.SettlementChanged(declaration_id=FIRST, standing="accepted"),
        happen.SettlementChanged(declaration_id=SECOND, standing="refused"),
    ),
    "keeping": RESULT,
    "kept": (*RESULT, KEPT_HERE),
    "kept-slip": (*RESULT, KEPT_HERE, happen.SlipWanted(), happen.SlipDone(code="RD7D-QQWQ-DW4X", outcome="printer.no_paper")),
    "received": (*RESULT, KEPT_HERE, news("received"), GUEST_CONFIRMED),
    "accepted": (*RESULT, KEPT_HERE, news("accepted")),
    "refused": (*RESULT, KEPT_HERE, news("refused")),
    "conflicting": (*RESULT, KEPT_HERE, news("conflicting")),
    "case-number": (
        *NO_PAPERS,
        happen.Typed(asked="words", text="Ở nhờ nhà cháu"),
        happen.Typed(asked="helper", text=""),
        happen.PersonConfirmed(),
        *TO_REVIEW[4:],
        happen.Confirmed(fresh_id=KEPT[-1].declaration_id),
        KEPT_HERE,
    ),
    "not-kept": (*RESULT, happen.KeepingFailed(declaration_id=KEPT[-1].declaration_id, code="outbox.disk_full")),
    "resident": (STARTED, happen.PurposeChosen(purpose="resident")),
    "day-visit": (STARTED, happen.PurposeChosen(purpose="day-visit")),
    "calling": (*TO_REVIEW, happen.PersonCalled()),
    "call-seen": (*TO_REVIEW, happen.PersonCalled(), happen.CallAnswered(call_id="", answer="acknowledged")),
}
CHIP = '[chip]\nenabled = true\n[page]\nway_in_url = "http://localhost:8300/sign-in/kiosk"\n'
TO_CHIP = (
    STARTED,
    STAY,
    happen.CardSeen(capture=capture_of(PASSPORT, kind="mrz"), fresh_id=FIRST),
    happen.PersonConfirmed(fresh_id=FIRST),
)
TO_READING = (*TO_CHIP, happen.ChipAllowed(fresh_id=FIRST))
GENUINE = happen.ChipTaken(own_id=FIRST, evidence=Evidence(level=5, source="card-qr", chip=ChipEvidence(sod=b"sod")))
COPYABLE = happen.ChipTaken(own_id=FIRST, evidence=Evidence(level=4, source="card-qr", chip=ChipEvidence(sod=b"sod")))
WITH_CHIP = (
    STARTED,
    STAY,
    card_seen(),
    happen.PersonConfirmed(fresh_id=FIRST),
    happen.ChipAllowed(fresh_id=FIRST),
    GENUINE,
    happen.ChipNoted(),
    *TO_REVIEW[4:],
    happen.Confirmed(fresh_id=SECOND),
    happen.KeptSafely(declaration_id=FIRST, code="RD7D-QQWQ-DW4X", own_code="RE29-ZTQ1-PV06"),
    happen.SettlementChanged(declaration_id=FIRST, standing="accepted"),
)
TICKET = happen.TicketMade(declaration_id=FIRST, text="LW1." + "A" * 240)
NOT_OPENED = (*TO_READING, happen.ChipFailed(own_id=FIRST, code="chip.not_opened"))
NUMBERS_REFUSED = tuple(
    event
    for number in ("246802", "246803", "246804")
    for event in (
        happen.CanWanted(),
        happen.CanTyped(text=number),
        happen.ChipFailed(own_id=FIRST, code="chip.not_opened"),
    )
)
CHIP_WALKS = {
    "chip-card": (STARTED, STAY, card_seen(NO_CARD)),
    "chip-asked": TO_CHIP,
    "chip-stopped": NOT_OPENED,
    "chip-number-wrong": (*NOT_OPENED, happen.CanWanted(), happen.CanTyped(text="2468")),
    "chip-number-of-card": (
        STARTED,
        STAY,
        happen.CodeWorn(fresh_id=FIRST),
        happen.ChipAllowed(fresh_id=FIRST),
        happen.CanTyped(text="246802"),
        happen.ChipFailed(own_id=FIRST, code="chip.not_opened"),
    ),
    "chip-accepted": WITH_CHIP,
    "chip-page-elsewhere": tuple(COPYABLE if each is GENUINE else each for each in WITH_CHIP),
    "chip-accepted-slip": (*WITH_CHIP, happen.SlipWanted(), happen.SlipDone(code="RD7D-QQWQ-DW4X", outcome="printer.no_paper")),
    "chip-way-in": (*WITH_CHIP, happen.WayInWanted(), TICKET),
    "chip-no-more": (*NOT_OPENED, *NUMBERS_REFUSED),
    "chip-shown": (
        *TO_READING,
        happen.ChipTaken(own_id=FIRST, evidence=Evidence(level=1, source="mrz", checks={"passive": "failed"})),
    ),
}
DESK_WALKS = {"desk": (), "desk-card": (STARTED,)}
STATES = {
    **{name: walk(*events, text=LOBBY + PRINTER)[0] for name, events in WALKS.items()},
    **{name: walk(*events, text=LOBBY + PRINTER + CHIP)[0] for name, events in CHIP_WALKS.items()},
    **{name: walk(*events, text=DESK)[0] for name, events in DESK_WALKS.items()},
}
_TEMPLATES = Environment(
    loader=PackageLoader("edge_agent.kiosk"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_HEALTH = Health(connection="up", depth=0, oldest_unsent_at=None, full=False, readers=())


def page_of(name, language, *, template="page.html", voice=0, deck=(), **seen):
    """Return the page of a state in one language; ``deck`` are a trial's cards, ``seen`` is what else is true of it (warning, contrast, large)."""
    from dataclasses import replace

    state = replace(STATES[name], language=language, voice=voice, **seen)
    view = View(state=state, version=1, visit=1, health=_HEALTH, seconds_left=20.0)
    profile = make_profile(DESK if name.startswith("desk") else LOBBY + PRINTER + (CHIP if name.startswith("chip") else ""))
    context = shown(view, profile=profile, now=StandingClock().now())
    return _TEMPLATES.get_template(template).render({**context, **heard(state), "can_speak": True, "token": "t", "deck": deck})
