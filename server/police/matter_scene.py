"""What a matter of two officers is looked at with: who asked, who looks, what for, and the transaction it would happen in.

Example: ``scene.asker`` is whose claims and area count; ``scene.viewer`` is who must not have an interest in it
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from server.policy import Account
from server.wiring import Server


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal and who looks at it."""

    server: Server
    connection: Connection
    asker: Account
    viewer: Account
    subject: str
    content: Mapping[str, Any]
    reason: str
    asked_at: datetime
    typed: str = ""  # what whoever grants it types from the same paper, where a matter asks for it
