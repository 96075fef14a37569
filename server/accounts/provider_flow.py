"""One sign-in by an OpenID provider, there and back: authorization code with PKCE, nonce, state, and whose answer it is.

- ``state`` is the whole of what is kept meanwhile, sealed to this process's authority and to the visitor's cookie: nothing is stored,
  any web process can go on, and an answer planted in another browser opens nothing. It lives ten minutes.
- The PKCE verifier and the nonce are derived from the state with a key of the authority: they never travel with it.
- Mix-up (RFC 9207): the address the answer comes to names the provider, the state names it, and ``iss`` has to where the provider
  promises it.
- Whether the code was used is the provider's to know; that the answer is for this browser and this beginning is ours.

Example: ``begin(server, caller, line, Going(...))`` gives the address to send the browser to
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from residence.errors import Refused, Untrusted
from server.accounts.provider_line import ProviderLine
from server.accounts.provider_tokens import Expected, Identity, failed, read_id_token
from server.languages import lang_tag
from server.visitor import Visitor
from server.wiring import Server

Purpose = Literal["sign-in", "again", "bind"]
LIFETIME: Final = timedelta(minutes=10)
LONGEST_CODE: Final = 2048
_NONCE: Final = 12


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in under way is for. ``account_id``: whose it has to be, for all but signing in."""

    provider: str
    purpose: Purpose
    target: str
    begun: datetime
    account_id: str | None = None


def line_of(server: Server, name: str) -> ProviderLine:
    """Return a configured provider, or raise ``Refused("server.not_found")``."""
    line: ProviderLine | None = server.providers.get(name)
    if line is None:
        raise Refused("server.not_found")
    return line


def return_address(server: Server, name: str) -> str:
    """Return where a provider sends the browser back to: one address for each, and exactly the registered one."""
    return f"{server.settings.origin}/sign-in/with/{name}/back"


def begin(server: Server, caller: Visitor, line: ProviderLine, going: Going) -> str:
    """Return the address to send the browser to."""
    state = _sealed(server, going, cookie=caller.token)
    issuer, fresh = line.issuer, going.purpose != "sign-in"
    least = issuer.fresh_acr if fresh and issuer.fresh_acr else issuer.least_acr
    asked = {
        "response_type": "code",
        "client_id": issuer.client_id,
        "redirect_uri": return_address(server, issuer.name),
        "scope": " ".join(issuer.scopes),
        "state": state,
        "nonce": _derived(server, "nonce", state),
        "code_challenge": _b64(sha256(_derived(server, "verifier", state).encode()).digest()),
        "code_challenge_method": "S256",
        "ui_locales": lang_tag(caller.wish),
    }
    if least:
        asked["acr_values"] = " ".join(reversed(issuer.acr[issuer.acr.index(least) :]))
    if fresh:
        asked |= {"prompt": "login", "max_age": "0"}
    where = line.about().authorization_endpoint
    return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"


def finish(server: Server, caller: Visitor, line: ProviderLine, answer: Mapping[str, str]) -> tuple[Going, Identity]:
    """Return what was under way and who the provider says it is, or raise ``Untrusted("server.provider_failed")``."""
    state, issuer, now = answer.get("state", ""), line.issuer, server.clock.now()
    going = _opened(server, state, cookie=caller.token)
    if going.provider != issuer.name or not timedelta() <= now - going.begun <= LIFETIME:
        raise failed("state")
    about = line.about()
    said = answer.get("iss")
    if said != issuer.issuer and (said is not None or about.authorization_response_iss_parameter_supported):
        raise failed("iss of the answer")
    if "error" in answer:
        raise Refused("server.provider_declined") if answer["error"] == "access_denied" else failed("error")
    code = answer.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise failed("code")
    tokens = line.redeem(code, verifier=_derived(server, "verifier", state), redirect_uri=return_address(server, issuer.name))
    fresh = going.purpose != "sign-in"
    expected = Expected(
        issuer=issuer,
        nonce=_derived(server, "nonce", state),
        access_token=tokens.access_token,
        proved_since=going.begun if fresh else None,
    )
    identity = line.read(lambda keys: read_id_token(tokens.id_token, keys, expected, now=now))
    if not issuer.is_sure(identity.acr, fresh=fresh):
        raise Untrusted("server.provider_unsure")
    return going, identity


def _sealed(server: Server, going: Going, *, cookie: str) -> str:
    nonce = server.random_bytes(_NONCE)
    return _b64(nonce + AESGCM(_key(server)).encrypt(nonce, msgspec.json.encode(going), cookie.encode()))


def _opened(server: Server, state: str, *, cookie: str) -> Going:
    try:
        sealed = urlsafe_b64decode(state + "=" * (-len(state) % 4))
        return msgspec.json.decode(AESGCM(_key(server)).decrypt(sealed[:_NONCE], sealed[_NONCE:], cookie.encode()), type=Going)
    except (ValueError, InvalidTag, msgspec.DecodeError) as error:
        raise failed("state") from error


def _derived(server: Server, use: str, state: str) -> str:
    return _b64(hmac.digest(_key(server), f"{use}\0{state}".encode(), "sha256"))


def _key(server: Server) -> bytes:
    # As for passkey challenges: deterministic, and nobody else can make it.
    return sha256(server.signer.sign(b"luutru provider state key 1")).digest()


def _b64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
