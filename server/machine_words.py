"""The words for kiosks and their parts: clock, readers, doors, disk, and why one needs a hand.

- Doors speak BACnet's words (``residence/doors/words.py``); here they are sentences.

Example: ``word("health_reason", "deaf", language="en") == "It seems to hear no card: its readers should be looked at"``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MACHINE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "connection": {
        "stopped": "Stopped",
        "connecting": "Connecting",
        "connected": "Connected",
        "waiting": "Broker unreachable, trying again",
    },
    "clock": {
        "unset": "Not set",
        "rtc_only": "Battery clock only",
        "synced": "Synchronised",
        "jumped": "Has jumped",
    },
    "reader": {"ok": "Working", "degraded": "Impaired", "lost": "Not answering"},
    "health": {"ok": "Well", "degraded": "Needs a hand", "lost": "No sign of life"},
    "fleet_state": {
        "lost": "No sign of life",
        "degraded": "Needs a hand",
        "deaf": "Hears no card",
        "withheld": "Withholds numbers",
        "muted": "Muted",
        "ok": "Well",
        "retired": "Taken out of service",
    },
    "mute_kind": {"kiosk": "a kiosk", "site": "a whole site"},
    "health_reason": {
        "retired": "Taken out of service",
        "never_seen": "Has never reported",
        "offline": "Says it is offline",
        "silent": "Has been silent for too long",
        "deaf": "It seems to hear no card: its readers should be looked at",
        "quiet": "Nobody declared with a card in hours in which people always do",
        "outbox": "Declarations wait in its outbox",
        "clock": "Its clock is not right",
        "disk": "Its disk is not well",
        "door": "A door needs somebody",
        "reader": "A reader is not well",
        "configuration": "Settings it was sent were not taken, or were taken back",
        "words": "Words for its screens were not taken, were taken back, or some are missing",
        "door_list": "A list for its doors that was published was not taken",
        "trust": "Its list of trusted chip issuers has ended, or the last one was refused",
        "claims": "It claimed more of chips than it showed",
    },
    "configuration_trouble": {
        "configuration.taken_back": "They did not work there, and the kiosk went back",
        "configuration.ended": "Their signatures have ended",
        "configuration.rollback": "The server offers older ones than the kiosk has seen",
        "configuration.signature": "They are not signed by those who may",
        "configuration.tampered": "What came is not what was signed",
        "configuration.malformed": "They cannot be read",
        "configuration.another_kiosk": "They are for another kiosk or site",
        "configuration.unreachable": "Their server has not been reached for days",
    },
    "disk": {
        "ok": "Working",
        "low": "Nearly full",
        "full": "Full: it takes no declarations",
        "read-only": "Cannot be written: it takes no declarations",
        "lost": "Not answering",
    },
    "door_alarm": {
        "normal": "All quiet",
        "duress": "Somebody opened it under duress",
        "tamper": "Somebody tampers with it",
        "forced-open": "Forced open",
        "door-open-too-long": "Open for too long",
        "door-fault": "Faulty",
        "egress-open": "Opened by the fire contact",
        "lock-down": "Locked down",
        "free-access": "Free to pass",
    },
    "claim": {
        "open": "Waits for the machine",
        "compare": "Compare the fingerprint",
        "approved": "Approved",
        "refused": "Refused",
        "over": "Ended",
    },
    "kiosk_kind": {"lobby": "In a lobby", "hotel-desk": "On a hotel's desk", "guard-post": "At a guard post"},
    "tier": {"none": "None yet", "bronze": "Bronze", "silver": "Silver", "gold": "Gold", "platinum": "Platinum"},
    "door_lock": {"locked": "locked", "unlocked": "unlocked", "lock-fault": "lock faulty", "unknown": "lock unknown"},
}
