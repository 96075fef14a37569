"""Who may talk to the kiosk's page: only the page itself, on loopback, in this visit.

- The Host must be a loopback name (a foreign page that points its own name at 127.0.0.1 is refused: DNS rebinding).
- A POST must carry the page's own Origin and a token bound to the browser's session and to the visit; a wipe ends both.
- Everything is ``no-store``; scripts, styles and pictures come from the page's own origin only, nothing is inline.
- Leaving a visit sends ``Clear-Site-Data`` and a new session. Cookies are replaced rather than cleared by that header, for
  browsers clear them for the whole host, and other pages of the demo live on other ports of the same host.

Example: ``Guard(secret).token(session, visit=3)``
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

from residence.errors import Refused

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SESSION_BYTES: Final = 24
HEADERS: Final[dict[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
        "connect-src 'self'; img-src 'self'; script-src 'self'; style-src 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HEARD_FROM_ELSEWHERE: Final[dict[str, str]] = {
    "Cross-Origin-Resource-Policy": "cross-origin"
}  # of an answer that says nothing at all
WIPE_HEADERS: Final[dict[str, str]] = {"Clear-Site-Data": '"cache", "storage"'}


class Guard:
    """Sessions and tokens of one process. ``secret`` lives in memory only: after a restart every old token is worthless."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def session(self, noise: bytes) -> str:
        """Return a new session value made of ``SESSION_BYTES`` random bytes."""
        return f"{noise.hex()}.{self._mac('session', noise.hex())}"

    def knows(self, session: str) -> bool:
        """Tell whether this process gave out ``session``."""
        noise, _, mac = session.partition(".")
        return hmac.compare_digest(mac.encode(), self._mac("session", noise).encode())

    def token(self, session: str, *, visit: int) -> str:
        """Return the token that forms of this session and visit carry."""
        return self._mac("token", f"{session}|{visit}")

    def check_post(self, *, host: str, origin: str, session: str, token: str, visit: int) -> None:
        """Let a POST pass, or raise ``Refused("page.foreign")``; a token of an earlier visit is ``Refused("page.stale")``."""
        if urlsplit(origin).netloc != host or not self.knows(session):
            raise Refused("page.foreign")
        if not hmac.compare_digest(token.encode(), self.token(session, visit=visit).encode()):
            raise Refused("page.stale")

    def _mac(self, use: str, text: str) -> str:
        return hmac.new(self._secret, f"{use}|{text}".encode(), hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine itself."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False
