"""Slips of paper: what is printed, in which language, and that nothing is called printed that the printer does not vouch for."""

from __future__ import annotations

import queue
from typing import get_args

import numpy as np
import pytest
import zxingcpp
from factories import EVENING
from kiosk_page_parts import LOBBY, running_kiosk
from kiosk_walks import KEPT
from slip_printer_parts import WELL, PtyPrinter
from wire_vectors import receipt

from edge_agent.kiosk.events import Confirmed, SlipWanted
from edge_agent.kiosk.news import SettlementChanged
from edge_agent.kiosk.showing import shown
from edge_agent.kiosk.slip import Slip, SlipEntry
from edge_agent.printers.drawing import drawn
from edge_agent.printers.printing import SlipPrinter
from firmware_config.profiles import Language, PrinterSection
from residence.wire.messages import LogPlace

CODE = "RD7D-QQWQ-DW4X"
OWN = "RE29-ZTQ1-PV06"
PAGE = '[page]\nstay_url = "https://example.org/stay"\n'
PRINTER = LOBBY + '[printer]\ndevice = "/dev/edge/printer0"\n'


def slip(language="vi", *codes, standing="kept", **changes):
    entries = tuple(
        SlipEntry(code=each, about=f"https://example.org/r?code={each}", standing=standing) for each in codes or (CODE,)
    )
    return Slip(language=language, place="Chung cư Hòa Bình", at=EVENING, entries=entries, **changes)


def print_on(printer, what, *, kind="serial"):
    outcomes = queue.Queue()
    slips = SlipPrinter(PrinterSection(kind=kind, device=printer if isinstance(printer, str) else printer.device))
    slips.start()
    try:
        slips.print(what, outcomes.put)
        return outcomes.get(timeout=60)
    finally:
        slips.stop()


def read(picture):
    return [each.text for each in zxingcpp.read_barcodes(picture.convert("L"))]


@pytest.mark.parametrize("kind", ["serial", "usb"])
def test_a_slip_comes_out_of_a_printer_and_its_code_can_be_scanned(kind):
    with PtyPrinter() as printer:
        assert print_on(printer, slip("ko"), kind=kind) == "printed"
        (paper,) = printer.paper
    assert paper.width == 384
    assert read(paper) == [f"https://example.org/r?code={CODE}"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, "sent"),  # it says nothing: nobody claims that it printed
        ({2: 0xFF, 4: 0x00}, "sent"),  # noise is no answer
        ({**WELL, 4: 0x72}, "printer.no_paper"),
        ({**WELL, 2: 0x32}, "printer.no_paper"),
        ({**WELL, 2: 0x16}, "printer.cover_open"),
        ({**WELL, 2: 0x52}, "printer.failed"),
        ({**WELL, 4: 0x1E}, "printed"),  # nearly out of paper
    ],
)
def test_what_the_printer_says_is_what_is_told(answers, outcome):
    with PtyPrinter(answers) as printer:
        assert print_on(printer, slip()) == outcome
        assert len(printer.paper) == (0 if outcome.startswith("printer.") else 1)


@pytest.mark.parametrize("kind", ["serial", "usb"])
def test_a_printer_that_is_not_there_is_said(kind):
    assert print_on("/dev/edge/no-such-printer", slip(), kind=kind) == "printer.gone"


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_is_drawn_with_letters_of_its_own(language):
    picture = drawn(slip(language, CODE, "AAAA-BBBB-CCCC", case=True, check_url="https://example.org/" + "x" * 60), width=576)
    assert sorted(read(picture)) == sorted(f"https://example.org/r?code={each}" for each in (CODE, "AAAA-BBBB-CCCC"))
    assert picture.height > 800


def test_an_address_is_printed_as_somebody_types_it():
    plain, asking, within = (
        drawn(slip(check_url=f"https://example.org/r{rest}"), width=384) for rest in ("", "?code=", "{code}")
    )
    assert plain.tobytes() == asking.tobytes() == within.tobytes()


def test_a_line_parts_the_codes_of_one_person_of_a_group_from_the_next_ones():
    def rules(*codes):
        dark = ~np.array(drawn(slip("vi", *codes), width=384))
        dashed = [row for row in dark if np.array_equal(row, np.arange(384) % 16 < 10)]
        return len(dashed) / 3

    assert [rules(CODE), rules(CODE, "AAAA-BBBB-CCCC")] == [0, 3]


def test_the_three_stations_are_never_printed_ahead_of_what_has_happened():
    pictures = {
        each: drawn(slip(standing=each), width=384).tobytes() for each in ("kept", "sent", "received", "accepted", "refused")
    }
    assert pictures["kept"] == pictures["sent"]  # on its way is not received
    assert len(set(pictures.values())) == 4


def test_the_screen_says_what_became_of_the_slip_and_only_what_is_kept_is_printed():
    asked = []
    with running_kiosk(PRINTER + PAGE, print_slip=lambda what, done: asked.append((what, done))) as kiosk:
        for event in KEPT[:-2]:
            kiosk.agent.act(event).result(5)
        kiosk.agent.act(SlipWanted()).result(5)
        assert asked == []  # nothing is kept yet
        for event in (Confirmed(fresh_id=KEPT[-1].declaration_id), SlipWanted(), SlipWanted()):
            kiosk.agent.act(event).result(5)
        assert kiosk.screen.slip == "printing"
        ((what, done),) = asked  # pressed twice, printed once
        assert [each.code for each in what.entries] == [kiosk.screen.code]
        assert "Trần" not in repr(what)
        assert what.entries[0].own_about == f"https://example.org/stay#{kiosk.screen.code}.{OWN}"
        assert OWN not in repr(what)
        page = shown(kiosk.agent.view(), profile=kiosk.agent.profile, now=EVENING)
        assert kiosk.screen.code in repr(page)
        assert OWN not in repr(page)  # on paper alone
        assert f"https://example.org/stay#{kiosk.screen.code}.{OWN}" in read(drawn(what, width=384))
        done("printer.no_paper")
        kiosk.settle_down()
        assert kiosk.screen.slip == "printer.no_paper"
        accepted = receipt(declaration_id=kiosk.screen.declaration_id, log=LogPlace(log="1a2b3c4d", index=1207, salt=bytes(16)))
        for event in (
            SettlementChanged(declaration_id=accepted.declaration_id, standing="accepted", receipt=accepted),
            SlipWanted(),
        ):
            kiosk.agent.act(event).result(5)
        (entry,) = asked[-1][0].entries  # printed again, it says where the promise is to be held to
        assert (what.entries[0].log, entry.log, entry.standing) == ("", "1207 (1a2b3c4d)", "accepted")
        assert drawn(asked[-1][0], width=384).height > drawn(what, width=384).height


def test_a_kiosk_without_a_printer_offers_no_slip():
    with running_kiosk() as kiosk:
        for event in (*KEPT[:-2], Confirmed(fresh_id=KEPT[-1].declaration_id), SlipWanted()):
            kiosk.agent.act(event).result(5)
        assert kiosk.screen.slip == ""
