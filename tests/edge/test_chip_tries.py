"""A card's tries: none is taken twice, none of the last ones at all, and none is forgotten because of what a hand, a button or a new visit does."""

from __future__ import annotations

import pytest
from chip_parts import CAN, Citizen, JudgingClock, cloned, passport, pki
from simulators.card.citizen import MRZ_KEY, card_access, pace_info

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from luutru.system import random_bytes
from residence.errors import Refused

SET_PACE = b"\x00\x22\xc1\xa4"


@pytest.fixture(scope="module")
def country():
    return pki.Country()


def read(card, opening):
    return ChipReader(card, draw=FromBytes(random_bytes), clock=JudgingClock(), reset=card.reset).read(opening)


def answering(card, change):
    """The card, with its answers changed by ``change(apdu, answer)``."""
    honest = card.transceive
    card.transceive = lambda apdu: change(bytes(apdu), honest(apdu))
    return card


def test_a_wrong_secret_is_not_tried_again_however_often_the_chip_is_opened_anew(country):
    card = cloned(country).card(can="654321")  # it fails Chip Authentication, and is opened once more
    assert read(card, Opening(can=CAN, mrz_keys=(MRZ_KEY,))).access.protocol.endswith("MRZ")
    assert card.is_.wrong_tokens == 1

    offers_two = Citizen(country)
    offers_two.pace = card_access(pace_info(2, 2, 13), pace_info(2, 4, 12))
    card, runs = offers_two.card(can="654321"), []

    def refusing_the_second_secret_of_the_first_way(apdu, answer):
        runs.extend([apdu] if apdu.startswith(SET_PACE) else [])
        return b"\x6a\x88" if apdu.startswith(SET_PACE) and len(runs) == 2 else answer

    answering(card, refusing_the_second_secret_of_the_first_way)
    assert read(card, Opening(can=CAN, mrz_keys=(MRZ_KEY,))).access.protocol.endswith("MRZ")
    assert card.is_.wrong_tokens == 1


@pytest.mark.parametrize("status", ["63C1", "63C0"])
def test_a_chip_that_has_one_try_left_is_asked_nothing_more(country, status):
    warned = bytes.fromhex(status)
    card = Citizen(country).card()
    answering(card, lambda apdu, answer: warned if apdu.startswith(SET_PACE) else answer)
    with pytest.raises(Refused, match=r"chip\.not_opened"):
        read(card, Opening(can=CAN, mrz_keys=(MRZ_KEY,)))
    assert [apdu[1] for apdu in card.log if apdu[1] in {0x86, 0x82}] == []

    card = Citizen(country).card(can="654321")
    answering(card, lambda _apdu, answer: warned if answer == b"\x63\x00" else answer)
    with pytest.raises(Refused, match=r"chip\.not_opened"):
        read(card, Opening(can=CAN, mrz_keys=(MRZ_KEY,)))
    assert (card.is_.wrong_tokens, card.is_.wrong_keys) == (1, 0)


def test_a_chip_that_warns_of_few_tries_is_still_opened(country):
    card = Citizen(country).card()
    answering(card, lambda apdu, answer: b"\x63\xc2" if apdu.startswith(SET_PACE) else answer)
    assert read(card, Opening(can=CAN)).access.protocol.endswith("CAN")


def test_of_another_countrys_document_no_details_are_read(country):
    card = passport(country)
    card.is_.can = CAN
    foreign = read(card, Opening(can=CAN, allow_bac=False))
    assert {"DG1", "DG13"} & set(foreign.files) == {"DG1"}
    assert "DG13" in read(Citizen(country).card(), Opening(can=CAN)).files
