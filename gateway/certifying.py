"""Kiosks' certificates are made here: by a gateway that was given the authority's folder (``ca.pem``, ``ca.key``), never by the web process.

- What is made was approved by an operator, or asked for by a kiosk in service; the name is the registry's, the key the request's, and nothing else of it.
- Only names of kiosks (``kiosk-...``) are certified, and never the gateway's own: whoever has that name may read everything at the broker.
- Several gateways may hold the folder: the first to write a certificate down made it.
- A request that cannot be used is left waiting and logged once an hour; it stops none of the others.

Example: ``Certifying(registry, folder=Path("pki"), gateway="luutru-gateway", random_bytes=random_bytes).perform(now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registry.database import Registry
from registry.kiosk_certificates import Issued, Waiting, keep_certificate, waiting
from residence.errors import LuutruError, Refused
from residence.wire.certificates import LIFETIME, certify
from residence.wire.claims import is_kiosk_name

SERIAL_BYTES: Final = 19  # RFC 5280: positive, at most 20 octets
log = structlog.get_logger("luutru.gateway")


class Certifying:
    """The authority that makes kiosks' certificates."""

    def __init__(
        self,
        registry: Registry,
        *,
        folder: Path,
        gateway: str,
        random_bytes: Callable[[int], bytes],
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._registry = registry
        self._random_bytes = random_bytes
        self._lifetime = lifetime
        self._gateway = gateway
        self._authority, self._key = read_authority(folder)
        self._logged: dict[str, datetime] = {}

    def perform(self, now: datetime) -> int:
        """Make what waits; return how many were made."""
        with self._registry.reading() as connection:
            asked = waiting(connection)
        return sum(self._make(each, now) for each in asked)

    def _make(self, request: Waiting, now: datetime) -> bool:
        serial = int.from_bytes(self._random_bytes(SERIAL_BYTES), "big") | 1
        try:
            if not is_kiosk_name(request.kiosk_id) or request.kiosk_id == self._gateway:
                raise Refused("claim.id_unusable")
            made = certify(
                request.request,
                name=request.kiosk_id,
                authority=self._authority,
                authority_key=self._key,
                serial=serial,
                now=now,
                lifetime=self._lifetime,
            )
        except LuutruError as error:
            self._complain(request, error, now)
            return False
        issued = Issued(
            kiosk_id=request.kiosk_id,
            certificate=_pem(made),
            authority=_pem(self._authority),
            serial=f"{serial:x}",
            issued_at=now,
            ends_at=made.not_valid_after_utc,
        )
        with self._registry.writing() as connection:
            kept = keep_certificate(connection, request, issued)
        if kept:
            log.info("kiosk certificate made", kiosk_id=request.kiosk_id, serial=issued.serial, ends=issued.ends_at.isoformat())
        return kept

    def _complain(self, request: Waiting, error: LuutruError, now: datetime) -> None:
        if now - self._logged.get(request.request_id, now - timedelta(days=1)) > timedelta(hours=1):
            log.error("kiosk certificate cannot be made", kiosk_id=request.kiosk_id, code=error.code, detail=error.detail)
            self._logged[request.request_id] = now


def read_authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the authority's certificate and key, or raise ``Refused("claim.authority_unusable")``."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Refused("claim.authority_unusable", "", str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Refused("claim.authority_unusable", "", "ca.key is not the key of ca.pem, or not EC")
    return certificate, key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
