"""A kiosk whose chip reader is a PN532 on a serial line: profile, agent, reader and card as they are, the board on a pseudo-terminal."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import chip_parts as chips
import pytest
from chip_parts import Citizen, JudgingClock, pki
from factories import EVENING
from kiosk_page_parts import LOBBY, capture_of, make_profile, running_kiosk
from kiosk_parts import KEYS
from simulators.card.pn532 import Pn532OnTerminal

from edge_agent.kiosk import events as happen
from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard
from edge_agent.kiosk.states import ChooseUnit
from luutru.processes.kiosk_chips import chips_of
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import judge_claim
from residence.errors import Malformed
from residence.stays.declaration import Reason
from residence.wire.trust_bundle import TrustBundle, sign_bundle

KIOSK = "kiosk-lobby-1"


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def bundle(country, tmp_path_factory):
    path = tmp_path_factory.mktemp("trust") / "trust.bundle"
    bundle = TrustBundle(
        version=4,
        issued=EVENING,
        expires=EVENING + timedelta(days=30),
        certificates=(country.authority.der,),
        lists=(country.revocation_list(),),
    )
    path.write_bytes(sign_bundle(bundle, KEYS.updates))
    return path


@contextmanager
def kiosk_with_board(bundle, **board):
    """Yields the kiosk, and the board it has as its chip reader."""
    with Pn532OnTerminal(**board) as terminal:
        text = f'{LOBBY}\n[chip]\nenabled = true\nreader = "pn532:{terminal.path}"\ntrust = "{bundle}"\n'
        text = text.replace("presence = true", "presence = false")
        with running_kiosk(
            text, chips=lambda profile: chips_of(profile, clock=JudgingClock(), keyring=lambda: KEYS.keyring)
        ) as kiosk:
            yield kiosk, terminal


def does(kiosk, *events):
    for event in events:
        kiosk.agent.act(event).result(5)


def says_yes_to_the_chip(kiosk):
    kiosk.show(chips.QR)
    does(kiosk, happen.PersonConfirmed(fresh_id=kiosk.agent.fresh_id()))
    assert isinstance(kiosk.screen, AskChip)
    does(kiosk, happen.ChipAllowed(fresh_id=kiosk.agent.fresh_id()))


def declared(kiosk, *, noted=True):
    does(
        kiosk,
        *((happen.ChipNoted(),) if noted else ()),
        happen.UnitChosen(unit="1203"),
        happen.NightsChosen(nights=1),
        happen.ReasonChosen(reason=Reason.VISIT),
        happen.Confirmed(fresh_id=kiosk.agent.fresh_id()),
    )
    return kiosk.outbox.messages[-1]


def test_a_card_laid_on_the_board_is_declared_with_what_its_chip_shows(country, bundle):
    with kiosk_with_board(bundle) as (kiosk, terminal):
        says_yes_to_the_chip(kiosk)
        terminal.lay(Citizen(country).card())
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=30)
        message = declared(kiosk)
    assert (message.evidence.level, message.evidence.chip.trust_version) == (5, 4)
    found = judge_claim(
        message.evidence,
        message.person,
        bound_to=binding(KIOSK, message.declaration_id),
        store=chips.store_of(country),
        now=EVENING,
    )
    assert (found.level, found.doubt) == (5, "")


def test_a_passport_laid_on_the_board_is_declared_with_what_its_chip_shows(bundle):
    """Its country is not in the bundle of this kiosk, which says so and stops nobody."""
    sweden = pki.Country(code="SE")
    with kiosk_with_board(bundle) as (kiosk, terminal):
        kiosk.agent.deliver(capture_of("\n".join(chips.PASSPORT), kind="mrz"))
        does(kiosk, happen.PersonConfirmed(fresh_id=kiosk.agent.fresh_id()), happen.ChipAllowed(fresh_id=kiosk.agent.fresh_id()))
        terminal.lay(chips.passport(sweden))
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=30)
        does(kiosk, happen.ChipNoted(), happen.Typed(asked="permitted", text=""))
        message = declared(kiosk, noted=False)
    assert (message.evidence.level, message.person.document.number) == (3, "X0S821763")
    assert "chip.issuer_unknown" in message.evidence.chip.findings
    found = judge_claim(
        message.evidence,
        message.person,
        bound_to=binding(KIOSK, message.declaration_id),
        store=chips.store_of(sweden),
        now=EVENING,
    )
    assert found.level == 5  # whoever trusts that country finds more


def test_a_card_pulled_off_the_board_is_said_and_read_anew_when_it_lies_there_again(country, bundle):
    torn = Citizen(country).card()
    honest = torn.transceive
    with kiosk_with_board(bundle) as (kiosk, terminal):

        def pulled(raw):
            if len(torn.log) == 12:
                terminal.take_away()
            return honest(raw)

        torn.transceive = pulled
        says_yes_to_the_chip(kiosk)
        terminal.lay(torn)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, LayCard) and kiosk.screen.tries == 2, seconds=30)
        assert (kiosk.screen.phase, kiosk.screen.problem.code) == ("waiting", "chip.card_gone")
        terminal.lay(Citizen(country).card())
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=30)
        assert declared(kiosk).evidence.level == 5


@pytest.mark.parametrize("board", [{"mute": True}, {"chip": 0x07}], ids=["silent", "another chip"])
def test_a_board_that_does_not_answer_is_no_question_to_the_person(bundle, board):
    with kiosk_with_board(bundle, **board) as (kiosk, _):
        says_yes_to_the_chip(kiosk)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChooseUnit), seconds=30)


def test_a_board_without_a_line_is_refused_when_the_profile_is_read():
    with pytest.raises(Malformed, match=r"profile\.invalid_setting"):
        make_profile(LOBBY + '[chip]\nenabled = true\nreader = "pn532:"\n')
