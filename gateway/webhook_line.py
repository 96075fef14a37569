"""One webhook message over HTTP: to an address that is looked up now, judged now, and spoken to under exactly the address that was judged.

- A host's name is looked up once; every address it has must be allowed (``residence.wire.webhook_reach``). The connection goes to that
  address, with the host's name in the certificate check and the ``Host`` header, so that a name cannot move between judging and speaking.
- No redirect is followed, no proxy is taken from the environment, no cookie is kept, and of the answer only the status is read.
- What came of it: 2xx took it; 410 wants no more; anything else, and silence, is tried again.

Example: ``Post(reach).send("https://pms.example/hook", body, headers, attempts=1, fraction=0.5)`` gives a ``Sent``
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

import httpx

from registry.webhook_deliveries import Sent
from residence.clock import Clock
from residence.errors import LuutruError, Refused
from residence.wire.webhook_reach import IpAddress, Reach
from residence.wire.webhooks import pause_after

GONE: Final = 410
ASKS_TO_WAIT: Final = frozenset({429, 503})
LONGEST_WAIT: Final = 3600
SERVER_FAULT: Final = 500
PORTS: Final = {"https": 443, "http": 80}
LookUp = Callable[[str, int], list[IpAddress]]


def look_up(host: str, port: int) -> list[IpAddress]:
    """Return every address of a host, or raise ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(each[4][0]).partition("%")[0]) for each in found]


class Post:
    """Sends messages, several at once if asked from several threads. ``stamped_by``: receivers go by another clock than the registry (a sandbox)."""

    def __init__(self, reach: Reach, *, look_up: LookUp = look_up, stamped_by: Clock | None = None) -> None:
        self.stamped_by: Final = stamped_by
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every address
        self._reach = reach
        self._look_up = look_up
        trust = ssl.create_default_context(cafile=reach.ca_file or None)
        # A connection is used once: the next message may be for another owner, and the name may have moved.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(
            timeout=reach.answer_seconds, limits=limits, verify=trust, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        """Let go of what is held."""
        self._client.close()

    def send(self, url: str, body: bytes, headers: Mapping[str, str], *, attempts: int, fraction: float) -> Sent:
        """Send one message and say what came of it. ``attempts``: this one included."""
        pause = pause_after(attempts, fraction=fraction)
        try:
            request = self._request(url, body, headers)
            answer = self._client.send(request, stream=True)
        except LuutruError as error:
            return Sent(fault=error.code, pause=pause)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError):
            return Sent(fault="webhook.unreachable", pause=pause, silent=True)
        answer.close()
        return _judged(answer, pause)

    def _request(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        parts = self._reach.check(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        addresses = self._look_up(host, port)
        if not addresses or not all(self._reach.allows(each) for each in addresses):
            raise Refused("webhook.private_address", "/url")
        if parts.scheme == "http" and not all(self._reach.opens(each) for each in addresses):
            raise Refused("webhook.not_https", "/url")
        there = httpx.URL(url).copy_with(host=str(addresses[0]))
        told = {**headers, "host": parts.netloc, "content-type": "application/json", "user-agent": "luutru-webhooks"}
        return self._client.build_request("POST", there, content=body, headers=told, extensions={"sni_hostname": host})


def _judged(answer: httpx.Response, pause: timedelta | None) -> Sent:
    status = answer.status_code
    if answer.is_success:
        return Sent(fault=None, http_status=status)
    if status == GONE:
        return Sent(fault="webhook.gone", http_status=status, gone=True)
    asked = answer.headers.get("retry-after", "")
    if pause is not None and status in ASKS_TO_WAIT and asked.isascii() and asked.isdigit():
        pause = max(pause, timedelta(seconds=min(int(asked[:9]), LONGEST_WAIT)))
    silent = status in ASKS_TO_WAIT or status >= SERVER_FAULT
    return Sent(fault="webhook.refused", http_status=status, pause=pause, silent=silent)
