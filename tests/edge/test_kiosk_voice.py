"""The kiosk's voice: what it says in every state and language, where the sound comes from, and what it never says."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from typing import get_args

import httpx
import pytest
from factories import EVENING
from kiosk_page_parts import make_profile, running_kiosk, served
from kiosk_states import STATES, page_of

from edge_agent.kiosk.dialogue import PATIENCE, seconds_left
from edge_agent.kiosk.events import Started, VoiceTurned
from edge_agent.kiosk.states import Moment
from edge_agent.kiosk.texts import Texts
from edge_agent.voices.prompts import LOUDER, heard, sound_of, spoken
from edge_agent.voices.speaking import Voice
from firmware_config.profiles import Language, VoiceSection

LANGUAGES = get_args(Language)
NOBODY = ("Trần", "Lê Thị", "Nguyễn", "095000", "1203", "RD7D")


def seconds_of(sound):
    with wave.open(io.BytesIO(sound)) as file:
        heard = file.readframes(file.getnframes())
        return len(heard) / file.getsampwidth() / file.getframerate(), any(heard)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_something_to_say_and_says_nothing_about_anybody(language):
    for name, state in STATES.items():
        said = spoken(state.screen, Texts(language))
        assert 3 < len(said) < 450, name
        assert not [each for each in NOBODY if each in said], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_espeak_says_it_in_every_language_without_a_network(tmp_path, language):
    said = spoken(STATES["purpose"].screen, Texts(language))
    seconds, loud = seconds_of(Voice(VoiceSection(), folder=tmp_path).sound("purpose", language, said))
    assert seconds > 1
    assert loud


def test_a_recording_is_used_instead_and_a_missing_program_is_silence(tmp_path):
    voice = Voice(VoiceSection(program="no-such-voice"), folder=tmp_path)
    assert voice.sound("purpose", "vi", "Xin chào.") is None
    (tmp_path / "vi").mkdir()
    (tmp_path / "vi" / "purpose.wav").write_bytes(b"RIFF of somebody's voice")
    assert voice.sound("purpose", "vi", "Xin chào.") == b"RIFF of somebody's voice"
    assert voice.sound("purpose", "en", "Welcome.") is None


def test_the_button_goes_round_and_the_page_plays_what_the_caption_says(tmp_path):
    (tmp_path / "vi").mkdir()
    (tmp_path / "vi" / "purpose.wav").write_bytes(b"RIFF recorded")
    voice = Voice(VoiceSection(program="no-such-voice"), folder=tmp_path)
    with running_kiosk() as kiosk, served(kiosk, voice=voice) as url:
        kiosk.agent.act(Started()).result(5)
        assert httpx.get(f"{url}/prompt.wav").status_code == 404  # nobody asked to hear anything
        assert 'data-prompt=""' in httpx.get(url).text
        kiosk.agent.act(VoiceTurned(level=LOUDER[0])).result(5)
        sound = httpx.get(f"{url}/prompt.wav")
        assert (sound.headers["content-type"], sound.content) == ("audio/wav", b"RIFF recorded")
        assert 'class="caption"' in httpx.get(url).text
        kiosk.clock.pass_time(seconds=60)  # a long prompt is not cut off by a warning
        kiosk.settle_down()
        assert not kiosk.agent.view().state.warning
        kiosk.clock.pass_time(seconds=30 * PATIENCE)
        kiosk.settle_down()
        assert kiosk.agent.view().state.voice == 0  # the next person is met in silence


def test_the_volume_is_off_normal_loud_soft():
    level, heard = 0, []
    for _ in range(4):
        level = LOUDER[level]
        heard.append(level)
    assert heard == [2, 3, 1, 0]
    assert "caption" in page_of("review", "ko", voice=2)
    assert "caption" not in page_of("review", "ko")


def test_own_words_are_read_only_when_asked_for_and_are_kept_nowhere(tmp_path):
    """By a program that notes what it is given: a second hearing asks it again, for no sound of theirs is kept."""
    program, given = tmp_path / "voice", tmp_path / "given"
    program.write_text(f"#!/bin/sh\ncat >> {given}\nprintf RIFF\n", "utf-8")
    program.chmod(0o755)
    (tmp_path / "vi").mkdir()
    (tmp_path / "vi" / "ownwords.wav").write_bytes(b"RIFF recorded")
    voice = Voice(VoiceSection(program=str(program)), folder=tmp_path)
    shown, said = STATES["own-words"], "どこにもとまるところがない"
    assert sound_of(shown, voice) is None  # nobody asked to hear anything
    assert sound_of(replace(shown, voice=2), voice) == b"RIFF recorded"
    assert not given.exists()
    asked = replace(shown, screen=replace(shown.screen, aloud=1))
    assert sound_of(asked, voice) == sound_of(asked, voice) == b"RIFF"
    assert given.read_text("utf-8").count(shown.screen.review.draft.reason_text) == 2
    assert given.read_text("utf-8").count(said) == 2 * 20
    assert heard(asked) == {**heard(shown), "volume": LOUDER[0], "prompt": "vi-own-1"}  # heard with the voice off, too
    now = Moment(wall=EVENING, monotonic_ns=shown.acted_ns)
    left = [seconds_left(each, profile=make_profile(), now=now) for each in (shown, asked)]
    assert left[1] - left[0] == 30 * (PATIENCE - 1)  # nobody is warned in the middle of them
    again = replace(shown, screen=replace(shown.screen, aloud=2), voice=3)
    assert (heard(again)["volume"], heard(again)["prompt"]) == (3, "vi-own-2")
    assert said not in heard(again)["caption"]
