"""What the public service portal is sent and says back about a file of a procedure: a contract of ours, as no published one is known.

- Sent is a file as it was filed, never as it stands: the same bytes however often, so that a file and its digest say whether it is the same.
- The portal answers with a receipt (number, time, digest of what it got) or a refusal with a code; asked later it says one of ``PortalSays``.
- Anything else than these shapes is no answer. The shapes as JSON Schema: ``docs/portal/``.

>>> read_receipt(
...     b'{"format":"luutru-portal-receipt/1","file_id":"a","receipt_number":"1","received_at":"2026-07-10T08:00:00+07:00","digest":"00"}'
... ).receipt_number
'1'
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from residence.errors import Malformed

PortalSays = Literal["received", "in_hand", "supplement", "done", "refused"]
ENDED: Final[frozenset[PortalSays]] = frozenset({"done", "refused"})
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
Said = Annotated[str, msgspec.Meta(max_length=500)]


class _Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body whose every field is known."""


class PortalReceipt(_Shape, frozen=True, kw_only=True):
    """The portal has it. ``digest``: SHA-256 of the bytes it was sent, hexadecimal."""

    format: Literal["luutru-portal-receipt/1"]
    file_id: Word
    receipt_number: Word
    received_at: Moment
    digest: str


class PortalRefusal(_Shape, frozen=True, kw_only=True):
    """The portal does not take it."""

    format: Literal["luutru-portal-refusal/1"]
    file_id: Word
    code: Word
    pointer: Said = ""
    message: Said = ""


class PortalStatus(_Shape, frozen=True, kw_only=True):
    """How far it is there."""

    format: Literal["luutru-portal-status/1"]
    file_id: Word
    receipt_number: Word
    digest: str
    state: PortalSays
    at: Moment
    reason: Said = ""
    legal_basis: Said = ""


Shape = TypeVar("Shape", PortalReceipt, PortalRefusal, PortalStatus)


def read_receipt(body: bytes) -> PortalReceipt:
    """Read a receipt, or raise ``Malformed("portal.answer")``."""
    return _read(body, PortalReceipt)


def read_refusal(body: bytes) -> PortalRefusal:
    """Read a refusal, or raise ``Malformed("portal.answer")``."""
    return _read(body, PortalRefusal)


def read_status(body: bytes) -> PortalStatus:
    """Read a status, or raise ``Malformed("portal.answer")``."""
    return _read(body, PortalStatus)


def _read(body: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("portal.answer", "", str(error)[:200]) from error
