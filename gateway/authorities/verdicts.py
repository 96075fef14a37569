"""What an attempt's end makes of its record. Pure.

- *Accepted* is looked at once more (``due``): the stay may have changed.
- *Refused* after an attempt whose end nobody knew means *probably there*; refused at once means a person has to mend something.
- *Silent*, and *not sent* after a silence, stay in doubt; *not sent* before any silence is simply due again.
- What is sure about a stay never gets less: an extension of a counted stay leaves it counted.

Example: ``settled_as(Outcome(fate="silent"), telling=telling, told=None, doubtful=False, beyond=False)["doubtful"]`` is true
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.authorities.planning import Told
from gateway.authorities.port import Outcome

_DONE = {"telling": None, "operation": None, "doubtful": False}


def settled_as(outcome: Outcome, *, telling: Told, told: Told | None, doubtful: bool, beyond: bool) -> dict[str, Any]:
    """Return the columns of a settled record."""
    match outcome.fate:
        case "accepted":
            sure = "confirmed" if told is not None and told.sure == "confirmed" else "accepted"
            return _DONE | {"state": "due", "told": _plain(telling, sure), "code": None, "problems": None, "words_sealed": None}
        case "refused" | "unfit" if doubtful:
            return _DONE | {"state": "due", "told": _plain(telling, "probably"), "code": outcome.code, "problems": None}
        case "refused":
            return _DONE | {"state": "refused", "code": outcome.code, "problems": None}
        case "unfit":
            problems = [{"code": each.code, "pointer": each.pointer} for each in outcome.problems]
            return _DONE | {"state": "other-channel" if beyond else "refused", "code": outcome.code, "problems": problems}
        case "silent":
            return {"state": "silent", "doubtful": True, "code": outcome.code}
        case "not-sent":
            return {"state": "silent", "code": outcome.code} if doubtful else _DONE | {"state": "due", "code": outcome.code}


def _plain(told: Told, sure: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(told, sure=sure))
    return plain
