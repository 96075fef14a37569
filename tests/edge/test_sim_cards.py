"""Sample cards: they look right to a decoder at every difficulty that allows it, say that they are samples, and repeat exactly."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from factories import StandingClock

from edge_agent.scanning.cascade import QUICK, decode
from edge_agent.scanning.shown import GONE_AFTER_NS
from edge_agent.sim import fonts
from edge_agent.sim.cards import CARD_MM, card_png, draw_card, printed_fields
from edge_agent.sim.frames import DIFFICULTIES, CardPrint, Pose, Studio
from edge_agent.sim.video import EMPTY_SECONDS, SampleCards
from residence.errors import Refused

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Phường 13, Quận 3, TP.Hồ Chí Minh|20102021"
NEW_CARD = (
    "092186002233|362000111|Nguyễn Thị Kim Ngân|11011986|Nữ|56 Trần Hoàng Na, KV6, An Khánh, Ninh Kiều, Cần Thơ|04102024||||"
)
SLIP = "https://example.org/not-a-card"
DECK = (CARD, OTHER, NEW_CARD, SLIP)


@pytest.mark.parametrize("level", ["L", "M"])
@pytest.mark.parametrize("payload", DECK, ids=["front", "old number", "back", "slip"])
def test_a_drawn_card_holds_its_payload(payload, level):
    grey = np.asarray(draw_card(payload, level=level).convert("L"))

    assert [code.text for code in decode(grey)] == [payload]


def test_a_card_has_a_cards_shape_and_prints_what_its_code_says():
    card, fields = draw_card(CARD), printed_fields(CARD)

    assert abs(card.width / card.height - CARD_MM[0] / CARD_MM[1]) < 0.01
    assert (fields.name, fields.birth, fields.issued, fields.is_2024) == ("TRẦN VĂN AN", "01/02/1995", "15/08/2021", False)
    assert printed_fields(NEW_CARD).is_2024
    assert printed_fields(SLIP) is None


def test_a_page_gets_a_card_as_a_picture_in_memory():
    assert card_png(CARD, width=320).startswith(b"\x89PNG")


def test_without_any_font_the_error_names_the_package(monkeypatch):
    fonts.find_font.cache_clear()
    monkeypatch.setattr(fonts, "_PLACES", {False: (), True: ()})
    monkeypatch.setattr(fonts, "_ask_fontconfig", lambda _: None)
    with pytest.raises(Refused) as refused:
        fonts.find_font(bold=False)
    fonts.find_font.cache_clear()
    assert refused.value.code == "sim.font_missing"
    assert "fonts-dejavu-core" in refused.value.detail


def test_fontconfig_is_asked_when_the_usual_places_are_empty(monkeypatch):
    fonts.find_font.cache_clear()
    monkeypatch.setattr(fonts, "_PLACES", {False: (), True: ()})
    assert fonts.find_font(bold=True).is_file()
    fonts.find_font.cache_clear()


def test_frames_depend_on_nothing_but_their_numbers():
    def digest(shot):
        studio = Studio(seed=7)
        return hashlib.sha256(
            studio.render(CardPrint(draw_card(CARD)), Pose(x=640, y=350), DIFFICULTIES[2], shot=shot)
        ).hexdigest()

    assert digest(1) == digest(1) != digest(2)


@pytest.mark.parametrize("difficulty", range(3))
def test_a_card_held_before_the_camera_is_read(difficulty):
    studio, print_of = Studio(seed=3), {payload: CardPrint(draw_card(payload)) for payload in (CARD, NEW_CARD)}
    poses = [Pose(x=640, y=350, tilt_x=tilt, tilt_y=-tilt, spin=tilt) for tilt in (-8, 0, 8)]
    for payload, card in print_of.items():
        frames = [studio.render(card, pose, DIFFICULTIES[difficulty], shot=shot) for shot, pose in enumerate(poses)]
        assert all(frame.shape == (720, 1280) and frame.dtype == np.uint8 for frame in frames)
        assert payload in {code.text for frame in frames for code in decode(frame)}


def test_harder_is_harder():
    studio, card = Studio(seed=3), CardPrint(draw_card(OTHER))

    def read(difficulty):
        poses = [Pose(x=620 + 5 * step, y=350, tilt_x=4 * step - 8, spin=3 * step - 6) for step in range(5)]
        return sum(
            bool(decode(studio.render(card, pose, DIFFICULTIES[difficulty], shot=step))) for step, pose in enumerate(poses)
        )

    assert read(0) == 5
    assert read(4) < 5


def watching(video, clock, seconds):
    """Play a video for some seconds; yield what is in view and what the decoder reads on each frame."""
    until = clock.monotonic_ns() + seconds * 1e9
    while clock.monotonic_ns() < until:
        frame = video.newest(1.0)
        if frame is not None:
            yield video.showing, [code.text for code in decode(frame.grey, stages=QUICK[:2])]


def playing(**options):
    clock = StandingClock()
    video = SampleCards(
        DECK, clock=clock, sleep=lambda seconds: clock.pass_time(seconds=seconds), difficulty=DIFFICULTIES[0], **options
    )
    video.open()
    return video, clock


def test_cards_come_in_turn_are_read_while_held_and_leave():
    video, clock = playing()
    seen = list(watching(video, clock, 19))

    in_view = [now for (now, _), (before, _) in zip(seen[1:], seen, strict=False) if now != before and now is not None]
    assert in_view[:2] == [1, 2] or in_view[:3] == [0, 1, 2]
    for showing, texts in seen:
        assert texts in ([], [DECK[showing]] if showing is not None else [])
    assert all(sum(DECK[index] in texts for _, texts in seen) > 20 for index in (0, 1))


def test_between_two_cards_the_lobby_is_empty_long_enough_for_the_same_card_to_count_twice():
    assert EMPTY_SECONDS * 1e9 > GONE_AFTER_NS


def test_a_card_that_is_asked_for_comes_next_and_soon():
    video, clock = playing()
    list(watching(video, clock, 3))
    assert video.showing == 0
    video.show(2)
    asked_at = clock.monotonic_ns()

    read_at = next(clock.monotonic_ns() for _, texts in watching(video, clock, 20) if NEW_CARD in texts)

    assert (read_at - asked_at) / 1e9 < 5


def test_cards_asked_for_come_in_the_order_asked():
    video, clock = playing(cycling=False)
    assert {showing for showing, _ in watching(video, clock, 4)} == {None}
    for index in (3, 1):
        video.show(index)
    order = [showing for showing, _ in watching(video, clock, 18) if showing is not None]

    assert [index for index, before in zip(order, [None, *order], strict=False) if index != before] == [3, 1]
    with pytest.raises(IndexError):
        video.show(len(DECK))


def test_somebody_who_waits_and_chooses_no_card_is_lent_one_after_a_while_and_only_while_they_wait():
    video, clock = playing(cycling=False)
    video.wait_for_card(True)
    started = clock.monotonic_ns()
    lent_at = next(clock.monotonic_ns() for showing, _ in watching(video, clock, 30) if showing is not None)
    assert 6 < (lent_at - started) / 1e9 < 12

    video.wait_for_card(False)
    shown = [showing for showing, _ in watching(video, clock, 30)]
    assert shown[-1] is None
    assert len({showing for showing in shown if showing is not None}) <= 1


def test_the_deck_has_names_for_a_pages_buttons():
    video, _ = playing()

    assert [card.label for card in video.deck] == ["Trần Văn An", "Lê Ngọc Bảo Trân", "Nguyễn Thị Kim Ngân", SLIP]
