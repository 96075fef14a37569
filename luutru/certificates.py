"""When certificates and revocation lists end: everything in a folder by its end, and whether a new list may be put in force.

- A list past its ``nextUpdate`` shuts *everybody* out of a broker, one signed by somebody else too; so neither is ever installed.
- ``WARN_BEFORE`` is when doctor and gateway begin to complain; an end that has passed is a plain fault.

Example: ``[each for each in endings(Path("pki"), now=now) if each.soon]``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509

from residence.cases.endings import STEPS, step_before
from residence.errors import Refused

WARN_BEFORE: Final = timedelta(days=max(STEPS))
CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
REVOCATIONS: Final = b"-----BEGIN X509 CRL-----"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """One file and when it ends. ``soon``: within ``WARN_BEFORE``, or already past."""

    path: str
    kind: str
    ends: datetime
    soon: bool
    step: int | None = None  # days: 30, 15, 7, 1, or 0 when it is over; None while there is more time


def endings(folder: Path, *, now: datetime, names: str = "*.pem") -> list[Ending]:
    """Return every certificate and revocation list in a folder, the first to end first; other files are passed over."""
    found = []
    for path in sorted(folder.glob(names)):
        pem = path.read_bytes()
        try:
            kind, ends = _end_of(pem)
        except ValueError:
            continue
        if ends is not None:
            step = step_before(ends, now=now)
            found.append(Ending(path=str(path), kind=kind, ends=ends, soon=step is not None, step=step))
    return sorted(found, key=lambda each: each.ends)


def check_revocations(pem: bytes, *, authority: bytes, now: datetime) -> bytes:
    """Return a revocation list that a broker trusting ``authority`` may use now, or ``Refused("broker.list_unusable")``."""
    try:
        revocations = x509.load_pem_x509_crl(pem)
        genuine = revocations.is_signature_valid(x509.load_pem_x509_certificate(authority).public_key())  # type: ignore[arg-type]  # any kind
    except (ValueError, TypeError):
        raise Refused("broker.list_unusable", detail="this is no revocation list") from None
    if not genuine:
        raise Refused("broker.list_unusable", detail="another authority signed it")
    if revocations.next_update_utc is None or revocations.next_update_utc <= now:
        raise Refused("broker.list_unusable", detail=f"it ended at {revocations.next_update_utc}")
    return pem


def _end_of(pem: bytes) -> tuple[str, datetime | None]:
    if pem.lstrip().startswith(REVOCATIONS):
        return "revocation list", x509.load_pem_x509_crl(pem).next_update_utc
    if CERTIFICATE in pem:
        return "certificate", x509.load_pem_x509_certificate(pem).not_valid_after_utc
    raise ValueError("neither")
