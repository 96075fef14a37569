"""What is asked of an OpenID provider over HTTP: what it says of itself, its keys, and the tokens for a code.

- Addresses come from the provider's own document, which has to name the very issuer that was configured; each has to be https, or this
  machine. No redirect is followed, no proxy taken from the environment, no answer read beyond ``LARGEST``.
- The document and the keys are kept an hour. A token whose key is not known fetches the keys again, at most every ``RENEW``: a provider
  may change its keys at any time, and nobody can make us ask it all the time.
- Silence, and an answer that is none, is ``Refused("server.provider_silent")``.

Example: ``ProviderLine(issuer, now=clock.now).about().authorization_endpoint``
"""

from __future__ import annotations

import logging
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus

import httpx
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from residence.errors import Refused
from server.accounts.issuers import Issuer, is_reachable
from server.accounts.provider_tokens import UnknownKey, failed

LARGEST: Final = 262_144  # bytes
PATIENCE: Final = 10.0  # seconds
KEPT: Final = timedelta(hours=1)
RENEW: Final = timedelta(seconds=30)
KINDS: Final = frozenset({"RSA", "EC", "OKP"})
OK: Final = 200
Signed = TypeVar("Signed")
Read = TypeVar("Read")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False
    code_challenge_methods_supported: tuple[str, ...] | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return every address of it."""
        told = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.end_session_endpoint)
        return tuple(each for each in told if each is not None)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a code was worth."""

    id_token: str
    access_token: str | None = None


class ProviderLine:
    """One provider; one per process."""

    def __init__(self, issuer: Issuer, *, now: Callable[[], datetime]) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every address
        self.issuer: Final = issuer
        self._now: Final = now
        self._trust: ssl.SSLContext | None = None
        self._about: tuple[datetime, About] | None = None
        self._keys: tuple[datetime, KeySet] | None = None
        self._lock: Final = Lock()

    def about(self) -> About:
        """Return what the provider says of itself."""
        with self._lock:
            if self._about is None or self._now() - self._about[0] >= KEPT:
                address = f"{self.issuer.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._about = (self._now(), self._checked(self._convert(self._ask("GET", address), About)))
            return self._about[1]

    def _checked(self, about: About) -> About:
        methods = about.code_challenge_methods_supported
        if about.issuer != self.issuer.issuer or (methods is not None and "S256" not in methods):
            raise failed("discovery")
        if not all(map(is_reachable, about.addresses)):
            raise failed("discovery")
        return about

    def read(self, read: Callable[[KeySet], Signed]) -> Signed:
        """Read something signed; where none of the keys known fits, they are fetched again once."""
        fetched, keys = self._known_keys()
        try:
            return read(keys)
        except UnknownKey:
            if self._now() - fetched < RENEW:
                raise
        with self._lock:
            self._keys = None
        return read(self._known_keys()[1])

    def _known_keys(self) -> tuple[datetime, KeySet]:
        address = self.about().jwks_uri
        with self._lock:
            if self._keys is None or self._now() - self._keys[0] >= KEPT:
                self._keys = (self._now(), _key_set(self._ask("GET", address)))
            return self._keys

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Return what a code is worth (RFC 6749 4.1.3, RFC 7636 4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.issuer.client_id,
            "code_verifier": verifier,
        }
        return self._convert(self._ask("POST", self.about().token_endpoint, form), Tokens)

    def _convert(self, body: bytes, kind: type[Read]) -> Read:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused("server.provider_silent", detail="unreadable") from error

    def _ask(self, method: str, address: str, form: Mapping[str, str] | None = None) -> bytes:
        headers = {"accept": "application/json"} | (self._credentials() if form is not None else {})
        try:
            with self._spoken() as client, client.stream(method, address, data=form, headers=headers) as answer:
                body = b""
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > LARGEST:
                        raise Refused("server.provider_silent", detail="too large")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Refused("server.provider_silent", detail=type(error).__name__) from error
        if answer.status_code != OK:
            # A code that is refused is an answer; anything else is a provider that is not well.
            raise failed("code") if form is not None and answer.is_client_error else Refused("server.provider_silent")
        return body

    def _credentials(self) -> dict[str, str]:
        """Return the client's secret as RFC 6749 2.3.1 has it; nothing for a public client."""
        if not self.issuer.secret:
            return {}
        both = f"{quote_plus(self.issuer.client_id)}:{quote_plus(self.issuer.secret)}"
        return {"authorization": f"Basic {b64encode(both.encode()).decode()}"}

    def _spoken(self) -> httpx.Client:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=self.issuer.ca_file or None)
        return httpx.Client(timeout=PATIENCE, verify=self._trust, follow_redirects=False, trust_env=False)


def _key_set(body: bytes) -> KeySet:
    """Return a provider's public keys; kinds we cannot use, and keys that are not for signing, are left out."""
    try:
        told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        keys = [each for each in told["keys"] if each.get("kty") in KINDS and each.get("use", "sig") == "sig"]
        if not keys:
            raise Refused("server.provider_silent", detail="no keys")
        return KeySet.import_key_set({"keys": keys})
    except (msgspec.DecodeError, UnicodeDecodeError, JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("server.provider_silent", detail="keys") from error
