"""Tokens and secrets of a house's programs that end soon: the house is told thirty, fifteen, seven days and one day before, once each.

- A notice for each token and step goes out by the outbox there is; a house is told of its own accounts' tokens alone.
- Short-lived tokens are not told of at a step they were born within.

Example: ``tell_endings(registry, now=now, random_bytes=random_bytes)`` returns how many notices went out
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from registry.credentials import ending_credentials
from registry.database import Registry
from registry.notices import Notice, send_notice
from residence.cases.endings import OVER, step_before
from residence.cases.notices import NoticeKind


def tell_endings(registry: Registry, *, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Tell every house whose token has come to a new step."""
    sent = 0
    with registry.writing() as connection:
        for token in ending_credentials(connection, now=now):
            step = step_before(token.ends, now=now)
            born_within = step_before(token.ends, now=token.created_at) == step
            if step in {None, OVER} or born_within:
                continue
            for premises_id in token.premises:
                notice = Notice(
                    kind=NoticeKind.CREDENTIAL_ENDS,
                    about=sha256(f"{premises_id} {token.token_id} {step}".encode()).hexdigest(),
                    who=premises_id,
                    premises_id=premises_id,
                    commune_code=token.commune_code,
                    addressee="facility",
                    due=token.ends,
                    rule=NoticeKind.CREDENTIAL_ENDS.value,
                )
                sent += send_notice(connection, notice, now=now, random_bytes=random_bytes) is not None
    return sent
