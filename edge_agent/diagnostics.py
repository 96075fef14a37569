"""What a kiosk tells whoever has to mend it: one file, in which no byte is about a person.

- It is made of values that are counts, times, versions, states and codes; nothing is copied from a statement, a screen, a card or an answer.
- Of the log, the last ``LINES`` lines: a text passes only if it is one of the words known beforehand (codes of the catalogue, states, names of
  readers and doors, classes of errors), a number only under a key that counts, and a small one. Everything else is left out when the line is written.

Example: ``ring = LogRing(words={"lobby"}); configure_logs(also=(ring,)); ring.lines()``
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Collection, MutableMapping
from typing import Any, Final

import msgspec

from edge_agent.line import Health as LineHealth
from edge_agent.outbox import Outbox
from edge_agent.vitals import Vitals
from residence.clock import rfc3339
from residence.errors import catalogue

LINES: Final = 200
LARGEST_COUNT: Final = 9_999
EVENTS: Final = frozenset(
    {
        "browser ended", "browser hangs", "browser started", "camera failed", "certificate not renewed", "certificate renewed", "chip failed", "chip not read",
        "chip trust from the authority", "claim",
        "door list taken from the published papers", "paper failed", "words kept", "words not usable", "words taken back", "words to be tried",
        "clock agrees again", "clock floor lowered", "clock refused", "configuration kept", "configuration not kept", "configuration taken back", "configuration to be tried", "dialogue.failed", "event lost", "events failed", "door failed", "door holder lost", "door list", "door wire",
        "keep.failed", "kiosk ended", "kiosk starts", "printer.failed", "reader", "reader failed", "scanner settings differ", "uplink.answer",
        "uplink.failed", "uplink.unreachable", "voice.silent",
    }
)  # fmt: skip
_STATES: Final = frozenset({"ok", "degraded", "lost", "none", "info", "warning", "error"})
_SOURCES: Final = frozenset({"camera", "picamera", "video", "pictures", "sample-cards", "scanner", "chip-trust", "receipt"})
_COUNTS: Final = frozenset({"attempts", "reason_code", "lost", "bytes", "largest", "entries", "silent_seconds"})
_ERRORS: Final = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)


class LogRing:
    """A structlog processor that keeps the last lines, without what is nobody's business."""

    def __init__(self, *, words: Collection[str] = ()) -> None:
        self._words = EVENTS | _STATES | _SOURCES | _ERRORS | frozenset(catalogue()) | frozenset(words)
        self._lines: deque[dict[str, Any]] = deque(maxlen=LINES)

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Note a line and pass it on as it is."""
        kept = {key: value for key, value in line.items() if self._passes(key, value)}
        if len(kept) > 1 or "event" in kept:
            self._lines.append({"at": line.get("timestamp", "") if _is_time(line.get("timestamp")) else "", **kept})
        return line

    def lines(self) -> list[dict[str, Any]]:
        """Return what was kept, oldest first."""
        return list(self._lines)

    def _passes(self, key: str, value: Any) -> bool:
        if isinstance(value, str):
            return value in self._words and key.isidentifier() and key in _KEYS
        return type(value) is int and key in _COUNTS and 0 <= value <= LARGEST_COUNT


_KEYS: Final = frozenset(
    {"event", "level", "code", "state", "reader", "door", "error", "kind", "trouble", "where", "camera", "device", "paper"}
)


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content."""

    kiosk_id: str
    at: str
    version: str
    boot_id: str
    running: bool
    time_state: str
    newest_confirmed_time: str
    epoch: str
    outbox_depth: int
    oldest_unsent_at: str | None
    takes_declarations: bool
    keyring_serial: int
    tables: dict[str, int]
    vitals: Vitals
    line: dict[str, str | int | bool] = {}
    reader_settings: dict[str, dict[str, object]] = {}
    door_events_waiting: int = 0
    trust_version: int = 0
    log: list[dict[str, Any]] = []


def diagnose(outbox: Outbox, *, vitals: Vitals, version: str, running: bool, **more: Any) -> Diagnostics:
    """Look at a kiosk; what only a running one knows comes in ``more``."""
    times = outbox.times()
    return Diagnostics(
        kiosk_id=outbox.kiosk_id,
        at=times.wall,
        version=version,
        boot_id=times.boot_id,
        running=running,
        time_state=times.time_state,
        newest_confirmed_time=rfc3339(outbox.floor()),
        epoch=outbox.epoch,
        outbox_depth=outbox.depth(),
        oldest_unsent_at=outbox.oldest_unsent_at(),
        takes_declarations=not outbox.full,
        keyring_serial=outbox.anchor.keyring.serial,
        tables=outbox.store.counts(),
        vitals=vitals,
        **more,
    )


def told_of(health: LineHealth) -> dict[str, str | int | bool]:
    """Return the line's state in plain values."""
    return {
        "state": health.state.value,
        "session": health.session,
        "attempts": health.attempts,
        "trouble": health.trouble,
        "gateway_online": health.gateway_online,
    }


def _is_time(value: Any) -> bool:
    """Tell whether this is a time as our own log writes it: 27 signs, digits in their places."""
    return (
        isinstance(value, str)
        and len(value) == len("2026-07-10T07:00:00.000000Z")
        and value[10] == "T"
        and value[-1] == "Z"
        and all(sign.isdigit() or sign in "-:.TZ" for sign in value)
    )
