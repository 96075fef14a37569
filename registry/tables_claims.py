"""How kiosks come into service: claims that wait for a machine, the certificates made, and what wiped machines said last.

- No secret and no private key: a claim's secret follows from the vault, keys are made by the machine.
- ``waiting_since`` of a certificate is set until the authority's signing has made it.

Example: ``select(kiosk_claims).where(kiosk_claims.c.commune_code == "demo-01")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, found_by, index_where_set, instant, metadata, octets, own_id, reference, text, word

kiosk_claims: Final = Table(
    "kiosk_claims",
    metadata,
    commune(),
    own_id("claim_id", 32),
    reference("kiosk_id"),
    reference("premises_id"),
    word("profile"),
    word("machine"),  # its serial number, as the operator read it
    reference("replaces", nullable=True),  # the kiosk this machine was until now, at another site
    reference("made_by"),
    instant("made_at", index=True),
    instant("expires_at"),
    octets("request", nullable=True),  # PKCS #10
    octets("signing_key", nullable=True),
    instant("asked_at", nullable=True),
    reference("settled_by", nullable=True),
    instant("approved_at", nullable=True),
    instant("refused_at", nullable=True),
    found_by("claim_id"),
)

kiosk_certificates: Final = Table(
    "kiosk_certificates",
    metadata,
    commune(),
    own_id("request_id", 64),  # SHA-256 of kiosk and request
    reference("kiosk_id", index=True),
    octets("request"),
    octets("tls_key"),  # SHA-256 of the public key
    instant("waiting_since", nullable=True),
    text("certificate"),
    text("authority"),  # the certificate of who made it
    word("serial", nullable=True),
    instant("issued_at", nullable=True),
    instant("ends_at", nullable=True),
    index_where_set("kiosk_certificates", "waiting_since"),
    found_by("request_id"),
)

kiosk_wipes: Final = Table(
    "kiosk_wipes",
    metadata,
    commune(),
    own_id("kiosk_id"),
    octets("statement"),
    instant("heard_at"),
)
