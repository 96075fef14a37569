"""The words for doors: BACnet's (ANSI/ASHRAE 135, clauses 12.26, 12.31 and 12.33), written as this product writes codes.

- Only words that this product says are here; none is our own invention where BACnet has one.
- ``AccessEvent`` is what came of a credential, ``DoorStatus`` and ``LockStatus`` what is, ``DoorAlarm`` what is wrong, ``DoorMode`` what
  an authority ordered. ``unknown`` is a state like any other: it is never taken for open, nor for closed.
- ``DoorFact`` names what else happens at a door and is written down.

>>> AccessEvent.DENIED_PASSBACK.value, AccessEvent.DENIED_PASSBACK.denied
('denied-passback', True)
"""

from __future__ import annotations

from enum import StrEnum


class AccessEvent(StrEnum):
    """What came of one credential at one reader."""

    GRANTED = "granted"
    PASSBACK_DETECTED = "passback-detected"
    DURESS = "duress"
    LOCKOUT_MAX_ATTEMPTS = "lockout-max-attempts"
    ACCOMPANIMENT_BY = "accompaniment-by"
    AUTHORIZATION_DELAYED = "authorization-delayed"
    VERIFICATION_REQUIRED = "verification-required"
    NO_ENTRY_AFTER_GRANT = "no-entry-after-grant"
    DENIED_DENY_ALL = "denied-deny-all"
    DENIED_UNKNOWN_CREDENTIAL = "denied-unknown-credential"
    DENIED_AUTHENTICATION_UNAVAILABLE = "denied-authentication-unavailable"
    DENIED_AUTHENTICATION_FACTOR_TIMEOUT = "denied-authentication-factor-timeout"
    DENIED_INCORRECT_AUTHENTICATION_FACTOR = "denied-incorrect-authentication-factor"
    DENIED_AUTHENTICATION_FACTOR_ERROR = "denied-authentication-factor-error"
    DENIED_POINT_NO_ACCESS_RIGHTS = "denied-point-no-access-rights"
    DENIED_OUT_OF_TIME_RANGE = "denied-out-of-time-range"
    DENIED_PASSBACK = "denied-passback"
    DENIED_CREDENTIAL_NOT_YET_ACTIVE = "denied-credential-not-yet-active"
    DENIED_CREDENTIAL_EXPIRED = "denied-credential-expired"
    DENIED_CREDENTIAL_DISABLED = "denied-credential-disabled"
    DENIED_NO_ACCOMPANIMENT = "denied-no-accompaniment"
    DENIED_LOCKOUT = "denied-lockout"

    @property
    def denied(self) -> bool:
        """Tell whether the door stays shut for good: neither opened nor waiting for something more."""
        return self.value.startswith("denied-")


class DoorStatus(StrEnum):
    """What the contact says."""

    CLOSED = "closed"
    OPENED = "opened"
    UNKNOWN = "unknown"


class LockStatus(StrEnum):
    """What the lock does, as far as the output says."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    FAULT = "lock-fault"
    UNKNOWN = "unknown"


class DoorAlarm(StrEnum):
    """What is wrong with a door, or out of the ordinary. ``DURESS`` (an access event in BACnet) is told to the authority and never at the door."""

    NORMAL = "normal"
    DURESS = "duress"
    OPEN_TOO_LONG = "door-open-too-long"
    FORCED_OPEN = "forced-open"
    TAMPER = "tamper"
    FAULT = "door-fault"
    LOCK_DOWN = "lock-down"
    FREE_ACCESS = "free-access"
    EGRESS_OPEN = "egress-open"


class DoorMode(StrEnum):
    """What the authority ordered for a door, until it orders something else."""

    NORMAL = "normal"
    LOCK_DOWN = "lock-down"
    FREE_ACCESS = "free-access"


class DoorFact(StrEnum):
    """What else is written down of a door. The detail says more."""

    AGENT_STARTED = "agent-started"
    STATUS = "door-status"
    LOCK = "lock-status"
    ALARM = "alarm"
    REQUEST_TO_EXIT = "request-to-exit"
    MODE = "mode"
    GRANT_TOO_LATE = "grant-too-late"
    READER = "reader"
    LIST = "list"
    COMMISSIONING = "commissioning"
    CLOCK = "clock"
    EVENTS_LOST = "events-lost"
