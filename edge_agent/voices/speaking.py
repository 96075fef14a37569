"""Where the sound of a prompt comes from: a recording of somebody's voice, else espeak-ng on this machine, without a network.

- Recordings are files ``<folder>/<language>/<screen>.wav``; one that is there is used instead of the synthetic voice.
- espeak-ng runs as a program of its own, with the text on its standard input; it is asked once for each text.
- What somebody says in their own words is said once and kept nowhere: ``once``.
- No voice is no error: the caption says the same, and the page plays nothing.

Example: ``Voice(VoiceSection(), folder=Path("voices")).sound("idle", "vi", "Xin chào.")`` is a WAV file, or None.
"""

from __future__ import annotations

import subprocess
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

import structlog

from firmware_config.profiles import Language, VoiceSection

# What espeak-ng calls its voices.
_VOICES: Final[dict[Language, str]] = {"vi": "vi", "en": "en", "zh": "cmn", "ko": "ko", "ja": "ja", "ru": "ru"}
SECONDS: Final = 10
KEPT_SOUNDS: Final = 300  # all prompts of all languages, nothing more
LARGEST: Final = 4 * 1024 * 1024
_log = structlog.get_logger("kiosk.voice")


class Voice:
    """The voice of one kiosk. ``sound`` may be called from any thread."""

    def __init__(self, settings: VoiceSection, *, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._made: OrderedDict[tuple[Language, str], bytes | None] = OrderedDict()
        self._lock = threading.Lock()

    def sound(self, screen: str, language: Language, text: str) -> bytes | None:
        """Return a prompt as a WAV file, None when nobody can say it."""
        recorded = self._folder / language / f"{screen}.wav"
        try:
            if recorded.stat().st_size <= LARGEST:
                return recorded.read_bytes()
        except OSError:
            pass  # not recorded: the synthetic voice says it
        with self._lock:
            if (language, text) not in self._made:
                self._made[language, text] = self._synthesised(language, text)
                while len(self._made) > KEPT_SOUNDS:
                    self._made.popitem(last=False)
            return self._made[language, text]

    def once(self, language: Language, text: str) -> bytes | None:
        """Return somebody's own words as a WAV file, made for this one hearing; None when nobody can say them."""
        with self._lock:  # one at a time, however often the key is pressed
            return self._synthesised(language, text)

    def _synthesised(self, language: Language, text: str) -> bytes | None:
        command = [
            self._settings.program,
            "-v",
            _VOICES[language],
            "-s",
            str(self._settings.words_per_minute),
            "--stdin",
            "--stdout",
        ]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            _log.warning("voice.silent", language=language, kind=type(error).__name__)
            return None
        return done.stdout if done.stdout.startswith(b"RIFF") else None
