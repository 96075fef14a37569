"""A camera before which a part of a message in several codes is held: nothing is delivered, and health says so until the next card."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import segno
from soft_parts import CARD, OTHER, bits, drawn, grey_picture

from edge_agent.readers.port import Frame, Setting
from edge_agent.readers.watching import FrameReader
from luutru.system import SystemClock
from residence.errors import Refused

PATIENCE = 10
SETTINGS = (Setting(name="focus", asked=8, got=8),)
PART = grey_picture(np.array([list(row) for row in segno.make_sequence(CARD * 2, symbol_count=2)[0].matrix]) == 1)
# no other decoder reads this: after the text comes a mode that nobody knows
UNREADABLE_PART = grey_picture(drawn(bits((3, 4), (1, 8), (7, 8), (4, 4), (len(CARD), 8), CARD, (14, 4)), 9))
WHOLE = grey_picture(drawn(bits((4, 4), (len(OTHER), 8), OTHER, (0, 4)), 9))


class Pictures:
    """Ten pictures a second, then the end."""

    name = "pictures"

    def __init__(self, greys):
        self.greys, self.number = greys, 0

    def open(self):
        pass

    def newest(self, wait_seconds):
        if self.number == len(self.greys):
            raise Refused("reader.finished")
        self.number += 1
        return Frame(grey=self.greys[self.number - 1], number=self.number, taken_ns=self.number * 100_000_000)

    def close(self):
        pass


class AdjustablePictures(Pictures):
    """The same from a device that was set up."""

    settings = SETTINGS


def shown(source):
    captures, health, ended = [], [], threading.Event()

    def report(each):
        health.append(each)
        if each.state == "lost":
            ended.set()

    reader = FrameReader(source, clock=SystemClock(), budget_ns=10_000_000_000)
    reader.start(captures.append, report)
    assert ended.wait(PATIENCE)
    reader.stop()
    return [each.payload for each in captures], [(each.state, each.code, each.settings) for each in health[:-1]]


@pytest.mark.parametrize("part", [PART, UNREADABLE_PART], ids=["read by zxing", "read by the own reader only"])
def test_a_part_is_never_delivered_and_health_says_so_until_a_card_comes(part):
    payloads, health = shown(Pictures([part] * 3 + [WHOLE] * 2))

    assert payloads == [OTHER]
    assert health == [("ok", "", ()), ("degraded", "qr.structured_append", ()), ("ok", "", ())]


def test_a_cameras_settings_are_told_again_after_a_refusal():
    payloads, health = shown(AdjustablePictures([WHOLE] * 5 + [PART] * 2 + [grey_picture(drawn(b"@\x11\x00", 9))]))

    assert len(payloads) == 2
    assert health == [
        ("ok", "", ()), ("ok", "", SETTINGS), ("degraded", "qr.structured_append", ()), ("ok", "", SETTINGS)
    ]  # fmt: skip
