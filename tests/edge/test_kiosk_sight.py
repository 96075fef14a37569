"""High contrast and large text: switched on every screen, kept for the visit, gone with it."""

from __future__ import annotations

import re

import pytest
from kiosk_states import STATES, page_of
from kiosk_walks import KEPT, TO_REVIEW, walk

from edge_agent.kiosk.acts import events_of
from edge_agent.kiosk.events import Cancelled
from edge_agent.kiosk.showing import name_of
from residence.errors import Malformed


def pressed(do, screen="idle"):
    return events_of({"do": do, "screen": "another"}, screen=screen, fresh_id=lambda: "")


@pytest.mark.parametrize("name", STATES)
def test_both_switches_are_on_every_screen_and_say_how_they_stand(name):
    page = page_of(name, "en", contrast=True)
    assert re.search(r'value="contrast:usual" aria-label="Contrast" aria-pressed="true"', page)
    assert re.search(r'value="text:large" aria-label="Large text" aria-pressed="false"', page)


def test_they_stay_while_the_visit_goes_on_and_a_late_tap_does_no_harm():
    switched = (*pressed("contrast:high"), *pressed("text:large"), *pressed("text:large"))
    state, _ = walk(*switched, *KEPT)
    assert (state.contrast, state.large, name_of(state.screen)) == (True, True, "result")
    state, _ = walk(*switched, *TO_REVIEW, *pressed("contrast:usual"))
    assert (state.contrast, state.large, name_of(state.screen)) == (False, True, "review")


def test_they_go_with_the_visit():
    state, _ = walk(*pressed("contrast:high"), *pressed("text:large"), *TO_REVIEW, Cancelled())
    assert (state.contrast, state.large) == (False, False)


@pytest.mark.parametrize("do", ["contrast:", "contrast:1", "text:huge"])
def test_other_words_are_refused(do):
    with pytest.raises(Malformed):
        pressed(do)
