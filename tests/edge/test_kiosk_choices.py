"""The kiosk by a file of choices: what it reads as a card and how it judges the stay before it is confirmed."""

from __future__ import annotations

import pytest
from factories import StandingClock
from kiosk_page_parts import LOBBY, capture_of, make_profile, moment
from typer.testing import CliRunner

from edge_agent.kiosk import states as screens
from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.events import CardSeen, PurposeChosen, Started
from luutru.commands.kiosk import app
from luutru.processes.kiosk import with_choices
from residence.choices import parse_choices

SIX_FIELDS = "001095000117|Trần Văn An|01021995|Nam|Số 5 Láng Hạ, Đống Đa, Hà Nội|15082021"


@pytest.mark.parametrize(
    ("choices", "screen"), [(b"", screens.ConfirmPerson), (b"[qr]\naccept_six_fields = false", screens.ShowCard)]
)
def test_a_doubtful_card_is_read_or_not_as_chosen(choices, screen):
    profile = with_choices(make_profile(LOBBY), parse_choices(choices))
    clock = StandingClock()
    state = begin(profile, moment(clock))
    for event in (Started(), PurposeChosen(purpose="stay"), CardSeen(capture=capture_of(SIX_FIELDS), fresh_id="x")):
        state, _ = step(state, event, profile=profile, now=moment(clock))
    assert isinstance(state.screen, screen)


def test_a_wrong_file_stops_the_kiosk_before_it_starts(tmp_path):
    (tmp_path / "kiosk.toml").write_text(LOBBY, "utf-8")
    (tmp_path / "choices.toml").write_text("[qr]\nsix = true", "utf-8")
    done = CliRunner().invoke(app, ["run", str(tmp_path / "kiosk.toml"), "--choices", str(tmp_path / "choices.toml")])
    assert done.exit_code == 2
    assert "/qr/six" in done.output
