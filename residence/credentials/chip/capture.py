"""What a kiosk took from one chip, before anybody judged it: raw files, how it was opened, and what the chip did to show itself.

- It travels: gateway and server judge the same bytes again with their own trust store (``verdict.judge``). No picture and no DG2 in it.
- ``Access`` names the protocol that was used, every attempt with the chip's status, and what was given up on the way. Secrets are not in it.
- ``missing``: why a file is not here, "absent" or the status with which the chip denied it.

Example: ``Capture(access=Access(protocol="PACE-ECDH-GM-AES-128-CAN"), files={"SOD": raw})``
"""

from __future__ import annotations

from typing import Final

import msgspec

LARGEST: Final = 256 * 1024
NO_ACCESS: Final = "none"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to open the chip: with which protocol and secret, and what came of it ("9000", a status, or a code)."""

    protocol: str
    outcome: str


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How the chip was opened."""

    protocol: str = NO_ACCESS
    attempts: tuple[Attempt, ...] = ()
    downgraded_from: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether anything opened it."""
        return self.protocol != NO_ACCESS


class ChipTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """One Chip Authentication as it can be checked again: which way, our ephemeral key, and the first answer under the new keys."""

    oid: str
    key_id: int | None
    ephemeral: bytes
    answer: bytes


class ActiveTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """One Active Authentication: what was asked, bound to what, and what was signed."""

    bound_to: tuple[bytes, ...]
    signature: bytes


class MappingProof(msgspec.Struct, frozen=True, kw_only=True):
    """What chip authentication mapping left: the chip's proof and its mapping key, in the standard group of this number."""

    parameter: int
    mapping_key: bytes
    proof: bytes


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything taken from one chip."""

    access: Access
    card_access: bytes = b""
    card_security: bytes = b""
    files: dict[str, bytes] = {}
    missing: dict[str, str] = {}
    chip: ChipTranscript | None = None
    chip_refused: str = ""  # why Chip Authentication, once begun, did not succeed
    active: ActiveTranscript | None = None
    active_refused: str = ""
    mapping: MappingProof | None = None
    reader: str = ""
    commands: int = 0
