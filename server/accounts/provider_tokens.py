"""What an OpenID provider signed, read: an ID token of a sign-in, a logout token of a sign-out. Bytes in, value or one error out.

- OpenID Connect Core 3.1.3.7: signature by a key of the provider's set with an algorithm we named, never ``none`` and never a shared
  secret; issuer, audience and authorized party ours; not over; made now; the nonce of this very sign-in; ``at_hash`` where there is one.
- Back-Channel Logout 1.0, 2.6: the event, ``sid`` or ``sub``, an ``iat`` of now, and no nonce, so that an ID token is not a logout token.
- Whatever is wrong is one code, ``server.provider_failed``; its detail says which check it was and goes to the log of the process.

Example: ``read_id_token(text, keys, Expected(issuer=issuer, nonce=nonce), now=now).subject``
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha384, sha512
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from residence.errors import Untrusted
from residence.stays.known import PERSONAL_NUMBER_LENGTH
from server.accounts.issuers import Issuer

LARGEST: Final = 16_384  # characters
LONGEST: Final = 255  # OpenID Connect Core 2: a subject is no longer
LEEWAY: Final = timedelta(seconds=60)
OLDEST: Final = timedelta(minutes=10)  # what is signed now is given to us now
LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
_DIGESTS: Final = {"256": sha256, "384": sha384, "512": sha512}


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What an ID token has to answer to. ``proved_since``: the holder has to have proved themselves after it."""

    issuer: Issuer
    nonce: str
    access_token: str | None = None
    proved_since: datetime | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a provider says somebody is. ``number`` only from a provider that is believed about it."""

    subject: str
    sid: str | None
    acr: str | None
    number: str | None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says is over: one of its sessions, or all of somebody's."""

    sid: str | None
    subject: str | None
    at: datetime


class UnknownKey(Untrusted):
    """No key of the set fits; it may have been renewed since it was fetched."""


def failed(why: str) -> Untrusted:
    """Return the one error."""
    return Untrusted("server.provider_failed", detail=why)


def read_id_token(text: str, keys: KeySet, expected: Expected, *, now: datetime) -> Identity:
    """Return who signed in, or raise ``Untrusted("server.provider_failed")``."""
    issuer = expected.issuer
    token = _verified(text, keys, issuer)
    claims = token.claims
    _check_party(claims, issuer)
    _check_times(claims, now, oldest=OLDEST)
    if not _is(claims.get("nonce"), expected.nonce):
        raise failed("nonce")
    _check_access_token(token.header, claims, expected.access_token)
    if expected.proved_since is not None and _instant(claims, "auth_time") < expected.proved_since - LEEWAY:
        raise failed("auth_time")
    number = claims.get(issuer.number_claim) if issuer.number_claim else None
    return Identity(
        subject=_text(claims, "sub"),
        sid=_text(claims, "sid") if "sid" in claims else None,
        acr=_text(claims, "acr") if "acr" in claims else None,
        number=number
        if isinstance(number, str) and len(number) == PERSONAL_NUMBER_LENGTH and number.isascii() and number.isdigit()
        else None,
    )


def read_logout_token(text: str, keys: KeySet, issuer: Issuer, *, now: datetime) -> Ended:
    """Return what ended, or raise ``Untrusted("server.provider_failed")``."""
    claims = _verified(text, keys, issuer).claims
    _check_party(claims, issuer)
    _check_times(claims, now, oldest=OLDEST)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict) or "nonce" in claims:
        raise failed("not a logout token")
    _text(claims, "jti")
    sid = _text(claims, "sid") if "sid" in claims else None
    subject = _text(claims, "sub") if "sub" in claims else None
    if sid is None and subject is None:
        raise failed("nobody's")
    return Ended(sid=sid, subject=subject, at=_instant(claims, "iat"))


def _verified(text: str, keys: KeySet, issuer: Issuer) -> jwt.Token:
    if not 0 < len(text) <= LARGEST:
        raise failed("size")
    try:
        return jwt.decode(text, keys, algorithms=list(issuer.algorithms))
    except JoseError as error:
        if error.error in {"invalid_key_id", "bad_signature"}:
            raise UnknownKey("server.provider_failed", detail=error.error) from error
        raise failed(error.error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise failed("unreadable") from error


def _check_party(claims: Mapping[str, Any], issuer: Issuer) -> None:
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not _is(claims.get("iss"), issuer.issuer):
        raise failed("iss")
    if not isinstance(audiences, list) or issuer.client_id not in audiences:
        raise failed("aud")
    party = claims.get("azp")
    if (len(audiences) > 1 or party is not None) and party != issuer.client_id:
        raise failed("azp")


def _check_times(claims: Mapping[str, Any], now: datetime, *, oldest: timedelta) -> None:
    if _instant(claims, "exp") <= now - LEEWAY:
        raise failed("exp")
    if not now - oldest <= _instant(claims, "iat") <= now + LEEWAY:
        raise failed("iat")


def _check_access_token(header: Mapping[str, Any], claims: Mapping[str, Any], access_token: str | None) -> None:
    digest = _DIGESTS.get(str(header.get("alg"))[-3:])
    if "at_hash" not in claims or access_token is None or digest is None:
        return  # optional in the code flow, where the token comes from the provider itself over TLS
    half = digest(access_token.encode()).digest()
    if not _is(claims["at_hash"], urlsafe_b64encode(half[: len(half) // 2]).decode().rstrip("=")):
        raise failed("at_hash")


def _instant(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise failed(name)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise failed(name) from error


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise failed(name)
    return value


def _is(value: Any, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())
