"""What a machine says to the authority's server for itself, over HTTP(S): asks by a claim, asks for its next certificate, says that it was wiped.

- ``post`` is the only way out; it guarantees that nothing but ``LuutruError`` leaves it. A refusal of the server keeps the server's code.
- What comes is believed by its proof (a claim's answer) or by what it must fit (a certificate: this name, this key, the authority known already).

Example: ``ask_by_claim(claim, asked, post=post)``
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Final

import msgspec

from residence.errors import Malformed, Refused, Untrusted, catalogue
from residence.wire import claims
from residence.wire.claims import Claim, ClaimAnswer, ClaimAsk, Renewal, RenewalAnswer
from residence.wire.signing import SigningKey

PATIENCE: Final = 20.0
Post = Callable[[str, bytes], bytes]


def post(url: str, data: bytes) -> bytes:
    """Send ``data`` and return the answer's body, at most ``claims.MAX_BYTES`` of it."""
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"}, method="POST")  # noqa: S310 - http(s), see claims.read_claim
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            read: bytes = answer.read(claims.MAX_BYTES + 1)
            return read
    except urllib.error.HTTPError as error:
        raise Refused(_code_of(error), "", f"HTTP {error.code}") from error
    except (OSError, ValueError) as error:
        raise Refused("claim.server_unreachable", "", str(error)) from error


def ask_by_claim(claim: Claim, asked: ClaimAsk, *, send: Post = post) -> ClaimAnswer:
    """Ask once and return what is answered, proven under the claim's secret and for the claim's kiosk."""
    data = claims.seal(asked, claim_id=claim.claim_id, secret=claim.secret, direction="ask")
    answer = claims.unseal(send(f"{claim.url}/kiosks/claims", data), ClaimAnswer, secret=claim.secret, direction="answer")
    if answer.kiosk_id != claim.kiosk_id:
        raise Untrusted("claim.unproven", "/kiosk_id", answer.kiosk_id)
    return answer


def ask_next_certificate(url: str, renewal: Renewal, signer: SigningKey, *, send: Post = post) -> str:
    """Return the certificate (PEM) this kiosk is to use; empty while it is being made."""
    data = send(f"{url.rstrip('/')}/kiosks/certificates", claims.sign_renewal(renewal, signer))
    try:
        return msgspec.json.decode(data, type=RenewalAnswer).certificate
    except msgspec.DecodeError as error:
        raise Malformed("claim.unreadable", "", str(error)) from error


def say_wiped(url: str, statement: bytes, *, send: Post = post) -> None:
    """Hand in a kiosk's last word."""
    send(f"{url.rstrip('/')}/kiosks/wiped", statement)


def _code_of(error: urllib.error.HTTPError) -> str:
    try:
        code = json.loads(error.read(claims.MAX_BYTES))["code"]
    except (OSError, ValueError, TypeError, KeyError):
        return "claim.server_unreachable"
    return code if code in catalogue() else "claim.server_unreachable"
