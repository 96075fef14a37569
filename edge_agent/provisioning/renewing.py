"""The next certificate, before the one in use ends: asked for from half of its life on, also when it has ended, in a thread of its own.

- The key stays; only the certificate's file is replaced, in one step, so that key and certificate fit at every moment. The line reads both anew with
  every connection (``edge_agent/uplink.py``), and a live connection is not cut.
- Where the broker cannot be reached for several attempts it is asked for as well: the clock by which half its life is judged may be wrong.
- What comes must fit this kiosk's name and key and the authority it trusts already, else it is not used.
- A server that is away is asked again in an hour; nothing else suffers.

Example: ``Renewing(identity, url=url, signer=signer, now=clock.now, refused=lambda: False).start()``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.provisioning.asking import Post, ask_next_certificate, post
from edge_agent.replacing import replace_file
from residence.clock import rfc3339
from residence.errors import LuutruError, Refused
from residence.wire.certificates import check_certificate, half_life, make_request, public_half
from residence.wire.claims import Renewal
from residence.wire.signing import SigningKey

LOOK_EVERY: Final = 3600.0  # seconds; spread over the hour by where in it the kiosk started
MADE_WITHIN: Final = 5.0  # seconds; a gateway makes what waits each second
TRIES: Final = 6
_log = structlog.get_logger("luutru.kiosk")


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsIdentity:
    """Where a kiosk's certificate, its key and the authority's certificate are."""

    kiosk_id: str
    authority: Path
    certificate: Path
    key: Path


class Renewing:
    """Looks after one certificate. ``refused``: whether the broker may be refusing this kiosk."""

    def __init__(
        self,
        identity: TlsIdentity,
        *,
        url: str,
        signer: SigningKey,
        now: Callable[[], datetime],
        refused: Callable[[], bool],
        send: Post = post,
    ) -> None:
        self._identity, self._url, self._signer = identity, url, signer
        self._now, self._refused, self._send = now, refused, send
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look now, and each hour."""
        self._thread = threading.Thread(target=self._run, name="renewing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def due(self) -> bool:
        """Tell whether it is time to ask."""
        return self._now() >= half_life(read_certificate(self._identity.certificate)) or self._refused()

    def renew(self) -> bool:
        """Ask once; True when a new certificate was put in place."""
        identity = self._identity
        key = read_tls_key(identity.key)
        request = make_request(key, name=identity.kiosk_id)
        renewal = Renewal(kiosk_id=identity.kiosk_id, request=request, at=rfc3339(self._now()))
        pem = ask_next_certificate(self._url, renewal, self._signer, send=self._send)
        if not pem or pem == identity.certificate.read_text("ascii"):
            return False
        authority = identity.authority.read_text("ascii")
        made = check_certificate(pem, name=identity.kiosk_id, authority=authority, tls_key=public_half(key))
        replace_file(identity.certificate, pem.encode("ascii"))
        _log.info("certificate renewed", ends=rfc3339(made.not_valid_after_utc))
        return True

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = LOOK_EVERY
            try:
                if self.due():
                    self._renew_patiently()
            except LuutruError as error:
                _log.warning("certificate not renewed", code=error.code, detail=error.detail)
            except (OSError, ValueError) as error:
                _log.warning("certificate not renewed", code="key.file_malformed", detail=str(error))

    def _renew_patiently(self) -> None:
        for _ in range(TRIES):
            if self.renew() or self._stopping.wait(MADE_WITHIN):
                return


def read_certificate(path: Path) -> x509.Certificate:
    """Return the certificate in a file, or raise ``Refused("key.file_missing")``."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused("key.file_missing", "", f"{path}: {error}") from error


def read_tls_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a PEM file, or raise ``Refused("key.file_missing")``."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Refused("key.file_missing", "", f"{path}: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused("key.file_missing", "", f"{path} holds no EC key")
    return key
