"""What the screen says of a call for a person: the truth about it, and a telephone where the profile names one.

Example: ``call_of(call, Health(...), profile=profile, texts=texts)["said"]``
"""

from __future__ import annotations

from typing import Any, Final

from edge_agent.kiosk.states import Call, CallStanding
from edge_agent.kiosk.texts import Texts
from edge_agent.kiosk.view import Health
from firmware_config.profiles import KioskProfile

_TONES: Final[dict[CallStanding, str]] = {
    "calling": "plain",
    "heard": "plain",
    "acknowledged": "good",
    "unanswered": "attention",
}


def call_of(call: Call | None, health: Health, *, profile: KioskProfile, texts: Texts) -> dict[str, Any]:
    """Return what the template needs; empty without a call."""
    if call is None:
        return {}
    unreachable = call.standing == "calling" and not health.online
    key = "call.no_line" if unreachable else f"call.{call.standing}"
    phone = profile.kiosk.help_phone
    return {
        "tone": "attention" if unreachable else _TONES[call.standing],
        "said": texts(key),
        "phone": texts("call.phone", phone=phone) if phone else "",
    }
